//! Who has which connection, and who gets the next one. Decides only: it opens and closes nothing,
//! and is told the time.
//!
//! All origins share the places. A connection that comes free goes to the first who waits for its
//! origin; nobody waits longer than [`PATIENCE`] while others of another origin are served.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Origin;
use super::orders::Orders;
use crate::logins::Failure;

/// How long the first in the queue lets others by whose origin fits what comes free: to close that
/// and to log in anew takes longer than most transactions.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// The limits that the books keep.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// Connections, open and being opened.
    pub(super) size: usize,
    /// How long one rests.
    pub(super) idle_timeout: Duration,
    /// How many are kept however long they rest.
    pub(super) keep_warm: usize,
}

/// The books of a pool of connections `S`, for which `W` wait.
#[derive(Debug)]
pub(super) struct Books<S, W> {
    limits: Limits,
    draining: bool,
    /// Open: on loan or at rest.
    open: usize,
    /// Being opened.
    opening: usize,
    /// At rest.
    idle: usize,
    places: HashMap<Arc<Origin>, Place<S>>,
    /// In the order in which they came.
    queue: BTreeMap<Ticket, Waiter<W>>,
    next: Ticket,
    /// When the ages are looked at next.
    due: Option<Instant>,
}

/// A number in the queue.
pub(super) type Ticket = u64;

#[derive(Debug)]
struct Waiter<W> {
    origin: Arc<Origin>,
    since: Instant,
    waiter: W,
}

/// What there is of one origin.
#[derive(Debug)]
struct Place<S> {
    /// The one that was used last comes last, and is used first: so the others can age.
    idle: VecDeque<Resting<S>>,
    waiting: BTreeSet<Ticket>,
    open: usize,
    opening: usize,
    /// Why the latest try failed, while one goes on trying.
    trouble: Option<Failure>,
}

#[derive(Debug)]
struct Resting<S> {
    server: S,
    since: Instant,
    retire_at: Instant,
}

impl<S> Default for Place<S> {
    fn default() -> Self {
        Self { idle: VecDeque::new(), waiting: BTreeSet::new(), open: 0, opening: 0, trouble: None }
    }
}

impl<S> Place<S> {
    /// Whether somebody waits for whom nothing is being opened. In trouble one tries for all.
    fn wants(&self) -> bool {
        self.opening < if self.trouble.is_some() { 1 } else { self.waiting.len() }
            && !self.waiting.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.open == 0 && self.opening == 0 && self.waiting.is_empty()
    }
}

impl<S, W> Books<S, W> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            draining: false,
            open: 0,
            opening: 0,
            idle: 0,
            places: HashMap::new(),
            queue: BTreeMap::new(),
            next: 0,
            due: None,
        }
    }

    /// Open connections, on loan or at rest.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Connections at rest.
    pub(super) fn idle(&self) -> usize {
        self.idle
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether some are kept though nobody uses them.
    pub(super) fn keeps_warm(&self) -> bool {
        !self.draining && 0 < self.limits.keep_warm
    }

    /// How many connections there may be.
    pub(super) fn size(&self) -> usize {
        self.limits.size
    }

    /// Takes the connection of this origin that was used last.
    pub(super) fn take(&mut self, origin: &Arc<Origin>) -> Option<S> {
        let resting = self.places.get_mut(origin)?.idle.pop_back()?;
        self.idle -= 1;
        Some(resting.server)
    }

    /// Puts somebody into the queue.
    pub(super) fn wait(
        &mut self,
        origin: &Arc<Origin>,
        waiter: W,
        now: Instant,
    ) -> (Ticket, Orders<S, W>) {
        let ticket = self.next;
        self.next += 1;
        self.places.entry(Arc::clone(origin)).or_default().waiting.insert(ticket);
        self.queue.insert(ticket, Waiter { origin: Arc::clone(origin), since: now, waiter });
        let mut orders = Orders::default();
        self.assign(&mut orders);
        (ticket, orders)
    }

    /// Somebody leaves the queue, if they were not served meanwhile. Tells why nothing could be
    /// opened for them, if that is what they waited for.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Failure> {
        let waiter = self.unqueue(ticket)?;
        let place = self.places.get(&waiter.origin)?;
        let trouble = place.trouble.clone();
        self.tidy(&waiter.origin);
        trouble
    }

    /// A connection was given back.
    pub(super) fn put(
        &mut self,
        origin: &Arc<Origin>,
        server: S,
        now: Instant,
        retire_at: Instant,
    ) -> Orders<S, W> {
        if now < retire_at && self.open + self.opening <= self.limits.size {
            return self.serve(origin, server, now, retire_at);
        }
        let mut orders = self.lost(origin);
        orders.close.push(server);
        orders
    }

    /// Finds the next one for a connection that is free.
    fn serve(
        &mut self,
        origin: &Arc<Origin>,
        server: S,
        now: Instant,
        retire_at: Instant,
    ) -> Orders<S, W> {
        let mut orders = Orders::default();
        if let Some(starving) = self.starving(origin, now) {
            orders.close.push(server);
            self.strike(origin);
            self.reserve(starving, &mut orders);
        } else if let Some(waiter) = self.first_for(origin) {
            orders.give = Some((waiter, server));
        } else if self.draining {
            orders.close.push(server);
            self.strike(origin);
        } else {
            self.rest(origin, Resting { server, since: now, retire_at }, &mut orders);
        }
        self.assign(&mut orders);
        orders
    }

    /// A connection on loan is gone.
    pub(super) fn lost(&mut self, origin: &Arc<Origin>) -> Orders<S, W> {
        let mut orders = Orders::default();
        self.strike(origin);
        self.assign(&mut orders);
        orders
    }

    /// Whether a connection that is about to be opened is needed still; if not, its place is free
    /// again.
    pub(super) fn needed(&mut self, origin: &Arc<Origin>) -> (bool, Orders<S, W>) {
        let mut orders = Orders::default();
        let waiting = |place: &Place<S>| place.opening <= place.waiting.len();
        let warm = self.keeps_warm() && self.open + self.opening <= self.limits.keep_warm;
        let needed = warm || self.places.get(origin).is_some_and(waiting);
        if !needed {
            self.release(origin, &mut orders);
        }
        (needed, orders)
    }

    /// A connection was opened.
    pub(super) fn opened(
        &mut self,
        origin: &Arc<Origin>,
        server: S,
        now: Instant,
        retire_at: Instant,
    ) -> Orders<S, W> {
        self.opening -= 1;
        self.open += 1;
        let place = self.places.entry(Arc::clone(origin)).or_default();
        place.opening -= 1;
        place.open += 1;
        place.trouble = None;
        // Whoever waits is served with it, however short a life it was given.
        self.serve(origin, server, now, retire_at)
    }

    /// A connection cannot be opened, and trying again does not help: all who wait for it leave the
    /// queue, and are to be told.
    pub(super) fn failed(&mut self, origin: &Arc<Origin>) -> (Vec<W>, Orders<S, W>) {
        let mut orders = Orders::default();
        let mut refused = Vec::new();
        while let Some(waiter) = self.first_for(origin) {
            refused.push(waiter);
        }
        self.release(origin, &mut orders);
        (refused, orders)
    }

    /// A connection could not be opened this time. `true`: the one who tried goes on trying for all
    /// who wait.
    pub(super) fn troubled(
        &mut self,
        origin: &Arc<Origin>,
        failure: Failure,
    ) -> (bool, Orders<S, W>) {
        let mut orders = Orders::default();
        let Some(place) = self.places.get_mut(origin) else { return (false, orders) };
        place.trouble = Some(failure);
        let goes_on = place.opening == 1 && !place.waiting.is_empty();
        if !goes_on {
            self.release(origin, &mut orders);
        }
        (goes_on, orders)
    }

    /// Reserves places for the connections of `origin` that are kept though nobody uses them.
    pub(super) fn warm(&mut self, origin: &Arc<Origin>) -> Orders<S, W> {
        let mut orders = Orders::default();
        let wanted = self.limits.keep_warm.min(self.limits.size);
        while !self.draining && self.open + self.opening < wanted {
            self.reserve(Arc::clone(origin), &mut orders);
        }
        orders
    }

    /// Closes what has rested or lived long enough, and tells when to look again: never, while
    /// nothing rests.
    pub(super) fn age(&mut self, now: Instant) -> (Option<Instant>, Orders<S, W>) {
        let mut orders = Orders::default();
        let Limits { idle_timeout, keep_warm, .. } = self.limits;
        let mut spare = self.open.saturating_sub(keep_warm);
        let mut due: Option<Instant> = None;
        for place in self.places.values_mut() {
            for resting in std::mem::take(&mut place.idle) {
                let bored = resting.since + idle_timeout;
                if resting.retire_at <= now || (bored <= now && 0 < spare) {
                    spare = spare.saturating_sub(1);
                    place.open -= 1;
                    self.open -= 1;
                    self.idle -= 1;
                    orders.close.push(resting.server);
                    continue;
                }
                let next =
                    if bored <= now { resting.retire_at } else { bored.min(resting.retire_at) };
                due = Some(due.map_or(next, |due| due.min(next)));
                place.idle.push_back(resting);
            }
        }
        self.places.retain(|_, place| !place.is_empty());
        self.due = due;
        self.assign(&mut orders);
        (due, orders)
    }

    /// Other limits hold from now on; of what rests the oldest go first.
    pub(super) fn limit(&mut self, limits: Limits) -> Orders<S, W> {
        let mut orders = Orders { look: true, ..Orders::default() };
        self.limits = limits;
        while self.limits.size < self.open + self.opening && self.evict(None, &mut orders) {}
        self.assign(&mut orders);
        orders
    }

    /// Closes what rests, and from now on what nobody waits for.
    pub(super) fn drain(&mut self) -> Orders<S, W> {
        let mut orders = Orders::default();
        self.draining = true;
        while self.evict(None, &mut orders) {}
        orders
    }

    /// Finds places for those who wait, in their order.
    fn assign(&mut self, orders: &mut Orders<S, W>) {
        while !self.queue.is_empty() {
            let full = self.limits.size <= self.open + self.opening;
            if full && self.idle == 0 {
                return;
            }
            let wanting = self.places.iter().filter(|(_, place)| place.wants());
            let first = wanting.min_by_key(|(_, place)| place.waiting.first().copied());
            let Some(origin) = first.map(|(origin, _)| Arc::clone(origin)) else { return };
            if full && !self.evict(Some(&origin), orders) {
                return;
            }
            self.reserve(origin, orders);
        }
    }

    /// The origin of the first in the queue, if that one waits too long for another origin's sake.
    fn starving(&self, origin: &Arc<Origin>, now: Instant) -> Option<Arc<Origin>> {
        let (_, first) = self.queue.first_key_value()?;
        let unserved = self.places.get(&first.origin).is_some_and(|place| place.opening == 0);
        let starves = first.origin != *origin && PATIENCE <= now - first.since && unserved;
        starves.then(|| Arc::clone(&first.origin))
    }

    /// The first who waits for this origin; no longer in the queue.
    fn first_for(&mut self, origin: &Arc<Origin>) -> Option<W> {
        let ticket = *self.places.get(origin)?.waiting.first()?;
        self.unqueue(ticket).map(|waiter| waiter.waiter)
    }

    fn unqueue(&mut self, ticket: Ticket) -> Option<Waiter<W>> {
        let waiter = self.queue.remove(&ticket)?;
        if let Some(place) = self.places.get_mut(&waiter.origin) {
            place.waiting.remove(&ticket);
        }
        Some(waiter)
    }

    fn rest(&mut self, origin: &Arc<Origin>, resting: Resting<S>, orders: &mut Orders<S, W>) {
        let due = resting.retire_at.min(resting.since + self.limits.idle_timeout);
        if self.due.is_none_or(|known| due < known) {
            self.due = Some(due);
            orders.look = true;
        }
        if let Some(place) = self.places.get_mut(origin) {
            place.idle.push_back(resting);
            self.idle += 1;
        }
    }

    /// Closes the connection that has rested longest, of another origin than `spared`.
    fn evict(&mut self, spared: Option<&Arc<Origin>>, orders: &mut Orders<S, W>) -> bool {
        let others = self.places.iter().filter(|(origin, _)| Some(*origin) != spared);
        let oldest = others
            .filter_map(|(origin, place)| Some((place.idle.front()?.since, origin)))
            .min_by_key(|(since, _)| *since)
            .map(|(_, origin)| Arc::clone(origin));
        let Some(origin) = oldest else { return false };
        let place = self.places.get_mut(&origin);
        if let Some(resting) = place.and_then(|place| place.idle.pop_front()) {
            self.idle -= 1;
            orders.close.push(resting.server);
            self.strike(&origin);
        }
        true
    }

    fn reserve(&mut self, origin: Arc<Origin>, orders: &mut Orders<S, W>) {
        self.opening += 1;
        self.places.entry(Arc::clone(&origin)).or_default().opening += 1;
        orders.open.push(origin);
    }

    /// Gives back a reserved place.
    fn release(&mut self, origin: &Arc<Origin>, orders: &mut Orders<S, W>) {
        self.opening -= 1;
        if let Some(place) = self.places.get_mut(origin) {
            place.opening -= 1;
        }
        self.tidy(origin);
        self.assign(orders);
    }

    /// One that was open is no longer.
    fn strike(&mut self, origin: &Arc<Origin>) {
        self.open -= 1;
        if let Some(place) = self.places.get_mut(origin) {
            place.open -= 1;
        }
        self.tidy(origin);
    }

    fn tidy(&mut self, origin: &Arc<Origin>) {
        if let Some(place) = self.places.get_mut(origin) {
            // Whoever comes next finds out anew.
            if place.waiting.is_empty() && place.opening == 0 {
                place.trouble = None;
            }
            if place.is_empty() {
                self.places.remove(origin);
            }
        }
    }
}

#[cfg(test)]
mod tests;
