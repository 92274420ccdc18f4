//! The component, loaded and kept running.

use std::sync::Arc;

use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, AccessorTask, Linker};
use wasmtime::{PoolingAllocationConfig, Store};
use zeroize::Zeroizing;

use crate::bindings::{Connector, ConnectorPre};
use crate::edges::{Edges, Host, MEMORY_LIMIT, add_to_linker};
use crate::embedded;
use crate::watchdog::{self, Watchdog};

pub use crate::bindings::exports::lakegate::connect::bootstrap::{
    Access, Admin, AdminReport, Changes, Desired, Finding, Grant, Grantees, Migration, Report,
    Step, Verdict,
};
pub use crate::bindings::exports::lakegate::connect::diagnosis::{Check, Outcome, Source};
pub use crate::bindings::exports::lakegate::connect::tokens::{Credential, Health, Problem, State};
pub use crate::bindings::lakegate::connect::postgres::Server;
pub use crate::bindings::lakegate::connect::problems::{Kind, ServerError};

/// A call into the component, waiting for its turn.
type Call = Box<
    dyn for<'a> FnOnce(&'a Accessor<Host>, &'a Connector) -> BoxFuture<'a, wasmtime::Result<()>>
        + Send,
>;

/// A running instance of the component, shared by all who hold a clone.
///
/// Every method is one export of `wit/`. Calls run side by side in one instance, so that all
/// callers share one credential and one mint.
#[derive(Clone)]
pub struct Gate {
    calls: mpsc::UnboundedSender<Call>,
}

/// Why a call into the component has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The component's own answer is a failure.
    #[error("{}", .0.message)]
    Problem(Problem),
    /// The component stopped, or answered in a way that its interface does not allow.
    #[error("the component stopped: {0}; this is a bug of Lakegate, please report it")]
    Stopped(String),
}

impl Gate {
    /// Loads the component and starts an instance on the current runtime.
    ///
    /// # Errors
    ///
    /// WebAssembly cannot be started here: no memory map that is large enough, for one.
    pub fn start(edges: Edges) -> anyhow::Result<Self> {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(4).total_core_instances(16);
        pool.total_memories(4).total_tables(16).max_memory_size(MEMORY_LIMIT);
        let engine = embedded::engine(pool)?;
        let component = embedded::connector(&engine)?;
        let mut linker = Linker::new(&engine);
        let pre = add_to_linker(&mut linker)
            .and_then(|()| linker.instantiate_pre(&component))
            .and_then(ConnectorPre::new)
            .map_err(anyhow::Error::from)
            .context("linking the component")?;
        let watchdog =
            Watchdog::start(&engine, watchdog::USUAL).context("starting the watchdog")?;
        let (calls, receiver) = mpsc::unbounded_channel();
        tokio::spawn(keep_running(pre, Arc::new(edges), watchdog, receiver));
        Ok(Self { calls })
    }

    /// The present credential.
    pub async fn current(&self) -> Result<Credential, CallError> {
        self.call(|a, c| c.lakegate_connect_tokens().call_current(a).boxed())
            .await?
            .map_err(problem)
    }

    /// A credential newer than generation `after`, when it is due.
    pub async fn renewed(&self, after: u64) -> Result<Credential, CallError> {
        self.call(move |a, c| c.lakegate_connect_tokens().call_renewed(a, after).boxed())
            .await?
            .map_err(problem)
    }

    /// The secret of a generation that the instance still holds.
    pub async fn reveal(&self, generation: u64) -> Result<Option<Zeroizing<String>>, CallError> {
        let secret = self
            .call(move |a, c| c.lakegate_connect_tokens().call_reveal(a, generation).boxed())
            .await?;
        Ok(secret.map(Zeroizing::new))
    }

    /// Postgres refused a login with this generation: the credential to try instead, or why there
    /// is none.
    pub async fn refused(
        &self,
        generation: u64,
        refusal: ServerError,
    ) -> Result<Credential, CallError> {
        self.call(move |a, c| {
            async move { c.lakegate_connect_tokens().call_refused(a, generation, refusal).await }
                .boxed()
        })
        .await?
        .map_err(problem)
    }

    /// How the credential is doing. At once, whatever else is going on.
    pub async fn status(&self) -> Result<Health, CallError> {
        self.call(|a, c| c.lakegate_connect_tokens().call_status(a).boxed()).await
    }

    /// What `bootstrap apply` would do.
    pub async fn plan(&self, desired: Desired) -> Result<Changes, CallError> {
        self.call(move |a, c| {
            async move { c.lakegate_connect_bootstrap().call_plan(a, desired).await }.boxed()
        })
        .await?
        .map_err(problem)
    }

    /// Does it.
    pub async fn apply(&self, desired: Desired) -> Result<Report, CallError> {
        self.call(move |a, c| {
            async move { c.lakegate_connect_bootstrap().call_apply(a, desired).await }.boxed()
        })
        .await?
        .map_err(problem)
    }

    /// In what the database differs from what is desired.
    pub async fn verify(&self, desired: Desired) -> Result<Vec<Finding>, CallError> {
        self.call(move |a, c| {
            async move { c.lakegate_connect_bootstrap().call_verify(a, desired).await }.boxed()
        })
        .await?
        .map_err(problem)
    }

    /// Marks migrations as done.
    pub async fn baseline(
        &self,
        desired: Desired,
        through: Option<i64>,
        plan_only: bool,
    ) -> Result<Changes, CallError> {
        self.call(move |a, c| {
            async move {
                c.lakegate_connect_bootstrap().call_baseline(a, desired, through, plan_only).await
            }
            .boxed()
        })
        .await?
        .map_err(problem)
    }

    /// Accepts changed migrations, and a verdict on one that was cut off.
    pub async fn repair(
        &self,
        desired: Desired,
        verdict: Option<Verdict>,
        plan_only: bool,
    ) -> Result<Changes, CallError> {
        self.call(move |a, c| {
            async move {
                c.lakegate_connect_bootstrap().call_repair(a, desired, verdict, plan_only).await
            }
            .boxed()
        })
        .await?
        .map_err(problem)
    }

    /// The admin's one-time setup.
    pub async fn setup(
        &self,
        grantees: Grantees,
        admin: Option<Admin>,
        plan_only: bool,
    ) -> Result<AdminReport, CallError> {
        self.call(move |a, c| {
            async move {
                c.lakegate_connect_bootstrap()
                    .call_setup(a, grantees, admin, plan_only)
                    .await
            }
            .boxed()
        })
        .await?
        .map_err(problem)
    }

    /// The admin's last step.
    pub async fn tighten(
        &self,
        roles: Vec<String>,
        admin: Option<Admin>,
        plan_only: bool,
    ) -> Result<AdminReport, CallError> {
        self.call(move |a, c| {
            async move {
                c.lakegate_connect_bootstrap().call_tighten(a, roles, admin, plan_only).await
            }
            .boxed()
        })
        .await?
        .map_err(problem)
    }

    /// Every setting and where it came from.
    pub async fn sources(&self) -> Result<Vec<Source>, CallError> {
        self.call(|a, c| c.lakegate_connect_diagnosis().call_sources(a).boxed()).await
    }

    /// Everything a start needs, tried.
    pub async fn examine(&self) -> Result<Vec<Check>, CallError> {
        self.call(|a, c| c.lakegate_connect_diagnosis().call_examine(a).boxed()).await
    }

    /// Queues a call and waits for its answer.
    async fn call<R, F>(&self, run: F) -> Result<R, CallError>
    where
        R: Send + 'static,
        F: for<'a> FnOnce(&'a Accessor<Host>, &'a Connector) -> BoxFuture<'a, wasmtime::Result<R>>
            + Send
            + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let call: Call = Box::new(move |accessor, connector| {
            async move {
                let answer = run(accessor, connector).await.map_err(|e| (format!("{e:#}"), e));
                let (answer, trap) = match answer {
                    Ok(answer) => (Ok(answer), Ok(())),
                    Err((text, error)) => (Err(text), Err(error)),
                };
                // The caller may have gone; then nobody misses the answer.
                let _ = sender.send(answer);
                trap
            }
            .boxed()
        });
        self.calls.send(call).map_err(|_| CallError::Stopped("it cannot be started".into()))?;
        match receiver.await {
            Ok(answer) => answer.map_err(CallError::Stopped),
            Err(_) => Err(CallError::Stopped("another call ended it".into())),
        }
    }
}

fn problem(problem: Problem) -> CallError {
    CallError::Problem(problem)
}

/// Runs an instance, and a new one whenever that one stops, until nobody can call any more.
async fn keep_running(
    pre: ConnectorPre<Host>,
    edges: Arc<Edges>,
    watchdog: Watchdog,
    mut calls: mpsc::UnboundedReceiver<Call>,
) {
    loop {
        match run_instance(&pre, &edges, &watchdog, &mut calls).await {
            Ok(()) => return,
            // Calls under way have lost their senders and tell their callers. The next call gets a
            // fresh instance: its state is a cache, and the first mint fills it again.
            Err(error) => tracing::error!(error = %format!("{error:#}"), "the component stopped"),
        }
    }
}

async fn run_instance(
    pre: &ConnectorPre<Host>,
    edges: &Arc<Edges>,
    watchdog: &Watchdog,
    calls: &mut mpsc::UnboundedReceiver<Call>,
) -> anyhow::Result<()> {
    let Some(first) = calls.recv().await else { return Ok(()) };
    let mut store = Store::new(pre.engine(), Host::new(Arc::clone(edges)));
    store.limiter(|host| host.limits());
    let watch = watchdog.guard(&mut store);
    let connector = Arc::new(watch.drive(pre.instantiate_async(&mut store)).await?);
    let serving = store.run_concurrent(async |accessor| -> wasmtime::Result<()> {
        let mut next = Some(first);
        while let Some(call) = next {
            accessor.spawn(Task { call, connector: Arc::clone(&connector) })?;
            next = calls.recv().await;
        }
        Ok(())
    });
    watch.drive(serving).await??;
    Ok(())
}

/// One call, run beside all others by the event loop of the store.
struct Task {
    call: Call,
    connector: Arc<Connector>,
}

impl AccessorTask<Host> for Task {
    async fn run(self, accessor: &Accessor<Host>) -> wasmtime::Result<()> {
        (self.call)(accessor, &self.connector).await
    }
}
