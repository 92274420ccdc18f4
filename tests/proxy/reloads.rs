//! Passwords, certificates and settings change while applications are connected, and nobody is cut
//! off.

use std::path::Path;

use lakegate_tests::{House, Proxy, refusal};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_postgres::{Client, Error, NoTls};

use crate::{at_last, value};

const OLD: &str = "the first password of applications";
const NEW: &str = "another password of applications";

async fn connect(proxy: &Proxy, password: &str) -> Result<Client, Error> {
    let (client, connection) = proxy.server().password(password).connect(NoTls).await?;
    // It ends with the client.
    tokio::spawn(connection);
    Ok(client)
}

async fn with_password_file(house: &House) -> Proxy {
    house.keep_secret(NEW);
    let file = house.write_secret("password", OLD);
    Proxy::of(house.proxy(&[]).env("LAKEGATE_PROXY_PASSWORD_FILE", file)).await
}

#[tokio::test]
async fn by_a_signal() {
    let house = House::open().await;
    house.set_up().await;
    let mut proxy = with_password_file(&house).await;
    let before = connect(&proxy, OLD).await.unwrap();
    house.write_secret("password", NEW);
    proxy.reload();
    proxy.running().says("the settings were read again").await;
    assert_eq!(refusal(&connect(&proxy, OLD).await.err().unwrap()).0, "28P01");
    let after = connect(&proxy, NEW).await.unwrap();
    for client in [&before, &after] {
        assert_eq!(value(client, "SELECT 'here'").await.unwrap(), "here");
    }
    drop((before, after));
    proxy.stop().await;
}

#[tokio::test]
async fn by_itself_when_a_file_changes() {
    let house = House::open().await;
    house.set_up().await;
    let mut proxy = with_password_file(&house).await;
    house.write_secret("password", NEW);
    proxy.running().says("the settings were read again").await;
    drop(connect(&proxy, NEW).await.unwrap());
    proxy.stop().await;
}

#[tokio::test]
async fn but_not_what_cannot_be_used() {
    let house = House::open().await;
    house.set_up().await;
    house.write("lakegate.toml", "lakegate_proxy_pool_size = 1\n");
    let mut proxy = Proxy::start(&house, &["--wait", "1"]).await;
    let first = at_last(&proxy).await;
    house.write("lakegate.toml", "lakegate_proxy_pool_size = 'two'\n");
    proxy.reload();
    proxy.running().says("the new settings are not used, the old ones stay").await;
    assert_eq!(refusal(&proxy.connect().await.err().unwrap()).0, "53300");
    house.write("lakegate.toml", "lakegate_proxy_pool_size = 2\n");
    proxy.reload();
    proxy.running().says("the settings were read again").await;
    let second = at_last(&proxy).await;
    for client in [&first, &second] {
        assert_eq!(value(client, "SELECT 'here'").await.unwrap(), "here");
    }
    // A flag is stronger than the file; where it listens needs a restart, and says so.
    house.write("lakegate.toml", "lakegate_proxy_pool = 'transaction'\n");
    proxy.reload();
    proxy.running().says("stay as they are until a restart").await;
    drop((first, second));
    proxy.stop().await;
}

/// A new certificate for this machine, in the files that the proxy was told of.
fn renew(house: &House) -> String {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    house.write_secret("tls.key", &signing_key.serialize_pem());
    house.write("tls.crt", &cert.pem());
    cert.pem()
}

async fn greets(house: &House, proxy: &Proxy, authority: &Path) -> Result<(), String> {
    let authority = authority.display();
    let server = format!(
        "host=127.0.0.1 port={} sslmode=verify-full sslrootcert={authority} user=anybody",
        proxy.port()
    );
    let run = house.program("psql").arg("-Atc").arg("SELECT 'hello'").arg(server).run().await;
    if run.code == Some(0) { Ok(()) } else { Err(run.stderr) }
}

#[tokio::test]
async fn and_the_certificate() {
    let house = House::open().await;
    house.set_up().await;
    let old = house.write("old.pem", &renew(&house));
    let key = house.folder().join("safe/tls.key");
    let tls = house.proxy(&[]).arg("--tls-cert").arg(house.folder().join("tls.crt"));
    let mut proxy = Proxy::of(tls.arg("--tls-key").arg(key)).await;
    greets(&house, &proxy, &old).await.unwrap();
    let new = house.write("new.pem", &renew(&house));
    proxy.reload();
    proxy.running().says("the settings were read again").await;
    greets(&house, &proxy, &new).await.unwrap();
    assert!(greets(&house, &proxy, &old).await.is_err(), "the old certificate is shown no more");
    proxy.stop().await;
}
