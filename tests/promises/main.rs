//! What is promised, shown through what a user has: the binaries, a real Postgres behind real TLS,
//! and the component inside of `lakegate`. One file for each promise.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod applies_what_it_plans;
mod architecture;
mod baselines;
mod detects_the_user;
mod diagnoses;
mod equals_psql;
mod finds_drift;
mod is_configured_as_on_the_page;
mod is_safe;
mod keeps_open_connections;
mod keeps_secrets;
mod leaves_foreign_owners_alone;
mod mints_the_token;
mod needs_least_privileges;
mod points_at_mistakes;
mod reads_folders;
mod releases_meet;
mod repairs;
mod rotates_before_expiry;
mod sets_up_hostile_names;
mod sets_up_once;
mod shares_what_it_owns;
mod starts_first_time;
mod starts_many_at_once;
mod survives_breaks;
mod survives_kills;
mod survives_outages;
mod survives_refused_logins;
mod takes_hostile_names;
mod takes_large_folders;
mod tells_bad_answers;
mod tells_wrong_databases;
mod tells_wrong_settings;
mod tightens;
mod uses_the_databricks_cli;
mod waits_its_turn;
