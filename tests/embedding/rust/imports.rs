//! What the component borrows: settings, secrets, HTTPS, two clocks, randomness, a place for notices.
//! This host wants tokens only, so it lends no Postgres; `bootstrap` would need it.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use reqwest::redirect::Policy;
use wasmtime::component::{Accessor, HasSelf, Resource};

use lakegate::connect::control_plane::{self, Method, Request, Response, SendError};
use lakegate::connect::postgres::{self, Connection, DatabaseError, Server};
use lakegate::connect::secrets::{self, ReadError};
use lakegate::connect::settings::{self, Origin};
use lakegate::connect::{clock, notices, problems, random};

wasmtime::component::bindgen!({
    path: "../wit",
    world: "connector",
    // An instance whose imports wait is called asynchronously, whichever export it is.
    exports: { default: async | store },
});

/// The largest answer that the component takes.
const BODY_LIMIT: usize = 4 << 20;

pub(crate) struct Host {
    started: Instant,
    client: reqwest::Client,
}

impl Host {
    pub(crate) fn new() -> anyhow::Result<Self> {
        // Trusts what the machine trusts, or what SSL_CERT_FILE names.
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.install_default().ok().context("TLS was set up twice")?;
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(30))
            .redirect(Policy::none())
            .https_only(true)
            .build()?;
        Ok(Self { started: Instant::now(), client })
    }
}

impl settings::Host for Host {
    fn get(&mut self, origin: Origin, name: String) -> Option<String> {
        if origin == Origin::Environment { std::env::var(name).ok() } else { None }
    }
}

impl secrets::Host for Host {
    fn get(&mut self, name: String) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&mut self, _path: String) -> Result<String, ReadError> {
        Err(ReadError::Forbidden("this host reads no files".into()))
    }
}

impl clock::Host for Host {
    fn now(&mut self) -> clock::Clocks {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = |duration: Duration| duration.as_millis() as u64;
        clock::Clocks { wall: millis(wall), monotonic: millis(self.started.elapsed()) }
    }
}

impl<T> clock::HostWithStore<T> for HasSelf<Host> {
    async fn sleep(_: &Accessor<T, Self>, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

impl random::Host for Host {
    fn draw(&mut self) -> u64 {
        RandomState::new().hash_one(())
    }
}

impl notices::Host for Host {
    fn tell(&mut self, level: notices::Level, text: String) {
        eprintln!("{level:?}: {text}");
    }
}

impl problems::Host for Host {}

impl control_plane::Host for Host {}

impl<T> control_plane::HostWithStore<T> for HasSelf<Host> {
    async fn send(
        host: &Accessor<T, Self>,
        request: Request,
        authorization: Option<String>,
        body: Option<String>,
    ) -> Result<Response, SendError> {
        let client = host.with(|mut access| access.get().client.clone());
        exchange(&client, request, authorization, body).await
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: Request,
    authorization: Option<String>,
    body: Option<String>,
) -> Result<Response, SendError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let mut builder = client.request(method, &request.url);
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    builder = authorization.into_iter().fold(builder, |b, value| b.header("authorization", value));
    let mut answer = builder.body(body.unwrap_or_default()).send().await.map_err(failure)?;

    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
    let (status, headers) = (answer.status().as_u16(), headers.collect());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(SendError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, headers, body })
}

fn failure(error: reqwest::Error) -> SendError {
    let (timeout, connect) = (error.is_timeout(), error.is_connect());
    let error = anyhow::Error::from(error.without_url());
    let tls = error.chain().any(is_tls);
    let words = format!("{error:#}");
    match (timeout, tls, connect) {
        (true, ..) => SendError::Timeout,
        (_, true, _) => SendError::Tls(words),
        (.., true) => SendError::Unreachable(words),
        _ => SendError::Other(words),
    }
}

/// An error of I/O holds the one of TLS, or another one that does, without naming it as its source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}

const NO_POSTGRES: &str = "this host lends no Postgres connections";

impl postgres::Host for Host {}

impl postgres::HostConnection for Host {
    fn drop(&mut self, _: Resource<Connection>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl<T> postgres::HostConnectionWithStore<T> for HasSelf<Host> {
    async fn open(
        _: &Accessor<T, Self>,
        _server: Server,
        _user: String,
        _database: String,
        _password: String,
    ) -> Result<Resource<Connection>, DatabaseError> {
        Err(DatabaseError::Other(NO_POSTGRES.into()))
    }

    async fn run(
        _: &Accessor<T, Self>,
        _connection: Resource<Connection>,
        _statement: String,
        _parameters: Vec<Option<String>>,
    ) -> Result<Option<String>, DatabaseError> {
        Err(DatabaseError::Other(NO_POSTGRES.into()))
    }
}
