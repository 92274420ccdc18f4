//! What the server still owes: which answer belongs to whom.
//!
//! Postgres answers in order, and after an error in a batch throws away everything up to the next
//! `Sync`. So one queue of what was asked is enough to know whose answer comes next, where to put
//! an answer that we give in the server's place, and whether the server has nothing left to say.

mod copy;
mod entry;
mod subjects;

use std::collections::VecDeque;

use self::copy::{Copy, Doubt};
pub(crate) use self::entry::{Ask, Belief, Entry, Name, Who};
use self::subjects::Subjects;
use super::statements::Id;

/// What is to be done with a message of the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It goes to the client.
    Pass,
    /// It is the answer to something of ours.
    LeaveOut,
    /// Something of ours failed, which must not fail.
    Broken,
}

/// The queue of what the server owes.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    queue: VecDeque<Entry>,
    /// Something was asked since the last `Sync`.
    open: bool,
    /// Something runs since the last `Sync`.
    runs: bool,
    /// How much was asked so far.
    asked: u64,
    /// The numbers of the latest that ends in `ReadyForQuery`, and of the latest that the server
    /// answers.
    latest_end: u64,
    latest_theirs: u64,
    /// What is believed about which statement.
    subjects: Subjects,
    /// The server throws away everything up to the next `Sync`.
    skipping: bool,
    copy: Copy,
    /// There may be a `Sync` in the queue of which it is not known whether it is answered.
    doubtful: bool,
    /// The status of the latest `ReadyForQuery`: `I`, `T` or `E`; 0 before the first.
    status: u8,
    /// An answer came that was not understood.
    unsure: bool,
}

impl Outstanding {
    /// For a server that is ready and in no transaction.
    pub(crate) fn ready() -> Self {
        Self { status: b'I', ..Self::default() }
    }

    /// Nothing is owed, nothing is half asked, and no transaction is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_settled() && self.status == b'I'
    }

    /// Nothing is owed, and nothing is half asked; a transaction may be open.
    pub(crate) fn is_settled(&self) -> bool {
        self.queue.is_empty() && !self.open && !self.skipping && !self.unsure
    }

    /// Whether the server, as far as can be known, ends nothing before the client says more: a batch
    /// has no end yet, or a `COPY` waits for data.
    pub(crate) fn needs_the_client(&self) -> bool {
        let ends = self.queue.iter().any(|entry| entry.ask.ends_in_ready());
        !ends || self.copy == Copy::Running || self.unsure
    }

    /// Whether what the client sends now is thrown away by the server.
    pub(crate) fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// Whether something was asked since the last `Sync`.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// The status of the latest `ReadyForQuery`.
    pub(crate) fn status(&self) -> u8 {
        self.status
    }

    /// Whether exactly one `ReadyForQuery` is owed, with which everything that was asked is
    /// answered: then an error in its place is understood.
    pub(crate) fn ends_with_one_ready(&self) -> bool {
        let mut ready = self.queue.iter().filter(|entry| entry.ask.ends_in_ready());
        ready.next().is_some()
            && ready.next().is_none()
            && !self.open
            && !self.unsure
            && self.copy == Copy::None
    }

    /// Notes what was sent, or, when it is `Known`, what was not sent.
    pub(crate) fn ask(&mut self, ask: Ask, who: Who, belief: Belief) {
        if ask == Ask::Sync {
            self.skipping = false;
        }
        if self.skipping {
            return;
        }
        let swallowed = ask == Ask::Sync && self.copy == Copy::Running;
        let doubt = if swallowed { Doubt::Swallowed } else { Doubt::None };
        self.doubtful |= swallowed;
        let ends = ask.ends_in_ready() && !swallowed;
        self.asked += 1;
        let number = self.asked;
        if ask.ends_in_ready() {
            self.latest_end = number;
        }
        self.subjects.note(
            &belief,
            number,
            self.queue.front().map_or(number, |entry| entry.number),
        );
        if who != Who::Known {
            self.latest_theirs = number;
        }
        self.open = !ends && (self.open || who != Who::Proxy);
        self.runs = !ends && (self.runs || matches!(ask, Ask::Bind | Ask::Execute));
        self.queue.push_back(Entry { ask, who, belief, doubt, number });
    }

    /// The next answer that we give ourselves, if it is its turn.
    pub(crate) fn known(&mut self) -> Option<Entry> {
        self.drop_ends();
        self.queue.pop_front_if(|entry| entry.who == Who::Known)
    }

    /// Sorts a message of the server by its tag. What failed with it goes to `failed`, youngest
    /// first, because each may have been believed because of an older one.
    pub(crate) fn answer(&mut self, tag: u8, failed: &mut Vec<Belief>) -> Verdict {
        self.resolve(tag);
        let verdict = self.sort(tag, failed);
        self.drop_ends();
        verdict
    }

    fn sort(&mut self, tag: u8, failed: &mut Vec<Belief>) -> Verdict {
        let Some(front) = self.queue.front().map(|entry| (entry.ask, entry.who)) else {
            return self.unasked(tag);
        };
        let verdict = match front.1 {
            Who::Proxy if tag != b'A' => Verdict::LeaveOut,
            _ => Verdict::Pass,
        };
        match (tag, front.0) {
            (b'E', ask) => return self.error(ask, front.1, failed),
            (b'S' | b'N' | b'A', _) => {}
            (b'G', ask) => self.copy_begins(ask),
            (b'1', Ask::Parse)
            | (b'2', Ask::Bind)
            | (b'3', Ask::Close)
            | (b'T' | b'n', Ask::Describe)
            | (b'I' | b's', Ask::Execute) => self.pop(),
            (b'C', Ask::Execute) => {
                self.pop();
                self.copy_ended();
            }
            (b'Z', Ask::Query | Ask::Function) => {
                self.pop();
                self.copy = Copy::None;
            }
            (b'Z', Ask::Sync) => self.synced(),
            // Rows, and all that a simple query brings.
            (b'D' | b'd' | b'c' | b'H' | b'W' | b't' | b'V', _)
            | (b'C' | b'T' | b'I', Ask::Query) => {}
            _ => self.unsure = true,
        }
        verdict
    }

    /// The server is ready, with this transaction status.
    pub(crate) fn set_status(&mut self, status: u8) {
        self.status = status;
    }

    /// Whether it depends on an answer that is still to come, and on nothing that comes now, what
    /// is true about a statement: it was asked for before the end of a batch. The statement has
    /// this name, and perhaps this id.
    pub(crate) fn is_open_about(
        &self,
        name: &[u8],
        id: Option<Id>,
        about: impl Fn(&Belief) -> bool,
    ) -> bool {
        // What a client sends without waiting is not searched for each of its messages.
        let Some(oldest) = self.queue.front().map(|entry| entry.number) else { return false };
        let mut latest = self.subjects.latest(name, id);
        if self.is_answered() || !latest.any(|number| (oldest..=self.latest_end).contains(&number))
        {
            return false;
        }
        // What we answer ourselves cannot fail once nothing is before it.
        let sure = self.queue.iter().take_while(|entry| entry.who == Who::Known).count();
        let mut behind = self.queue.range(sure..).rev();
        let mut ended = false;
        behind.any(|entry| {
            ended |= entry.ask.ends_in_ready();
            ended && about(&entry.belief)
        })
    }

    /// Whether the end of a batch or of a query is still to come.
    pub(crate) fn owes_an_end(&self) -> bool {
        self.queue.front().is_some_and(|entry| entry.number <= self.latest_end)
    }

    /// Whether everything that was asked has been answered, or is only for us to answer, so that
    /// nothing of it can fail. It is asked for each message of a long pipeline: one look.
    pub(crate) fn is_answered(&self) -> bool {
        self.queue.front().is_none_or(|entry| self.latest_theirs < entry.number)
    }

    /// Whether nothing but the end of a batch was asked since what is answered now.
    pub(crate) fn is_last_but_syncs(&self) -> bool {
        let mut after = self.queue.iter().skip_while(|entry| entry.ask == Ask::Query);
        self.queue.iter().filter(|entry| entry.ask == Ask::Query).count() < 2
            && after.all(|entry| entry.ask == Ask::Sync)
    }

    /// Whether what was answered last belongs to the youngest batch.
    pub(crate) fn is_last_batch(&self) -> bool {
        let ends = self.queue.iter().filter(|entry| entry.ask.ends_in_ready());
        // Two are enough to know: a long pipeline in which all fails is not counted each time.
        ends.take(2).count() + usize::from(self.open) <= 1
    }

    /// Whether what is asked next runs outside a transaction, and nothing of the client before it
    /// that is not over.
    pub(crate) fn is_alone(&self) -> bool {
        let ends = |entry: &Entry| entry.who != Who::Proxy && entry.ask.ends_in_ready();
        let quiet = !self.runs && !self.skipping && !self.unsure;
        self.status == b'I' && quiet && !self.queue.iter().any(ends)
    }

    /// What is asked and believed still.
    pub(crate) fn beliefs(&self) -> impl Iterator<Item = &Belief> {
        self.queue.iter().map(|entry| &entry.belief)
    }

    /// What was believed of all that was asked, youngest first.
    pub(crate) fn into_beliefs(self) -> impl Iterator<Item = Belief> {
        self.queue.into_iter().rev().map(|entry| entry.belief)
    }

    fn unasked(&mut self, tag: u8) -> Verdict {
        match tag {
            b'S' | b'N' | b'A' | b'E' => {}
            _ => self.unsure = true,
        }
        Verdict::Pass
    }

    fn pop(&mut self) {
        self.queue.pop_front();
    }

    fn error(&mut self, ask: Ask, who: Who, failed: &mut Vec<Belief>) -> Verdict {
        if ask.ends_in_ready() {
            // `ReadyForQuery` follows, and ends it.
            let belief = self.queue.front_mut().map(|entry| std::mem::take(&mut entry.belief));
            failed.extend(belief.map(Belief::of_the_failed));
            return match who {
                Who::Proxy => Verdict::Broken,
                _ => Verdict::Pass,
            };
        }
        let sync = self.queue.iter().position(|entry| entry.ask == Ask::Sync);
        let dropped = sync.unwrap_or(self.queue.len());
        self.skipping = !self.queue.iter().any(Entry::is_answered);
        self.copy = Copy::None;
        let mut beliefs = self.queue.drain(..dropped).map(|entry| entry.belief);
        let first = beliefs.next().map(Belief::of_the_failed);
        failed.extend(beliefs.rev().chain(first));
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests;
