//! What more than one route takes or gives.

use lakegate_core::sql::Ident;
use serde::Serialize;

use crate::problem::{Fault, Type};

/// One thing to do, with its SQL.
#[derive(Serialize)]
pub(super) struct Step {
    pub(super) title: String,
    pub(super) sql: String,
}

/// Refuses a role that Postgres could not have.
pub(super) fn check_role(role: &str) -> Result<(), Fault> {
    let parsed = role.parse::<Ident>().map_err(|error| error.problem());
    parsed.map(|_| ()).map_err(Fault::of_request)
}

/// A request that asks for two things that exclude each other, or for too little.
pub(super) fn invalid(detail: &str, advice: &str) -> Fault {
    Fault::new(Type::Invalid, detail).advice(advice)
}
