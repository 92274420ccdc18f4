//! The door of Postgres, as Lakebase keeps it: TLS only, a token as the password, checked at login
//! and never again; after that bytes pass through unread but for counting.

mod age;
pub mod faults;
pub mod login;
pub mod message;
pub mod scram;
pub mod serve;
pub mod splice;
pub mod startup;
mod witness;
