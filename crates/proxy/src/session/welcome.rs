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

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use super::errand::{self, ErrandError};
use super::lending::WAITING;
use super::origin::{self, Wish};
use crate::logins::Failure;
use crate::options::Mode;
use crate::pool::{Lease, Origin};
use crate::proxy::Shared;
use crate::stream::Stream;
use crate::wire::answer;
use crate::wire::carried::Carried;
use crate::wire::parameters::Parameters;
use crate::wire::startup::Startup;

/// How long it holds what a server made of startup parameters: defaults of roles and databases
/// change now and then.
const HOLDS: Duration = Duration::from_secs(300);
/// How many different ones are remembered.
const REMEMBERED: usize = 1000;
const APPLICATION_NAME: &str = "application_name";
/// The longest name of an application, in bytes; Postgres cuts a longer one.
const NAME: usize = 63;

/// What a session begins with.
pub(super) struct Hello {
    pub(super) origin: Arc<Origin>,
    /// What the application is told of the server's parameters.
    pub(super) seen: Parameters,
    /// The same in messages.
    pub(super) reports: Bytes,
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
pub(super) struct Learned(Mutex<HashMap<Lesson, Taught>>);

/// What servers made of a lesson.
struct Taught {
    seen: Parameters,
    at: Instant,
    /// The same with the name of the application that came last, and in messages: those that
    /// connect for each query have one name, and share this.
    latest: (Parameters, Bytes),
}

/// An origin, and what was set on top of it.
type Lesson = (Arc<Origin>, Vec<(String, String)>);

/// Finds out what a session begins with.
pub(super) async fn welcome(startup: &Startup, shared: &Arc<Shared>) -> Result<Hello, Refusal> {
    let Wish { origin, mut following } =
        origin::wish(startup, shared.mode).map_err(Refusal::Ours)?;
    let origin = Arc::new(origin);
    if shared.mode == Mode::Session {
        let lease = shared.pool.take(&origin).await.map_err(Refusal::Ours)?;
        let seen = lease.parameters.clone();
        return Ok(Hello { origin, reports: reports(&seen), seen, lease: Some(lease) });
    }
    let name = take_plain_name(&mut following);
    let lesson = (Arc::clone(&origin), following);
    let name = name.as_deref();
    let (seen, reports) = match shared.sessions.learned.recall(&lesson, name) {
        Some(told) => told,
        None => told(&learn(lesson, shared).await?, name),
    };
    Ok(Hello { origin, seen, reports, lease: None })
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
    let is_name = |(name, _): &(String, String)| name.eq_ignore_ascii_case(APPLICATION_NAME);
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

/// What an application by this name is told, as it is known and in messages.
fn told(seen: &Parameters, name: Option<&str>) -> (Parameters, Bytes) {
    let mut seen = seen.clone();
    if let Some(name) = name {
        seen.set(APPLICATION_NAME, name.as_bytes());
    }
    let reports = reports(&seen);
    (seen, reports)
}

fn reports(seen: &Parameters) -> Bytes {
    let mut out = BytesMut::new();
    seen.iter().for_each(|(name, value)| answer::parameter_status(&mut out, name, value));
    out.freeze()
}

impl Learned {
    fn recall(&self, lesson: &Lesson, name: Option<&str>) -> Option<(Parameters, Bytes)> {
        let mut learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taught = learned.get_mut(lesson).filter(|taught| taught.at.elapsed() < HOLDS)?;
        let wanted = name.map(str::as_bytes).or_else(|| taught.seen.get(APPLICATION_NAME));
        if taught.latest.0.get(APPLICATION_NAME) != wanted {
            taught.latest = told(&taught.seen, name);
        }
        Some(taught.latest.clone())
    }

    fn note(&self, lesson: Lesson, seen: &Parameters) {
        let mut learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if learned.len() >= REMEMBERED {
            learned.clear();
        }
        let taught = Taught { seen: seen.clone(), at: Instant::now(), latest: told(seen, None) };
        learned.insert(lesson, taught);
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
    fn who_has_another_name_is_told_so() {
        let learned = Learned::default();
        let lesson = || (Arc::new(Origin::new(None, Vec::new())), Vec::new());
        let mut seen = Parameters::default();
        seen.set("application_name", b"from the role");
        learned.note(lesson(), &seen);
        for name in [Some("a"), Some("a"), Some("b"), None, Some("from the role"), None] {
            let (seen, reports) = learned.recall(&lesson(), name).unwrap();
            let expected = name.unwrap_or("from the role").as_bytes();
            assert_eq!(seen.get("application_name"), Some(expected));
            let body = [b"application_name\0", expected, b"\0"].concat();
            assert_eq!(&reports[5..], body);
        }
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
