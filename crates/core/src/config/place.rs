//! Where a database is: all that a person needs who has a token already.

use alloc::string::String;
use alloc::vec::Vec;

use crate::config::address::{parse_host, parse_port};
use crate::config::fault::ConfigError;
use crate::config::load::Load;
use crate::config::lookup::{Lookup, Sourced};
use crate::config::rows;

/// Where a database is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The server.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// The database.
    pub database: String,
}

impl Place {
    /// Reads these settings alone: a person with a token of their own needs no identity.
    ///
    /// # Errors
    ///
    /// All that is missing or wrong.
    pub fn load(lookup: &dyn Lookup) -> Result<Self, ConfigError> {
        let mut load = Load { lookup, faults: Vec::new(), warnings: Vec::new() };
        let host = load.required(
            &rows::HOST,
            parse_host,
            "Set POSTGRES_HOST, or --host, to the name of the server; its page in the workspace \
             shows it.",
        );
        match (host, port(&mut load), database(&mut load)) {
            (Some(host), Some(port), Some(database)) => {
                Ok(Self { host: host.value, port: port.value, database: database.value })
            }
            _ => Err(ConfigError { faults: load.faults }),
        }
    }
}

pub(super) fn port(load: &mut Load<'_>) -> Option<Sourced<u16>> {
    load.required(
        &rows::PORT,
        parse_port,
        "Set POSTGRES_PORT to the server's TCP port, usually 5432.",
    )
}

pub(super) fn database(load: &mut Load<'_>) -> Option<Sourced<String>> {
    let fix = "Set POSTGRES_DB to the name of the database, such as app_ontos.";
    load.required_name(&rows::DATABASE, fix)
}
