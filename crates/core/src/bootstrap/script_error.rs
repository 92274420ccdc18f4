//! What Postgres said about a statement, told in terms of the files it came from.

use alloc::format;
use alloc::string::{String, ToString};

use super::apply::SCRIPT;
use super::plan::{Origin, Statement};
use crate::edge::ServerError;
use crate::migrations::Place;
use crate::problem::{Kind, Problem};

/// The file that an error is about, and where in it, if Postgres told.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Culprit {
    name: String,
    place: Option<Place>,
}

/// Explains why a statement of a plan failed, when `done` statements before it succeeded.
pub fn explain(error: &ServerError, statement: &Statement, done: usize) -> Problem {
    let culprit = culprit(error, statement);
    let message = match &culprit {
        Some(Culprit { name, place: Some(place) }) => format!("{name}:{place}: {error}"),
        Some(Culprit { name, place: None }) => format!("{name}: {error}"),
        None => format!("the bootstrap failed: {error}"),
    };
    let mut advice = String::new();
    for sentence in error.detail.iter().chain(&error.hint) {
        advice.push_str(sentence);
        advice.push(' ');
    }
    advice.push_str(by_code(&error.code));
    advice.push_str(&undone(statement, culprit.as_ref(), done));
    Problem { kind: Kind::Statement, message, advice, sqlstate: Some(error.code.clone()) }
}

/// Whether an error is about a statement of our own, not of a script.
pub(crate) fn is_ours(error: &ServerError, statement: &Statement) -> bool {
    culprit(error, statement).is_none()
}

/// Finds the file that an error is about. `None`: it is about a statement of our own.
fn culprit(error: &ServerError, statement: &Statement) -> Option<Culprit> {
    if let Origin::File { name, start } = &statement.origin {
        let place = error.position.map(|number| {
            let place = Place::of_char(&statement.sql, number as usize);
            let first = place.line == 1;
            Place {
                line: place.line + start.line - 1,
                column: place.column + if first { start.column - 1 } else { 0 },
            }
        });
        return Some(Culprit { name: name.clone(), place });
    }
    let script = error.internal_query.as_deref().and_then(|query| query.strip_prefix(SCRIPT));
    if let Some((name, script)) = script.and_then(|rest| rest.split_once('\n')) {
        let comment = SCRIPT.len() + name.chars().count() + 1;
        let place = error
            .internal_position
            .and_then(|number| (number as usize).checked_sub(comment))
            .map(|number| Place::of_char(script, number));
        return Some(Culprit { name: String::from(name), place });
    }
    // An error without a position, or one inside of a function: the call stack names the script.
    let (_, rest) = error.context.as_deref()?.split_once(SCRIPT)?;
    let name = rest.lines().next().unwrap_or_default();
    Some(Culprit { name: String::from(name), place: None })
}

fn by_code(code: &str) -> &'static str {
    match code {
        "25001" => {
            "Postgres runs this only outside of a transaction: start the file with the line \
             `-- lakegate: no-transaction`. "
        }
        "55P04" | "55006" => {
            "Postgres wants a commit before this: start the file with the line \
             `-- lakegate: new-transaction`. "
        }
        "55P03" => "Something else holds a lock: see who with pg_stat_activity, or try later. ",
        "57014" => "It took longer than the time limit for statements. ",
        "42501" => {
            "The role lacks a privilege that the owner of the object or an administrator can grant. "
        }
        _ => "",
    }
}

fn undone(statement: &Statement, culprit: Option<&Culprit>, done: usize) -> String {
    match (&statement.origin, culprit) {
        (Origin::File { .. }, Some(culprit)) => format!(
            "`{}` runs outside of transactions: its statements before this one stay done, and the \
             ledger keeps it as unfinished.",
            culprit.name
        ),
        _ if done > 0 => "Everything since the last commit is undone; the migrations that the \
                          ledger names stay."
            .to_string(),
        _ => "Everything is undone: the database is as it was.".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[track_caller]
    fn check(origin: Origin, error: ServerError, done: usize, message: &str, advice: &str) {
        let statement = Statement { sql: "SELECT\n  é, x".into(), steps: Vec::new(), origin };
        let problem = explain(&error, &statement, done);
        assert_eq!(problem.message, message);
        assert_eq!(problem.advice, advice);
    }

    fn error(code: &str) -> ServerError {
        ServerError { code: code.into(), message: "no".into(), ..Default::default() }
    }

    #[test]
    fn names_file_line_and_column() {
        let script = "-- lakegate: script 1_ä.sql\nSELECT\n  x";
        let position = script.chars().count() as u32;
        check(
            Origin::Block,
            ServerError {
                internal_query: Some(script.into()),
                internal_position: Some(position),
                hint: Some("Look.".into()),
                ..error("42703")
            },
            0,
            "1_ä.sql:2:3: no (SQLSTATE 42703)",
            "Look. Everything is undone: the database is as it was.",
        );
        check(
            Origin::File { name: "1_a.sql".into(), start: Place { line: 4, column: 7 } },
            ServerError { position: Some(13), ..error("42703") },
            2,
            "1_a.sql:5:6: no (SQLSTATE 42703)",
            "`1_a.sql` runs outside of transactions: its statements before this one stay done, \
             and the ledger keeps it as unfinished.",
        );
        check(
            Origin::File { name: "1_a.sql".into(), start: Place { line: 4, column: 7 } },
            ServerError { position: Some(1), ..error("42703") },
            2,
            "1_a.sql:4:7: no (SQLSTATE 42703)",
            "`1_a.sql` runs outside of transactions: its statements before this one stay done, \
             and the ledger keeps it as unfinished.",
        );
    }

    #[test]
    fn names_at_least_the_file() {
        let context = "PL/pgSQL function f() line 1\nSQL statement \"-- lakegate: script 2_b.sql\n\
                       SELECT f()\"\nPL/pgSQL function inline_code_block line 9 at EXECUTE";
        check(
            Origin::Block,
            ServerError {
                context: Some(context.into()),
                internal_query: Some("SELECT 1/0".into()),
                ..error("22012")
            },
            1,
            "2_b.sql: no (SQLSTATE 22012)",
            "Everything since the last commit is undone; the migrations that the ledger names stay.",
        );
        check(
            Origin::Block,
            error("42501"),
            0,
            "the bootstrap failed: no (SQLSTATE 42501)",
            "The role lacks a privilege that the owner of the object or an administrator can grant. \
             Everything is undone: the database is as it was.",
        );
    }
}
