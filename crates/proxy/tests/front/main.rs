//! The front door: what comes before an application is let in, sent byte by byte.
//!
//! There is no database behind it. Who is let in is told so, with [`IN`].
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in its harness")]

mod drains;
mod encryption;
mod first_packets;
mod knock;
mod limits;
mod passwords;
mod unix_socket;

use std::sync::Arc;
use std::time::Duration;

use lakegate_proxy::{
    Answer, Failure, Login, Logins, Metrics, Mode, Options, Proxy, ServerError, Tuning,
};
use zeroize::Zeroizing;

/// The SQLSTATE that says: you are in, and there is no database.
const IN: &str = "58000";

/// Stands where the database's credentials come from.
enum House {
    /// There is no database.
    Empty,
    /// There may be one some day.
    Late,
}

impl Logins for House {
    fn current(&self) -> Answer<'_> {
        Box::pin(async {
            match self {
                Self::Empty => Err(no_database()),
                Self::Late => std::future::pending().await,
            }
        })
    }

    fn refused<'a>(&'a self, login: &'a Login, _: &'a ServerError) -> Answer<'a> {
        panic!("nobody logged in as {login:?}")
    }
}

fn no_database() -> Failure {
    Failure { code: IN.into(), message: "no database".into(), hint: None, passes: false }
}

/// A proxy on loopback, without TLS and without a password.
fn options() -> Options {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        unix_socket: None,
        mode: Mode::Session,
        threads: 1,
        tls: Arc::new(tls),
        tuning: Tuning {
            pool_size: 1,
            max_clients: 10,
            idle_timeout: Duration::from_secs(60),
            max_lifetime: Duration::from_secs(60),
            wait: Duration::from_secs(60),
            keep_warm: 0,
            password: None,
            app_tls: None,
        },
    }
}

fn start(change: impl FnOnce(&mut Options)) -> Proxy {
    start_in(House::Empty, Metrics::default(), change)
}

fn start_in(house: House, metrics: Metrics, change: impl FnOnce(&mut Options)) -> Proxy {
    let mut options = options();
    change(&mut options);
    Proxy::start(options, Arc::new(house), metrics).unwrap()
}

fn password(password: &str) -> Option<Zeroizing<String>> {
    Some(Zeroizing::new(password.to_owned()))
}
