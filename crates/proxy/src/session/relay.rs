//! The loop that carries bytes: rest until the client wants something, carry until it is done.
//!
//! Both directions stand still while what was read last has not been written: no more than one
//! read is held per direction, however large a result or a message is.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use super::Session;
use super::errand::put_query;
use super::farewell::{End, stopping, strange};
use super::socket::{poll_drain, poll_fill};
use super::talk::{Facts, Heard, Said, Violation};
use crate::options::Mode;
use crate::server::Server;
use crate::wire::frame::Frame;
use crate::wire::pipe::Pipe;

/// A message up to this length must be here before a server connection is taken for it, so that a
/// slow client keeps nobody waiting; in bytes.
const WHOLE: usize = 8 * 1024;

/// How much a client may leave unread while it is listened to, in bytes: answers of ours cost the
/// server nothing, so nothing else limits them.
const UNHEARD: usize = 256 * 1024;

/// What came of a round.
type Round = Result<(), End>;

impl Session<'_> {
    /// Waits, without a server connection, until the client wants something of one.
    pub(super) async fn rest(&mut self) -> Round {
        self.up.shrink();
        poll_fn(|cx| self.poll_rest(cx)).await
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Round> {
        loop {
            let told = poll_drain(cx, &mut self.down, &mut self.client)?;
            if told.is_ready() {
                if self.wants_server()? {
                    return Poll::Ready(Ok(()));
                }
                if let Poll::Ready(read) = poll_fill(cx, &mut self.client, &mut self.up)? {
                    self.came_up(read)?;
                    continue;
                }
            }
            if self.alarm.is_draining() {
                return Poll::Ready(Err(stopping()));
            }
            if self.alarm.poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Whether the client said something that only a server can answer.
    fn wants_server(&mut self) -> Result<bool, End> {
        loop {
            self.up.carry_on();
            let Some(frame) = self.up.next().map_err(Violation::from)? else {
                return Ok(false);
            };
            match frame.tag {
                b'X' => return Err(End::Left),
                // Late data of a COPY that failed, and nothing to flush: Postgres ignores them too.
                b'd' | b'c' | b'f' | b'H' => self.up.leave_out(frame.len),
                _ => return Ok(self.is_worth_a_server(frame)),
            }
        }
    }

    fn is_worth_a_server(&self, frame: Frame) -> bool {
        self.up.unjudged().len() >= frame.len.min(WHOLE)
    }

    /// Carries bytes between client and server until the server connection goes back.
    pub(super) async fn carry(&mut self) -> Round {
        self.judge_up()?;
        poll_fn(|cx| self.poll_carry(cx)).await
    }

    fn poll_carry(&mut self, cx: &mut Context<'_>) -> Poll<Round> {
        loop {
            let up = self.poll_up(cx)?;
            if self.lease.is_none() {
                return Poll::Ready(Ok(()));
            }
            let down = self.poll_down(cx)?;
            if self.lease.is_none() {
                return Poll::Ready(Ok(()));
            }
            if self.leaving && self.up.is_written() && self.talk.owed.needs_the_client() {
                return Poll::Ready(Err(End::Left));
            }
            if self.talk.owed.is_idle() && self.alarm.is_draining() {
                return Poll::Ready(Err(stopping()));
            }
            if up.is_ready() || down.is_ready() || self.alarm.poll(cx).is_ready() {
                continue;
            }
            if self.alarm.is_ended() {
                return Poll::Ready(Err(stopping()));
            }
            return Poll::Pending;
        }
    }

    /// From client to server. Ready when something moved.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Round> {
        let Some(lease) = &mut self.lease else { return Poll::Pending };
        match poll_drain(cx, &mut self.up, &mut lease.stream) {
            Poll::Pending => return Poll::Pending,
            // It reads no more, but may have said why.
            Poll::Ready(Err(_)) => return Poll::Pending,
            Poll::Ready(Ok(())) => {}
        }
        // Who said good-bye says no more; who does not listen is not heard.
        if self.leaving || self.waiting || self.listens(cx)?.is_pending() {
            return Poll::Pending;
        }
        match poll_fill(cx, &mut self.client, &mut self.up)? {
            Poll::Pending => Poll::Pending,
            Poll::Ready(read) => {
                self.came_up(read)?;
                Poll::Ready(self.judge_up())
            }
        }
    }

    /// Ready when the client leaves little unread; if not, it will wake us.
    fn listens(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.down.waiting() > UNHEARD {
            true => poll_drain(cx, &mut self.down, &mut self.client),
            false => Poll::Ready(Ok(())),
        }
    }

    /// From server to client. Ready when something moved.
    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<Round> {
        let Some(lease) = &mut self.lease else { return Poll::Pending };
        if poll_drain(cx, &mut self.down, &mut self.client)?.is_pending() {
            return Poll::Pending;
        }
        let read = match poll_fill(cx, &mut lease.stream, &mut self.down) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(self.lost(None)),
            Poll::Ready(Ok(read)) => read,
        };
        self.shared.metrics.bytes_down.inc_by(read as u64);
        self.judge_down()?;
        self.note_end();
        // Before the server connection goes on to somebody else, so that nothing is copied.
        let _told_later = poll_drain(cx, &mut self.down, &mut self.client)?;
        self.release_if_free();
        Poll::Ready(Ok(()))
    }

    fn came_up(&mut self, read: usize) -> Round {
        if read == 0 {
            return Err(End::Left);
        }
        self.shared.metrics.bytes_up.inc_by(read as u64);
        Ok(())
    }

    fn judge_up(&mut self) -> Round {
        let Some(lease) = &mut self.lease else { return Ok(()) };
        let server = &mut **lease;
        let mut facts = facts(server);
        let said = self.talk.upward(&mut self.up, &mut facts)?;
        self.waiting = said == Said::Waits;
        self.leaving = said == Said::Bye;
        self.talk.give_known(&mut self.down);
        self.ask_something();
        if !self.talk.owed.is_idle() {
            self.since.get_or_insert_with(Instant::now);
        }
        self.release_if_free();
        Ok(())
    }

    fn judge_down(&mut self) -> Round {
        let Some(lease) = &mut self.lease else { return Ok(()) };
        let server = &mut **lease;
        let mut facts = facts(server);
        match self.talk.downward(&mut self.down, &mut facts).map_err(strange)? {
            Heard::All if self.waiting => self.judge_up(),
            Heard::All => {
                self.ask_something();
                Ok(())
            }
            Heard::Ending(fields) => self.lost(Some(fields)),
            Heard::Refused(fields) => {
                drop(self.take_back());
                Err(End::Servers(fields))
            }
        }
    }

    /// Sends an empty query if only its answer can tell what the server still owes.
    fn ask_something(&mut self) {
        let Some(lease) = &mut self.lease else { return };
        if self.up.at_boundary() && self.talk.owed.asks_something() {
            put_query(self.up.insert(), "");
            lease.statements.unnamed = None;
        }
    }

    /// Notes what the server did, before the client hears of it: the end of a transaction, whether
    /// the client keeps its server connection, and whether there is another database.
    fn note_end(&mut self) {
        if std::mem::take(&mut self.talk.databases_changed) {
            self.shared.pool.forget_absent();
        }
        if !self.talk.owed.is_idle() {
            return;
        }
        if let Some(since) = self.since.take() {
            self.shared.metrics.transactions.inc();
            self.shared.metrics.transaction.observe(since.elapsed().as_secs_f64());
        }
        if self.lease.is_some() {
            self.set_pinned(!self.talk.state().is_none());
        }
    }

    /// The server connection goes back if nothing keeps it.
    fn release_if_free(&mut self) {
        let free = self.shared.mode == Mode::Transaction
            && self.talk.owed.is_idle()
            && self.talk.state().is_none();
        if free && is_empty(&self.down) && self.up.is_written() && self.is_patient() {
            self.release();
        }
    }

    /// Whether what the client began to say can wait for another server connection.
    fn is_patient(&self) -> bool {
        self.up.at_boundary() && self.up.unjudged().len() < WHOLE
    }
}

/// What a conversation may know and change of its server connection.
pub(super) fn facts(server: &mut Server) -> Facts<'_> {
    let Server { parameters, statements, carried, .. } = server;
    Facts { parameters, statements, carried }
}

/// Whether all that was read has been judged, and ended with a message.
fn is_empty(pipe: &Pipe) -> bool {
    pipe.at_boundary() && pipe.unjudged().is_empty()
}
