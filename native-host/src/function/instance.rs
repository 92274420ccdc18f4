//! One instance of the function: it serves many requests side by side, so that all share one
//! credential and one mint, until it is idle for long, has served its share, or stops.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::{Request, Response};
use tokio::sync::{mpsc, oneshot};
use wasmtime::Store;
use wasmtime::component::Accessor;
use wasmtime_wasi_http::p3;
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::Limits;
use super::guest::{Guest, World};
use super::pace::Pace;
use crate::watchdog::Watchdog;

/// A request on its way to an instance.
pub(super) struct Job {
    pub(super) request: Request<WasiBody>,
    pub(super) answer: oneshot::Sender<Result<Response<WasiBody>, String>>,
    /// Becomes true when an instance takes it up, or when it is too late for that: who is first
    /// decides.
    pub(super) begun: Arc<AtomicBool>,
}

/// What instances are made of.
pub(super) struct Maker {
    pub(super) pre: ServicePre<Guest>,
    pub(super) world: Arc<World>,
    pub(super) watchdog: Watchdog,
    pub(super) limits: Limits,
}

impl Maker {
    /// Runs a new instance until its work is done.
    ///
    /// Says through `ready` once it could serve. When it cannot be made, or is ended by a trap, jobs
    /// are left in the queue that it has not begun.
    pub(super) async fn run(
        &self,
        jobs: &mut mpsc::UnboundedReceiver<Job>,
        ready: impl FnOnce(),
    ) -> wasmtime::Result<()> {
        let guest = Guest::new(Arc::clone(&self.world)).map_err(wasmtime::Error::from_anyhow)?;
        let mut store = Store::new(self.pre.engine(), guest);
        store.limiter(|guest| guest.limits());
        let watch = self.watchdog.guard(&mut store);
        let service = watch.drive(self.pre.instantiate_async(&mut store)).await?;
        ready();
        let pace = Pace::new();
        let serving = store.run_concurrent(async |accessor| {
            serve(accessor, &service, jobs, &pace, self.limits).await
        });
        watch.drive(pace.drive(serving)).await?
    }
}

/// Serves until the queue is closed and all is done, or nothing came for long.
async fn serve(
    accessor: &Accessor<Guest>,
    service: &Service,
    jobs: &mut mpsc::UnboundedReceiver<Job>,
    pace: &Pace,
    limits: Limits,
) -> wasmtime::Result<()> {
    let mut under_way = FuturesUnordered::new();
    let mut open = true;
    loop {
        tokio::select! {
            Some(outcome) = under_way.next() => outcome?,
            job = pace.next(jobs), if open => match job {
                Some(job) => under_way.push(answer(accessor, service, job, limits.deadline)),
                None => open = false,
            },
            () = tokio::time::sleep(limits.idle), if open && under_way.is_empty() => {
                // What came at this very moment is still in the queue, and is served.
                jobs.close();
            }
            () = at_rest(accessor, limits.deadline), if !open && under_way.is_empty() => {
                return Ok(());
            }
        }
    }
}

/// Waits until the guest has finished what it does beyond its answers: a mint whose caller has
/// gone, for one. What takes longer than a request may is given up.
async fn at_rest(accessor: &Accessor<Guest>, limit: Duration) {
    let rest = poll_fn(|context| accessor.poll_no_interesting_tasks(context));
    if tokio::time::timeout(limit, rest).await.is_err() {
        tracing::debug!("an instance of the function is ended in the middle of its own work");
    }
}

/// Answers one request. The guest finishes it even if its caller goes away, and then its answer has
/// to be taken all the same: a guest waits until somebody reads its answer or drops it.
///
/// # Errors
///
/// A trap: the instance is at its end.
async fn answer(
    accessor: &Accessor<Guest>,
    service: &Service,
    Job { request, mut answer, begun }: Job,
    limit: Duration,
) -> wasmtime::Result<()> {
    if answer.is_closed() || begun.swap(true, Ordering::Relaxed) {
        // Its caller went, or was told to try again, while it was in the queue.
        return Ok(());
    }
    let overdue = async {
        tokio::time::sleep(limit).await;
        // Its caller is about to be told.
        answer.closed().await;
    };
    let handled = tokio::select! {
        handled = handle(accessor, service, request) => handled,
        () = overdue => return Ok(()),
    };
    let (answered, outcome) = match handled {
        Ok(answered) => (answered, Ok(())),
        Err(trap) => (Err(format!("{trap:#}")), Err(trap)),
    };
    // The caller may have gone; then nobody misses the answer.
    let _ = answer.send(answered);
    outcome
}

/// Whether the guest took the whole request; it borrows nothing of the store.
type Sent = Pin<Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>>;

/// Calls the guest. It answers, or says with one of HTTP's error codes that it cannot.
async fn handle(
    accessor: &Accessor<Guest>,
    service: &Service,
    request: Request<WasiBody>,
) -> wasmtime::Result<Result<Response<WasiBody>, String>> {
    let (request, sent) = accessor.with(|mut access| {
        let (request, sent) = p3::Request::from_http(access.get().http().hooks, request);
        (request, Box::pin(sent) as Sent)
    });
    match service.handle(accessor, request).await? {
        Ok(response) => accessor.with(|store| response.into_http(store, sent)).map(Ok),
        Err(code) => Ok(Err(format!("it gave no answer: {code:?}"))),
    }
}
