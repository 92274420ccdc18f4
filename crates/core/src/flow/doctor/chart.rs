//! What the checks have found so far.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{CHECKS, CLOCK, Cause, LOGIN, WORKSPACE_TOKEN};
use crate::config::Workspace;
use crate::date;
use crate::edge::{Edge, Server};
use crate::problem::Problem;

/// One check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What is wrong, for programs; none when nothing is, or when nobody looked.
    pub cause: Option<Cause>,
    /// What was found: one line, no secret.
    pub found: String,
    /// What to do about it; empty when there is nothing to do.
    pub advice: String,
    /// Whom it talks to, on the first line of a check that does: a host that can look at networks
    /// finds out more about the way there.
    pub at: Option<Server>,
    /// How long it took.
    pub took: Duration,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// It works, but a person should look.
    Warning,
    /// This is what is wrong.
    Failed,
    /// Not tried.
    Skipped,
}

/// A check failed, and those after it cannot be tried.
#[derive(Debug)]
pub(super) struct Stop {
    name: &'static str,
}

/// How far a clock may be off before a person should look.
const SKEW: u64 = 30_000;

/// What the checks have found so far.
pub(super) struct Chart<'a, E> {
    pub(super) edge: &'a E,
    checks: Vec<Check>,
    /// When the last line was written, in milliseconds.
    since: u64,
    places: Vec<(&'static str, Server)>,
    /// How far the clock here is ahead of others', in milliseconds.
    skews: Vec<(&'static str, i64)>,
}

impl<'a, E: Edge> Chart<'a, E> {
    pub(super) fn new(edge: &'a E) -> Self {
        let since = edge.clocks().monotonic;
        Self { edge, checks: Vec::new(), since, places: Vec::new(), skews: Vec::new() }
    }

    pub(super) fn pass(&mut self, name: &'static str, found: String) {
        self.add(name, Outcome::Passed, None, found, String::new());
    }

    pub(super) fn warn(&mut self, name: &'static str, cause: Cause, found: String, advice: String) {
        self.add(name, Outcome::Warning, Some(cause), found, advice);
    }

    /// What failed; those who go on all the same drop the answer.
    pub(super) fn fail(&mut self, name: &'static str, cause: Cause, problem: Problem) -> Stop {
        self.add(name, Outcome::Failed, Some(cause), problem.message, problem.advice);
        Stop { name }
    }

    pub(super) fn skip(&mut self, names: &[&'static str], reason: &str) {
        for name in names {
            self.add(name, Outcome::Skipped, None, String::from(reason), String::new());
        }
    }

    /// Accounts for every check that has no line yet. The clocks need no more than one who told.
    pub(super) fn skip_rest(&mut self, stop: Option<&Stop>) {
        let reason = match stop {
            Some(stop) => format!("not tried: {} failed", stop.name),
            None => String::from("nobody told what time it is"),
        };
        for name in CHECKS {
            if name == CLOCK && !self.skews.is_empty() {
                self.judge_clock();
            } else if self.checks.iter().all(|check| check.name != name) {
                self.skip(&[name], &reason);
            }
        }
    }

    /// The workspace is asked there.
    pub(super) fn will_ask(&mut self, workspace: &Workspace) {
        let (host, port) = workspace.place();
        let plaintext = workspace.as_str().starts_with("http:");
        self.talks(WORKSPACE_TOKEN, Server { host, port, plaintext });
    }

    /// The database is there.
    pub(super) fn will_log_in(&mut self, server: &Server) {
        self.talks(LOGIN, server.clone());
    }

    fn talks(&mut self, name: &'static str, server: Server) {
        self.places.retain(|(own, _)| *own != name);
        self.places.push((name, server));
    }

    /// Takes down what another clock said, in milliseconds since 1970, when the one here said
    /// `wall`.
    pub(super) fn compare_clocks(&mut self, whose: &'static str, theirs: i64, wall: u64) {
        if self.skews.iter().all(|(own, _)| *own != whose) {
            self.skews
                .push((whose, i64::try_from(wall).unwrap_or(i64::MAX).saturating_sub(theirs)));
        }
    }

    /// The same for the `Date` header of an answer of the workspace.
    pub(super) fn compare_date(&mut self, date: Option<&str>, wall: u64) {
        if let Some(theirs) = date.and_then(date::http) {
            self.compare_clocks("the workspace's", theirs, wall);
        }
    }

    /// The present moment by the workspace's clock, in milliseconds since 1970; by the one here when
    /// the workspace told nothing.
    pub(super) fn server_time(&self) -> i64 {
        let here = i64::try_from(self.edge.clocks().wall).unwrap_or(i64::MAX);
        here.saturating_sub(self.skews.first().map_or(0, |(_, skew)| *skew))
    }

    /// How the clock here does.
    fn judge_clock(&mut self) {
        let said: Vec<_> = self.skews.iter().map(|(whose, skew)| told(whose, *skew)).collect();
        let found = format!("this machine's clock is {}", said.join(" and "));
        if self.skews.iter().all(|(_, skew)| skew.unsigned_abs() <= SKEW) {
            return self.pass(CLOCK, found);
        }
        let advice = String::from(
            "Let the clock be set by NTP. Lakegate measures the lives of tokens without it, but \
             certificates and identity tokens are judged by it.",
        );
        self.warn(CLOCK, Cause::ClockOff, found, advice);
    }

    /// All lines.
    pub(super) fn checks(mut self) -> Vec<Check> {
        for (name, server) in self.places {
            if let Some(first) = self.checks.iter_mut().find(|check| check.name == name) {
                first.at = Some(server);
            }
        }
        self.checks
    }

    fn add(
        &mut self,
        name: &'static str,
        outcome: Outcome,
        cause: Option<Cause>,
        found: String,
        advice: String,
    ) {
        let now = self.edge.clocks().monotonic;
        let took = Duration::from_millis(now.saturating_sub(self.since));
        self.since = now;
        self.checks.push(Check { name, outcome, cause, found, advice, at: None, took });
    }
}

/// `0 s ahead of the workspace's`; what an answer's way took is within it.
fn told(whose: &str, skew: i64) -> String {
    let seconds = skew.unsigned_abs() / 1000;
    match skew {
        _ if seconds <= 2 => format!("as {whose}"),
        0.. => format!("{seconds} s ahead of {whose}"),
        _ => format!("{seconds} s behind {whose}"),
    }
}
