//! The embedded function, run as `lakegate serve` runs it. What it answers, the tests of the whole
//! show; here it is about instances.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::once;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use hyper::{Method, StatusCode};

use tokio::time::timeout;

use super::*;

/// Longer than anything here takes, and shorter than anybody waits.
const HOUR: Duration = Duration::from_secs(3600);
/// After this a test hangs.
const TEST_LIMIT: Duration = Duration::from_secs(60);

/// SHA-256 of `key`.
const KEY_DIGEST: &str = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";

fn options(limits: Limits) -> Options {
    let flags: BTreeMap<_, _> = [("LAKEGATE_ADMIN_KEY_SHA256", KEY_DIGEST.to_owned())].into();
    Options {
        settings: Arc::new(Settings::load(flags, Some(Path::new("/dev/null"))).unwrap()),
        clock: Clock::new(None),
        migrations: None,
        store: None,
        component: None,
        limits,
    }
}

async fn start(limits: Limits) -> Function {
    Function::start(options(limits)).await.unwrap()
}

fn healthz() -> Request<Body> {
    let body = Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync();
    Request::get("http://localhost/healthz").body(body).unwrap()
}

/// A request whose body is the outcome of a future.
fn post(
    body: impl Future<Output = Result<Frame<Bytes>, BodyError>> + Send + 'static,
) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri("http://localhost/bootstrap")
        .header("authorization", "Bearer key")
        .header("content-type", "application/json")
        .body(StreamBody::new(once(body)).boxed_unsync())
        .unwrap()
}

/// A request whose body never comes.
fn endless() -> Request<Body> {
    post(std::future::pending())
}

/// Begins a request, and gives it up while the function reads its body, as a client that goes.
async fn give_up(function: &Function) {
    let (reading, read) = oneshot::channel();
    let (leave, left) = oneshot::channel();
    let request = post(async move {
        reading.send(()).unwrap();
        left.await.unwrap();
        Err(BodyError::ConnectionTerminated)
    });
    tokio::select! {
        answer = function.handle(request) => panic!("its body is not there: {answer:?}"),
        read = read => read.unwrap(),
    }
    leave.send(()).unwrap();
}

async fn status(function: &Function, request: Request<Body>) -> StatusCode {
    let answer = function.handle(request).await.unwrap();
    let status = answer.status();
    answer.into_body().collect().await.unwrap();
    status
}

/// How many instances have been begun.
fn instances(function: &Function) -> u64 {
    function.shared.with_current(|current| current.number)
}

#[tokio::test]
async fn one_instance_serves_all_who_come_at_once() {
    let function = start(Limits::default()).await;
    let answers = join_all((0..64).map(|_| status(&function, healthz()))).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(instances(&function), 1);
}

/// After 33,000 requests, what they leave behind would be too much for one instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_without_a_pause_leaves_nothing_behind() {
    let function = start(Limits::default()).await;
    let callers = (0..128).map(|_| {
        let function = function.clone();
        tokio::spawn(async move {
            for _ in 0..320 {
                // A client has its answer with the last byte, and does not wait for the guest.
                let mut answer = function.handle(healthz()).await.unwrap();
                assert!(answer.body_mut().frame().await.unwrap().unwrap().is_data());
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    assert_eq!(instances(&function), 1);
}

#[tokio::test]
async fn an_instance_serves_its_share_and_no_more() {
    let function = start(Limits { requests_per_instance: 1, ..Limits::default() }).await;
    // More at once than there may be instances: they wait for their turn.
    let answers = join_all((0..40).map(|_| status(&function, healthz()))).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(instances(&function), 40);
}

#[tokio::test]
async fn an_idle_instance_makes_room_and_the_next_request_has_a_new_one() {
    let function = start(Limits { idle: Duration::ZERO, ..Limits::default() }).await;
    // All room is free again when the first instance has ended.
    drop(function.shared.room.acquire_many(16).await.unwrap());
    assert_eq!(status(&function, healthz()).await, 200);
    assert_eq!(instances(&function), 2);
}

/// Time passes when there is nothing else to do: nobody is slower than a limit allows.
#[tokio::test(start_paused = true)]
async fn a_request_without_end_is_cut_off_and_others_are_served_elsewhere() {
    let limits = Limits { deadline: Duration::from_secs(2), ..Limits::default() };
    let function = start(limits).await;
    let (cut_off, served) = tokio::join!(function.handle(endless()), status(&function, healthz()));
    assert!(matches!(cut_off, Err(HandleError::Timeout(_))), "{cut_off:?}");
    assert_eq!(served, 200);
    assert_eq!(instances(&function), 1);
    assert_eq!(status(&function, healthz()).await, 200);
    assert_eq!(instances(&function), 2, "nobody is sent to where that one may still be");
}

/// Time passes as above.
#[tokio::test(start_paused = true)]
async fn whoever_finds_no_instance_is_told() {
    let limits = Limits {
        deadline: Duration::from_secs(2),
        requests_per_instance: 1,
        instances: 1,
        ..Limits::default()
    };
    let function = start(limits).await;
    let (reading, read) = oneshot::channel();
    let waiting = post(async {
        reading.send(()).unwrap();
        Err(BodyError::ConnectionTerminated)
    });
    let (first, second) = tokio::join!(function.handle(endless()), function.handle(waiting));
    assert!(matches!(first, Err(HandleError::Timeout(_))), "{first:?}");
    assert!(matches!(second, Err(HandleError::Busy(_))), "{second:?}");
    timeout(TEST_LIMIT, function.stop()).await.expect("it waits for what was given up");
    assert!(read.await.is_err(), "who was told to try again finds nothing done");
}

#[tokio::test]
async fn after_the_stop_nothing_is_served() {
    let function = start(Limits::default()).await;
    let (served, ()) = tokio::join!(status(&function, healthz()), async {
        tokio::task::yield_now().await;
        function.stop().await;
    });
    assert_eq!(served, 200, "what had begun is finished");
    let refused = function.handle(healthz()).await;
    assert!(matches!(refused, Err(HandleError::Stopped(_))), "{refused:?}");
}

#[tokio::test]
async fn callers_who_went_away_hold_nothing_up() {
    let function = start(Limits { deadline: HOUR, ..Limits::default() }).await;
    for _ in 0..3 {
        give_up(&function).await;
    }
    assert_eq!(status(&function, healthz()).await, 200);
    assert_eq!(instances(&function), 1, "others share their instance");
    timeout(TEST_LIMIT, function.stop()).await.expect("it waits for what has ended");
}

#[tokio::test]
async fn an_instance_that_cannot_be_made_fails_its_requests_alone() {
    let folder = std::env::temp_dir().join(format!("lakegate-gone-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let limits = Limits { requests_per_instance: 1, ..Limits::default() };
    let function = Function::start(Options { migrations: Some(folder.clone()), ..options(limits) });
    let function = function.await.unwrap();
    assert_eq!(status(&function, healthz()).await, 200);
    std::fs::remove_dir(&folder).unwrap();
    let Err(HandleError::Stopped(told)) = function.handle(healthz()).await else {
        panic!("its folder is not there");
    };
    assert!(told.starts_with("opening the folder"), "{told}");
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(status(&function, healthz()).await, 200);
    std::fs::remove_dir(&folder).unwrap();
}

/// Tries to serve a component of this text; says why it is refused.
async fn refusal(name: &str, component: &[u8]) -> String {
    let name = format!("lakegate-{name}-{}.wasm", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, component).unwrap();
    let options = Options { component: Some(path.clone()), ..options(Limits::default()) };
    let outcome = Function::start(options).await;
    std::fs::remove_file(path).unwrap();
    format!("{:#}", outcome.err().expect("it is no function"))
}

#[tokio::test]
async fn what_is_no_function_is_refused_at_the_start() {
    for (name, text, words) in [
        ("module", "(module)", "must be a component"),
        ("empty", "(component)", "no exported instance named `wasi:http/handler@0.3.0`"),
        (
            "foreign",
            "(component (import \"far:away/place@1.0.0\" (instance (export \"go\" (func)))))",
            "component imports instance `far:away/place@1.0.0`",
        ),
    ] {
        let told = refusal(name, &wat::parse_str(text).unwrap()).await;
        assert!(told.contains(words), "{told}");
    }
    let told = refusal("code", include_bytes!(env!("LAKEGATE_FUNCTION"))).await;
    assert!(told.contains("must be a component"), "machine code is not run: {told}");
}
