//! The login, and what its refusal means to somebody who knows the token and the workspace.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::chart::{Chart, Stop};
use super::suspicion::{Claims, Clue, suspect};
use super::{CONFIGURATION, CREDENTIAL, Cause, LOGIN};
use crate::api::Call;
use crate::api::roles::{self, Role};
use crate::config::{Config, PasswordAccess};
use crate::edge::{DatabaseError, Edge, Login, Server};
use crate::flow::connector::Connector;
use crate::flow::mint::{MintError, Target, WorkspaceToken, send};
use crate::problem::Problem;
use crate::refusal::{self, WAKE_UP, classify_failure};
use crate::secret::Secret;

/// A person waits: a server that gives no sign of being about to wake up gets less than at a start.
const PATIENCE: Duration = Duration::from_secs(15);

/// A login that takes so long has waited for something.
const UNUSUAL: Duration = Duration::from_secs(3);

/// More pages of roles than this are not read: nobody waits for them.
const MAX_PAGES: usize = 10;

/// What is sent as password.
pub(super) enum Password {
    /// A credential that was bought this minute; the endpoint may sleep.
    Minted {
        /// The credential.
        token: Secret,
        /// Whether the workspace says that it sleeps or starts.
        asleep: bool,
    },
    /// One that was configured.
    Configured {
        /// By this setting.
        name: &'static str,
        /// The password.
        secret: Secret,
    },
}

impl Password {
    fn secret(&self) -> &Secret {
        match self {
            Self::Minted { token: secret, .. } | Self::Configured { secret, .. } => secret,
        }
    }

    /// What speaks against a password that was configured: the cause, what it is, what to do.
    pub(super) fn trap(&self) -> Option<(Cause, String, String)> {
        let Self::Configured { name, secret } = self else { return None };
        let (cause, what) = if secret.expose().starts_with("dapi") {
            (Cause::PatAsPassword, "a personal access token")
        } else if secret.expose().starts_with("eyJ") {
            (Cause::TokenAsPassword, "a token, which dies within the hour")
        } else {
            return None;
        };
        Some((
            cause,
            format!("{name} holds what looks like {what}"),
            format!(
                "A token is no password that lasts. Set ENV=PROD, remove {name}, and set \
                 DATABRICKS_HOST with DATABRICKS_TOKEN or a client id and its secret: Lakegate \
                 then buys the password, and renews it."
            ),
        ))
    }
}

/// A login that is to be tried.
pub(super) struct Attempt<'a> {
    pub(super) server: Server,
    pub(super) user: &'a str,
    pub(super) config: &'a Config,
    pub(super) password: &'a Password,
    /// In OAuth mode.
    pub(super) evidence: Option<Evidence<'a>>,
}

/// What helps to understand a refusal.
pub(super) struct Evidence<'a> {
    /// With it the workspace may be asked for the roles.
    pub(super) token: &'a WorkspaceToken,
    /// Whose roles.
    pub(super) target: &'a Target,
}

/// The password of LOCAL mode.
pub(super) async fn configured<E: Edge>(
    chart: &mut Chart<'_, E>,
    access: &PasswordAccess,
) -> Result<Password, Stop> {
    match chart.edge.secret(access.password).await {
        Some(secret) => Ok(Password::Configured { name: access.password, secret }),
        None => {
            let gone = MintError::SecretGone { name: access.password.into() };
            Err(chart.fail(CREDENTIAL, Cause::NoSecret, gone.problem()))
        }
    }
}

/// A password that is set in OAuth mode is not used; people wonder why.
pub(super) async fn warn_of_password<E: Edge>(chart: &mut Chart<'_, E>) {
    for name in ["POSTGRES_PASSWORD", "PGPASSWORD"] {
        let secret = chart.edge.secret(name).await;
        let Some(secret) = secret.filter(|it| !it.expose().trim().is_empty()) else { continue };
        let trap = Password::Configured { name, secret }.trap();
        let cause = trap.map_or(Cause::PasswordIgnored, |(cause, ..)| cause);
        let found = format!("{name} is set and not used: in OAuth mode the password is bought");
        let mut advice = format!("Remove {name}.");
        if cause == Cause::PatAsPassword {
            advice.push_str(" A personal access token goes to DATABRICKS_TOKEN.");
        }
        chart.warn(CONFIGURATION, cause, found, advice);
    }
}

/// Logs in.
pub(super) async fn enter<E: Edge>(
    connector: &Connector<E>,
    chart: &mut Chart<'_, E>,
    attempt: &Attempt<'_>,
) -> Result<E::Connection, Stop> {
    let Attempt { server, user, config, password, .. } = attempt;
    let database = config.database.value.clone();
    let login = Login { user: (*user).into(), password: password.secret().clone(), database };
    let patience = match password {
        Password::Minted { asleep: true, .. } => WAKE_UP,
        _ => PATIENCE,
    };
    let start = chart.edge.clocks().monotonic;
    let opened = connector.knock(server, &login, patience).await;
    let took = Duration::from_millis(chart.edge.clocks().monotonic.saturating_sub(start));
    match opened {
        Ok(connection) => {
            let asleep = matches!(password, Password::Minted { asleep: true, .. });
            welcome(chart, server, took, asleep);
            Ok(connection)
        }
        Err(error) => {
            let (cause, problem) = explain(chart, attempt, &error).await;
            Err(chart.fail(LOGIN, cause, problem))
        }
    }
}

fn welcome<E: Edge>(chart: &mut Chart<'_, E>, server: &Server, took: Duration, asleep: bool) {
    // Plaintext is allowed then, not sure: the edge takes TLS where there is some.
    let how = if server.plaintext { "on this machine" } else { "over verified TLS" };
    if took < UNUSUAL && !asleep {
        return chart.pass(LOGIN, format!("logged in {how}"));
    }
    let (seconds, tenths) = (took.as_secs(), took.subsec_millis() / 100);
    let why = if asleep { "it was asleep" } else { "it was asleep, or is very busy" };
    chart.warn(
        LOGIN,
        Cause::Asleep,
        format!("logged in {how} after {seconds}.{tenths} s: {why}"),
        "The first login after a pause waits so long. Where that is too long, let the endpoint \
         not scale to zero, or keep a connection open: `lakegate proxy --keep-warm 1`."
            .into(),
    );
}

async fn explain<E: Edge>(
    chart: &Chart<'_, E>,
    attempt: &Attempt<'_>,
    error: &DatabaseError,
) -> (Cause, Problem) {
    let Attempt { server, user, config, password, evidence } = attempt;
    let fresh = matches!(password, Password::Minted { .. });
    let told = refusal::Attempt {
        host: &server.host,
        user,
        database: &config.database.value,
        password: if fresh { refusal::Password::Fresh } else { refusal::Password::Configured },
    };
    let plain = (Cause::of_login(error), refusal::problem(error, server.port, &told));
    let refused = classify_failure(error);
    let Some(report) = refusal::report(error).filter(|_| refused.retry_with_new_token()) else {
        return plain;
    };
    let (cause, found, advice) = match evidence {
        None => match password.trap() {
            Some(trap) => trap,
            None => return (Cause::WrongPassword, plain.1),
        },
        Some(evidence) => {
            let claims = Claims::read(password.secret());
            let roles = evidence.roles(chart.edge).await;
            let now = chart.server_time();
            let clue = Clue { refused, role: user, claims, now, roles: roles.as_deref() };
            match suspect(&clue) {
                Some(suspicion) => suspicion.told(user),
                None => return plain,
            }
        }
    };
    let message = format!("{}; {found}", told.refused(&report));
    (cause, Problem { message, advice, ..plain.1 })
}

impl Evidence<'_> {
    /// The roles of the server, if the workspace tells.
    async fn roles<E: Edge>(&self, edge: &E) -> Option<Vec<Role>> {
        let (workspace, token) = (&self.token.workspace, &self.token.token);
        let (mut all, mut page) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let request = match self.target {
                Target::Instance { name, .. } => {
                    roles::of_instance(workspace, token, name, page.as_deref())
                }
                Target::Endpoint { path, .. } => {
                    roles::of_branch(workspace, token, path.branch(), page.as_deref())
                }
            };
            let (response, _) = send(edge, Call::Roles, request).await.ok()?;
            let answer = roles::read(&response).ok()?;
            all.extend(answer.roles);
            page = answer.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                return Some(all);
            }
        }
        None
    }
}
