//! Keys and tokens cross no network in the clear: beyond this machine the function speaks TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use expect_test::expect;
use lakegate_tests::{DEADLINE, House, Program, TOKEN};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A certificate for this machine, in files of the house: the certificate itself, and where it and
/// its key are.
fn certificate(house: &House) -> (CertificateDer<'static>, PathBuf, PathBuf) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let certificate = house.write("tls.crt", &cert.pem());
    let key = house.write_secret("tls.key", &signing_key.serialize_pem());
    (cert.der().clone(), certificate, key)
}

fn with_tls(house: &House, certificate: &Path, key: &Path) -> Program {
    house.function().arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key)
}

fn trusting(certificate: &CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

fn client(certificate: &CertificateDer<'static>) -> reqwest::Client {
    let client = reqwest::Client::builder().tls_backend_preconfigured(trusting(certificate));
    client.build().unwrap()
}

#[tokio::test]
async fn with_who_trusts_its_certificate_alone() {
    let house = House::open().await;
    let (own, cert, key) = certificate(&house);
    let function = house.serving(with_tls(&house, &cert, &key)).await;
    assert!(function.url().starts_with("https://127.0.0.1:"), "{}", function.url());
    let answer = client(&own).post(format!("{}/token", function.url())).bearer_auth(TOKEN).send();
    assert_eq!(answer.await.unwrap().status(), 200);
    let stranger = function.request(TOKEN, "POST /token").send().await.unwrap_err();
    assert!(format!("{stranger:?}").contains("UnknownIssuer"), "{stranger:?}");

    // In the clear nothing is said.
    let mut stream = TcpStream::connect(function.authority()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
    function.stop().await;
}

#[tokio::test]
async fn and_both_versions_of_http() {
    let house = House::open().await;
    let (own, cert, key) = certificate(&house);
    let function = house.serving(with_tls(&house, &cert, &key)).await;
    for (offered, chosen) in
        [(&["h2", "http/1.1"][..], Some("h2")), (&["http/1.1"], Some("http/1.1")), (&[], None)]
    {
        let mut config = trusting(&own);
        config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(function.authority()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), chosen.map(str::as_bytes));
    }
    function.stop().await;
}

#[tokio::test]
async fn with_a_new_certificate_when_there_is_one() {
    let house = House::open().await;
    let (old, cert, key) = certificate(&house);
    let function = house.serving(with_tls(&house, &cert, &key)).await;
    let url = format!("{}/healthz", function.url());
    client(&old).get(&url).send().await.unwrap();
    let (new, ..) = certificate(&house);
    function.reload();
    let start = Instant::now();
    while client(&new).get(&url).send().await.is_err() {
        assert!(start.elapsed() < DEADLINE, "the new certificate is never shown");
    }
    client(&old).get(&url).send().await.unwrap_err();

    // What is no certificate is told, and the last one is kept.
    house.write("tls.crt", "no certificate");
    function.reload();
    function.says("the old one stays").await;
    client(&new).get(&url).send().await.unwrap();
    function.stop().await;
}

#[tokio::test]
async fn or_does_not_start() {
    let house = House::open().await;
    let run = house.lakegate(["serve", "--listen", "0.0.0.0:0"]).run().await.exits(2);
    expect![[r#"
        lakegate: error: 0.0.0.0:0 can be reached from other machines, and keys and tokens would cross the network in plaintext
          give --tls-cert and --tls-key, or --plaintext if an ingress in front of it ends TLS, or listen on 127.0.0.1
    "#]].assert_eq(&run.stderr);
    let (_, cert, _) = certificate(&house);
    house.write("other.crt", &std::fs::read_to_string(&cert).unwrap());
    let (_, _, other_key) = certificate(&house);
    let missing = PathBuf::from("missing.pem");
    for (cert, key) in [
        (PathBuf::from("other.crt"), other_key.clone()),
        (missing.clone(), other_key),
        (cert.clone(), missing),
        (cert.clone(), cert),
    ] {
        let run = with_tls(&house, &cert, &key).run().await.exits(2);
        assert_eq!(run.stdout, "");
    }
    // Behind something that ends TLS it may.
    let program = house.lakegate(["serve", "--listen", "0.0.0.0:0", "--plaintext"]);
    let function = house.serving(program).await;
    let url = function.url().replace("0.0.0.0", "127.0.0.1");
    let (own, ..) = certificate(&house);
    assert_eq!(client(&own).get(format!("{url}/healthz")).send().await.unwrap().status(), 200);
    function.stop().await;
}

#[tokio::test]
async fn and_drops_who_says_nonsense() {
    let house = House::open().await;
    let (own, cert, key) = certificate(&house);
    let function = house.serving(with_tls(&house, &cert, &key)).await;
    for nonsense in [&b"\x16\x03\x01\xff\xff"[..], b"\x80\x2e\x01\x00\x02", b"SSH-2.0-x\r\n", b""] {
        let mut stream = TcpStream::connect(function.authority()).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let url = format!("{}/healthz", function.url());
        assert_eq!(client(&own).get(url).send().await.unwrap().status(), 200);
    }
    function.stop().await;
}
