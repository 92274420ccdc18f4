//! Everything that an application asks for, behind one door.
//!
//! A [`Connector`] holds the settings as they were first read, the two tokens of the chain, and
//! nothing else. It is made without a look at the world; the first call that needs a setting
//! reads them all.

use alloc::borrow::ToOwned;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use crate::config::{Access, Config, OAuthAccess, PasswordAccess};
use crate::edge::{Edge, Level, Notice, Server, ServerError};
use crate::flow::credential::{Credential, CredentialSource};
use crate::flow::gate::{Gate, GateStatus, Held};
use crate::flow::kept::{self, Kept};
use crate::flow::mint::owner;
use crate::flow::workspace::WorkspaceSource;
use crate::problem::Problem;
use crate::refusal::{Attempt, Password, classify};
use crate::secret::Secret;
use crate::token::Policy;

/// Everything that an application asks for.
pub struct Connector<E: Edge> {
    pub(super) edge: Rc<E>,
    ready: RefCell<Option<Rc<Ready<E>>>>,
}

/// The settings, and what follows from them.
pub(super) struct Ready<E: Edge> {
    pub(super) config: Config,
    pub(super) mode: Mode<E>,
}

/// How logins are made.
pub(super) enum Mode<E: Edge> {
    Password(PasswordAccess),
    OAuth(Tokens<E>),
}

/// The tokens of the chain: the second, which buys the first when it needs it.
pub(super) struct Tokens<E: Edge> {
    pub(super) credential: Gate<E, CredentialSource<E>>,
    /// The last two credentials that were handed out, the newest last.
    recent: RefCell<Vec<Rc<Held<Credential>>>>,
}

/// A credential as it is handed out: everything but its secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ticket {
    /// Which token it is, from 1.
    pub generation: u64,
    /// Where it logs in.
    pub server: Server,
    /// The role.
    pub user: String,
    /// The database.
    pub database: String,
    /// The schema of the application.
    pub schema: String,
    /// How long it may be used; `None` for a password, which never ends.
    pub validity: Option<Validity>,
}

/// How long a credential may be used for logins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    /// For so long, from the call on that gave the credential.
    pub left: Duration,
    /// Until this moment: milliseconds since 1970 by the local clock, as that clock stood when the
    /// token came.
    pub until: u64,
}

/// A password has one generation for ever.
const PASSWORD_GENERATION: u64 = 1;

/// How many credentials are kept for those who were just given them: the present one, and the one
/// that a refresh replaced meanwhile.
const KEPT: usize = 2;

impl<E: Edge> Connector<E> {
    /// A connector that has done nothing yet.
    pub fn new(edge: E) -> Self {
        Self { edge: Rc::new(edge), ready: RefCell::new(None) }
    }

    /// Whether the settings can be used. Nothing is asked of anybody else.
    ///
    /// # Errors
    ///
    /// They are wrong, or incomplete.
    pub fn check(&self) -> Result<(), Problem> {
        self.ready().map(drop)
    }

    /// The present credential: at once if one lives, else as [`Gate::current`].
    ///
    /// # Errors
    ///
    /// The settings are wrong, or there is no token.
    pub async fn current(&self) -> Result<Ticket, Problem> {
        let ready = self.ready()?;
        match &ready.mode {
            Mode::Password(access) => Ok(password_ticket(&ready.config, access)),
            Mode::OAuth(tokens) => {
                let held = tokens.credential.current().await?;
                Ok(tokens.ticket(&ready.config, held))
            }
        }
    }

    /// A credential newer than `after`, when it is due; as [`Gate::renewed`].
    ///
    /// # Errors
    ///
    /// Each failed try. A password is never renewed: the call then waits for ever.
    pub async fn renewed(&self, after: u64) -> Result<Ticket, Problem> {
        let ready = self.ready()?;
        match &ready.mode {
            Mode::Password(access) if after < PASSWORD_GENERATION => {
                Ok(password_ticket(&ready.config, access))
            }
            Mode::Password(_) => loop {
                self.edge.sleep(Duration::MAX).await;
            },
            Mode::OAuth(tokens) => {
                let held = tokens.credential.renewed(after).await?;
                Ok(tokens.ticket(&ready.config, held))
            }
        }
    }

    /// The secret of a generation: of the last two, or none.
    pub async fn reveal(&self, generation: u64) -> Option<Secret> {
        let ready = self.ready.borrow().clone()?;
        match &ready.mode {
            Mode::Password(access) if generation == PASSWORD_GENERATION => {
                self.edge.secret(access.password).await
            }
            Mode::Password(_) => None,
            Mode::OAuth(tokens) => tokens.recent(generation).map(|held| held.token.token.clone()),
        }
    }

    /// The credential to log in with once more, after a login with this generation was refused.
    ///
    /// # Errors
    ///
    /// Another token would be refused too, there is none, or the refusal is not about the token.
    pub async fn refused(&self, generation: u64, error: &ServerError) -> Result<Ticket, Problem> {
        let refusal = classify(error);
        if refusal.retry_with_new_token()
            && let Some(ticket) = self.successor(generation).await?
        {
            return Ok(ticket);
        }
        let ticket = match self.handed_out(generation)? {
            Some(ticket) => ticket,
            None => self.current().await?,
        };
        Err(refusal.problem(error, &ticket.attempt()))
    }

    /// The ticket to try after one whose token was refused; none when it would be refused too.
    pub(super) async fn successor(&self, generation: u64) -> Result<Option<Ticket>, Problem> {
        let ready = self.ready()?;
        let Mode::OAuth(tokens) = &ready.mode else { return Ok(None) };
        let held = match tokens.recent(generation) {
            Some(held) => tokens.credential.refused(held.fingerprint).await?,
            // It is older than what we know of: the present one is its successor.
            None => Some(tokens.credential.current().await?),
        };
        Ok(held.map(|held| tokens.ticket(&ready.config, held)))
    }

    /// A ticket of the last two, once more.
    fn handed_out(&self, generation: u64) -> Result<Option<Ticket>, Problem> {
        let ready = self.ready()?;
        Ok(match &ready.mode {
            Mode::Password(access) => Some(password_ticket(&ready.config, access)),
            Mode::OAuth(tokens) => {
                tokens.recent(generation).map(|held| tokens.ticket(&ready.config, held))
            }
        })
    }

    /// How the credential stands; `None` for a password, or before the first call.
    pub fn health(&self) -> Option<GateStatus> {
        match &self.ready.borrow().as_ref()?.mode {
            Mode::Password(_) => None,
            Mode::OAuth(tokens) => Some(tokens.credential.status()),
        }
    }

    /// The credential that an earlier instance left, which the first call would take up. Looking
    /// starts nothing. In LOCAL mode nothing is kept, nor with settings that cannot be used.
    pub async fn kept(&self) -> Option<Kept> {
        let ready = self.ready().ok()?;
        let Access::OAuth(access) = &ready.config.access else { return None };
        let owner = owner(&*self.edge, access).await?;
        let entry = kept::recall(&*self.edge, &owner).await?;
        entry.times(&Policy::default(), self.edge.clocks().wall)
    }

    /// The settings, read at the first call, and their warnings told then.
    pub(super) fn ready(&self) -> Result<Rc<Ready<E>>, Problem> {
        if let Some(ready) = &*self.ready.borrow() {
            return Ok(Rc::clone(ready));
        }
        let ready = self.read()?;
        for text in &ready.config.warnings {
            self.edge.notice(&Notice { level: Level::Warning, text: text.clone() });
        }
        Ok(ready)
    }

    /// The settings, for somebody who shows the warnings. Wrong ones are read again at the next
    /// call, good ones are kept.
    pub(super) fn read(&self) -> Result<Rc<Ready<E>>, Problem> {
        if let Some(ready) = &*self.ready.borrow() {
            return Ok(Rc::clone(ready));
        }
        let config = Config::load(&*self.edge).map_err(|error| error.problem())?;
        let mode = match &config.access {
            Access::Password(access) => Mode::Password(access.clone()),
            Access::OAuth(access) => Mode::OAuth(Tokens::new(&self.edge, access, &config)),
        };
        let ready = Rc::new(Ready { config, mode });
        self.ready.replace(Some(Rc::clone(&ready)));
        Ok(ready)
    }
}

impl<E: Edge> Tokens<E> {
    fn new(edge: &Rc<E>, access: &OAuthAccess, config: &Config) -> Self {
        let access = Rc::new(access.clone());
        let source = WorkspaceSource::new(Rc::clone(edge), Rc::clone(&access));
        let workspace = Gate::new(Rc::clone(edge), source, Policy::default());
        // The credential is what a fleet mints at the same moment; the token before it follows.
        let policy = Policy { spread: config.spread.value, ..Policy::default() };
        let source = CredentialSource::new(Rc::clone(edge), access, workspace, policy.clone());
        let credential = Gate::new(Rc::clone(edge), source, policy);
        Self { credential, recent: RefCell::new(Vec::new()) }
    }

    /// Makes a ticket of a credential, and keeps it for whoever asks for its secret.
    fn ticket(&self, config: &Config, held: Rc<Held<Credential>>) -> Ticket {
        let host = held.token.target.host().to_owned();
        let ticket = Ticket {
            generation: held.generation,
            server: Server { host, port: config.port.value, plaintext: false },
            user: held.token.user.clone(),
            database: config.database.value.clone(),
            schema: config.schema.value.clone(),
            validity: Some(Validity { left: self.credential.left(&held), until: held.valid_until }),
        };
        self.keep(held);
        ticket
    }

    fn keep(&self, held: Rc<Held<Credential>>) {
        let mut recent = self.recent.borrow_mut();
        if recent.last().is_none_or(|last| last.generation < held.generation) {
            recent.push(held);
            if recent.len() > KEPT {
                recent.remove(0);
            }
        }
    }

    fn recent(&self, generation: u64) -> Option<Rc<Held<Credential>>> {
        self.recent.borrow().iter().find(|held| held.generation == generation).cloned()
    }
}

impl Ticket {
    /// A login with this ticket, as the reports of refused logins name it.
    pub fn attempt(&self) -> Attempt<'_> {
        // One that was not fresh has been replaced before anybody is told of its refusal.
        let password = if self.validity.is_some() { Password::Fresh } else { Password::Configured };
        Attempt { host: &self.server.host, user: &self.user, database: &self.database, password }
    }
}

fn password_ticket(config: &Config, access: &PasswordAccess) -> Ticket {
    Ticket {
        generation: PASSWORD_GENERATION,
        server: Server {
            host: access.host.value.clone(),
            port: config.port.value,
            plaintext: access.plaintext(),
        },
        user: access.user.value.clone(),
        database: config.database.value.clone(),
        schema: config.schema.value.clone(),
        validity: None,
    }
}

#[cfg(test)]
mod tests;
