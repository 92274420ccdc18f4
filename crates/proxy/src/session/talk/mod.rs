//! One client's conversation, without a socket: what it said, what it is owed, and what of it
//! lives on when the server connection is another one.
//!
//! [`upward`](Talk::upward) judges what the client sent, [`downward`](Talk::downward) what the
//! server answered. Both mark in a [`Pipe`] what goes on, and neither ever waits.

mod deallocate;
mod downward;
mod settings;
mod statement;
#[cfg(test)]
mod tests;
mod unnamed;
mod upward;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;

pub(crate) use self::downward::Heard;
use self::settings::Running;
use self::unnamed::Unnamed;
pub(crate) use self::upward::{Said, Violation};
use crate::options::Mode;
use crate::wire::carried::Carried;
use crate::wire::outstanding::{Belief, Name, Outstanding};
use crate::wire::parameters::Parameters;
use crate::wire::statements::{Prepared, Registry, Statement};
use crate::wire::text::{Reader, State};

/// What a conversation knows of the server connection that it has.
pub(crate) struct Facts<'a> {
    /// What the server reported.
    pub(crate) parameters: &'a mut Parameters,
    /// What is prepared in it.
    pub(crate) statements: &'a mut Prepared,
    /// What is set in it that it does not report.
    pub(crate) carried: &'a mut Carried,
}

/// One client's conversation.
pub(crate) struct Talk {
    mode: Mode,
    client: i32,
    registry: Arc<Registry>,
    /// What the server owes.
    pub(crate) owed: Outstanding,
    /// What the client was told of the server's parameters.
    pub(crate) seen: Parameters,
    /// The same at its startup.
    first: Parameters,
    /// The client created or renamed a database.
    pub(crate) databases_changed: bool,
    /// What the client set that servers do not report.
    pub(crate) carried: Carried,
    running: Running,
    /// The server has other settings than the client was told.
    unfit: bool,
    /// The client's named statements.
    names: HashMap<Name, Arc<Statement>>,
    unnamed: Unnamed,
    /// What the client may have left in its server connection, and keeps it for.
    state: State,
    /// What of that is left if the last query succeeds.
    afterwards: Option<State>,
    /// Which named statement is taken away when what was bound last runs.
    deallocating: Option<Vec<u8>>,
    /// Something runs that takes all statements away if it succeeds.
    wiping: bool,
    /// The server was asked for its answers since it last said something.
    hurried: bool,
    /// A text that is coming in.
    text: Option<(Text, Reader)>,
    scratch: BytesMut,
    failed: Vec<Belief>,
}

/// Whose text it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Text {
    Query,
    Unnamed,
}

impl Talk {
    /// A conversation that begins with a server that is ready, after the client saw `seen`.
    pub(crate) fn new(mode: Mode, client: i32, registry: Arc<Registry>, seen: Parameters) -> Self {
        Self {
            mode,
            client,
            registry,
            owed: Outstanding::ready(),
            first: seen.clone(),
            seen,
            databases_changed: false,
            carried: Carried::default(),
            running: Running::default(),
            unfit: false,
            names: HashMap::new(),
            unnamed: Unnamed::default(),
            state: State::NONE,
            afterwards: None,
            deallocating: None,
            wiping: false,
            hurried: false,
            text: None,
            scratch: BytesMut::new(),
            failed: Vec::new(),
        }
    }

    /// What the client keeps its server connection for.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// The server connection is gone, and with it what was left in it and what was asked.
    pub(crate) fn forget_server(&mut self) {
        let owed = std::mem::replace(&mut self.owed, Outstanding::ready());
        self.failed.extend(owed.into_beliefs());
        let (mut parameters, mut statements) = (Parameters::default(), Prepared::default());
        let carried = &mut Carried::default();
        let (parameters, statements) = (&mut parameters, &mut statements);
        self.take_back(&mut Facts { parameters, statements, carried });
        self.running = Running::default();
        self.unfit = false;
        self.state = State::NONE;
        self.afterwards = None;
        self.deallocating = None;
        self.wiping = false;
        self.text = None;
    }

    /// Takes back what was believed, because it failed.
    fn take_back(&mut self, facts: &mut Facts<'_>) {
        for belief in self.failed.drain(..) {
            match belief {
                Belief::Nothing | Belief::Spoken(_) => {}
                Belief::Prepared(statement) => facts.statements.remove(statement.id),
                Belief::Named { name, prepared, statement } => {
                    self.names.remove(&name);
                    if prepared {
                        facts.statements.remove(statement.id);
                    }
                }
                Belief::Dropped(name, statement) => drop(self.names.insert(name, statement)),
                Belief::Own(token) => {
                    facts.statements.unnamed = None;
                    self.unnamed.skipped(token);
                }
                Belief::Lost(token) => {
                    facts.statements.unnamed = None;
                    self.unnamed.failed(token);
                }
                Belief::Again(_) => facts.statements.unnamed = None,
                Belief::Closed(id) => drop(facts.statements.add(id)),
            }
        }
    }

    /// Every statement is gone from the server but those that were asked for since.
    fn statements_are_gone(&mut self, facts: &mut Facts<'_>) {
        self.names.clear();
        facts.statements.clear();
        for belief in self.owed.beliefs() {
            match belief {
                Belief::Prepared(statement) => drop(facts.statements.add(statement.id)),
                Belief::Named { name, statement, .. } => {
                    self.names.insert(Arc::clone(name), Arc::clone(statement));
                    facts.statements.add(statement.id);
                }
                _ => {}
            }
        }
    }
}
