//! Lets the requests of one instance wake each other: one brings the token that the others wait for.
//!
//! Each request is a task of the host, and a task is woken by the host alone. So a future that may
//! have to be woken by another task gets a stream of its own: it sleeps reading it, and whoever
//! wakes it writes one byte. The bindings have a feature for the same, `inter-task-wakeup`; in this
//! version it cancels a read in an order that newer hosts answer with a trap.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use spin_sdk::wasip3::wit_stream;
use wit_bindgen::{StreamReader, StreamWriter};

/// Runs a future so that other tasks may wake it.
pub(crate) async fn shared<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut sleeper = Sleeper::default();
    let waker = Waker::from(Arc::clone(&sleeper.bell));
    poll_fn(|task| {
        sleeper.bell.rung.store(false, Relaxed);
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                sleeper.sleep(task);
                Poll::Pending
            }
            ready @ Poll::Ready(_) => ready,
        }
    })
    .await
}

/// What other tasks ring.
#[derive(Default)]
struct Bell {
    /// It rang since the future was last looked at.
    rung: AtomicBool,
    /// The future sleeps, and has to be woken by a byte.
    asleep: AtomicBool,
    writer: Mutex<Option<StreamWriter<u8>>>,
}

/// The side that sleeps. It makes its stream when it first has to.
#[derive(Default)]
struct Sleeper {
    bell: Arc<Bell>,
    listening: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Sleeper {
    /// Sees to it that the task is looked at again: at once if the bell rang meanwhile, else when
    /// it rings.
    fn sleep(&mut self, task: &mut Context<'_>) {
        if self.bell.rung.load(Relaxed) {
            task.waker().wake_by_ref();
            return;
        }
        let bell = &self.bell;
        let listening = self.listening.get_or_insert_with(|| {
            let (writer, reader) = wit_stream::new();
            *bell.writer.lock().expect("no ring panics") = Some(writer);
            Box::pin(listen(reader))
        });
        let _endless = listening.as_mut().poll(task);
        self.bell.asleep.store(true, Relaxed);
    }
}

async fn listen(mut reader: StreamReader<u8>) {
    loop {
        reader.read(Vec::with_capacity(1)).await;
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // Wakers may outlive it: they ring for nobody.
        self.bell.asleep.store(false, Relaxed);
        self.bell.writer.lock().expect("no ring panics").take();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Relaxed);
        if !self.asleep.swap(false, Relaxed) {
            return;
        }
        if let Some(writer) = &mut *self.writer.lock().expect("no ring panics") {
            // Somebody reads, so it ends at once; if the host has yet to tell that an earlier byte
            // was read, the sleeper wakes anyway.
            let writing = pin!(writer.write(vec![0]));
            let _ = writing.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}
