//! Lets applications in: listeners, first packets, TLS and the password.
//!
//! `listen` accepts, `hello` agrees upon encryption, `password` asks for the password, `crowd`
//! counts. Who is let in becomes a [`Client`], and a session takes over.

mod crowd;
mod guest;
mod hello;
mod listen;
mod password;
mod refusal;
mod rules;
pub(crate) mod scram;
mod tls;
mod unix;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;

pub(crate) use self::crowd::Crowd;
use self::crowd::Present;
use self::guest::Guest;
use self::hello::Wish;
pub(crate) use self::listen::{Listener, listen};
use self::refusal::Refusal;
pub(crate) use self::rules::Rules;
pub use self::unix::UnixError;
use crate::cancel::Seat;
use crate::logins::Failure;
use crate::proxy::{Shared, stopping};
use crate::session;
use crate::stream::Stream;
use crate::wire::answer;
use crate::wire::startup::Startup;

/// An application that was let in. It was told nothing yet: `AuthenticationOk` comes with all the
/// rest.
pub(crate) struct Client {
    /// Its connection.
    pub(crate) stream: Stream,
    /// What was read of it and comes after its startup packet.
    pub(crate) inbox: BytesMut,
    /// What it says about itself.
    pub(crate) startup: Startup,
    /// The number that it is told as its process id, and that the log knows it by.
    pub(crate) id: i32,
    /// Its place among those whose queries can be cancelled.
    pub(crate) cancel: Seat,
}

/// Where an application comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer {
    /// From this address.
    Tcp(SocketAddr),
    /// From this machine, by the Unix socket.
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix socket"),
        }
    }
}

/// Everything about one connection, from its first byte to its last.
async fn welcome(
    stream: Stream,
    peer: Peer,
    tls_needed: bool,
    place: Present,
    shared: Arc<Shared>,
) {
    let mut guest = Guest::new(stream, peer);
    let (client, present) = match let_in(&mut guest, tls_needed, &shared).await {
        Ok(Some((startup, present))) => (client(guest, startup, &shared), present),
        Ok(None) => return guest.close().await,
        Err(refusal) => return turn_away(guest, &refusal, &shared).await,
    };
    drop(place);
    let connection = client.id;
    shared.metrics.clients_admitted.inc();
    tracing::debug!(connection, %peer, "an application connected");
    session::run(client, &shared, shared.stop.clone()).await;
    drop(present);
    tracing::debug!(connection, "the application is gone");
}

/// Hears what a guest wants. `None`: that was all, as for a request to cancel.
async fn let_in(
    guest: &mut Guest,
    tls_needed: bool,
    shared: &Shared,
) -> Result<Option<(Startup, Present)>, Refusal> {
    let rules = shared.rules();
    let startup = match hello::hear(guest, &rules, tls_needed).await? {
        Wish::Talk(startup) => startup,
        Wish::Cancel(request) => {
            if shared.registry.cancel(&request).await {
                shared.metrics.cancels.inc();
            }
            return Ok(None);
        }
    };
    if 0 < startup.minor || !startup.unknown_options.is_empty() {
        let mut out = BytesMut::new();
        answer::negotiate_protocol_version(&mut out, &startup.unknown_options);
        guest.send(&out).await?;
    }
    if let Some(verifier) = &rules.verifier {
        password::ask(guest, verifier).await?;
    }
    if shared.stop.is_draining() {
        return Err(Refusal::Told(stopping()));
    }
    // Last, so that who does not know the password takes no place from others.
    let present = shared.crowd.clients.enter(rules.max_clients);
    present.map(|present| Some((startup, present))).ok_or_else(|| Refusal::Told(too_many()))
}

async fn turn_away(guest: Guest, refusal: &Refusal, shared: &Shared) {
    let peer = guest.peer;
    match refusal {
        Refusal::Gone(error) => tracing::debug!(%peer, "a connection that led to nothing: {error}"),
        Refusal::Told(failure) | Refusal::ToldOld(failure) => {
            shared.metrics.clients_refused.inc();
            tracing::warn!(%peer, "an application was not let in: {failure}");
        }
    }
    guest.turn_away(refusal).await;
}

fn client(guest: Guest, startup: Startup, shared: &Shared) -> Client {
    let cancel = shared.registry.seat();
    let (stream, inbox) = guest.into_parts();
    Client { stream, inbox, startup, id: cancel.id(), cancel }
}

/// What applications are told when there are too many of them.
fn too_many() -> Failure {
    Failure {
        code: "53300".into(),
        message: "too many applications are connected to the proxy".into(),
        hint: Some("Close connections that are not needed, or raise --max-clients.".into()),
        passes: true,
    }
}
