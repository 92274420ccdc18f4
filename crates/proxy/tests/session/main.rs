//! Conversations in an order that a real Postgres seldom shows: a server that dies in the middle,
//! never answers, or sends more than anybody reads. Both ends are played byte by byte.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in its harness")]

mod backend;
mod flow;
mod losses;
mod partings;
mod peer;
mod resets;
mod rooms;

use std::sync::Arc;
use std::time::Duration;

use lakegate_proxy::{Answer, Login, Logins, Metrics, Mode, Options, Proxy, ServerError, Tuning};
use zeroize::Zeroizing;

use self::backend::Backend;
use self::peer::Peer;

/// Knows one login: that of the test's own server.
struct OneLogin(Arc<Login>);

impl Logins for OneLogin {
    fn current(&self) -> Answer<'_> {
        Box::pin(async { Ok(Arc::clone(&self.0)) })
    }

    fn refused<'a>(&'a self, _: &'a Login, refusal: &'a ServerError) -> Answer<'a> {
        panic!("nobody refuses here: {refusal:?}")
    }
}

/// A proxy in front of a server that the test plays.
struct Stage {
    mode: Mode,
    proxy: Proxy,
    backend: Backend,
    metrics: Metrics,
}

impl Stage {
    /// A stage with so many server connections.
    fn new(mode: Mode, pool_size: usize) -> Self {
        let backend = Backend::start();
        let metrics = Metrics::default();
        let login = Login {
            host: "127.0.0.1".into(),
            port: backend.port(),
            plaintext: true,
            user: "role".into(),
            database: "app".into(),
            password: Zeroizing::default(),
            generation: 1,
        };
        let logins = Arc::new(OneLogin(Arc::new(login)));
        let proxy = Proxy::start(options(mode, pool_size), logins, metrics.clone()).unwrap();
        Self { mode, proxy, backend, metrics }
    }

    /// An application that was let in, with the server connection that this took.
    fn client_and_server(&self) -> (Peer, Peer) {
        let mut client = self.client();
        let mut server = self.backend.accept();
        if self.mode == Mode::Transaction {
            server.hears(&["Q RESET ALL"]);
            server.says("C RESET, Z I");
        }
        client.hears_until_ready();
        (client, server)
    }

    /// An application that was told nothing yet.
    fn client(&self) -> Peer {
        Peer::connect(self.proxy.addresses()[0])
    }
}

fn options(mode: Mode, pool_size: usize) -> Options {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        unix_socket: None,
        mode,
        threads: 1,
        tls: Arc::new(tls),
        tuning: Tuning {
            pool_size,
            max_clients: 10,
            idle_timeout: Duration::from_secs(60),
            max_lifetime: Duration::from_secs(600),
            wait: Duration::from_secs(60),
            keep_warm: 0,
            password: None,
            app_tls: None,
        },
    }
}
