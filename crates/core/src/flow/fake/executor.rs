//! Runs tasks of one thread in a time of its own.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::{self, Future};
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Runs tasks, and lets time pass when all of them wait.
#[derive(Default)]
pub(super) struct Executor {
    tasks: RefCell<Vec<Task>>,
    clock: Rc<Clock>,
    woken: Arc<Flag>,
}

#[derive(Default)]
struct Clock {
    /// Milliseconds since the start.
    now: Cell<u64>,
    /// When somebody wants to be polled again.
    alarms: RefCell<Vec<u64>>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Executor {
    pub(super) fn now(&self) -> u64 {
        self.clock.now.get()
    }

    pub(super) fn spawn(&self, task: Task) {
        self.tasks.borrow_mut().push(task);
        self.woken.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + use<> {
        let clock = Rc::clone(&self.clock);
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let end = clock.now.get().saturating_add(millis);
        future::poll_fn(move |_| {
            if end <= clock.now.get() {
                return Poll::Ready(());
            }
            clock.alarms.borrow_mut().push(end);
            Poll::Pending
        })
    }

    /// Lets all others act once.
    pub(super) async fn turn(&self) {
        let mut over = false;
        future::poll_fn(|context| {
            if over {
                return Poll::Ready(());
            }
            over = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Polls everybody until this future ends; tasks that wait then go on in the next run.
    #[track_caller]
    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut context = Context::from_waker(&waker);
        loop {
            self.clock.alarms.borrow_mut().clear();
            self.woken.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            // Taken out: a task may spawn another.
            let mut tasks = self.tasks.take();
            tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
            self.tasks.borrow_mut().extend(tasks);
            if !self.woken.0.load(Ordering::Relaxed) {
                let alarm = self.clock.alarms.borrow().iter().copied().min();
                self.clock.now.set(alarm.filter(|alarm| *alarm < u64::MAX).expect("nobody waits"));
            }
        }
    }
}
