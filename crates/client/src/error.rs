//! What went wrong.

use std::error::Error as StdError;
use std::io;

pub use lakegate_core::problem::Kind;

use lakegate_core::problem::Problem;

/// What went wrong.
///
/// `Display` says what happened, to what; [`advice`](Self::advice) what to do next, and
/// [`kind`](Self::kind) tells a program. There is no secret in it.
///
/// ```no_run
/// # async fn start() -> Result<(), lakegate_client::Error> {
/// use lakegate_client::{Kind, Lakebase};
///
/// let lakebase = Lakebase::from_env().await?;
/// match lakebase.connect().await {
///     Err(error) if error.kind() == Kind::Login => eprintln!("{error}\n{}", error.advice()),
///     outcome => drop(outcome?),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", problem.message)]
pub struct Error {
    problem: Problem,
}

impl Error {
    /// What kind of failure it is, by what the reader does next.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.problem.kind
    }

    /// What to do next: whole sentences, possibly with lines of SQL to paste.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.problem.advice
    }

    /// The SQLSTATE, when Postgres was the one to say no.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        self.problem.sqlstate.as_deref()
    }

    /// The error of this crate that an error of a pool was caused by: a pool of deadpool can say no
    /// better that there is no token to connect with.
    #[must_use]
    pub fn within<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        // An error of I/O holds ours without naming it as its source.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let own = error.downcast_ref().or_else(|| held.and_then(|held| held.downcast_ref()));
        own.or_else(|| error.source().and_then(Self::within))
    }

    /// Something is wrong that the edges tell in a chain.
    pub(crate) fn setup(kind: Kind, error: &anyhow::Error, advice: &str) -> Self {
        let (message, advice) = (format!("{error:#}"), advice.to_owned());
        Problem { kind, message, advice, sqlstate: None }.into()
    }

    /// The thread that renews the token does not answer.
    pub(crate) fn stopped() -> Self {
        Problem {
            kind: Kind::Internal,
            message: "the thread that renews the token has ended".to_owned(),
            advice: "This is a bug of Lakegate, please report it. A new Lakebase starts another."
                .to_owned(),
            sqlstate: None,
        }
        .into()
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_below_others() {
        let stopped = || Error::stopped();
        assert!(Error::within(&stopped()).is_some());
        assert!(Error::within(&io::Error::other(stopped())).is_some());
        assert!(Error::within(&io::Error::other(io::Error::other(stopped()))).is_none());
        assert!(Error::within(&io::Error::other("another")).is_none());
    }
}
