//! `lakegate run` and `lakegate psql`: a program beside a proxy of its own.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use lakegate_proxy::{Mode, Tuning};
use tokio::process::Command;

use super::Session;
use crate::child::{self, NotStarted, signals};
use crate::failure::Failure;
use crate::proxy::private::Private;
use crate::proxy::settings::Fixed;

/// Where psql comes from, for who has none.
const NO_PSQL: &str = "\
Install the client of Postgres: `apt install postgresql-client`, `dnf install postgresql`,
`brew install libpq`; or connect with another program through `lakegate proxy`.";

/// What a program is run beside.
pub(super) struct Beside {
    pub(super) mode: Mode,
    pub(super) threads: usize,
    pub(super) pool: Tuning,
    /// How long what the program left behind may go on.
    pub(super) drain: Duration,
    pub(super) progress: bool,
}

impl Beside {
    pub(super) fn new(fixed: &Fixed, pool: Tuning, progress: bool) -> Self {
        Self { mode: fixed.mode, threads: fixed.threads, pool, drain: fixed.drain, progress }
    }

    /// Starts the proxy, and returns when a login has worked.
    async fn start(self, session: &Session) -> Result<Private, Failure> {
        let Self { mode, threads, pool, progress, .. } = self;
        let private = Private::start(&session.gate, &session.clock, mode, threads, pool).await?;
        private.ready(progress).await?;
        Ok(private)
    }
}

/// Runs the program that the arguments name.
pub(super) async fn run(
    session: &Session,
    beside: Beside,
    arguments: Vec<OsString>,
) -> Result<ExitCode, Failure> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().context("no program was named")?;
    let mut command = Command::new(program);
    command.args(arguments);
    start(session, beside, command).await?.map_err(|error| Failure::ending(error.code, error))
}

/// Runs psql, in session mode: people do everything that Postgres can do.
pub(super) async fn psql(
    session: &Session,
    beside: Beside,
    arguments: Vec<OsString>,
) -> Result<ExitCode, Failure> {
    let mut command = Command::new("psql");
    command.args(arguments);
    let beside = Beside { mode: Mode::Session, ..beside };
    start(session, beside, command)
        .await?
        .map_err(|error| Failure::ending(error.code, error).advise(NO_PSQL))
}

/// Starts the proxy, waits until a login has worked, runs the program to its end, and ends the
/// proxy.
async fn start(
    session: &Session,
    beside: Beside,
    mut command: Command,
) -> Result<Result<ExitCode, NotStarted>, Failure> {
    let mut signals = signals::listen().context("listening for signals")?;
    let drain = beside.drain;
    let private = tokio::select! {
        private = beside.start(session) => private?,
        Some(signal) = signals.recv() => {
            return Ok(Ok(ExitCode::from(child::code_of(signal))));
        }
    };
    private.door.show(&private.credential, &mut command);
    let ended = child::run(command, &mut signals, private.proxy.gone()).await;
    tokio::select! {
        _ = private.proxy.drain(drain) => {}
        _ = signals.recv() => {}
    }
    Ok(ended.map(ExitCode::from))
}
