//! A local Lakebase: Databricks' control plane and a real Postgres behind TLS and tokens.
//!
//! Databricks' own SDKs and other people's Lakebase drivers work against it unchanged. Where public
//! reports of Lakebase's behaviour differ, a flag or the [admin API](admin) chooses.
//!
//! | module | is |
//! |---|---|
//! | [`emulator`] | everything below, started and stopped |
//! | [`postgres`] | a real server in a private folder, installed or packaged |
//! | [`gate`] | its door: TLS, the token at login, bytes afterwards |
//! | [`control`] | OAuth, who am I, instances, projects, credentials, apps |
//! | [`admin`] | time, faults, counts |
//! | [`world`] | who is in the workspace and what it owns |
//! | [`lakebase`] | what all of them share |
//!
//! Not as in the cloud: inside Postgres `pg_stat_ssl.ssl` is false and `inet_client_addr()` is null;
//! native passwords are asked for in clear text (inside TLS), not by SCRAM; roles of groups
//! do not log in; there is one instance, one project and one branch, none of which can be made or
//! dropped; and an operation is over as soon as it has begun.
#![forbid(unsafe_code)]

pub mod admin;
pub mod certificate;
pub mod child;
pub mod cli;
pub mod clock;
pub mod control;
pub mod counts;
pub mod emulator;
pub mod env;
pub mod faults;
pub mod gate;
pub mod http;
pub mod jwt;
pub mod lakebase;
pub mod postgres;
pub mod world;
