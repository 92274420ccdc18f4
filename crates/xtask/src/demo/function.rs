//! The function, asked over HTTP by `curl`, as any application would.

use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::house::House;
use super::{tell, text};
use crate::command::output;
use crate::serve::{KEY, Server};

/// A first process buys a credential; a second one, cold, goes on with it.
pub(super) fn serve(house: &House) -> anyhow::Result<()> {
    let store = Store::new()?;
    let first = house.serve(&store.0)?;
    let closed = post_token(&first, None)?;
    tell("function: no key", &format!("{} {}", closed["status"], text(&closed, "detail")?));
    let bought = post_token(&first, Some(KEY))?;
    tell(
        "function: POST /token",
        &format!("a credential for {}, good until {}", text(&bought, "user")?, expiry(&bought)?),
    );
    drop(first);

    let cold = house.serve(&store.0)?;
    let resumed = post_token(&cold, Some(KEY))?;
    ensure!(text(&resumed, "token")? == text(&bought, "token")?, "the cold process bought anew");
    tell("", "a cold process gives the same one, from the sealed store: nobody was asked");
    Ok(())
}

fn expiry(credential: &Value) -> anyhow::Result<&str> {
    text(credential, "expires_at")
}

/// The answer, whatever its status.
fn post_token(server: &Server, key: Option<&str>) -> anyhow::Result<Value> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--request", "POST"]);
    if let Some(key) = key {
        curl.args(["--header", &format!("Authorization: Bearer {key}")]);
    }
    let answer = output(curl.arg(format!("{}/token", server.origin)))?;
    serde_json::from_str(&answer).context("the function's answer is not JSON")
}

/// The folder of the key-value store, gone with this value.
struct Store(String);

impl Store {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("lakegate-demo-{}", std::process::id()));
        Ok(Self(path.into_os_string().into_string().ok().context("TMPDIR is no UTF-8")?))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Sealed entries that nobody can open any more.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
