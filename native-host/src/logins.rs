//! Live tokens for the proxy, and what its applications are told when there is none.

use std::sync::Arc;

use lakegate_edges::clock::Clock;
use lakegate_proxy::{Answer, Failure, Login, Logins, ServerError};
use zeroize::Zeroizing;

use crate::component::{CallError, Gate, Kind, Problem};
use crate::credential::{self, Held, Live};

/// The logins of the proxy: each with the token that lives now.
///
/// It may be asked on any runtime: what waits for an answer here waits on a channel.
pub(crate) struct Tokens {
    pub(crate) gate: Gate,
    clock: Clock,
    live: Live,
}

impl Tokens {
    /// Starts to keep a token, on the current runtime.
    pub(crate) fn keep(gate: Gate, clock: Clock) -> Self {
        let live = credential::keep(gate.clone(), clock.clone(), credential::warn_not_renewed);
        Self { gate, clock, live }
    }

    /// Whether a server connection could log in now, without a word with the workspace.
    pub(crate) fn has_live(&self) -> bool {
        self.live.get().is_some()
    }

    async fn present(&self) -> Result<Arc<Held>, CallError> {
        match self.live.get() {
            Some(held) => Ok(held),
            None => credential::take(&self.gate, &self.clock).await.map(Arc::new),
        }
    }

    async fn another(&self, generation: u64, refusal: &ServerError) -> Result<Held, CallError> {
        let fresh = self.gate.refused(generation, as_reported(refusal)).await?;
        credential::reveal(&self.gate, &self.clock, fresh).await
    }
}

impl Logins for Tokens {
    fn current(&self) -> Answer<'_> {
        Box::pin(async {
            let held = self.present().await.map_err(failure)?;
            Ok(login(&held))
        })
    }

    fn refused<'a>(&'a self, refused: &'a Login, refusal: &'a ServerError) -> Answer<'a> {
        Box::pin(async {
            let held = self.another(refused.generation, refusal).await.map_err(failure)?;
            Ok(login(&held))
        })
    }
}

fn login(held: &Held) -> Arc<Login> {
    let credential = &held.credential;
    Arc::new(Login {
        host: credential.host.clone(),
        port: credential.port,
        plaintext: credential.plaintext,
        user: credential.user.clone(),
        database: credential.database.clone(),
        password: Zeroizing::new(held.token().to_owned()),
        generation: credential.generation,
    })
}

/// What the database said, as the component takes it.
pub(crate) fn as_reported(refusal: &ServerError) -> crate::component::ServerError {
    let ServerError { code, message, detail, hint } = refusal.clone();
    crate::component::ServerError {
        code,
        message,
        detail,
        hint,
        position: None,
        internal_position: None,
        internal_query: None,
        context: None,
    }
}

/// What an application is told: drivers decide by the SQLSTATE.
fn failure(error: CallError) -> Failure {
    match error {
        CallError::Problem(Problem { kind, message, advice, sqlstate }) => {
            let (code, passes) = meaning(&kind);
            Failure {
                code: sqlstate.unwrap_or_else(|| code.to_owned()),
                message,
                hint: Some(advice).filter(|advice| !advice.is_empty()),
                passes,
            }
        }
        // A new instance takes its place.
        stopped @ CallError::Stopped(_) => Failure {
            code: "XX000".to_owned(),
            message: stopped.to_string(),
            hint: None,
            passes: true,
        },
    }
}

/// The SQLSTATE of a kind of problem, and whether it may pass by itself.
fn meaning(kind: &Kind) -> (&'static str, bool) {
    match kind {
        // The workspace, and not the database, cannot be reached: there is no way to connect.
        Kind::Unavailable | Kind::Timeout => ("08001", true),
        // Too many of something, and later there will be fewer.
        Kind::Throttled => ("53300", true),
        Kind::Configuration | Kind::Denied | Kind::Login => ("28000", false),
        Kind::Statement | Kind::Conflict | Kind::Other(_) => ("58000", false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, sqlstate: Option<&str>, code: &str, passes: bool) {
        let problem = Problem {
            kind,
            message: "no token".to_owned(),
            advice: "Look there.".to_owned(),
            sqlstate: sqlstate.map(str::to_owned),
        };
        let told = failure(CallError::Problem(problem));
        assert_eq!((told.code.as_str(), told.passes), (code, passes));
        assert_eq!(
            (told.message.as_str(), told.hint.as_deref()),
            ("no token", Some("Look there."))
        );
    }

    #[test]
    fn drivers_are_told_a_code_to_decide_by() {
        check(Kind::Denied, None, "28000", false);
        check(Kind::Configuration, None, "28000", false);
        check(Kind::Login, Some("28P01"), "28P01", false);
        check(Kind::Login, Some("3D000"), "3D000", false);
        check(Kind::Unavailable, None, "08001", true);
        check(Kind::Timeout, None, "08001", true);
        check(Kind::Throttled, None, "53300", true);
    }

    #[test]
    fn a_hint_is_there_or_not() {
        let stopped = failure(CallError::Stopped("out of memory".to_owned()));
        assert_eq!((stopped.code.as_str(), stopped.hint, stopped.passes), ("XX000", None, true));
    }
}
