//! The proxy lets nobody in by accident: not from other machines, and not by a slip of the pen.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lakegate_tests::{House, Proxy, refusal};
use rustix::process::Signal;
use tokio_postgres::NoTls;

use crate::value;

#[tokio::test]
async fn beyond_this_machine_it_needs_a_password_and_tls() {
    let house = House::open().await;
    let open = house.lakegate(["proxy", "--listen", "0.0.0.0:0"]).run().await.exits(2).prints("");
    assert!(open.stderr.contains("can be reached from other machines"), "{}", open.stderr);
    assert!(open.stderr.contains("LAKEGATE_PROXY_PASSWORD_FILE"), "{}", open.stderr);
}

#[tokio::test]
async fn on_this_machine_a_password_is_asked_for_when_there_is_one() {
    const PASSWORD: &str = "a password of applications";
    let house = House::open().await;
    house.set_up().await;
    house.keep_secret(PASSWORD);
    let guarded = house.proxy(&[]).env("LAKEGATE_PROXY_PASSWORD", PASSWORD);
    let proxy = Proxy::of(guarded).await;
    let wrong = proxy.server().password("a guess").connect(NoTls).await.err().unwrap();
    assert_eq!(refusal(&wrong).0, "28P01");
    let (client, connection) = proxy.server().password(PASSWORD).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(value(&client, "SELECT current_user::text").await.unwrap(), house.principal());
    drop(client);
    proxy.stop().await;
}

#[tokio::test]
async fn a_unix_socket_is_for_its_own_user_alone() {
    let house = House::open().await;
    house.set_up().await;
    let folder = house.folder().join("gate");
    let mut proxy = house.lakegate(["proxy", "--unix-socket"]).arg(&folder).start();
    let socket = folder.join(".s.PGSQL.5432");
    assert_eq!(proxy.line().await, format!("listening on {}", socket.display()));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&socket)), (0o700, 0o600));
    let psql = house.program("psql").arg("-h").arg(&folder).arg("-Atc").arg("SELECT current_user");
    psql.run().await.exits(0).prints(&format!("{}\n", house.principal()));
    proxy.signal(Signal::TERM);
    proxy.end().await.exits(0);
    assert!(!socket.exists(), "it leaves no socket behind");
}

#[tokio::test]
async fn what_is_set_for_nothing_is_refused() {
    let house = House::open().await;
    house.write("lakegate.toml", "lakegate_proxy_pol = 'transaction'\n");
    let slip = house.lakegate(["proxy"]).run().await.exits(2);
    assert!(slip.stderr.contains("`lakegate_proxy_pol`, which is no setting"), "{}", slip.stderr);
    house.write("lakegate.toml", "lakegate_proxy_password = 'in a file for all'\n");
    let secret = house.lakegate(["proxy"]).run().await.exits(2);
    assert!(secret.stderr.contains("`lakegate_proxy_password` is a secret"), "{}", secret.stderr);
    house.write("lakegate.toml", "lakegate_proxy_pool_size = 0\n");
    house
        .lakegate(["proxy"])
        .run()
        .await
        .exits(2)
        .complains("lakegate: error: LAKEGATE_PROXY_POOL_SIZE is 0: it must be from 1 to 10000\n");
    // One file serves all commands.
    house.write("lakegate.toml", "lakegate_proxy_pool_size = 3\n");
    house.lakegate(["token"]).run().await.exits(0);
}

#[tokio::test]
async fn it_ends_when_it_can_never_have_a_token() {
    let house = House::open().await;
    let denied = house.proxy(&[]).env("DATABRICKS_CLIENT_SECRET", "wrong").run().await.exits(1);
    assert!(denied.stderr.contains("lakegate: error: "), "{}", denied.stderr);
}
