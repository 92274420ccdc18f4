//! Whole logins over loopback, with servers that say what a test wants.

use std::sync::Mutex;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use super::*;
use crate::logins::{Answer, ServerError};

const ASK: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// Hands out logins with the passwords `first` and `next`, and notes who asks.
struct Scripted {
    place: (String, u16),
    plaintext: bool,
    next: Result<&'static str, Failure>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn login(&self, password: &str) -> Arc<Login> {
        let (host, port) = self.place.clone();
        Arc::new(Login {
            host,
            port,
            plaintext: self.plaintext,
            user: "me".into(),
            database: "app".into(),
            password: Zeroizing::new(password.into()),
            generation: 1,
        })
    }
}

impl Logins for Scripted {
    fn current(&self) -> Answer<'_> {
        Box::pin(async { Ok(self.login("first")) })
    }

    fn refused<'a>(&'a self, login: &'a Login, refusal: &'a ServerError) -> Answer<'a> {
        self.asked.lock().unwrap().push(format!("{} {}", &*login.password, refusal.code));
        Box::pin(async {
            match &self.next {
                Ok(next) if *login.password == "first" => Ok(self.login(next)),
                Ok(_) => Err(failure("28000", "a wrong identity")),
                Err(failure) => Err(failure.clone()),
            }
        })
    }
}

fn failure(code: &str, message: &str) -> Failure {
    Failure { code: code.into(), message: message.into(), hint: None, passes: false }
}

fn report(code: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0C{code}\0Mthe server says no\0\0");
    let length = u32::try_from(4 + fields.len()).unwrap().to_be_bytes();
    [ASK, b"E", &length, fields.as_bytes()].concat()
}

/// Serves one connection for each script, and returns what it heard in them.
async fn server(scripts: Vec<Vec<u8>>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        for script in scripts {
            let (stream, _) = listener.accept().await.unwrap();
            heard.push(converse(stream, &script).await);
        }
        heard
    });
    (port, heard)
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: &[u8]) -> String {
    let mut heard = vec![0; 8];
    stream.read_exact(&mut heard).await.unwrap();
    stream.write_all(script).await.unwrap();
    // Who is sent away may leave rudely.
    let _end = stream.read_to_end(&mut heard).await;
    String::from_utf8_lossy(&heard).into_owned()
}

fn dialer(logins: &Arc<Scripted>, roots: RootCertStore) -> Dialer {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Dialer {
        tls: Arc::new(builder.with_root_certificates(roots).with_no_client_auth()),
        logins: Arc::clone(logins) as Arc<dyn Logins>,
        metrics: Metrics::default(),
        opened: AtomicU64::new(0),
    }
}

fn logins(
    host: &str,
    port: u16,
    plaintext: bool,
    next: Result<&'static str, Failure>,
) -> Arc<Scripted> {
    let place = (host.to_owned(), port);
    Arc::new(Scripted { place, plaintext, next, asked: Mutex::default() })
}

/// The password that ends what a server heard.
fn password(heard: &str) -> &str {
    heard.rsplit_once("p\0\0\0").map_or("none", |(_, rest)| rest[1..].trim_end_matches('\0'))
}

/// Logs in to a server with these scripts: what it ends with, the passwords that were sent, and
/// what the logins were asked.
#[track_caller]
fn check(
    (outcome, heard, asked): (Result<(), Failure>, Vec<String>, Vec<String>),
    expected: Result<(), (&str, &str)>,
    sent: &[&str],
    expected_asked: &[&str],
) {
    let outcome = outcome.as_ref().map_err(|failure| (&*failure.code, &*failure.message));
    assert_eq!(outcome, expected.as_ref().map_err(|failure| *failure));
    assert_eq!(heard.iter().map(|heard| password(heard)).collect::<Vec<_>>(), sent);
    assert_eq!(asked, expected_asked);
}

async fn open(
    scripts: Vec<Vec<u8>>,
    next: Result<&'static str, Failure>,
) -> (Result<(), Failure>, Vec<String>, Vec<String>) {
    let (port, heard) = server(scripts).await;
    let logins = logins("127.0.0.1", port, true, next);
    let dialer = dialer(&logins, RootCertStore::empty());
    let outcome = dialer.dial(&Arc::new(Origin::new(None, Vec::new()))).await.map(|_| ());
    let asked = logins.asked.lock().unwrap().clone();
    assert_eq!(dialer.metrics.logins_refused.get(), asked.len() as u64);
    (outcome, heard.await.unwrap(), asked)
}

#[tokio::test]
async fn a_refused_login_is_replaced_once() {
    let welcome = || [ASK, WELCOME].concat();
    check(open(vec![welcome()], Ok("next")).await, Ok(()), &["first"], &[]);
    check(
        open(vec![report("28P01"), welcome()], Ok("next")).await,
        Ok(()),
        &["first", "next"],
        &["first 28P01"],
    );
    check(
        open(vec![report("XX000"), report("28000")], Ok("next")).await,
        Err(("28000", "a wrong identity")),
        &["first", "next"],
        &["first XX000", "next 28000"],
    );
    check(
        open(vec![report("28P01")], Err(failure("28000", "there is none"))).await,
        Err(("28000", "there is none")),
        &["first"],
        &["first 28P01"],
    );
}

#[tokio::test]
async fn what_no_token_helps_against_is_told_as_it_is() {
    for code in ["3D000", "53300", "57P03", "22023"] {
        check(
            open(vec![report(code)], Ok("next")).await,
            Err((code, "the server says no")),
            &["first"],
            &[],
        );
    }
}

#[tokio::test]
async fn no_password_goes_in_plaintext_beyond_this_machine() {
    let logins = logins("192.0.2.1", 5432, true, Ok("next"));
    let dialer = dialer(&logins, RootCertStore::empty());
    let failure = dialer.dial(&Arc::new(Origin::new(None, Vec::new()))).await.err().unwrap();
    assert_eq!((&*failure.code, failure.passes), ("08001", false));
    let expected = "192.0.2.1:5432 is not on this machine, and the login would be plaintext";
    assert_eq!(failure.message, expected);
}

#[tokio::test]
async fn a_server_without_tls_gets_no_password() {
    let (port, heard) = server(vec![b"N".to_vec()]).await;
    let logins = logins("127.0.0.1", port, false, Ok("next"));
    let dialer = dialer(&logins, RootCertStore::empty());
    let failure = dialer.dial(&Arc::new(Origin::new(None, Vec::new()))).await.err().unwrap();
    assert_eq!((&*failure.code, failure.passes), ("08006", false));
    assert_eq!(heard.await.unwrap(), ["\0\0\0\x08\x04\u{fffd}\x16/"]);
}

/// A server with TLS: what it hears, or that there was no handshake.
async fn secure(key: CertifiedKey<rcgen::KeyPair>) -> (u16, JoinHandle<Option<String>>) {
    let secret = PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = builder.with_single_cert(vec![key.cert.der().clone()], secret).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 8]).await.unwrap();
        stream.write_all(b"S").await.unwrap();
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()?;
        Some(converse(stream, &[ASK, WELCOME].concat()).await)
    });
    (port, heard)
}

fn certified(name: &str) -> (CertifiedKey<rcgen::KeyPair>, RootCertStore) {
    let key = generate_simple_self_signed([name.to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(key.cert.der().clone()).unwrap();
    (key, roots)
}

#[tokio::test]
async fn a_verified_server_gets_the_password() {
    let (key, roots) = certified("localhost");
    let (port, heard) = secure(key).await;
    let logins = logins("localhost", port, false, Ok("next"));
    drop(dialer(&logins, roots).dial(&Arc::new(Origin::new(None, Vec::new()))).await.unwrap());
    assert_eq!(password(&heard.await.unwrap().unwrap()), "first");
}

#[tokio::test]
async fn its_certificate_is_what_a_login_is_bound_to() {
    let (key, roots) = certified("localhost");
    let expected = Channel::Tls { end_point: server_end_point(key.cert.der()) };
    let (port, _heard) = secure(key).await;
    let logins = logins("localhost", port, false, Ok("next"));
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let protected = dialer(&logins, roots).protect(stream, &logins.login("first")).await;
    assert_eq!(protected.ok().unwrap().1, expected);
}

#[tokio::test]
async fn a_server_that_is_not_trusted_gets_none() {
    let (_, trusted) = certified("localhost");
    let (key, named) = certified("elsewhere");
    for (key, roots) in [(certified("localhost").0, trusted), (key, named)] {
        let (port, heard) = secure(key).await;
        let logins = logins("localhost", port, false, Ok("next"));
        let dialer = dialer(&logins, roots);
        let failure = dialer.dial(&Arc::new(Origin::new(None, Vec::new()))).await.err().unwrap();
        assert_eq!((&*failure.code, failure.passes), ("08006", false));
        assert!(failure.message.starts_with("no TLS with localhost: "), "{failure}");
        assert_eq!(heard.await.unwrap(), None);
    }
}

#[tokio::test]
async fn nobody_there_may_pass() {
    let (_taken, address) = tcp::unheard();
    let logins = logins("127.0.0.1", address.port(), true, Ok("next"));
    let dialer = dialer(&logins, RootCertStore::empty());
    let failure = dialer.dial(&Arc::new(Origin::new(None, Vec::new()))).await.err().unwrap();
    assert_eq!((&*failure.code, failure.passes), ("08001", true));
}
