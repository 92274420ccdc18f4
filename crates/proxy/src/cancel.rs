//! Cancel requests: from the number and secret of an application to the backend that works for it
//! at that moment.
//!
//! A request must never hit the query of somebody else. So an application's place in the registry
//! says which server connection it holds, and the pool hands no connection on while a request to
//! its backend is on the way ([`CancelGate::quiet`]).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::server::{CancelTarget, Server};
use crate::wire::startup::CancelRequest;

/// All applications that can be told apart by a number and a secret.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Places>);

#[derive(Default)]
struct Places {
    taken: HashMap<i32, Arc<Place>>,
    random: Random,
}

/// Random numbers, drawn for several applications at once: for each alone that would take a good
/// part of the time in which it is let in.
#[derive(Default)]
struct Random {
    drawn: Vec<u8>,
}

/// What is known of one application.
struct Place {
    secret: [u8; 4],
    held: Mutex<Option<CancelGate>>,
}

/// An application's place in the registry; dropped, it is forgotten.
pub(crate) struct Seat {
    id: i32,
    place: Arc<Place>,
    registry: Arc<Registry>,
}

impl Registry {
    /// Makes a place under a number that nobody else has.
    pub(crate) fn seat(self: &Arc<Self>) -> Seat {
        let mut places = lock(&self.0);
        let id = loop {
            // Not counted upwards: who knows no number has twice as much to guess.
            let id = i32::from_be_bytes(places.random.draw()) & i32::MAX;
            if id != 0 && !places.taken.contains_key(&id) {
                break id;
            }
        };
        let place = Arc::new(Place { secret: places.random.draw(), held: Mutex::default() });
        places.taken.insert(id, Arc::clone(&place));
        drop(places);
        Seat { id, place, registry: Arc::clone(self) }
    }

    /// Passes a request on, and returns when the database has it. Says whether there was somebody
    /// to pass it on to; to the sender that makes no difference, as in Postgres.
    pub(crate) async fn cancel(&self, request: &CancelRequest) -> bool {
        let Some(place) = lock(&self.0).taken.get(&request.id).map(Arc::clone) else {
            return false;
        };
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal;
        if equal(&place.secret, &request.secret).is_err() {
            return false;
        }
        // It enters while the place is locked: once the application has let go, nobody does.
        let Some(passing) = lock(&place.held).as_ref().map(CancelGate::enter) else { return false };
        passing.gate.0.target.cancel().await;
        true
    }
}

impl Seat {
    /// The number that the application is told as its process id.
    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// The secret that it is told with it.
    pub(crate) fn secret(&self) -> [u8; 4] {
        self.place.secret
    }

    /// From now on a request of this application goes to that server.
    pub(crate) fn holds(&self, server: &Server) {
        self.set(Some(server.cancels.clone()));
    }

    /// From now on a request of this application goes nowhere. To be said before the server
    /// connection is given back.
    pub(crate) fn lets_go(&self) {
        self.set(None);
    }

    fn set(&self, gate: Option<CancelGate>) {
        *lock(&self.place.held) = gate;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.lets_go();
        lock(&self.registry.0).taken.remove(&self.id);
    }
}

/// Counts the cancel requests that are on their way to one backend; a clone is the same gate.
#[derive(Clone)]
pub(crate) struct CancelGate(Arc<Gate>);

struct Gate {
    target: CancelTarget,
    under_way: AtomicUsize,
    quiet: Notify,
}

/// A request on its way; dropped, it has arrived or never will.
struct Passing {
    gate: CancelGate,
}

impl CancelGate {
    /// A gate to the backend that `target` leads to.
    pub(crate) fn new(target: CancelTarget) -> Self {
        Self(Arc::new(Gate { target, under_way: AtomicUsize::new(0), quiet: Notify::new() }))
    }

    /// Whether no request is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.under_way.load(Ordering::Acquire) == 0
    }

    /// Waits until no request is on its way. Only of use when nobody holds the server.
    pub(crate) async fn quiet(&self) {
        loop {
            let mut quiet = std::pin::pin!(self.0.quiet.notified());
            quiet.as_mut().enable();
            if self.is_quiet() {
                return;
            }
            quiet.await;
        }
    }

    fn enter(&self) -> Passing {
        self.0.under_way.fetch_add(1, Ordering::AcqRel);
        Passing { gate: self.clone() }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let gate = &self.gate.0;
        if gate.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            gate.quiet.notify_waiters();
        }
    }
}

impl Random {
    /// How much is drawn at once, in bytes.
    const DRAW: usize = 256;

    /// Four bytes that were never given before.
    fn draw(&mut self) -> [u8; 4] {
        if self.drawn.is_empty() {
            self.drawn.resize(Self::DRAW, 0);
            aws_lc_rs::rand::fill(&mut self.drawn).expect("the system has random numbers");
        }
        let (rest, next) = self.drawn.split_last_chunk().expect("it is drawn by multiples of four");
        let (rest, next) = (rest.len(), *next);
        self.drawn.truncate(rest);
        next
    }
}

/// What is behind these locks is whole at any moment, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::server::BackendKey;

    /// A server that takes requests to cancel, and a gate to it.
    async fn backend() -> (TcpListener, CancelGate) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let key = BackendKey { pid: 7, secret: Bytes::from_static(b"abcd") };
        let target = CancelTarget::plain(listener.local_addr().unwrap(), key);
        (listener, CancelGate::new(target))
    }

    async fn asked(backend: &TcpListener) -> TcpStream {
        let (mut stream, _) = backend.accept().await.unwrap();
        let mut request = [0; 16];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(&request[12..], b"abcd");
        stream
    }

    fn request(seat: &Seat) -> CancelRequest {
        CancelRequest { id: seat.id(), secret: seat.secret().to_vec() }
    }

    #[tokio::test]
    async fn a_request_goes_to_who_is_held_now() {
        let registry = Arc::new(Registry::default());
        let (seat, other) = (registry.seat(), registry.seat());
        let (backend, gate) = backend().await;
        seat.set(Some(gate));
        other.set(None);
        let request_of_seat = request(&seat);
        let done = async { drop(asked(&backend).await) };
        let (passed, ()) = tokio::join!(registry.cancel(&request_of_seat), done);
        assert!(passed);
        assert!(!registry.cancel(&request(&other)).await);
    }

    #[tokio::test]
    async fn who_does_not_know_the_secret_cancels_nothing() {
        let registry = Arc::new(Registry::default());
        let seat = registry.seat();
        let (_backend, gate) = backend().await;
        seat.set(Some(gate));
        let right = request(&seat);
        let [a, b, c, d] = seat.secret();
        for secret in [vec![], vec![a, b, c], vec![a, b, c, d ^ 1], vec![a, b, c, d, 0]] {
            assert!(!registry.cancel(&CancelRequest { id: right.id, secret }).await);
        }
        let id = seat.id().wrapping_add(1);
        assert!(!registry.cancel(&CancelRequest { id, secret: right.secret.clone() }).await);
        drop(seat);
        assert!(!registry.cancel(&right).await);
    }

    #[tokio::test]
    async fn a_server_is_quiet_when_the_request_has_arrived() {
        let registry = Arc::new(Registry::default());
        let seat = registry.seat();
        let (backend, gate) = backend().await;
        seat.set(Some(gate.clone()));
        assert!(gate.is_quiet());
        let request = request(&seat);
        let cancel = registry.cancel(&request);
        tokio::pin!(cancel);
        let under_way = tokio::select! {
            _ = &mut cancel => panic!("it did not wait for the server"),
            stream = asked(&backend) => stream,
        };
        seat.lets_go();
        assert!(!gate.is_quiet());
        drop(under_way);
        let (passed, ()) = tokio::join!(cancel, gate.quiet());
        assert!(passed && gate.is_quiet());
    }

    #[test]
    fn places_have_numbers_and_secrets_of_their_own() {
        let registry = Arc::new(Registry::default());
        let seats: Vec<Seat> = (0..1000).map(|_| registry.seat()).collect();
        let ids: std::collections::HashSet<i32> = seats.iter().map(Seat::id).collect();
        assert_eq!(ids.len(), seats.len());
        assert!(ids.iter().all(|id| 0 < *id));
        drop(seats);
        assert!(lock(&registry.0).taken.is_empty());
    }
}
