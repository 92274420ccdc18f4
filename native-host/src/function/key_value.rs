//! The function's key-value store: one, of the label `default`, that all instances share.

use std::io;
use std::sync::Arc;

use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::bindings::spin::key_value::key_value::{self, Error};
use super::guest::Guest;
use super::store::Store;

const LABEL: &str = "default";

/// The store, as an instance holds it.
#[expect(unreachable_pub, reason = "the generated bindings name it")]
pub struct Opened;

impl key_value::Host for Guest {}

impl key_value::HostStore for Guest {
    fn drop(&mut self, store: Resource<Opened>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl<T> key_value::HostStoreWithStore<T> for HasSelf<Guest> {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Result<Resource<Opened>, Error> {
        if label != LABEL {
            return Err(Error::NoSuchStore);
        }
        accessor
            .with(|mut access| access.get().table.push(Opened))
            .map_err(|_| Error::StoreTableFull)
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        _: Resource<Opened>,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        run(accessor, move |store| store.get(&key)).await
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        _: Resource<Opened>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Error> {
        run(accessor, move |store| store.set(key, value)).await
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        _: Resource<Opened>,
        key: String,
    ) -> Result<(), Error> {
        run(accessor, move |store| store.delete(&key)).await
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        _: Resource<Opened>,
        key: String,
    ) -> Result<bool, Error> {
        run(accessor, move |store| Ok(store.get(&key)?.is_some())).await
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        _: Resource<Opened>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let (keys, outcome) = match run(accessor, |store| store.keys()).await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let outcome = async move { Ok::<_, wasmtime::Error>(outcome) };
            Ok((keys, FutureReader::new(&mut access, outcome)?))
        })
    }
}

/// Asks the store where waiting for a disk stops nobody else.
async fn run<T, R: Send + 'static>(
    accessor: &Accessor<T, HasSelf<Guest>>,
    ask: impl FnOnce(&Store) -> io::Result<R> + Send + 'static,
) -> Result<R, Error> {
    let world = accessor.with(|mut access| Arc::clone(&access.get().world));
    let asked = tokio::task::spawn_blocking(move || ask(&world.store)).await;
    asked.map_err(io::Error::other).flatten().map_err(|error| Error::Other(error.to_string()))
}
