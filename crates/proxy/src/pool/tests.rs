//! What applications get from the pool, over an opener that a test holds in its hands.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::*;
use crate::stream::Stream;

const SECOND: Duration = Duration::from_secs(1);

/// How an opening ends.
#[derive(Clone, Debug)]
enum End {
    Opens,
    Fails(Failure),
    /// When the test says so.
    OpensLate,
}
use End::*;

/// Opens what the script says; after its end everything opens.
#[derive(Default)]
struct Script {
    ends: Mutex<VecDeque<End>>,
    late: Notify,
    /// The servers' ends of the connections.
    far: Mutex<Vec<UnixStream>>,
    asked: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

struct Scripted(Arc<Script>);

impl Opener for Scripted {
    fn open<'a>(&'a self, origin: &'a Arc<Origin>) -> Opened<'a> {
        Box::pin(async {
            let script = &self.0;
            script.asked.fetch_add(1, Ordering::SeqCst);
            let now = 1 + script.under_way.fetch_add(1, Ordering::SeqCst);
            script.most.fetch_max(now, Ordering::SeqCst);
            let end = lock(&script.ends).pop_front().unwrap_or(Opens);
            if let OpensLate = end {
                script.late.notified().await;
            }
            script.under_way.fetch_sub(1, Ordering::SeqCst);
            match end {
                Fails(failure) => Err(failure),
                Opens | OpensLate => Ok(script.server(origin)),
            }
        })
    }
}

impl Script {
    fn server(&self, origin: &Arc<Origin>) -> Server {
        let (near, far) = UnixStream::pair().unwrap();
        lock(&self.far).push(far);
        Server::over(Stream::Unix(near), origin)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn tuning(pool_size: usize) -> Tuning {
    Tuning {
        pool_size,
        max_clients: 100,
        idle_timeout: 60 * SECOND,
        max_lifetime: 600 * SECOND,
        wait: 30 * SECOND,
        keep_warm: 0,
        password: None,
        app_tls: None,
    }
}

fn pool(tuning: &Tuning, ends: &[End]) -> (Arc<Pool>, Arc<Script>) {
    let script = Arc::new(Script { ends: Mutex::new(ends.to_vec().into()), ..Script::default() });
    let opener = Box::new(Scripted(Arc::clone(&script)));
    (Pool::with_opener(tuning, opener, Metrics::default()), script)
}

fn origin(name: &str) -> Arc<Origin> {
    Arc::new(Origin::new(Some(name.to_owned()), Vec::new()))
}

fn failure(code: &str, passes: bool) -> Failure {
    let message = if passes { "the database system is starting up" } else { "no" };
    Failure { code: code.into(), message: message.into(), hint: None, passes }
}

#[track_caller]
fn check(pool: &Pool, open: i64, idle: i64, waiting: i64) {
    let Metrics { servers, servers_idle, waiting: queue, .. } = &pool.metrics;
    assert_eq!((servers.get(), servers_idle.get(), queue.get()), (open, idle, waiting));
}

/// Lets every other task run until it waits for something.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_used_again() {
    let (pool, script) = pool(&tuning(2), &[]);
    let lease = pool.take(&origin("a")).await.unwrap();
    check(&pool, 1, 0, 0);
    lease.give_back();
    check(&pool, 1, 1, 0);
    drop(pool.take(&origin("a")).await.unwrap());
    check(&pool, 0, 0, 0);
    assert_eq!(script.asked(), 1);
    assert_eq!(pool.metrics.servers_opened.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_ended_is_not_handed_out() {
    let (pool, script) = pool(&tuning(2), &[]);
    let lease = pool.take(&origin("a")).await.unwrap();
    let ended = lease.id;
    lease.give_back();
    lock(&script.far).clear();
    // The end is seen as soon as the system says so.
    loop {
        let lease = pool.take(&origin("a")).await.unwrap();
        if lease.id != ended {
            break;
        }
        lease.give_back();
        settle().await;
    }
    assert_eq!(script.asked(), 2);
    check(&pool, 0, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_dropped_says_goodbye() {
    let (pool, script) = pool(&tuning(1), &[]);
    drop(pool.take(&origin("a")).await.unwrap());
    let mut far = lock(&script.far).pop().unwrap();
    let mut said = Vec::new();
    far.read_to_end(&mut said).await.unwrap();
    assert_eq!(said, b"X\0\0\0\x04");
}

#[tokio::test(start_paused = true)]
async fn something_unread_is_not_given_back() {
    let (pool, _script) = pool(&tuning(1), &[]);
    let mut lease = pool.take(&origin("a")).await.unwrap();
    lease.inbox.extend_from_slice(b"D");
    lease.give_back();
    check(&pool, 0, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_that_all_are_busy() {
    let (pool, _script) = pool(&tuning(1), &[]);
    let held = pool.take(&origin("a")).await.unwrap();
    let since = Instant::now();
    let failure = pool.take(&origin("a")).await.err().unwrap();
    assert_eq!((&*failure.code, since.elapsed()), ("53300", 30 * SECOND));
    assert_eq!(
        failure.message,
        "all 1 connections to the database are in use, and none came free in 30 s"
    );
    check(&pool, 1, 0, 0);
    held.give_back();
    check(&pool, 1, 1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_away_loses_nothing() {
    let (pool, script) = pool(&tuning(1), &[OpensLate]);
    let origin = origin("a");
    // While it is opened.
    assert!(timeout(SECOND, pool.take(&origin)).await.is_err());
    script.late.notify_one();
    settle().await;
    check(&pool, 1, 1, 0);
    // While another one has it, and in the very moment in which it comes.
    let held = pool.take(&origin).await.unwrap();
    let mut waiting = Box::pin(pool.take(&origin));
    assert!(timeout(SECOND, &mut waiting).await.is_err());
    held.give_back();
    check(&pool, 1, 0, 0);
    drop(waiting);
    check(&pool, 1, 1, 0);
    assert_eq!(script.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn eight_logins_at_a_time() {
    let (pool, script) = pool(&tuning(20), &[const { OpensLate }; 20]);
    let origin = origin("a");
    let all: Vec<_> = (0..20)
        .map(|_| {
            let (pool, origin) = (Arc::clone(&pool), Arc::clone(&origin));
            tokio::spawn(async move { pool.take(&origin).await.map(|lease| lease.id) })
        })
        .collect();
    settle().await;
    check(&pool, 0, 0, 20);
    for _ in 0..20 {
        script.late.notify_one();
        settle().await;
    }
    for one in all {
        one.await.unwrap().unwrap();
    }
    assert_eq!(script.most.load(Ordering::SeqCst), LOGINS_AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn a_failure_for_good_ends_all_who_wait_at_once() {
    let (pool, script) = pool(&tuning(1), &[Fails(failure("42501", false))]);
    let origin = origin("a");
    let since = Instant::now();
    let (one, other) = tokio::join!(pool.take(&origin), pool.take(&origin));
    for outcome in [one, other] {
        assert_eq!(outcome.err().unwrap(), failure("42501", false));
    }
    assert_eq!((since.elapsed(), script.asked()), (Duration::ZERO, 1));
    // Whoever comes next finds out anew.
    pool.take(&origin).await.unwrap().give_back();
    check(&pool, 1, 1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_not_there_is_asked_for_now_and_then() {
    let (pool, script) = pool(&tuning(2), &vec![Fails(failure("3D000", false)); 4]);
    let (none, own) = (origin("none"), Arc::new(Origin::new(None, Vec::new())));
    let code =
        async |origin: &Arc<Origin>| pool.take(origin).await.map_err(|failure| failure.code).err();
    let refused = Some("3D000".to_owned());
    for asked in [1, 1] {
        assert_eq!((code(&none).await, script.asked()), (refused.clone(), asked));
    }
    tokio::time::advance(2 * SECOND).await;
    assert_eq!((code(&none).await, script.asked()), (refused.clone(), 2));
    // The login's own is prepared beside the pool.
    for asked in [3, 4] {
        assert_eq!((code(&own).await, script.asked()), (refused.clone(), asked));
    }
    // Another is there, and so is the first once somebody has made it.
    assert_eq!((code(&origin("some")).await, script.asked()), (None, 5));
    assert_eq!((code(&none).await, script.asked()), (refused, 5));
    pool.forget_absent();
    assert_eq!((code(&none).await, script.asked()), (None, 6));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_wakes_up_is_waited_for() {
    let asleep = || Fails(failure("57P03", true));
    let (pool, script) = pool(&tuning(4), &[asleep(), asleep(), asleep(), asleep()]);
    let origin = origin("a");
    let since = Instant::now();
    let (one, other) = tokio::join!(pool.take(&origin), pool.take(&origin));
    // Both try once; then one tries for both, after 0.25, 0.5 and 1 s, and the other follows.
    assert_eq!(since.elapsed(), Duration::from_millis(1_750));
    assert_eq!(script.asked(), 6);
    one.unwrap().give_back();
    other.unwrap().give_back();
    check(&pool, 2, 2, 0);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_does_not_wake_up_is_named_as_the_reason() {
    let (pool, script) = pool(&tuning(4), &vec![Fails(failure("57P03", true)); 50]);
    let told = pool.take(&origin("a")).await.err().unwrap();
    assert_eq!(told.code, "57P03");
    assert_eq!(told.message, "the database system is starting up (tried for 30 s)");
    settle().await;
    let asked = script.asked();
    tokio::time::sleep(60 * SECOND).await;
    assert!(script.asked() <= asked + 1, "it goes on though nobody waits");
    check(&pool, 0, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_does_not_answer_the_login_is_named_as_the_reason() {
    let (pool, _script) = pool(&tuning(2), &[OpensLate, OpensLate]);
    let origin = origin("a");
    // One for whom nothing can be opened is told the same: nobody has what it waits for.
    let all = tokio::join!(pool.take(&origin), pool.take(&origin), pool.take(&origin));
    for told in [all.0, all.1, all.2] {
        let told = told.err().unwrap();
        assert_eq!(told.code, "57P03");
        assert_eq!(
            told.message,
            "no connection to the database could be opened in 30 s: it has not answered the login \
             yet"
        );
    }
    check(&pool, 0, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn what_rests_too_long_is_closed_and_then_nothing_stirs() {
    let (pool, _script) = pool(&tuning(2), &[]);
    let maintained = tokio::spawn(Arc::clone(&pool).maintain());
    pool.take(&origin("a")).await.unwrap().give_back();
    tokio::time::sleep(59 * SECOND).await;
    check(&pool, 1, 1, 0);
    tokio::time::sleep(2 * SECOND).await;
    check(&pool, 0, 0, 0);
    maintained.abort();
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_ends_within_its_last_tenth() {
    let (pool, _script) = pool(&tuning(1), &[]);
    let mut ends = Vec::new();
    for _ in 0..50 {
        let lease = pool.take(&origin("a")).await.unwrap();
        ends.push(lease.retire_at - lease.born);
    }
    assert!(ends.iter().all(|end| (540 * SECOND..=600 * SECOND).contains(end)), "{ends:?}");
    assert_ne!(ends.iter().min(), ends.iter().max(), "they would all end together");
}

#[tokio::test(start_paused = true)]
async fn some_are_kept_warm() {
    let (pool, script) = pool(&Tuning { keep_warm: 2, ..tuning(4) }, &[]);
    let maintained = tokio::spawn(Arc::clone(&pool).maintain());
    settle().await;
    check(&pool, 2, 2, 0);
    tokio::time::sleep(590 * SECOND).await;
    assert!((2..=4).contains(&script.asked()), "{} logins", script.asked());
    tokio::time::sleep(100 * SECOND).await;
    check(&pool, 2, 2, 0);
    assert_eq!(script.asked(), 4, "each was replaced once");
    maintained.abort();
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_drains_serves_and_keeps_nothing() {
    let (pool, _script) = pool(&tuning(2), &[]);
    let origin = origin("a");
    let (one, other) = tokio::join!(pool.take(&origin), pool.take(&origin));
    one.unwrap().give_back();
    pool.drain();
    check(&pool, 1, 0, 0);
    other.unwrap().give_back();
    check(&pool, 0, 0, 0);
    pool.take(&origin).await.unwrap().give_back();
    check(&pool, 0, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_notice_does_not_spoil_what_rests() {
    let (pool, script) = pool(&tuning(1), &[]);
    pool.take(&origin("a")).await.unwrap().give_back();
    let mut far = lock(&script.far).pop().unwrap();
    far.write_all(b"S\0\0\0\x11TimeZone\0UTC\0").await.unwrap();
    while pool.take(&origin("a")).await.map(|lease| {
        let heard = lease.parameters.get("TimeZone").is_some();
        lease.give_back();
        heard
    }) != Ok(true)
    {
        settle().await;
    }
    assert_eq!(script.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_time_is_too_long_to_reckon_with() {
    let long = Duration::MAX;
    let tuning = Tuning { idle_timeout: long, max_lifetime: long, wait: long, ..tuning(1) };
    let (pool, _script) = pool(&tuning, &[]);
    let maintained = tokio::spawn(Arc::clone(&pool).maintain());
    pool.take(&origin("a")).await.unwrap().give_back();
    settle().await;
    check(&pool, 1, 1, 0);
    assert!(!maintained.is_finished(), "it could not tell when to look again");
    maintained.abort();
}
