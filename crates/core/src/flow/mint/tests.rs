//! The sequences, against an edge that replays a script and refuses anything else.

mod credential;
mod owner;
mod target;
mod token;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use super::*;
use crate::config::{Access, Config};
use crate::edge::SendError;
use crate::flow::fake::{FakeEdge, Turn, turn};

/// A world with these settings, a database's name and these requests.
fn script<const N: usize>(
    settings: &[(&'static str, &'static str)],
    files: &[(&'static str, &'static str)],
    turns: [Turn; N],
) -> FakeEdge {
    let edge = FakeEdge::new(settings, files);
    edge.set("POSTGRES_DB", "app");
    edge.expect(turns);
    edge
}

fn access(edge: &FakeEdge) -> OAuthAccess {
    match Config::load(edge).unwrap().access {
        Access::OAuth(access) => *access,
        Access::Password(_) => panic!("LOCAL mode has nothing to mint"),
    }
}

const W: (&str, &str) = ("DATABRICKS_HOST", "w.example");
const ID: (&str, &str) = ("DATABRICKS_CLIENT_ID", "me");
const SECRET: (&str, &str) = ("DATABRICKS_CLIENT_SECRET", "s3");
const PAT: (&str, &str) = ("DATABRICKS_TOKEN", "dapi1");
const HOST: (&str, &str) = ("POSTGRES_HOST", "h.example");
