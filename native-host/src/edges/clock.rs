//! The clocks of the component.

use lakegate_edges::clock::Reading;
use wasmtime::component::{Accessor, HasSelf};

use super::Host;
use crate::bindings::lakegate::connect::clock::{self, Clocks};

impl clock::Host for Host {
    fn now(&mut self) -> Clocks {
        let Reading { wall, monotonic } = self.edges.clock.now();
        Clocks { wall, monotonic }
    }
}

impl<T> clock::HostWithStore<T> for HasSelf<Host> {
    async fn sleep(accessor: &Accessor<T, Self>, milliseconds: u64) {
        let clock = accessor.with(|mut access| access.get().edges.clock.clone());
        clock.sleep(milliseconds).await;
    }
}
