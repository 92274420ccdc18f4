//! Faults of the gate: what a login or an open connection meets.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::certificate::Shown;

/// What the admin API sets; a field that is left out keeps its fault as it was.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// Refuse logins, as `{"times": 0}` no longer.
    pub refuse_logins: Option<Refusal>,
    /// Suspend now: connections end, and the next login wakes it.
    pub suspend: Option<Suspension>,
    /// Answer `N` to the request for TLS.
    pub no_tls: Option<bool>,
    /// Show this certificate.
    pub certificate: Option<Shown>,
    /// Keep connections open and pass nothing on.
    pub stall: Option<bool>,
    /// Hold each session that begins from now on at one of its round trips.
    pub hold: Option<Hold>,
}

/// Where a session stands still until the faults are cleared or somebody leaves.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Which round trip of the session, from 1.
    pub round_trip: u64,
    /// Whether Postgres gets it all the same, and only its answer is kept back.
    #[serde(default)]
    pub answered: bool,
}

/// How logins are refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The message.
    #[serde(default = "Refusal::usual_message")]
    pub message: String,
    /// The SQLSTATE.
    #[serde(default = "Refusal::usual_code")]
    pub code: String,
    /// How many logins; without it, all until the faults are cleared.
    #[serde(default)]
    pub times: Option<u32>,
}

impl Refusal {
    fn usual_message() -> String {
        "External authorization failed".to_owned()
    }

    fn usual_code() -> String {
        "28000".to_owned()
    }
}

/// A compute that was scaled to zero.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// How long waking takes, from the first login on, in milliseconds.
    pub wake_ms: u64,
    /// What logins meet meanwhile.
    #[serde(default)]
    pub meanwhile: Meanwhile,
}

/// What logins meet while a compute wakes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meanwhile {
    /// They wait.
    #[default]
    Wait,
    /// They are refused with 57P03.
    Refuse,
}

/// What the gate does with a login before it looks at the password's worth.
#[derive(Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Go on.
    Admit,
    /// Go on at this instant.
    AdmitAt(Instant),
    /// Refuse with this message and SQLSTATE.
    Refuse {
        /// The message.
        message: String,
        /// The SQLSTATE.
        code: String,
    },
}

/// The faults in force.
#[derive(Debug)]
pub struct GateFaults {
    state: Mutex<State>,
    stall: watch::Sender<bool>,
    hold: watch::Sender<Option<Hold>>,
    /// Tells the connections that are open that they have to end; those that begin later have
    /// another.
    end: Mutex<watch::Sender<()>>,
}

#[derive(Debug, Default)]
struct State {
    refuse_logins: Option<Refusal>,
    sleep: Option<Sleep>,
    no_tls: bool,
    certificate: Shown,
}

#[derive(Debug)]
struct Sleep {
    suspension: Suspension,
    awake_at: Option<Instant>,
}

impl Default for GateFaults {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            stall: watch::Sender::new(false),
            hold: watch::Sender::new(None),
            end: Mutex::default(),
        }
    }
}

impl GateFaults {
    /// Takes a change over; returns when the connections that it ends are closed.
    pub async fn change(&self, change: Change) {
        let suspends = change.suspend.is_some();
        self.note(change);
        if suspends {
            self.end_connections().await;
        }
    }

    fn note(&self, change: Change) {
        let mut state = self.lock();
        if let Some(refusal) = change.refuse_logins {
            state.refuse_logins = (refusal.times != Some(0)).then_some(refusal);
        }
        if let Some(suspension) = change.suspend {
            state.sleep = Some(Sleep { suspension, awake_at: None });
        }
        state.no_tls = change.no_tls.unwrap_or(state.no_tls);
        state.certificate = change.certificate.unwrap_or(state.certificate);
        if let Some(stall) = change.stall {
            self.stall.send_replace(stall);
        }
        if change.hold.is_some() {
            self.hold.send_replace(change.hold);
        }
    }

    /// Removes all faults.
    pub fn clear(&self) {
        *self.lock() = State::default();
        self.stall.send_replace(false);
        self.hold.send_replace(None);
    }

    /// Ends every open connection, and returns when all of them are closed: nobody who asks for
    /// something after that is served by one of them.
    pub async fn end_connections(&self) {
        let end = std::mem::take(&mut *lock(&self.end));
        end.send_replace(());
        end.closed().await;
    }

    /// Whether bytes stand still.
    pub(crate) fn stall(&self) -> watch::Receiver<bool> {
        self.stall.subscribe()
    }

    /// Where sessions that begin now stand still.
    pub(crate) fn hold(&self) -> watch::Receiver<Option<Hold>> {
        self.hold.subscribe()
    }

    /// For a connection that begins now: it changes when the connection has to end, and is dropped
    /// when it is closed.
    pub(crate) fn end(&self) -> watch::Receiver<()> {
        lock(&self.end).subscribe()
    }

    /// Which certificate to show; none when TLS is refused.
    pub(crate) fn certificate(&self) -> Option<Shown> {
        let state = self.lock();
        (!state.no_tls).then_some(state.certificate)
    }

    /// Whether the compute is suspended and nobody has woken it yet.
    pub(crate) fn is_asleep(&self) -> bool {
        self.lock().sleep.as_ref().is_some_and(|sleep| sleep.awake_at.is_none())
    }

    /// What a login at `now` meets. It takes one refusal, or wakes the compute.
    pub fn meet(&self, now: Instant) -> Verdict {
        let mut state = self.lock();
        if let Some(refusal) = &mut state.refuse_logins {
            let (message, code) = (refusal.message.clone(), refusal.code.clone());
            match &mut refusal.times {
                Some(times) if *times > 1 => *times -= 1,
                Some(_) => state.refuse_logins = None,
                None => {}
            }
            return Verdict::Refuse { message, code };
        }
        let Some(sleep) = &mut state.sleep else { return Verdict::Admit };
        let wake = Duration::from_millis(sleep.suspension.wake_ms);
        let awake_at = *sleep.awake_at.get_or_insert(now + wake);
        match sleep.suspension.meanwhile {
            _ if awake_at <= now => {
                state.sleep = None;
                Verdict::Admit
            }
            Meanwhile::Wait => Verdict::AdmitAt(awake_at),
            Meanwhile::Refuse => Verdict::Refuse {
                message: "the database system is starting up".to_owned(),
                code: "57P03".to_owned(),
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Each change leaves what is behind these locks whole, even if a holder panicked later.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(json: &str) -> GateFaults {
        let faults = GateFaults::default();
        faults.note(serde_json::from_str(json).unwrap());
        faults
    }

    #[track_caller]
    fn check(faults: &GateFaults, now: Instant, expected: Verdict) {
        assert_eq!(faults.meet(now), expected);
    }

    #[test]
    fn refusals_run_out() {
        let faults = changed(r#"{"refuse_logins":{"message":"no","code":"28000","times":2}}"#);
        let now = Instant::now();
        let no = || Verdict::Refuse { message: "no".to_owned(), code: "28000".to_owned() };
        check(&faults, now, no());
        check(&faults, now, no());
        check(&faults, now, Verdict::Admit);
    }

    #[test]
    fn the_first_login_wakes_a_suspended_compute() {
        let start = Instant::now();
        let later = |ms| start + Duration::from_millis(ms);

        let waiting = changed(r#"{"suspend":{"wake_ms":500}}"#);
        assert!(waiting.is_asleep());
        check(&waiting, start, Verdict::AdmitAt(later(500)));
        assert!(!waiting.is_asleep());
        check(&waiting, later(100), Verdict::AdmitAt(later(500)));
        check(&waiting, later(500), Verdict::Admit);

        let refusing = changed(r#"{"suspend":{"wake_ms":500,"meanwhile":"refuse"}}"#);
        let starting = || Verdict::Refuse {
            message: "the database system is starting up".to_owned(),
            code: "57P03".to_owned(),
        };
        check(&refusing, later(100), starting());
        check(&refusing, later(599), starting());
        check(&refusing, later(600), Verdict::Admit);
    }

    #[test]
    fn clearing_reaches_open_connections() {
        let faults = changed(r#"{"stall":true,"no_tls":true}"#);
        assert_eq!((*faults.stall().borrow(), faults.certificate()), (true, None));
        faults.clear();
        assert_eq!((*faults.stall().borrow(), faults.certificate()), (false, Some(Shown::Good)));
    }

    #[tokio::test]
    async fn suspending_waits_until_open_connections_are_closed() {
        let faults = GateFaults::default();
        let mut open = faults.end();
        let suspend = faults.change(serde_json::from_str(r#"{"suspend":{"wake_ms":0}}"#).unwrap());
        let mut suspend = std::pin::pin!(suspend);
        tokio::select! {
            biased;
            () = &mut suspend => panic!("it did not wait"),
            told = open.changed() => told.unwrap(),
        }
        let later = faults.end();
        drop(open);
        suspend.await;
        assert!(!later.has_changed().unwrap(), "who comes later is left in peace");
    }
}
