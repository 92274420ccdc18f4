//! What a database should look like.

use alloc::vec::Vec;
use core::time::Duration;

use crate::migrations::Migration;
use crate::sql::Ident;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The schema that everything lives in.
    pub schema: Ident,
    /// Other roles that are to use what the application owns.
    pub grants: Vec<Grant>,
    /// The migrations, in order.
    pub migrations: Vec<Migration>,
    /// Whether a migration may run though a later one has.
    pub out_of_order: bool,
    /// How long a statement of a script waits for a lock, and how long the whole waits for another
    /// replica.
    pub lock_limit: Duration,
    /// How long one transaction may take.
    pub statement_limit: Duration,
}

impl Desired {
    /// Only the schema, with the usual limits: 30 s for locks, 10 min for a transaction.
    pub fn new(schema: Ident) -> Self {
        Self {
            schema,
            grants: Vec::new(),
            migrations: Vec::new(),
            out_of_order: false,
            lock_limit: Duration::from_secs(30),
            statement_limit: Duration::from_secs(600),
        }
    }

    /// Adds access for a role. Of two wishes for the same role the greater counts.
    pub fn grant(&mut self, role: Ident, access: Access) {
        match self.grants.iter_mut().find(|grant| grant.role == role) {
            Some(grant) => grant.access = grant.access.max(access),
            None => self.grants.push(Grant { role, access }),
        }
    }
}

/// What another role may do in the schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// The role. It must exist.
    pub role: Ident,
    /// What it may do.
    pub access: Access,
}

/// What a role may do with present and future tables and sequences.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Access {
    /// Read rows.
    Read,
    /// Read, insert, update and delete rows.
    Write,
}
