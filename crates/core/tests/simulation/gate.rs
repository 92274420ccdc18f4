//! The gate as many tasks use it at once: they come in herds, give up, have logins refused.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use lakegate_core::edge::Edge;
use lakegate_core::flow::gate::{Gate, MintFailure, Minted, Source};
use lakegate_core::problem::{Kind, Problem};
use lakegate_core::secret::Secret;
use lakegate_core::token::{Failure, Fingerprint, Lifetime, Policy};

use crate::bench::Bench;

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// What the control plane answers, and after how long.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Token,
    Error,
    Denied,
}

/// A control plane that keeps a record.
struct Plane {
    bench: Rc<Bench>,
    script: Box<dyn Fn(u64) -> (u64, Answer)>,
    record: Rc<Record>,
}

#[derive(Default)]
struct Record {
    mints: Cell<u64>,
    /// When those under way began.
    under_way: RefCell<Vec<u64>>,
    /// When a mint was last refused for good.
    denied_at: Cell<Option<u64>>,
    /// Until when the last token that was delivered in time is to be served.
    lives_until: Cell<u64>,
    served: Cell<u64>,
    failed: Cell<u64>,
}

/// A token is the time at which the server ceases to take it.
type Token = u64;

impl Source for Plane {
    type Token = Token;

    async fn mint(&self, _resume: bool) -> Result<Minted<Token>, MintFailure> {
        let (record, began) = (&self.record, self.bench.now());
        record.mints.set(record.mints.get() + 1);
        let beside = record.under_way.borrow().iter().any(|other| began < other + 60 * SECOND);
        assert!(!beside, "rule 4: a mint at {began} beside {:?}", record.under_way.borrow());
        record.under_way.borrow_mut().push(began);
        let (delay, answer) = (self.script)(began);
        self.bench.sleep(Duration::from_millis(delay)).await;
        record.under_way.borrow_mut().retain(|other| *other != began);
        let now = self.bench.now();
        match answer {
            Answer::Token => {
                if now < began + 60 * SECOND {
                    record.lives_until.set(began + HOUR - 40 * SECOND);
                }
                let fingerprint = Fingerprint::of(&Secret::new(began.to_string()));
                let lifetime = Lifetime::known(Duration::from_millis(HOUR));
                Ok(Minted { token: began + HOUR, fingerprint, lifetime })
            }
            Answer::Error => {
                let failure = Failure::Transient { retry_after: None };
                Err(MintFailure { failure, problem: problem(Kind::Unavailable) })
            }
            Answer::Denied => {
                record.denied_at.set(Some(now));
                let problem = problem(Kind::Denied);
                Err(MintFailure { failure: Failure::Permanent, problem })
            }
        }
    }
}

fn problem(kind: Kind) -> Problem {
    Problem { kind, message: "no".into(), advice: "Ask again.".into(), sqlstate: None }
}

type TestGate = Gate<Bench, Plane>;

fn gate(
    bench: &Rc<Bench>,
    script: impl Fn(u64) -> (u64, Answer) + 'static,
) -> (TestGate, Rc<Record>) {
    let record = Rc::new(Record::default());
    let plane =
        Plane { bench: Rc::clone(bench), script: Box::new(script), record: Rc::clone(&record) };
    (Gate::new(Rc::clone(bench), plane, Policy::default()), record)
}

/// One who wants the token, and judges what it gets.
async fn caller(bench: Rc<Bench>, gate: TestGate, record: Rc<Record>, start: u64, refused: bool) {
    bench.sleep(Duration::from_millis(start)).await;
    let answer = gate.current().await;
    let now = bench.now();
    assert!(now <= start + 60 * SECOND, "a caller waited from {start} to {now}");
    let held = match answer {
        Ok(held) => held,
        Err(problem) => {
            record.failed.set(record.failed.get() + 1);
            let lives = now < record.lives_until.get();
            assert!(!lives, "rule 3: a caller failed at {now}: {problem}");
            if problem.kind == Kind::Denied {
                let denied = record.denied_at.get().expect("it was denied");
                assert!(now - start.max(denied) <= SECOND, "rule 7: {denied}, but {now}");
            } else {
                assert!(matches!(problem.kind, Kind::Unavailable | Kind::Timeout), "{problem:?}");
                assert_eq!(now, start + 60 * SECOND, "a caller gave up early");
            }
            return;
        }
    };
    record.served.set(record.served.get() + 1);
    assert!(now + 30 * SECOND < held.token, "rule 3: a dead token at {now}: {held:?}");
    if refused {
        // The server takes it no more, so nobody is to have it.
        record.lives_until.set(0);
        match gate.refused(held.fingerprint).await {
            Ok(Some(new)) => assert!(held.generation < new.generation, "rule 8: {new:?}"),
            Ok(None) => record.lives_until.set(held.token - 40 * SECOND),
            Err(problem) => {
                let kinds = [Kind::Denied, Kind::Unavailable, Kind::Timeout];
                assert!(kinds.contains(&problem.kind), "{problem:?}");
            }
        }
    }
}

/// What the control plane does in one world.
fn weather(seed: u64) -> impl Fn(u64) -> (u64, Answer) {
    move |time| {
        // Ten minutes of one weather, then of the next; the numbers are primes of no meaning.
        let now = (seed * 31 + time / (600 * SECOND) * 17) % 7;
        let delay = (time * 7_919 + seed * 104_729) % (2 * SECOND);
        match now {
            0 => (delay, Answer::Error),
            1 => (delay, Answer::Denied),
            2 => (delay * 100, Answer::Token), // Up to 200 s: some come too late.
            _ => (delay, Answer::Token),
        }
    }
}

#[test]
fn a_gate_keeps_the_rules_for_all_its_callers() {
    let (mut mints, mut served, mut failed) = (0, 0, 0);
    for seed in crate::seeds(500) {
        println!("gate {seed}"); // Shown only when it failed.
        let bench = Bench::new(seed);
        let (gate, record) = gate(&bench, weather(seed));
        for _ in 0..10 {
            let start = bench.between(0, 3 * HOUR);
            for _ in 0..bench.between(1, 12) {
                let (gate, record) = (gate.clone(), Rc::clone(&record));
                let refused = bench.between(0, 10) == 0;
                let task = bench.start(caller(Rc::clone(&bench), gate, record, start, refused));
                if bench.between(0, 5) == 0 {
                    let (watch, leave) = (Rc::clone(&bench), start + bench.between(0, 5 * SECOND));
                    bench.start(async move {
                        watch.sleep(Duration::from_millis(leave)).await;
                        watch.cancel(task);
                    });
                }
            }
        }
        drop(gate);
        bench.run();
        // All callers have gone, and all mints have ended: nothing holds the gate.
        assert_eq!(Rc::strong_count(&record), 1, "the gate leaks");
        mints += record.mints.get();
        served += record.served.get();
        failed += record.failed.get();
    }
    println!("gates: {mints} mints, {served} callers served, {failed} told why not");
    // The chosen world may be one in which nobody is served.
    assert!(crate::chosen_seed().is_some() || (mints > 5_000 && served > 5_000 && failed > 1_000));
}

#[test]
fn a_herd_shares_one_mint() {
    let bench = Bench::new(0);
    let (gate, record) = gate(&bench, |_| (300, Answer::Token));
    for _ in 0..1_000 {
        let (gate, record) = (gate.clone(), Rc::clone(&record));
        bench.start(caller(Rc::clone(&bench), gate, record, 0, false));
    }
    bench.run();
    assert_eq!((record.mints.get(), record.served.get(), bench.now()), (1, 1_000, 300));
}

#[test]
fn a_mint_outlives_the_caller_who_started_it() {
    let bench = Bench::new(0);
    let (gate, record) = gate(&bench, |_| (300, Answer::Token));
    let impatient = gate.clone();
    let task = bench.start(async move {
        impatient.current().await.expect("nobody waits for this");
        panic!("it was cancelled");
    });
    let watch = Rc::clone(&bench);
    bench.start(async move {
        watch.sleep(Duration::from_millis(10)).await;
        watch.cancel(task);
    });
    bench.start(caller(Rc::clone(&bench), gate, Rc::clone(&record), 400, false));
    bench.run();
    assert_eq!((record.mints.get(), record.served.get(), bench.now()), (1, 1, 400));
}

#[test]
fn the_loop_of_a_host_hears_of_each_failure_and_keeps_the_pauses() {
    let bench = Bench::new(0);
    let (gate, record) = gate(&bench, |time| match time / SECOND {
        0..3_005 if time > 0 => (100, Answer::Error),
        _ => (100, Answer::Token),
    });
    let heard = Rc::new(RefCell::new(Vec::new()));
    let (host, log) = (Rc::clone(&bench), Rc::clone(&heard));
    bench.start(async move {
        let mut generation = 0;
        while generation < 2 {
            match gate.renewed(generation).await {
                Ok(held) => generation = if generation == 0 { 1 } else { held.generation },
                Err(problem) => {
                    assert!(gate.current().await.is_ok(), "the old token lives");
                    assert_eq!(gate.status().problem, Some(problem));
                    log.borrow_mut().push(host.now());
                }
            }
        }
        assert_eq!(gate.status().problem, None);
    });
    bench.run();
    let heard = heard.borrow();
    assert!(heard.len() >= 3, "{heard:?}");
    let pauses = heard.windows(2).map(|two| two[1] - two[0]);
    for (doubled, pause) in [1_000, 2_000, 4_000].into_iter().zip(pauses) {
        // A mint takes 100 ms; chance adds or takes a quarter.
        let range = doubled * 3 / 4 + 100..=doubled * 5 / 4 + 100;
        assert!(range.contains(&pause), "{pause} is not in {range:?}");
    }
    assert_eq!(record.mints.get(), heard.len() as u64 + 2);
}
