//! A limit on how long the component may compute without a pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
/// A thread raises the engine's epoch at every tick while the component is at work and waits for
/// it otherwise, so that a process at rest wakes up for nothing. At each new epoch running guest
/// code comes here, and is ended when it has not paused for too many epochs.
#[derive(Clone)]
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
}

struct Shared {
    /// Counts the turns that the component was given.
    turns: AtomicU64,
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
            turns: AtomicU64::new(0),
            awake: AtomicBool::new(false),
            patience,
            thread: handle.thread().clone(),
        });
        // The thread waits for exactly this.
        let _ = sender.send(Arc::clone(&shared));
        Ok(Self { shared })
    }

    /// Says that the component gets a turn now.
    pub(crate) fn turn(&self) {
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
        if !self.shared.awake.swap(true, Ordering::AcqRel) {
            self.shared.thread.unpark();
        }
    }

    /// Puts a store under this watch.
    pub(crate) fn guard<T>(&self, store: &mut Store<T>) {
        let shared = Arc::clone(&self.shared);
        let (mut seen, mut looks) = (0, 0);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            let turns = shared.turns.load(Ordering::Relaxed);
            looks = if turns == seen { looks + 1 } else { 0 };
            seen = turns;
            if shared.patience.looks <= looks {
                let limit = shared.patience.tick * shared.patience.looks;
                return Err(wasmtime::format_err!("it computed for {limit:?} without a pause"));
            }
            Ok(UpdateDeadline::Continue(1))
        });
    }
}

impl Shared {
    /// Raises epochs until a whole tick has passed without a turn, then sleeps until the next one.
    fn watch(&self, engine: &Engine) {
        let before = self.turns.load(Ordering::Relaxed);
        thread::sleep(self.patience.tick);
        engine.increment_epoch();
        if before == self.turns.load(Ordering::Relaxed) && self.awake.swap(false, Ordering::AcqRel)
        {
            thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use wasmtime::{Config, Instance, Module};

    use super::*;

    const IMPATIENT: Patience = Patience { tick: Duration::from_millis(1), looks: 20 };

    /// Runs the export `run` of a module under watch.
    async fn run(text: &str) -> wasmtime::Result<()> {
        let engine = Engine::new(Config::new().epoch_interruption(true))?;
        let watchdog = Watchdog::start(&engine, IMPATIENT)?;
        let mut store = Store::new(&engine, ());
        watchdog.guard(&mut store);
        let module = Module::new(&engine, wat::parse_str(text)?)?;
        let instance = Instance::new_async(&mut store, &module, &[]).await?;
        let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
        let mut call = pin!(run.call_async(&mut store, ()));
        poll_fn(|context| {
            watchdog.turn();
            call.as_mut().poll(context)
        })
        .await
    }

    #[tokio::test]
    async fn ends_what_does_not_come_back() {
        let error = run("(module (func (export \"run\") (loop (br 0))))").await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("it computed for 20ms without a pause"), "{text}");
    }

    #[tokio::test]
    async fn leaves_the_others_alone() {
        run("(module (func (export \"run\")))").await.unwrap();
    }
}
