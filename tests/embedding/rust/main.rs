//! A host of the connector in Rust: asks for the database credential and prints it as JSON.
//!
//! ```text
//! rust-host connector.wasm
//! ```
//!
//! What the component borrows from its host is in `imports.rs`.

mod imports;

use anyhow::{Context, anyhow};
use futures_util::future::try_join_all;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

use imports::{Connector, Host};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("name the connector's file")?;
    let engine = Engine::default();
    let component = Component::from_file(&engine, path)?;
    let mut linker = Linker::new(&engine);
    Connector::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
    let mut store = Store::new(&engine, Host::new()?);
    let connector = Connector::instantiate_async(&mut store, &component, &linker).await?;
    let tokens = connector.lakegate_connect_tokens();

    // One instance serves any number of callers at once: these share one mint.
    let (credentials, secret) = store
        .run_concurrent(async |instance| {
            let callers = (0..64).map(|_| tokens.call_current(instance));
            let credentials = try_join_all(callers).await?;
            let credentials = credentials.into_iter().collect::<Result<Vec<_>, _>>();
            let credentials = credentials.map_err(|p| anyhow!("{}\n{}", p.message, p.advice))?;
            let secret = tokens.call_reveal(instance, credentials[0].generation).await?;
            anyhow::Ok((credentials, secret))
        })
        .await??;
    let credential = serde_json::json!({
        "user": credentials[0].user,
        "token": secret.context("the token was replaced twice meanwhile")?,
        "expires_at": credentials[0].expires_at,
        "generations": credentials.iter().map(|c| c.generation).collect::<Vec<_>>(),
    });
    println!("{credential}");
    Ok(())
}
