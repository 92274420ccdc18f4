//! What the core asks of the world, by Spin's interfaces and WASI's.

use std::cell::Cell;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use lakegate_core::edge::{
    Claim, DatabaseError, Edge, Level, Login, Notice, Origin, ReadError, Request, Response,
    SendError, Server,
};
use lakegate_core::secret::Secret;
use lakegate_core::time::Clocks;
use spin_sdk::wasip3::random::random::get_random_u64;

use crate::postgres::{self, Session};
use crate::sealed::{self, CREDENTIAL};
use crate::settings::{self, POSTGRES_CA, Settings};
use crate::{claim, log, time, turns, workspace};

thread_local! {
    /// A task was spawned, and may not have begun: this version of the bindings looks at new tasks
    /// when something happens to the request, and a request that now sleeps is waiting for that
    /// very task. So before a sleep there is one more turn.
    static SPAWNED: Cell<bool> = const { Cell::new(false) };
}

/// A Spin application as a place to run in.
pub(crate) struct Spin {
    settings: Rc<Settings>,
}

impl Spin {
    /// A place with these settings.
    pub(crate) const fn new(settings: Rc<Settings>) -> Self {
        Self { settings }
    }
}

impl Edge for Spin {
    type Connection = Session;

    fn clocks(&self) -> Clocks {
        Clocks { wall: time::wall(), monotonic: time::monotonic() }
    }

    fn random(&self) -> u64 {
        get_random_u64()
    }

    async fn sleep(&self, duration: Duration) {
        if SPAWNED.take() {
            wit_bindgen::yield_async().await;
        }
        spin_sdk::time::sleep(duration).await;
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()>>>) {
        // It goes on beside the request that started it, and after that was answered.
        wit_bindgen::spawn(turns::shared(task));
        SPAWNED.set(true);
    }

    fn setting(&self, origin: Origin, name: &str) -> Option<String> {
        match origin {
            Origin::Environment => self.settings.get(name).map(str::to_owned),
            Origin::Flag | Origin::File => None,
        }
    }

    fn has_secret(&self, name: &str) -> bool {
        self.settings.has_secret(name)
    }

    async fn secret(&self, name: &str) -> Option<Secret> {
        settings::secret(name).await
    }

    fn read(&self, path: &str) -> Result<Secret, ReadError> {
        std::fs::read_to_string(path).map(Secret::new).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ReadError::Missing,
            ErrorKind::PermissionDenied => ReadError::Forbidden { detail: error.to_string() },
            _ => ReadError::Other { detail: error.to_string() },
        })
    }

    async fn recall(&self, owner: &str) -> Option<Secret> {
        sealed::get(CREDENTIAL, owner).await
    }

    async fn remember(&self, owner: &str, entry: &Secret) {
        sealed::set(CREDENTIAL, owner, entry).await;
    }

    async fn claim(&self, owner: &str) -> Claim {
        claim::stake(owner).await
    }

    async fn disclaim(&self, owner: &str, refused: bool) {
        claim::withdraw(owner, refused).await;
    }

    fn notice(&self, notice: &Notice) {
        match notice.level {
            Level::Info => log::line(&notice.text),
            Level::Warning => log::line(&format!("warning: {}", notice.text)),
        }
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        workspace::send(request).await
    }

    async fn connect(
        &self,
        server: &Server,
        login: &Login,
    ) -> Result<Self::Connection, DatabaseError> {
        postgres::connect(server, login, self.settings.get(POSTGRES_CA)).await
    }
}
