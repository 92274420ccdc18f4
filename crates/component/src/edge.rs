//! What the core asks of the world, as imports.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;

use lakegate_core::edge::{
    Connection, DatabaseError, Edge, Level, Login, Method, Notice, Origin, ReadError, Request,
    Response, SendError, Server,
};
use lakegate_core::secret::Secret;
use lakegate_core::time::{Clocks, millis};

use crate::bindings::lakegate::connect::{
    clock, control_plane, notices, postgres, random, secrets, settings,
};

/// The imports of the world.
pub(crate) struct Imports;

impl Edge for Imports {
    type Connection = postgres::Connection;

    fn clocks(&self) -> Clocks {
        let clock::Clocks { wall, monotonic } = clock::now();
        Clocks { wall, monotonic }
    }

    fn random(&self) -> u64 {
        random::draw()
    }

    async fn sleep(&self, duration: Duration) {
        clock::sleep(millis(duration)).await;
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()>>>) {
        // Dropping the handle lets the task run on beside the call that started it.
        drop(wit_bindgen::spawn_local(task));
    }

    fn setting(&self, origin: Origin, name: &str) -> Option<String> {
        let origin = match origin {
            Origin::Flag => settings::Origin::Flag,
            Origin::Environment => settings::Origin::Environment,
            Origin::File => settings::Origin::File,
        };
        settings::get(origin, name)
    }

    fn has_secret(&self, name: &str) -> bool {
        secrets::get(name).is_some_and(|secret| !Secret::new(secret).expose().trim().is_empty())
    }

    async fn secret(&self, name: &str) -> Option<Secret> {
        secrets::get(name).map(Secret::new)
    }

    fn read(&self, path: &str) -> Result<Secret, ReadError> {
        secrets::read(path).map(Secret::new).map_err(|error| match error {
            secrets::ReadError::Missing => ReadError::Missing,
            secrets::ReadError::Forbidden(detail) => ReadError::Forbidden { detail },
            secrets::ReadError::Other(detail) => ReadError::Other { detail },
        })
    }

    fn notice(&self, notice: &Notice) {
        let level = match notice.level {
            Level::Info => notices::Level::Info,
            Level::Warning => notices::Level::Warning,
        };
        notices::tell(level, &notice.text);
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let Request { method, url, headers, authorization, body } = request;
        let method = match method {
            Method::Get => control_plane::Method::Get,
            Method::Post => control_plane::Method::Post,
        };
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = control_plane::Request { method, url, headers };
        let exposed = |secret: Option<Secret>| secret.map(|s| s.expose().to_owned());
        control_plane::send(request, exposed(authorization), exposed(body))
            .await
            .map(|control_plane::Response { status, headers, body }| Response {
                status,
                headers,
                body,
            })
            .map_err(send_error)
    }

    async fn connect(
        &self,
        server: &Server,
        login: &Login,
    ) -> Result<Self::Connection, DatabaseError> {
        let Server { host, port, plaintext } = server.clone();
        let server = postgres::Server { host, port, plaintext };
        let (user, database) = (login.user.clone(), login.database.clone());
        let password = login.password.expose().to_owned();
        postgres::Connection::open(server, user, database, password).await.map_err(database_error)
    }
}

impl Connection for postgres::Connection {
    async fn run(
        &self,
        statement: &str,
        parameters: &[Option<&str>],
    ) -> Result<Option<String>, DatabaseError> {
        let parameters = parameters.iter().map(|p| p.map(str::to_owned)).collect();
        Self::run(self, statement.to_owned(), parameters).await.map_err(database_error)
    }
}

fn send_error(error: control_plane::SendError) -> SendError {
    use control_plane::SendError as Wit;
    match error {
        Wit::Unreachable(detail) => SendError::Unreachable { detail },
        Wit::Tls(detail) => SendError::Tls { detail },
        Wit::Timeout => SendError::Timeout,
        Wit::TooLarge => SendError::TooLarge,
        Wit::Forbidden(detail) => SendError::Forbidden { detail },
        Wit::Other(detail) => SendError::Other { detail },
    }
}

fn database_error(error: postgres::DatabaseError) -> DatabaseError {
    use postgres::DatabaseError as Wit;
    match error {
        Wit::Unreachable(detail) => DatabaseError::Unreachable { detail },
        Wit::Tls(detail) => DatabaseError::Tls { detail },
        Wit::Lost(detail) => DatabaseError::Lost { detail },
        Wit::Server(report) => DatabaseError::Server(Box::new(report.into())),
        Wit::Other(detail) => DatabaseError::Other { detail },
    }
}
