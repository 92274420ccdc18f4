//! The answer to an application's startup: what its session begins with.
//!
//! In session mode that is what its server connection reported. In transaction mode an application
//! that connects shall not cost a server connection, so what servers made of the same startup
//! parameters before is remembered. Only what no server has seen yet is tried on one: a wrong value
//! is refused at the door, as Postgres does.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use super::errand::{self, ErrandError};
use super::lending::WAITING;
use super::origin::{self, Wish};
use crate::logins::Failure;
use crate::options::Mode;
use crate::pool::{Lease, Origin};
use crate::proxy::Shared;
use crate::stream::Stream;
use crate::wire::carried::Carried;
use crate::wire::parameters::Parameters;
use crate::wire::startup::Startup;

/// How long it holds what a server made of startup parameters: defaults of roles and databases
/// change now and then.
const HOLDS: Duration = Duration::from_secs(300);
/// How many different ones are remembered.
const REMEMBERED: usize = 1000;
/// The longest name of an application, in bytes; Postgres cuts a longer one.
const NAME: usize = 63;

/// What a session begins with.
pub(super) struct Hello {
    pub(super) origin: Arc<Origin>,
    /// What the application is told of the server's parameters.
    pub(super) seen: Parameters,
    /// The server connection that is its own from the start.
    pub(super) lease: Option<Lease>,
}

/// Why an application cannot come in.
pub(super) enum Refusal {
    /// In our words.
    Ours(Failure),
    /// In the server's: the fields of its `ErrorResponse`.
    Servers(Box<[u8]>),
}

/// What servers made of startup parameters.
#[derive(Default)]
pub(super) struct Learned(Mutex<HashMap<Lesson, (Parameters, Instant)>>);

/// An origin, and what was set on top of it.
type Lesson = (Arc<Origin>, Vec<(String, String)>);

/// Finds out what a session begins with.
pub(super) async fn welcome(startup: &Startup, shared: &Arc<Shared>) -> Result<Hello, Refusal> {
    let Wish { origin, mut following } =
        origin::wish(startup, shared.mode).map_err(Refusal::Ours)?;
    let origin = Arc::new(origin);
    if shared.mode == Mode::Session {
        let lease = shared.pool.take(&origin).await.map_err(Refusal::Ours)?;
        return Ok(Hello { origin, seen: lease.parameters.clone(), lease: Some(lease) });
    }
    let name = take_plain_name(&mut following);
    let lesson = (Arc::clone(&origin), following);
    let mut seen = match shared.sessions.learned.recall(&lesson) {
        Some(seen) => seen,
        None => learn(lesson, shared).await?,
    };
    if let Some(name) = name {
        seen.set("application_name", name.as_bytes());
    }
    Ok(Hello { origin, seen, lease: None })
}

/// Returns when the application leaves. What it sends meanwhile is kept.
pub(super) async fn leaves(client: &mut Stream, inbox: &mut BytesMut) {
    while inbox.len() < WAITING {
        if matches!(client.read_buf(inbox).await, Ok(0) | Err(_)) {
            return;
        }
    }
    std::future::pending().await
}

/// Takes out the application's name if Postgres would take it as it is: many applications put
/// their process's number into it, and nothing is to be learned from that.
fn take_plain_name(following: &mut Vec<(String, String)>) -> Option<String> {
    let is_name = |(name, _): &(String, String)| name.eq_ignore_ascii_case("application_name");
    let is_plain =
        |value: &str| value.len() <= NAME && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let place = following.iter().rposition(is_name)?;
    is_plain(&following[place].1).then(|| following.remove(place).1)
}

/// Tries the parameters on a server.
async fn learn(lesson: Lesson, shared: &Arc<Shared>) -> Result<Parameters, Refusal> {
    let mut lease = shared.pool.take(&lesson.0).await.map_err(Refusal::Ours)?;
    // What it was opened with, without what followed its last client.
    let mut sql = String::from("RESET ALL");
    if !lesson.1.is_empty() {
        sql.push(';');
        let pairs = lesson.1.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        put_settings(&mut sql, pairs);
    }
    match errand::run(&mut lease, &sql).await {
        Ok(()) => lease.carried = Carried::default(),
        Err(ErrandError::Refused(fields)) => {
            lease.give_back();
            return Err(Refusal::Servers(fields));
        }
        Err(ErrandError::Lost(error)) => {
            return Err(Refusal::Ours(Failure {
                code: "08006".into(),
                message: format!("the connection to the database was lost: {error}"),
                hint: Some("Connect again.".into()),
                passes: true,
            }));
        }
    }
    let seen = lease.parameters.clone();
    lease.give_back();
    shared.sessions.learned.note(lesson, &seen);
    Ok(seen)
}

/// Writes a statement that sets all of them for the session.
///
/// By `set_config`, because `SET` reads some values as lists; in literals that mean the same
/// whatever `standard_conforming_strings` is.
pub(super) fn put_settings<'a>(
    sql: &mut String,
    settings: impl Iterator<Item = (&'a str, &'a [u8])>,
) {
    for (at, (name, value)) in settings.enumerate() {
        sql.push_str(if at == 0 { "SELECT " } else { ", " });
        let (name, value) = (literal(name.as_bytes()), literal(value));
        write!(sql, "pg_catalog.set_config({name}, {value}, false)").expect("a string takes it");
    }
}

fn literal(value: &[u8]) -> String {
    let value = String::from_utf8_lossy(value).replace('\\', "\\\\").replace('\'', "''");
    format!("E'{value}'")
}

impl Learned {
    fn recall(&self, lesson: &Lesson) -> Option<Parameters> {
        let learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, at) = learned.get(lesson)?;
        (at.elapsed() < HOLDS).then(|| seen.clone())
    }

    fn note(&self, lesson: Lesson, seen: &Parameters) {
        let mut learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if learned.len() >= REMEMBERED {
            learned.clear();
        }
        learned.insert(lesson, (seen.clone(), Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(value: &str, taken: bool) {
        let mut following = vec![("TimeZone".into(), "UTC".into())];
        following.push(("application_name".to_owned(), value.to_owned()));
        assert_eq!(take_plain_name(&mut following).as_deref(), taken.then_some(value));
        assert_eq!(following.len(), if taken { 1 } else { 2 });
    }

    #[test]
    fn a_plain_name_needs_no_server() {
        check_name("app 17", true);
        check_name("", true);
        check_name(&"a".repeat(63), true);
        check_name(&"a".repeat(64), false);
        check_name("é", false);
        check_name("a\n", false);
    }

    #[test]
    fn settings_are_quoted() {
        let mut sql = String::new();
        let all: [(&str, &[u8]); 2] =
            [("DateStyle", b"ISO, MDY"), ("application_name", b"it's \\")];
        put_settings(&mut sql, all.into_iter());
        assert_eq!(
            sql,
            "SELECT pg_catalog.set_config(E'DateStyle', E'ISO, MDY', false), \
             pg_catalog.set_config(E'application_name', E'it''s \\\\', false)"
        );
    }
}
