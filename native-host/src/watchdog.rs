//! A limit on how long a component may compute without a pause.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use wasmtime::{Engine, Store, UpdateDeadline};

/// How often a running component is looked at, and how many looks in a row may find it in the same
/// piece of work. Its longest, planning 32 MiB of migrations, takes a fraction of these 30 s.
pub(crate) const USUAL: Patience = Patience { tick: Duration::from_secs(1), looks: 30 };

/// How long a component may compute without a pause.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) tick: Duration,
    pub(crate) looks: u32,
}

/// Ends a component that does not come back.
///
/// A thread raises the engine's epoch at every tick while a component is at work and waits for it
/// otherwise, so that a process at rest wakes up for nothing. At each new epoch running guest
/// code comes here, and is ended when it has not paused for too many epochs.
#[derive(Clone)]
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
}

/// The watch over one store.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    /// Counts the turns that this store was given.
    turns: Arc<AtomicU64>,
}

struct Shared {
    /// How many stores have their turn at this moment.
    at_work: AtomicUsize,
    awake: AtomicBool,
    patience: Patience,
    thread: thread::Thread,
}

impl Watchdog {
    /// Starts the thread; it ends with the process.
    pub(crate) fn start(engine: &Engine, patience: Patience) -> std::io::Result<Self> {
        let engine = engine.weak();
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Arc<Shared>>(1);
        let handle = thread::Builder::new().name("watchdog".into()).spawn(move || {
            let Ok(shared) = receiver.recv() else { return };
            while let Some(engine) = engine.upgrade() {
                shared.watch(&engine);
            }
        })?;
        let shared = Arc::new(Shared {
            at_work: AtomicUsize::new(0),
            awake: AtomicBool::new(true),
            patience,
            thread: handle.thread().clone(),
        });
        // The thread waits for exactly this.
        let _ = sender.send(Arc::clone(&shared));
        Ok(Self { shared })
    }

    /// Puts a store under watch. Its guest code may only run below [`Watch::drive`].
    pub(crate) fn guard<T>(&self, store: &mut Store<T>) -> Watch {
        let watch = Watch { shared: Arc::clone(&self.shared), turns: Arc::default() };
        let (turns, patience) = (Arc::clone(&watch.turns), self.shared.patience);
        let (mut seen, mut looks) = (0, 0);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            let turns = turns.load(Ordering::Relaxed);
            looks = if turns == seen { looks + 1 } else { 0 };
            seen = turns;
            if patience.looks <= looks {
                let limit = patience.tick * patience.looks;
                return Err(wasmtime::format_err!("it computed for {limit:?} without a pause"));
            }
            Ok(UpdateDeadline::Continue(1))
        });
        watch
    }
}

impl Watch {
    /// Carries out what runs guest code of this store. Each poll is a turn: when it ends, the
    /// guest has paused.
    pub(crate) async fn drive<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let _turn = self.turn();
            work.as_mut().poll(context)
        })
        .await
    }

    fn turn(&self) -> Turn<'_> {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.shared.at_work.fetch_add(1, Ordering::SeqCst);
        if !self.shared.awake.swap(true, Ordering::SeqCst) {
            self.shared.thread.unpark();
        }
        Turn(&self.shared)
    }
}

/// A store's turn, until it is dropped.
struct Turn<'a>(&'a Shared);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    /// Raises epochs until a tick ends with no store at work, then sleeps until the next turn.
    fn watch(&self, engine: &Engine) {
        while {
            thread::sleep(self.patience.tick);
            engine.increment_epoch();
            0 < self.at_work.load(Ordering::SeqCst)
        } {}
        self.awake.store(false, Ordering::SeqCst);
        // A turn that began in between found the thread awake and did not wake it.
        if self.at_work.load(Ordering::SeqCst) == 0 {
            thread::park();
        }
        self.awake.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Config, Instance, Module};

    use super::*;

    const IMPATIENT: Patience = Patience { tick: Duration::from_millis(1), looks: 20 };
    const ENDLESS: &str = "(module (func (export \"run\") (loop (br 0))))";
    const SHORT: &str = "(module (func (export \"run\")))";

    fn start() -> (Engine, Watchdog) {
        let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        let watchdog = Watchdog::start(&engine, IMPATIENT).unwrap();
        (engine, watchdog)
    }

    /// Runs the export `run` of a module under watch.
    async fn run(engine: &Engine, watchdog: &Watchdog, text: &str) -> wasmtime::Result<()> {
        let mut store = Store::new(engine, ());
        let watch = watchdog.guard(&mut store);
        let module = Module::new(engine, wat::parse_str(text)?)?;
        let instance = Instance::new_async(&mut store, &module, &[]).await?;
        let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
        watch.drive(run.call_async(&mut store, ())).await
    }

    #[track_caller]
    fn ended(outcome: wasmtime::Result<()>) {
        let text = format!("{:#}", outcome.unwrap_err());
        assert!(text.contains("it computed for 20ms without a pause"), "{text}");
    }

    #[tokio::test]
    async fn ends_what_does_not_come_back_and_leaves_others_alone() {
        let (engine, watchdog) = start();
        run(&engine, &watchdog, SHORT).await.unwrap();
        ended(run(&engine, &watchdog, ENDLESS).await);
    }

    #[test]
    fn the_turns_of_others_are_no_excuse() {
        let (engine, watchdog) = start();
        let mut other = Store::new(&engine, ());
        let (watch, over) = (watchdog.guard(&mut other), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    drop(watch.turn());
                    thread::yield_now();
                }
            });
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let outcome = runtime.block_on(run(&engine, &watchdog, ENDLESS));
            over.store(true, Ordering::Relaxed);
            ended(outcome);
        });
    }

    #[tokio::test]
    async fn wakes_up_after_a_rest() {
        let (engine, watchdog) = start();
        while watchdog.shared.awake.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        ended(run(&engine, &watchdog, ENDLESS).await);
    }
}
