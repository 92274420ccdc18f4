//! One connection to the database: opened, logged in to, and cancelled in.

mod auth;
mod cancel;
mod failure;
mod login;
mod look;
mod open;
mod tcp;
mod tls;

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

pub(crate) use self::cancel::CancelTarget;
pub(crate) use self::open::Dialer;
use crate::cancel::CancelGate;
use crate::pool::Origin;
use crate::stream::Stream;
use crate::wire::carried::Carried;
pub(crate) use crate::wire::parameters::Parameters;
use crate::wire::statements::Prepared;

/// One connection to the database, between two uses or in one.
pub(crate) struct Server {
    /// The connection itself.
    pub(crate) stream: Stream,
    /// Read, not yet looked at. Empty between two uses.
    pub(crate) inbox: BytesMut,
    /// The latest `ParameterStatus` of each name.
    pub(crate) parameters: Parameters,
    /// What is prepared in it.
    pub(crate) statements: Prepared,
    /// What is set in it for its last client, and not reported.
    pub(crate) carried: Carried,
    /// What it was opened with.
    pub(crate) origin: Arc<Origin>,
    /// When its login ended.
    pub(crate) born: Instant,
    /// When it has lived long enough, as soon as no transaction is open in it.
    pub(crate) retire_at: Instant,
    /// Its number in this process, for the log.
    pub(crate) id: u64,
    /// Requests to cancel that are on their way to its backend.
    pub(crate) cancels: CancelGate,
}

/// What a request to cancel names.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct BackendKey {
    /// The process.
    pub(crate) pid: i32,
    /// Proves that whoever cancels may: 4 bytes, up to 256 in newer protocols.
    pub(crate) secret: Bytes,
}

impl fmt::Debug for BackendKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackendKey({})", self.pid)
    }
}

#[cfg(test)]
impl Server {
    /// One that says it is Postgres 17.5, for tests of those who use it.
    pub(crate) fn over(stream: Stream, origin: &Arc<Origin>) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut parameters = Parameters::default();
        parameters.set("server_version", b"17.5");
        let born = Instant::now();
        let key = BackendKey { pid: 1, secret: Bytes::from_static(b"none") };
        let nowhere = ([127, 0, 0, 1], 0).into();
        Self {
            stream,
            inbox: BytesMut::new(),
            parameters,
            statements: Prepared::default(),
            carried: Carried::default(),
            origin: Arc::clone(origin),
            born,
            retire_at: born,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            cancels: CancelGate::new(CancelTarget::plain(nowhere, key)),
        }
    }
}
