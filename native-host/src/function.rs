//! Runs the serverless function: the same component that Spin runs, for `lakegate serve`.
//!
//! [`Function::handle`] takes a request and gives an answer; whose request it is, and how it came
//! here, is the business of who calls it. One instance serves all requests side by side, and a new
//! one takes its place when it has served its share, was idle for long, or was ended by a trap.

mod bindings;
mod clocks;
mod destinations;
mod guest;
mod instance;
mod key_value;
mod log;
mod login;
mod outbound;
mod pace;
mod postgres;
mod store;
#[cfg(test)]
mod tests;
mod values;
mod variables;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use hyper::{Request, Response};
use lakegate_edges::clock::Clock;
use lakegate_edges::settings::Settings;
use tokio::sync::{Semaphore, mpsc, oneshot};
use wasmtime::component::Component;
use wasmtime::{Engine, PoolingAllocationConfig};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use self::guest::World;
use self::instance::{Job, Maker};
use crate::edges::MEMORY_LIMIT;
use crate::embedded;
use crate::watchdog::{self, Watchdog};

pub use self::variables::VARIABLES;
pub use wasmtime_wasi_http::{Error as BodyError, WasiBody as Body};

/// What the function is started with.
pub struct Options {
    /// Its variables, from the settings of the same names.
    pub settings: Arc<Settings>,
    /// Its clocks.
    pub clock: Clock,
    /// The folder that it finds as `/migrations`, to be read only.
    pub migrations: Option<PathBuf>,
    /// The folder of its key-value store; without one, the values are gone with this process.
    pub store: Option<PathBuf>,
    /// A component (`.wasm`) in place of the embedded function: one composed with it, for example.
    pub component: Option<PathBuf>,
    /// How much it may take.
    pub limits: Limits,
}

/// How much the function may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the arrival of a request to its answer. An endpoint that scaled to zero takes a minute
    /// and more to wake up.
    pub deadline: Duration,
    /// How long an instance without a request is kept: as long as the credential that it holds.
    pub idle: Duration,
    /// How many requests an instance serves before another takes its place, so that what leaks in
    /// it does not add up. With 1 each request finds a cold instance.
    pub requests_per_instance: usize,
    /// How many instances there are at a time, those counted that finish their last requests.
    pub instances: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(120),
            idle: Duration::from_secs(3_600),
            requests_per_instance: 1_000_000,
            instances: 16,
        }
    }
}

/// A request has no answer of the function.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// All instances were at work until the deadline. Nothing was begun, and nothing will be.
    #[error("the function is busy: no instance took the request within {} s", .0.as_secs())]
    Busy(Duration),
    /// It took too long. The function may yet finish what it began.
    #[error("the function gave no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// An instance stopped, could not be started, or answered what is no HTTP. The text is for the
    /// log, not for callers.
    #[error("the function stopped: {0}")]
    Stopped(String),
}

/// The running function, shared by all who hold a clone.
#[derive(Clone)]
pub struct Function {
    shared: Arc<Shared>,
}

struct Shared {
    maker: Maker,
    /// A permit for each instance that may be there.
    room: Semaphore,
    current: Mutex<Current>,
}

/// The instance that takes requests.
struct Current {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    /// How many more it takes.
    left: usize,
    /// Counts instances, so that a late word about an old one is not taken for the present one's.
    number: u64,
    stopped: bool,
}

impl Function {
    /// Loads the function and starts a first instance on the current runtime.
    ///
    /// # Errors
    ///
    /// The component cannot be run: it is none, imports what is not offered here, or exports no
    /// `wasi:http/handler@0.3`; a folder is not there or cannot be written; WebAssembly cannot be
    /// started; this machine trusts no certificate.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let Options { settings, clock, migrations, store, component, limits } = options;
        let engine = engine(limits.instances)?;
        let component = match &component {
            Some(path) => from_file(&engine, path)?,
            None => embedded::function(&engine)?,
        };
        let pre = guest::linker(&engine)
            .and_then(|linker| linker.instantiate_pre(&component))
            .and_then(ServicePre::new)
            .map_err(anyhow::Error::from)
            .context("linking the function")?;
        let watchdog =
            Watchdog::start(&engine, watchdog::USUAL).context("starting the watchdog")?;
        let world = Arc::new(World::new(settings, clock, store.as_deref(), migrations)?);
        let function = Self {
            shared: Arc::new(Shared {
                maker: Maker { pre, world, watchdog, limits },
                room: Semaphore::new(limits.instances as usize),
                current: Mutex::new(Current { jobs: None, left: 0, number: 0, stopped: false }),
            }),
        };
        let (sender, ready) = oneshot::channel();
        function.shared.with_current(|current| function.shared.replace(current, sender));
        match ready.await {
            Ok(Ok(())) => Ok(function),
            Ok(Err(error)) => Err(error).context("starting the function"),
            Err(_) => anyhow::bail!("starting the function: its task was ended"),
        }
    }

    /// Has the function answer a request.
    ///
    /// # Errors
    ///
    /// See [`HandleError`]; whatever it is, the next request finds an instance that works, if one
    /// can be made at all.
    pub async fn handle(&self, request: Request<Body>) -> Result<Response<Body>, HandleError> {
        let deadline = self.shared.maker.limits.deadline;
        let (answer, answered) = oneshot::channel();
        let begun = Arc::new(AtomicBool::new(false));
        let job = Job { request, answer, begun: Arc::clone(&begun) };
        let number = self.shared.hand_over(job)?;
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(answer)) => answer.map_err(HandleError::Stopped),
            Ok(Err(_)) => Err(HandleError::Stopped("another request ended its instance".into())),
            // From now on no instance begins it: the caller may try again.
            Err(_) if !begun.swap(true, Ordering::Relaxed) => Err(HandleError::Busy(deadline)),
            Err(_) => {
                // It may never finish, and must not be where all others go.
                self.shared.retire(number);
                Err(HandleError::Timeout(deadline))
            }
        }
    }

    /// Takes no more requests, and waits until those under way and what the function does beyond
    /// them are done, or their deadlines have passed.
    pub async fn stop(&self) {
        self.shared.with_current(|current| {
            current.stopped = true;
            current.jobs = None;
        });
        // Each instance holds one until its end.
        let _ = self.shared.room.acquire_many(self.shared.maker.limits.instances).await;
    }
}

impl Shared {
    fn with_current<R>(&self, act: impl FnOnce(&mut Current) -> R) -> R {
        // Each change of it is one assignment or a few that cannot panic.
        act(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a request into the queue of the present instance, or of a new one; says which.
    fn hand_over(self: &Arc<Self>, mut job: Job) -> Result<u64, HandleError> {
        self.with_current(|current| {
            if current.stopped {
                return Err(HandleError::Stopped("it is being ended".into()));
            }
            loop {
                let Some(jobs) = &current.jobs else {
                    // Nobody waits for it but those in its queue.
                    self.replace(current, oneshot::channel().0);
                    continue;
                };
                match jobs.send(job) {
                    Ok(()) => break,
                    Err(unsent) => {
                        job = unsent.0;
                        current.jobs = None;
                    }
                }
            }
            current.left -= 1;
            if current.left == 0 {
                current.jobs = None;
            }
            Ok(current.number)
        })
    }

    /// Starts a new instance and gives it what comes from now on.
    fn replace(self: &Arc<Self>, current: &mut Current, ready: Ready) {
        let (sender, receiver) = mpsc::unbounded_channel();
        current.jobs = Some(sender);
        current.left = self.maker.limits.requests_per_instance.max(1);
        current.number += 1;
        tokio::spawn(Arc::clone(self).run(receiver, ready));
    }

    /// Gives an instance no more requests.
    fn retire(&self, number: u64) {
        self.with_current(|current| {
            if current.number == number {
                current.jobs = None;
            }
        });
    }

    /// Runs an instance to its end.
    async fn run(self: Arc<Self>, mut jobs: mpsc::UnboundedReceiver<Job>, ready: Ready) {
        let _room = self.room.acquire().await.expect("it is never closed");
        let mut ready = Some(ready);
        let outcome =
            self.maker.run(&mut jobs, || drop(ready.take().map(|r| r.send(Ok(()))))).await;
        let Err(error) = outcome else { return };
        let text = format!("{error:#}");
        tracing::error!(error = text, "an instance of the function stopped");
        jobs.close();
        match ready {
            // It was ended by a trap. What it had not begun, another does.
            None => {
                while let Some(job) = jobs.recv().await {
                    // At the end of all, the caller finds out by the loss of its job.
                    let _ = self.hand_over(job);
                }
            }
            Some(ready) => {
                while let Some(job) = jobs.recv().await {
                    let _ = job.answer.send(Err(text.clone()));
                }
                let _ = ready.send(Err(error.into()));
            }
        }
    }
}

/// Who waits for the start of an instance.
type Ready = oneshot::Sender<anyhow::Result<()>>;

/// Room for some instances. One that was composed consists of several modules.
fn engine(instances: u32) -> anyhow::Result<Engine> {
    const MODULES: u32 = 16;
    const MEMORIES: u32 = 4;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * MODULES)
        .total_memories(instances * MEMORIES)
        .total_tables(instances * MODULES)
        .max_memory_size(MEMORY_LIMIT);
    embedded::engine(pool)
}

/// Compiles a component that the user brings. Machine code is refused: nobody could vouch for it.
fn from_file(engine: &Engine, path: &Path) -> anyhow::Result<Component> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Component::from_binary(engine, &bytes)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("compiling {}, which must be a component", path.display()))
}
