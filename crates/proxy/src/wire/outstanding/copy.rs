//! What a `COPY` from the client does to the queue: which `Sync` the server answers, and when the
//! data is over.

use super::{Ask, Belief, Entry, Outstanding, Who};

/// Whether a `Sync` has an answer.
///
/// While a `COPY` takes data, Postgres throws every `Sync` away. One that was sent early (libpq
/// does) is thrown away too, unless the `COPY` failed before the server had read it: that cannot
/// be told from outside, but by asking something and waiting for the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Doubt {
    /// It has one, in its turn.
    None,
    /// A `COPY` may have thrown it away.
    Swallowed,
    /// Its answer may have come: what came was its own, or one of those before it.
    Answered,
}

/// Where a `COPY` from the client is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Copy {
    #[default]
    None,
    /// The server takes data.
    Running,
    /// The client said that it has no more.
    Done,
}

impl Outstanding {
    /// The client said that it has no more data for its `COPY`, which the server may not have
    /// begun yet.
    pub(crate) fn copy_is_over(&mut self) {
        if self.copy == Copy::Running {
            self.copy = Copy::Done;
        } else if !self.is_answered() && !self.skipping {
            let (ask, who, belief) = (Ask::CopyEnd, Who::Client, Belief::Nothing);
            let (doubt, number) = (Doubt::None, self.asked);
            self.latest_theirs = number;
            self.queue.push_back(Entry { ask, who, belief, doubt, number });
        }
    }

    /// Whether an empty query must be sent to find out what is owed; it was, if this says so. Not
    /// before the client waits: what it sends next may be the data of a `COPY`.
    pub(crate) fn asks_something(&mut self) -> bool {
        let doubt = self.queue.front().is_some_and(|entry| entry.doubt == Doubt::Answered);
        let asks = doubt && !self.open && self.queue.iter().all(|entry| entry.ask == Ask::Sync);
        if asks {
            self.ask(Ask::Query, Who::Proxy, Belief::Nothing);
        }
        asks
    }

    /// Whether it will be found out, without more of the client, how often the server becomes ready
    /// for what was asked so far. What is asked before that has no sure place among the answers.
    pub(crate) fn is_in_doubt(&mut self) -> bool {
        self.doubtful = self.doubtful && self.queue.iter().any(|entry| entry.doubt != Doubt::None);
        self.doubtful && !self.open
    }

    /// An end of data has no answer, so when it is its turn it is over.
    pub(super) fn drop_ends(&mut self) {
        while self.queue.pop_front_if(|entry| entry.ask == Ask::CopyEnd).is_some() {}
    }

    /// From here on the server ignores a `Sync` until the client says that it has no more data.
    pub(super) fn copy_begins(&mut self, ask: Ask) {
        let end = self.queue.iter().position(|entry| entry.ask == Ask::CopyEnd);
        self.copy = if end.is_some() { Copy::Done } else { Copy::Running };
        if ask == Ask::Execute {
            let early = self.queue.iter_mut().take(end.unwrap_or(usize::MAX)).skip(1);
            for sync in early.take_while(|entry| entry.ask == Ask::Sync) {
                sync.doubt = Doubt::Swallowed;
                self.doubtful = true;
            }
            self.open |= !self.queue.iter().any(Entry::is_answered);
        }
    }

    /// It went well, so every `Sync` before its end was swallowed.
    pub(super) fn copy_ended(&mut self) {
        if self.copy != Copy::None {
            self.queue.retain(|entry| entry.doubt != Doubt::Swallowed);
            self.copy = Copy::None;
        }
    }

    /// The server is ready because of a `Sync`.
    pub(super) fn synced(&mut self) {
        match self.queue.front().map(|entry| entry.doubt) {
            Some(Doubt::Swallowed) if self.queue.iter().any(Entry::is_answered) => {
                // It may be the answer to this one, or to that which is answered for sure.
                let answered = self.queue.iter().position(Entry::is_answered);
                self.queue.drain(..answered.unwrap_or(0));
                if let Some(entry) = self.queue.front_mut() {
                    entry.doubt = Doubt::Answered;
                }
            }
            // It may be the answer to one before it: its own may still come.
            Some(Doubt::Answered) => {}
            _ => self.pop(),
        }
        self.skipping = false;
    }

    /// If what comes now comes later than the answer to a `Sync`, that was answered.
    pub(super) fn resolve(&mut self, tag: u8) {
        let in_doubt = |entry: &mut Entry| entry.doubt == Doubt::Answered;
        let later = !matches!(tag, b'Z' | b'S' | b'N' | b'A');
        if later && self.queue.pop_front_if(in_doubt).is_some() {
            while self.queue.pop_front_if(|entry| entry.ask == Ask::Sync).is_some() {}
        }
    }
}
