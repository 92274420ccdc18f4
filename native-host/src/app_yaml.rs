//! `app.yaml` of a Databricks App with Lakebase: [`write`] makes one, [`check`] says what is wrong
//! in one that is there.
//!
//! Neither reads a file or asks a network. What a check says names variables, resource keys and
//! lines, and never repeats a value: that may be the secret which should not be there.

mod check;
mod finding;
mod kind;
mod leaks;
mod server;
mod shape;
mod tree;
mod values;
mod write;

pub(crate) use self::check::{Expected, check};
pub(crate) use self::finding::{Finding, Level};
pub(crate) use self::kind::Kind;
pub(crate) use self::values::{name_fault, port_fault};
pub(crate) use self::write::{App, write};
