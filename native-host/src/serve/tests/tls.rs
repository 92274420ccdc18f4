//! TLS: who gets through, and whose certificate is shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rcgen::CertifiedKey;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{GENEROUS, HOUR, Limits, Stage, rest, within};
use crate::serve::tls::Tls;
use crate::service::certificate::Files;
use crate::service::signals::Signal;

/// A folder with a certificate and its key, as a secret is mounted.
struct Secret(PathBuf);

impl Secret {
    fn mount() -> (Self, CertificateDer<'static>) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lakegate-tls-{}-{number}", std::process::id());
        let secret = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&secret.0).unwrap();
        let certificate = secret.renew();
        (secret, certificate)
    }

    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.files().certificate, cert.pem()).unwrap();
        std::fs::write(self.files().key, signing_key.serialize_pem()).unwrap();
        cert.der().clone()
    }

    fn files(&self) -> Files {
        Files { certificate: self.0.join("tls.crt"), key: self.0.join("tls.key") }
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn stage(secret: &Secret, limits: Limits) -> Stage {
    Stage::with(limits, Some(Tls::load(secret.files()).unwrap()), HOUR).await
}

/// A client that trusts this certificate alone.
async fn connect(
    stage: &Stage,
    trusted: &CertificateDer<'static>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stage.connect().await).await
}

async fn answer(mut stream: TlsStream<TcpStream>) -> String {
    let request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    rest(stream).await
}

#[tokio::test]
async fn speaks_what_was_agreed_on() {
    let (secret, certificate) = Secret::mount();
    let stage = stage(&secret, GENEROUS).await;
    let http1 = connect(&stage, &certificate, b"http/1.1").await.unwrap();
    assert!(answer(http1).await.ends_with("done"));

    let mut http2 = connect(&stage, &certificate, b"h2").await.unwrap();
    assert_eq!(http2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    http2.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    // GET, https, /, and h as the authority: a whole request in one frame.
    http2.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x87\x84\x41\x01h").await.unwrap();
    let headers = loop {
        let (kind, payload) = frame(&mut http2).await;
        if kind == 1 {
            break payload;
        }
    };
    assert_eq!(headers[0], 0x88, "the status is 200");
    assert_eq!(frame(&mut http2).await, (0, b"done".to_vec()));
}

/// The kind and the content of the next frame.
async fn frame(stream: &mut TlsStream<TcpStream>) -> (u8, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).await.unwrap();
    (head[3], payload)
}

#[tokio::test]
async fn plaintext_does_not_get_through() {
    let (secret, certificate) = Secret::mount();
    let stage = stage(&secret, GENEROUS).await;
    let _silent = stage.connect().await;
    let garbage = stage.get("/").await;
    assert!(!garbage.contains("HTTP"), "{garbage:?}");
    let good = connect(&stage, &certificate, b"http/1.1").await.unwrap();
    assert!(answer(good).await.ends_with("done"), "others are served meanwhile");
}

#[tokio::test]
async fn nor_does_silence() {
    let (secret, _) = Secret::mount();
    let limits = Limits { opening: Duration::from_millis(50), ..GENEROUS };
    let stage = stage(&secret, limits).await;
    assert_eq!(rest(stage.connect().await).await, "");
}

#[tokio::test]
async fn a_new_certificate_is_shown_after_a_signal() {
    let (secret, old) = Secret::mount();
    let stage = stage(&secret, GENEROUS).await;
    connect(&stage, &old, b"http/1.1").await.unwrap();
    let new = secret.renew();
    stage.signals.send(Signal::Reload).await.unwrap();
    shown(&stage, &new).await;
    connect(&stage, &old, b"http/1.1").await.unwrap_err();

    // A file of nonsense changes nothing.
    std::fs::write(secret.files().certificate, "nonsense").unwrap();
    stage.signals.send(Signal::Reload).await.unwrap();
    connect(&stage, &new, b"http/1.1").await.unwrap();
}

#[tokio::test]
async fn a_new_certificate_is_found() {
    let (secret, old) = Secret::mount();
    let mut tls = Tls::load(secret.files()).unwrap();
    tls.look_every = Duration::ZERO;
    let stage = Stage::with(GENEROUS, Some(tls), HOUR).await;
    connect(&stage, &old, b"http/1.1").await.unwrap();
    let new = secret.renew();
    // Clocks of file systems may be too coarse for a test.
    let key = std::fs::File::options().write(true).open(secret.files().key).unwrap();
    let written = key.metadata().unwrap().modified().unwrap();
    key.set_modified(written + Duration::from_secs(1)).unwrap();
    connect(&stage, &new, b"http/1.1").await.unwrap();
}

/// Waits until clients are shown this certificate.
async fn shown(stage: &Stage, certificate: &CertificateDer<'static>) {
    within(async { while connect(stage, certificate, b"http/1.1").await.is_err() {} }).await;
}

#[track_caller]
fn refused(certificate: &Path, key: &Path, words: &str) {
    let files = Files { certificate: certificate.into(), key: key.into() };
    let error = format!("{:#}", Tls::load(files).err().unwrap());
    assert!(error.contains(words), "{error}");
}

#[test]
fn files_that_make_no_server_are_named() {
    let (secret, _) = Secret::mount();
    let (other, _) = Secret::mount();
    let Files { certificate, key } = secret.files();
    refused(&secret.0.join("none"), &key, "the certificate in ");
    refused(&key, &key, "the file holds no certificate in PEM");
    refused(&certificate, &certificate, "the key in ");
    refused(&certificate, &other.files().key, "with the key in ");
}
