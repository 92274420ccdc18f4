//! `lakegate proxy`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use lakegate_edges::tls;
use lakegate_proxy::{Drained, Metrics, Options, Proxy, StartError, UnixSocket};
use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval};

use super::Session;
use crate::component::{CallError, Gate, Kind};
use crate::failure::Failure;
use crate::logins::Tokens;
use crate::operations::{self, Port, Vitals};
use crate::output;
use crate::proxy::settings::Fixed;
use crate::proxy::watch::Watched;
use crate::service::ending::Ended;
use crate::service::manager;
use crate::service::signals::{self, Signal, next_stop};

/// How often the files are looked at: three `stat`s are next to nothing.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The port in the socket's name: the one that clients look for by themselves.
const UNIX_PORT: u16 = 5432;

/// What SIGTERM would end it with; `POST /quit` asks for the same.
const QUIT: u8 = 143;

pub(super) async fn run(
    session: &Session,
    watched: Watched,
    fixed: Fixed,
    options: Options,
) -> Result<ExitCode, Failure> {
    let mut signals = signals::listen(true).context("listening for signals")?;
    // Many systems allow a process 1,024 at first, and more to one that asks.
    rlimit::increase_nofile_limit(u64::MAX).context("asking how many files may be open")?;
    let tokens = Arc::new(Tokens::keep(session.gate.clone(), session.clock.clone()));
    let metrics = Metrics::default();
    let proxy = Proxy::start(options, tokens.clone(), metrics.clone())?;
    let vitals = Vitals::new(proxy, tokens, metrics);
    tell_where(&vitals.proxy)?;
    let operations = open_operations(fixed.operations, &vitals).await?;
    let code = serve(&vitals, watched, &mut signals, &session.gate).await?;
    let ended = finish(&vitals, fixed.drain, code, &mut signals).await;
    if let Some(port) = operations {
        port.close().await;
    }
    Ok(ended.exit_code())
}

/// How the proxy is started.
pub(super) fn options(fixed: &Fixed, tuning: lakegate_proxy::Tuning) -> Result<Options, Failure> {
    let unix_socket = fixed.unix_socket.clone();
    Ok(Options {
        listen: fixed.listen.clone(),
        unix_socket: unix_socket.map(|folder| UnixSocket { folder, port: UNIX_PORT }),
        mode: fixed.mode,
        threads: fixed.threads,
        tls: tls::client_config()?,
        tuning,
    })
}

fn tell_where(proxy: &Proxy) -> anyhow::Result<()> {
    for address in proxy.addresses() {
        output::print(&format!("listening on {address}\n"))?;
    }
    if let Some(path) = proxy.unix_socket() {
        output::print(&format!("listening on {}\n", path.display()))?;
    }
    Ok(())
}

async fn open_operations(
    address: Option<SocketAddr>,
    vitals: &Arc<Vitals>,
) -> anyhow::Result<Option<Port>> {
    let Some(address) = address else { return Ok(None) };
    let port = operations::start(address, Arc::clone(vitals)).await?;
    output::print(&format!("operations on http://{}\n", port.address))?;
    Ok(Some(port))
}

/// Serves until something says to stop, and gives the exit code in case that some are cut off.
async fn serve(
    vitals: &Vitals,
    mut watched: Watched,
    signals: &mut Receiver<Signal>,
    gate: &Gate,
) -> Result<u8, Failure> {
    let mut started = false;
    let mut starting = std::pin::pin!(first_token(gate));
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            token = &mut starting, if !started => {
                token?;
                started = true;
                vitals.note_start();
                manager::ready();
            }
            Some(signal) = signals.recv() => match signal {
                Signal::Stop { code } => return Ok(code),
                Signal::Reload => reload(&vitals.proxy, &mut watched, started),
            },
            () = vitals.quit() => return Ok(QUIT),
            () = vitals.proxy.gone() => return Err(anyhow!("the proxy has ended by itself").into()),
            _ = look.tick(), if watched.has_files() => if watched.has_changed() {
                reload(&vitals.proxy, &mut watched, started);
            },
        }
    }
}

/// Returns when there is a token. What may pass is waited for: the workspace may start later than
/// this.
async fn first_token(gate: &Gate) -> Result<(), CallError> {
    loop {
        match gate.current().await {
            Ok(_) => return Ok(()),
            Err(CallError::Problem(problem))
                if matches!(problem.kind, Kind::Unavailable | Kind::Timeout | Kind::Throttled) =>
            {
                tracing::warn!(target: "lakegate::proxy", "there is no token yet: {}", problem.message);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What cannot be used is told, and changes nothing: files may just be being replaced.
fn reload(proxy: &Proxy, watched: &mut Watched, started: bool) {
    manager::reloading();
    let retuned = watched.reload().and_then(|tuning| Ok(proxy.retune(&tuning)?));
    match retuned {
        Ok(()) => tracing::info!(target: "lakegate::proxy", "the settings were read again"),
        Err(error) => {
            tracing::warn!(target: "lakegate::proxy", "the new settings are not used, the old ones stay: {error:#}");
        }
    }
    if started {
        manager::ready();
    }
}

async fn finish(
    vitals: &Vitals,
    limit: Duration,
    code: u8,
    signals: &mut Receiver<Signal>,
) -> Ended {
    manager::stopping();
    vitals.note_drain();
    tracing::info!(target: "lakegate::proxy", "stopping: {} applications are connected", vitals.proxy.counts().clients);
    tokio::select! {
        biased;
        Drained { cut } = vitals.proxy.drain(limit) => {
            if cut == 0 { Ended::Drained } else { Ended::Cut { code } }
        }
        code = next_stop(signals) => Ended::Cut { code },
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Nowhere | StartError::Unguarded { .. } => Self::usage(error).advise(
                "The password is LAKEGATE_PROXY_PASSWORD in the environment, or the file that \
                 LAKEGATE_PROXY_PASSWORD_FILE names; --tls-cert and --tls-key are the certificate.",
            ),
            _ => anyhow::Error::from(error).into(),
        }
    }
}
