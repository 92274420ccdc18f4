//! Which server connection an application needs.

use crate::logins::Failure;
use crate::options::Mode;
use crate::pool::Origin;
use crate::wire::startup::Startup;
use crate::wire::text::Names;

/// What an application asked for at its start.
#[derive(Debug)]
pub(super) struct Wish {
    /// What its server connections must be opened with.
    pub(super) origin: Origin,
    /// What can be set in any of them, in the application's words.
    pub(super) following: Vec<(String, String)>,
}

/// Sorts an application's startup parameters.
///
/// # Errors
///
/// It wants to replicate, which is not done by transactions.
pub(super) fn wish(startup: &Startup, mode: Mode) -> Result<Wish, Failure> {
    let follows =
        |(name, _): &(String, String)| mode == Mode::Transaction && Names::of(name) != Names::OTHER;
    let replicates = |(name, value): &(String, String)| name == "replication" && !is_off(value);
    if mode == Mode::Transaction && startup.parameters.iter().any(replicates) {
        return Err(Failure {
            code: "0A000".into(),
            message: "replication needs a server connection of its own".into(),
            hint: Some("Start the proxy with --pool session.".into()),
            passes: false,
        });
    }
    let (following, fixed) = startup.parameters.iter().cloned().partition(follows);
    Ok(Wish { origin: Origin::new(startup.database.clone(), fixed), following })
}

/// Whether Postgres reads it as false.
fn is_off(value: &str) -> bool {
    ["0", "false", "off", "no"].iter().any(|off| off.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mode: Mode, parameters: &[(&str, &str)], expected: Result<(&[&str], &[&str]), &str>) {
        let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        let parameters = parameters.iter().map(owned).collect();
        let startup = Startup { parameters, ..Startup::default() };
        let names = |all: &[(String, String)]| -> Vec<String> {
            all.iter().map(|(name, _)| name.clone()).collect()
        };
        let sorted = wish(&startup, mode)
            .map(|wish| (names(wish.origin.parameters()), names(&wish.following)))
            .map_err(|failure| failure.code);
        let expected = expected
            .map(|(origin, following)| {
                let own = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
                (own(origin), own(following))
            })
            .map_err(str::to_owned);
        assert_eq!(sorted, expected);
    }

    #[test]
    fn what_is_reported_follows_in_transaction_mode_only() {
        let all = [("timezone", "UTC"), ("search_path", "a"), ("application_name", "b")];
        check(Mode::Transaction, &all, Ok((&["search_path"], &["timezone", "application_name"])));
        check(Mode::Session, &all, Ok((&["application_name", "search_path", "timezone"], &[])));
    }

    #[test]
    fn replication_needs_session_mode() {
        check(Mode::Transaction, &[("replication", "database")], Err("0A000"));
        check(Mode::Transaction, &[("replication", "off")], Ok((&["replication"], &[])));
        check(Mode::Session, &[("replication", "true")], Ok((&["replication"], &[])));
    }
}
