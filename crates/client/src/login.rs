//! Logging in: with a live token, once more with a new one, and again while the server wakes up.

use lakegate_core::edge::DatabaseError;
use lakegate_core::refusal::{self, Patience};
use lakegate_core::time::millis;
use lakegate_edges::postgres::LoginError;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};

use crate::credential::Credential;
use crate::edge::{clocks, database_error, server, tell};
use crate::{Error, Lakebase};

/// A login that failed for good.
pub(crate) struct Failure {
    /// What people are told.
    pub(crate) error: Error,
    /// The library's own error, where the failure is one.
    #[cfg_attr(not(feature = "deadpool"), expect(dead_code, reason = "a pool passes it on"))]
    pub(crate) own: Option<tokio_postgres::Error>,
}

/// One try that failed: for the decisions, and as it was.
struct Try {
    seen: DatabaseError,
    own: Option<tokio_postgres::Error>,
}

impl Lakebase {
    /// Opens a connection over verified TLS, with a live token. The schema of the settings is its
    /// `search_path`. It lives until the client is dropped.
    ///
    /// A login that is refused for its token is tried once more with a new one; a server that is
    /// asleep or does not answer is waited for, two minutes unless [`Builder::patience`] says
    /// otherwise.
    ///
    /// [`Builder::patience`]: crate::Builder::patience
    ///
    /// # Errors
    ///
    /// There is no token, the server was not reached or is not to be trusted, or the login was
    /// refused with a fresh token too. The advice says which it looks like.
    pub async fn connect(&self) -> Result<Client, Error> {
        self.log_in().await.map(|(client, _)| client).map_err(|failure| failure.error)
    }

    /// The same, with the task of the connection.
    pub(crate) async fn log_in(&self) -> Result<(Client, JoinHandle<()>), Failure> {
        let credential = self.credential().await?;
        let failed = match self.enter(&credential).await {
            Ok(entered) => return Ok(entered),
            Err(failed) => failed,
        };
        let DatabaseError::Server(report) = failed.seen else {
            return Err(failed.told(&credential));
        };
        let generation = credential.generation();
        match self.0.keeper.refused(generation, *report).await {
            Ok(next) => self.enter(&next).await.map_err(|failed| failed.told(&next)),
            // It was not about the token, or another one would be refused, too.
            Err(error) => Err(Failure { error, own: failed.own }),
        }
    }

    /// Tries until the server answers, one way or the other.
    async fn enter(&self, credential: &Credential) -> Result<(Client, JoinHandle<()>), Try> {
        let config = self.config(credential)?;
        let clock = &self.0.clock;
        let mut tries = Patience::new(clocks(clock.now()), self.0.patience);
        loop {
            let failed = match self.0.postgres.open(&config).await {
                Ok(entered) => return Ok(entered),
                Err(error) => Try::from(error),
            };
            let now = clocks(clock.now());
            let Some(retry) = tries.after(now, credential.host(), &failed.seen) else {
                return Err(failed);
            };
            tell(&retry.notice);
            clock.sleep(millis(retry.pause)).await;
        }
    }

    /// What leads into the database with this credential.
    fn config(&self, credential: &Credential) -> Result<Config, Try> {
        let (user, database) = (credential.user(), credential.database());
        let mut config = server(&credential.ticket().server)
            .login(user, database, credential.password())
            .map_err(|error| Try { seen: database_error(error), own: None })?;
        config
            .application_name(&self.0.application_name)
            .options(format!("-c search_path={}", escaped(&search_path(credential.schema()))));
        Ok(config)
    }
}

impl Try {
    /// What a person is told of it.
    fn told(self, credential: &Credential) -> Failure {
        let problem = refusal::problem(&self.seen, credential.port(), &credential.attempt());
        Failure { error: problem.into(), own: self.own }
    }
}

impl From<LoginError> for Try {
    fn from(error: LoginError) -> Self {
        let seen = database_error((&error).into());
        let own = match error {
            LoginError::Failed(own) => Some(own),
            LoginError::Timeout => None,
        };
        Self { seen, own }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, own: None }
    }
}

/// The schema alone, quoted, as `search_path` takes it.
pub(crate) fn search_path(schema: &str) -> String {
    format!("\"{}\"", schema.replace('"', "\"\""))
}

/// A value within the startup parameter `options`: blanks end it there.
fn escaped(value: &str) -> String {
    let escape = |c: char| (c == '\\' || c.is_ascii_whitespace()).then_some('\\');
    value.chars().flat_map(|c| escape(c).into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_schema_finds_its_way_into_the_options() {
        for (schema, expected) in [
            ("app_ontos", r#""app_ontos""#),
            ("Two Words", r#""Two\ Words""#),
            (r#"a"b"#, r#""a""b""#),
            (r"a\b", r#""a\\b""#),
        ] {
            assert_eq!(escaped(&search_path(schema)), expected);
        }
    }
}
