//! One application's connection, from the moment it is let in to its end.
//!
//! Each is one task that owns both sockets while it needs them: it takes a server connection out
//! of the pool, carries bytes both ways, and gives it back. [`talk`] knows what the bytes mean;
//! everything else here moves them.
//!
//! | file | does |
//! |---|---|
//! | `origin` | which server connection an application needs |
//! | `welcome` | the answer to its startup |
//! | `relay` | the loop: rest, carry, rest |
//! | `lending` | takes a server connection, makes it fit, and gives it back |
//! | `errand` | a query of our own, and the reset of what an application left behind |
//! | `farewell` | what an application is told when it cannot go on |

mod alarm;
mod errand;
mod farewell;
mod lending;
mod origin;
mod relay;
mod socket;
pub(crate) mod talk;
mod welcome;

use std::sync::Arc;
use std::time::Instant;

use self::alarm::Alarm;
use self::farewell::End;
use self::talk::Talk;
use crate::cancel::Seat;
use crate::front::Client;
use crate::options::Mode;
use crate::pool::{Lease, Origin};
use crate::proxy::{Shared, stopping};
use crate::stop::Stop;
use crate::stream::Stream;
use crate::wire::answer;
use crate::wire::pipe::Pipe;
use crate::wire::statements::Registry;

/// What is said beside the reports of parameters at first, in bytes.
const GREETING: usize = 64;

/// What sessions know from each other.
#[derive(Default)]
pub(crate) struct Common {
    /// The prepared statements of all clients.
    statements: Arc<Registry>,
    /// What servers made of startup parameters.
    learned: welcome::Learned,
}

/// One application's connection.
struct Session<'a> {
    shared: &'a Arc<Shared>,
    alarm: Alarm,
    id: i32,
    client: Stream,
    seat: Seat,
    origin: Arc<Origin>,
    /// From the client to the server.
    up: Pipe,
    /// From the server to the client.
    down: Pipe,
    talk: Talk,
    lease: Option<Lease>,
    /// What the client said cannot be judged before the server has answered.
    waiting: bool,
    /// The client said good-bye, and what it had asked before is still done.
    leaving: bool,
    /// When the client began the transaction that is not over yet.
    since: Option<Instant>,
    /// The server connection is kept for what the client left in it.
    pinned: bool,
    /// That was logged.
    pin_logged: bool,
}

/// Carries one application's conversation until it ends.
pub(crate) async fn run(client: Client, shared: &Arc<Shared>, stop: Stop) {
    let Client { stream: mut client, mut inbox, startup, id, cancel: seat } = client;
    let hello = tokio::select! {
        biased; // In transaction mode nothing is waited for, as a rule.
        hello = welcome::welcome(&startup, shared) => hello,
        () = stop.draining() => Err(welcome::Refusal::Ours(stopping())),
        () = welcome::leaves(&mut client, &mut inbox) => return,
    };
    let hello = match hello {
        Ok(hello) => hello,
        Err(refusal) => return farewell::refuse(&mut client, refusal).await,
    };
    let mut session = Session {
        shared,
        alarm: Alarm::new(stop),
        id,
        client,
        seat,
        origin: hello.origin,
        up: Pipe::holding(inbox),
        down: Pipe::default(),
        talk: Talk::new(shared.mode, id, Arc::clone(&shared.sessions.statements), hello.seen),
        lease: None,
        waiting: false,
        leaving: false,
        since: None,
        pinned: false,
        pin_logged: false,
    };
    session.greet(&hello.reports);
    if let Some(lease) = hello.lease {
        session.begin(lease);
    }
    let end = session.converse().await;
    session.tell(end).await;
    session.part().await;
}

impl Session<'_> {
    /// Puts together the first answer: the application is in.
    fn greet(&mut self, reports: &[u8]) {
        let out = self.down.insert();
        out.reserve(reports.len() + GREETING);
        answer::authentication_ok(out);
        out.extend_from_slice(reports);
        answer::backend_key_data(out, self.id, &self.seat.secret());
        answer::ready_for_query(out, b'I');
    }

    async fn converse(&mut self) -> End {
        loop {
            let step = match self.lease {
                None => self.rest_and_lend().await,
                Some(_) => self.carry().await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn rest_and_lend(&mut self) -> Result<(), End> {
        self.rest().await?;
        self.lend().await
    }

    /// The client is gone: what it held is reset for the next one, or closed.
    async fn part(mut self) {
        let Some(lease) = self.take_back() else { return };
        let whole = self.talk.owed.is_idle() && self.up.is_written() && self.up.at_boundary();
        let untouched = self.shared.mode == Mode::Transaction && self.talk.state().is_none();
        match whole && self.down.at_boundary() {
            true if untouched => lease.give_back(),
            true => errand::reset(lease).await,
            // A transaction is open, or an answer is on its way: closed with all that.
            false => {}
        }
    }
}
