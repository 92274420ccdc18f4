//! Each example gets a credential that logs in, with one mint for all its callers, and hears the
//! same of what goes wrong.

use std::path::{Path, PathBuf};

use lakegate_tests::{Credential, House, Program, connector, node, root};
use serde_json::json;

fn rust(house: &House) -> Program {
    house.program(env!("CARGO_BIN_EXE_rust-host")).arg(connector())
}

/// A script beside the example, with the component as JavaScript, made as `wit/README.md` says.
async fn javascript(house: &House, script: &str) -> Program {
    let folder = house.folder().join("connector");
    let jco = node("@bytecodealliance/jco/dist/jco.js");
    let transpile = engine(house).arg(jco).arg("transpile").arg(connector());
    let transpile = transpile.arg("--instantiation").arg("async").arg("--name").arg("connector");
    transpile.arg("--quiet").arg("--out-dir").arg(&folder).run().await.exits(0);
    let fix = engine(house).arg(own("js/jco-fix.mjs")).arg(folder.join("connector.js"));
    fix.run().await.exits(0);
    engine(house).arg(own("js").join(script)).arg(folder)
}

fn engine(house: &House) -> Program {
    house.program(node("node/bin/node")).env("NODE_EXTRA_CA_CERTS", house.env("SSL_CERT_FILE"))
}

fn own(path: impl AsRef<Path>) -> PathBuf {
    root().join("tests/embedding").join(path)
}

async fn gets_a_credential(house: &House, host: Program, callers: usize) {
    house.set_up().await;
    house.forget().await;
    let run = host.printing_tokens(true).run().await.exits(0).complains("");
    let credential = Credential(run.json());
    assert_eq!(credential.user(), house.principal());
    assert_eq!(credential.0["generations"], json!(vec![1; callers]), "one token for all");
    let counts = house.counts().await;
    assert_eq!((&counts["workspace_tokens"], &counts["credentials"]), (&json!(1), &json!(1)));

    let session = house.login(&credential).await.unwrap();
    let row = session.query_one("SELECT current_user::text", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), house.principal());
}

#[tokio::test]
async fn rust_gets_a_credential() {
    let house = House::open().await;
    gets_a_credential(&house, rust(&house), 64).await;
}

#[tokio::test]
async fn javascript_gets_a_credential() {
    let house = House::open().await;
    let host = javascript(&house, "token.mjs").await;
    gets_a_credential(&house, host, 16).await;
}

/// Calls in one instance overlap, whatever they are: two reasons for a new token, two more mints.
#[tokio::test]
async fn javascript_keeps_a_credential_alive() {
    let house = House::open().await;
    let host = javascript(&house, "overlap.mjs").await;
    house.forget().await;
    let run = host.run().await.exits(0).complains("");
    assert_eq!(run.json(), json!({ "first": [1], "refused": [2], "renewed": [3] }));
    assert_eq!(house.counts().await["credentials"], 3);
}

#[tokio::test]
async fn both_say_what_is_wrong_and_how_to_mend_it() {
    let house = House::open().await;
    let client = house.principal();
    let told = format!(
        "Error: the workspace token for client `{client}` was denied (401): invalid_client: Client \
         authentication failed\nCheck that `{client}` is the application id of a service principal \
         of this workspace (not its name, not its numeric id), and that DATABRICKS_CLIENT_SECRET is \
         one of its OAuth secrets and has not expired. A new secret is used at the next try.\n"
    );
    for host in [rust(&house), javascript(&house, "token.mjs").await] {
        let host = host.env("DATABRICKS_CLIENT_SECRET", "not the secret");
        host.run().await.exits(1).prints("").complains(&told);
    }
}

#[tokio::test]
async fn neither_talks_to_a_stranger() {
    let house = House::open().await;
    let told = " got no answer: the TLS handshake failed: ";
    for host in [rust(&house), javascript(&house, "token.mjs").await] {
        let host = host.without("SSL_CERT_FILE").without("NODE_EXTRA_CA_CERTS");
        let run = host.run().await.exits(1).prints("");
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
    assert_eq!(house.counts().await["requests"], json!({}));
}
