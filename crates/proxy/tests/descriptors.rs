//! When the process has no file descriptors left, applications wait, and nothing breaks.
//!
//! It stands alone, because the limit is the whole process's.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in its harness")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use lakegate_proxy::{
    Answer, Failure, Login, Logins, Metrics, Mode, Options, Proxy, ServerError, Tuning,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

struct NoDatabase;

impl Logins for NoDatabase {
    fn current(&self) -> Answer<'_> {
        let (code, message) = ("58000".to_owned(), "no database".to_owned());
        Box::pin(async { Err(Failure { code, message, hint: None, passes: false }) })
    }

    fn refused<'a>(&'a self, login: &'a Login, _: &'a ServerError) -> Answer<'a> {
        panic!("nobody logged in as {login:?}")
    }
}

fn options() -> Options {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let minute = Duration::from_secs(60);
    Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        unix_socket: None,
        mode: Mode::Session,
        threads: 1,
        tls: Arc::new(tls),
        tuning: Tuning {
            pool_size: 1,
            max_clients: 10,
            idle_timeout: minute,
            max_lifetime: minute,
            wait: minute,
            keep_warm: 0,
            password: None,
            app_tls: None,
        },
    }
}

#[test]
fn applications_wait_until_there_is_a_descriptor() {
    let proxy = Proxy::start(options(), Arc::new(NoDatabase), Metrics::default()).unwrap();
    let few = Rlimit { current: Some(64), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, few).unwrap();
    let mut taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    taken.pop().unwrap();
    // The system accepts it; the proxy has no descriptor for it.
    let mut application = TcpStream::connect(proxy.addresses()[0]).unwrap();
    application.write_all(b"\0\0\0\x12\0\x03\0\0user\0app\0\0").unwrap();
    application.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut tag = [0];
    application.read_exact(&mut tag).expect_err("so far nobody can have answered");
    drop(taken);
    application.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    application.read_exact(&mut tag).unwrap();
    assert_eq!(tag, *b"E", "it is in, and told that there is no database");
}
