//! What Postgres said about a statement, told in terms of the files it came from.

mod place;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::{String, ToString};

use self::place::Culprit;
use super::plan::{Origin, Statement};
use crate::edge::ServerError;
use crate::problem::{Kind, Problem};

/// Explains why a statement of a plan failed, when `done` statements before it succeeded.
pub fn explain(error: &ServerError, statement: &Statement, done: usize) -> Problem {
    let culprit = Culprit::find(error, statement);
    let message = match &culprit {
        Some(Culprit { name, place: Some(place), .. }) => format!("{name}:{place}: {error}"),
        Some(Culprit { name, place: None, .. }) => format!("{name}: {error}"),
        None => format!("the bootstrap failed: {error}"),
    };
    let mut advice = String::new();
    if let Some(Culprit { place: None, frame: Some(frame), .. }) = &culprit {
        advice = format!("In {frame}. ");
    }
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
    Culprit::find(error, statement).is_none()
}

fn by_code(code: &str) -> &'static str {
    match code {
        "25001" => {
            "Postgres runs this only outside of a transaction: start the file with the line \
             `-- lakegate: no-transaction`. "
        }
        "42P07" => {
            "Where somebody has made these tables in another way, `lakegate bootstrap baseline` marks \
             their migrations as done. "
        }
        "55P04" | "55006" => {
            "Postgres wants a commit before this: start the file with the line \
             `-- lakegate: new-transaction`. "
        }
        "55P03" => {
            "Something else holds a lock: see who with pg_stat_activity, try later, or allow more \
             time with LAKEGATE_LOCK_TIMEOUT. "
        }
        "57014" => {
            "It took longer than the time limit for statements (LAKEGATE_STATEMENT_TIMEOUT), or \
             somebody cancelled it. "
        }
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
