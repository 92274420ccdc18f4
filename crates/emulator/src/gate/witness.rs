//! What passes in a session, seen in both directions: what is counted, noted, and kept back.

use std::sync::Arc;

use super::age::Age;
use super::faults::Hold;
use super::message::{Meter, Seen};
use super::startup::Startup;
use crate::counts::{Statement, Tally};

/// Sees what the client sends.
pub(crate) struct Questions<'a> {
    age: &'a Age,
    meter: Meter,
    turns: Turns<'a>,
    role: Arc<str>,
    database: Arc<str>,
}

impl<'a> Questions<'a> {
    /// Of the session that `startup` asked for.
    pub(crate) fn new(
        tally: &'a Tally,
        age: &'a Age,
        startup: &Startup,
        hold: Option<Hold>,
    ) -> Self {
        let held = hold.filter(|hold| !hold.answered).map(|hold| hold.round_trip);
        Self {
            age,
            meter: Meter::of_client(),
            turns: Turns { tally, held, next: 1 },
            role: startup.user().into(),
            database: startup.database().into(),
        }
    }

    /// Sees the next bytes; tells whether they are to be kept back.
    pub(crate) fn pass(&mut self, chunk: &[u8]) -> bool {
        self.age.touch();
        let Self { meter, turns, role, database, .. } = self;
        let tally = turns.tally;
        let mut held = false;
        meter.feed(chunk, |seen| match seen {
            Seen::RoundTrip => {
                tally.count(|counts| counts.round_trips += 1);
                held |= turns.end();
            }
            Seen::Statement(sql) => {
                tally.note(Statement { role: role.clone(), database: database.clone(), sql });
            }
        });
        held
    }
}

/// Sees what the server sends.
pub(crate) struct Answers<'a> {
    meter: Meter,
    turns: Turns<'a>,
}

impl<'a> Answers<'a> {
    /// Of a session that is to stand still there.
    pub(crate) fn new(tally: &'a Tally, hold: Option<Hold>) -> Self {
        let held = hold.filter(|hold| hold.answered).map(|hold| hold.round_trip);
        // Before the first comes the answer to the login.
        Self { meter: Meter::of_server(), turns: Turns { tally, held, next: 0 } }
    }

    /// Sees the next bytes; tells whether they are to be kept back.
    pub(crate) fn pass(&mut self, chunk: &[u8]) -> bool {
        // Most sessions are held nowhere, and need not pay for the look.
        if self.turns.held.is_none() {
            return false;
        }
        let Self { meter, turns } = self;
        let mut held = false;
        meter.feed(chunk, |_| held |= turns.end());
        held
    }
}

/// The round trips of one direction.
struct Turns<'a> {
    tally: &'a Tally,
    /// The one at which the session stands still.
    held: Option<u64>,
    next: u64,
}

impl Turns<'_> {
    /// One more ends; tells whether it is the one.
    fn end(&mut self) -> bool {
        let held = self.held == Some(self.next);
        self.next += 1;
        if held {
            self.tally.count(|counts| counts.held += 1);
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;

    /// A simple query, and how the server ends its answer.
    const QUERY: &[u8] = b"Q\0\0\0\x06;\0";
    const READY: &[u8] = b"Z\0\0\0\x05I";

    /// Which of these chunks are kept back, first of the client's and then of the server's.
    fn check(hold: Option<Hold>, asked: [bool; 3], answered: [bool; 4]) {
        let (tally, (_, shift)) = (Tally::default(), watch::channel(0));
        let age = Age::new(shift);
        let parameters = [("user".to_owned(), "r".to_owned())].into();
        let startup = Startup { version: 196_608, parameters, raw: Vec::new() };
        let mut questions = Questions::new(&tally, &age, &startup, hold);
        let mut answers = Answers::new(&tally, hold);
        let twice = [QUERY, QUERY].concat();
        assert_eq!([QUERY, &twice, QUERY].map(|chunk| questions.pass(chunk)), asked, "{hold:?}");
        assert_eq!([READY; 4].map(|chunk| answers.pass(chunk)), answered, "{hold:?}");
        let counts = tally.counts();
        assert_eq!((counts.round_trips, counts.held), (4, u64::from(hold.is_some())));
    }

    #[test]
    fn a_session_is_held_at_one_round_trip_of_one_direction() {
        let (no, none) = ([false; 3], [false; 4]);
        let at = |round_trip, answered| Some(Hold { round_trip, answered });
        check(None, no, none);
        check(at(1, false), [true, false, false], none);
        check(at(2, false), [false, true, false], none);
        check(at(3, false), [false, true, false], none);
        check(at(4, false), [false, false, true], none);
        check(at(1, true), no, [false, true, false, false]);
        check(at(3, true), no, [false, false, false, true]);
    }
}
