//! A limit on how long the component may compute without a pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use wasmtime::{Engine, Store, UpdateDeadline};

use crate::edges::Host;

/// How often a running component is looked at. The thread sleeps while none runs.
const TICK: Duration = Duration::from_secs(1);
/// How many looks in a row may find the component in the same piece of work. Its longest, planning
/// 32 MiB of migrations, takes a fraction of this.
const LIMIT: u32 = 30;

/// Ends a component that does not come back.
///
/// A thread raises the engine's epoch every second while the component is at work and waits for
/// it otherwise, so that a process at rest wakes up for nothing. At each new epoch running guest
/// code comes here, and is ended when it has not paused since [`LIMIT`] epochs.
#[derive(Clone)]
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
}

struct Shared {
    /// Counts the turns that the component was given.
    turns: AtomicU64,
    awake: AtomicBool,
    thread: thread::Thread,
}

impl Watchdog {
    /// Starts the thread; it ends with the process.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
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
    pub(crate) fn guard(&self, store: &mut Store<Host>) {
        let shared = Arc::clone(&self.shared);
        let (mut seen, mut looks) = (0, 0);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            let turns = shared.turns.load(Ordering::Relaxed);
            looks = if turns == seen { looks + 1 } else { 0 };
            seen = turns;
            if LIMIT <= looks {
                return Err(wasmtime::format_err!(
                    "the component computed for {LIMIT} s without a pause"
                ));
            }
            Ok(UpdateDeadline::Continue(1))
        });
    }
}

impl Shared {
    /// Raises epochs until a whole tick has passed without a turn, then sleeps until the next one.
    fn watch(&self, engine: &Engine) {
        let before = self.turns.load(Ordering::Relaxed);
        thread::sleep(TICK);
        engine.increment_epoch();
        if before == self.turns.load(Ordering::Relaxed) && self.awake.swap(false, Ordering::AcqRel)
        {
            thread::park();
        }
    }
}
