//! What the core asks of the world, by the native edges.

mod convert;

use std::pin::Pin;
use std::time::Duration;

use lakegate_core::edge::{
    self as core, Connection, DatabaseError, Edge, Level, Login, Notice, Origin, ReadError,
    SendError,
};
use lakegate_core::secret::Secret;
use lakegate_core::time::{Clocks, millis};
use lakegate_edges::clock::{Clock, Reading};
use lakegate_edges::control_plane::ControlPlane;
use lakegate_edges::postgres::{self, Postgres};
use lakegate_edges::random;
use lakegate_edges::settings::Settings;
use zeroize::Zeroizing;

pub(crate) use convert::{database_error, server};

/// This process as a place to run in.
pub(crate) struct Native {
    pub(crate) clock: Clock,
    pub(crate) control_plane: ControlPlane,
    pub(crate) postgres: Postgres,
    pub(crate) settings: Settings,
}

/// What the clocks show, as the core reads it.
pub(crate) fn clocks(reading: Reading) -> Clocks {
    Clocks { wall: reading.wall, monotonic: reading.monotonic }
}

/// Tells the person who watches, by the log.
pub(crate) fn tell(notice: &Notice) {
    match notice.level {
        Level::Info => tracing::info!("{}", notice.text),
        Level::Warning => tracing::warn!("{}", notice.text),
    }
}

impl Native {
    /// A secret setting, wherever the settings come from. No other layer holds secrets.
    fn secret_text(&self, name: &str) -> Option<Secret> {
        let origin = lakegate_edges::settings::Origin::Environment;
        self.settings.get(origin, name).map(Secret::new)
    }
}

impl Edge for Native {
    type Connection = Session;

    fn clocks(&self) -> Clocks {
        clocks(self.clock.now())
    }

    fn random(&self) -> u64 {
        random::draw()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(millis(duration)).await;
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()>>>) {
        // It goes on though its caller has gone, as long as the thread that both run on.
        tokio::task::spawn_local(task);
    }

    fn setting(&self, origin: Origin, name: &str) -> Option<String> {
        self.settings.get(convert::origin(origin), name)
    }

    fn has_secret(&self, name: &str) -> bool {
        self.secret_text(name).is_some_and(|secret| !secret.expose().trim().is_empty())
    }

    async fn secret(&self, name: &str) -> Option<Secret> {
        self.secret_text(name)
    }

    fn read(&self, path: &str) -> Result<Secret, ReadError> {
        self.settings.read(path).map(Secret::new).map_err(convert::read_error)
    }

    fn notice(&self, notice: &Notice) {
        tell(notice);
    }

    async fn send(&self, request: core::Request) -> Result<core::Response, SendError> {
        let (request, authorization, body) = convert::request(request);
        let answer = self.control_plane.send(request, authorization, body).await;
        answer.map(convert::response).map_err(convert::send_error)
    }

    async fn connect(
        &self,
        server: &core::Server,
        login: &Login,
    ) -> Result<Session, DatabaseError> {
        let server = convert::server(server);
        let password = Zeroizing::new(login.password.expose().to_owned());
        self.postgres
            .connect(&server, &login.user, &login.database, &password)
            .await
            .map(Session)
            .map_err(database_error)
    }
}

/// A connection of Lakegate's own, to prepare the database.
pub(crate) struct Session(tokio_postgres::Client);

impl Connection for Session {
    async fn run(
        &self,
        statement: &str,
        parameters: &[Option<&str>],
    ) -> Result<Option<String>, DatabaseError> {
        postgres::run(&self.0, statement, parameters).await.map_err(database_error)
    }
}
