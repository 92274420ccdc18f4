//! Opens connections, each with a login that is alive; after a refusal once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::auth::Channel;
use super::failure::{OpenError, told};
use super::login::{Greeting, log_in};
use super::{BackendKey, CancelTarget, Server, tcp, tls};
use crate::binding::server_end_point;
use crate::cancel::CancelGate;
use crate::logins::{Failure, Login, Logins};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::pool::{Opened, Opener, Origin};
use crate::stream::Stream;
use crate::wire::carried::Carried;
use crate::wire::statements::Prepared;

/// A login, connecting included; an endpoint that wakes up answers it late.
const LIMIT: Duration = Duration::from_secs(30);

/// Opens connections to the database.
pub(crate) struct Dialer {
    tls: Arc<ClientConfig>,
    logins: Arc<dyn Logins>,
    metrics: Metrics,
    opened: AtomicU64,
}

impl Opener for Dialer {
    fn open<'a>(&'a self, origin: &'a Arc<Origin>) -> Opened<'a> {
        Box::pin(self.dial(origin))
    }
}

impl Dialer {
    pub(crate) fn new(options: &Options, logins: Arc<dyn Logins>, metrics: Metrics) -> Self {
        Self { tls: Arc::clone(&options.tls), logins, metrics, opened: AtomicU64::new(0) }
    }

    /// Opens a connection: with the login of the moment, and after a refusal with the one that the
    /// [`Logins`] know instead.
    async fn dial(&self, origin: &Arc<Origin>) -> Result<Server, Failure> {
        let login = self.logins.current().await?;
        let error = match self.enter(&login, origin).await {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        let Some(refusal) = error.refusal() else { return Err(error.failure()) };
        self.metrics.logins_refused.inc();
        let next = self.logins.refused(&login, refusal).await?;
        match self.enter(&next, origin).await {
            Ok(server) => Ok(server),
            Err(error) => Err(self.refused_again(&next, error).await),
        }
    }

    /// The [`Logins`] say it best; a third login they are not asked for.
    async fn refused_again(&self, login: &Login, error: OpenError) -> Failure {
        let Some(refusal) = error.refusal() else { return error.failure() };
        self.metrics.logins_refused.inc();
        match self.logins.refused(login, refusal).await {
            Ok(_) => told(refusal.clone()),
            Err(failure) => failure,
        }
    }

    async fn enter(&self, login: &Login, origin: &Arc<Origin>) -> Result<Server, OpenError> {
        let started = Instant::now();
        let entered = tokio::time::timeout(LIMIT, self.connect(login, origin)).await;
        let server = entered
            .map_err(|_| OpenError::Late { at: place(login), seconds: LIMIT.as_secs() })??;
        self.metrics.login.observe(started.elapsed().as_secs_f64());
        Ok(server)
    }

    async fn connect(&self, login: &Login, origin: &Arc<Origin>) -> Result<Server, OpenError> {
        let unreachable = |source| OpenError::Unreachable { at: place(login), source };
        let addresses = match tcp::addresses(&login.host, login.port, login.plaintext).await {
            Err(error)
                if login.plaintext && error.kind() == std::io::ErrorKind::AddrNotAvailable =>
            {
                return Err(OpenError::Exposed { at: place(login) });
            }
            found => found.map_err(unreachable)?,
        };
        let stream = tcp::connect(&addresses).await.map_err(unreachable)?;
        let address = stream.peer_addr().map_err(unreachable)?;
        let (mut stream, channel) = self.protect(stream, login).await?;
        let greeting = log_in(&mut stream, login, origin, &channel).await?;
        let target = |key| CancelTarget {
            address,
            host: login.host.clone(),
            tls: (channel != Channel::Loopback).then(|| Arc::clone(&self.tls)),
            key,
        };
        Ok(self.server(stream, greeting, origin, target))
    }

    async fn protect(
        &self,
        stream: TcpStream,
        login: &Login,
    ) -> Result<(Stream, Channel), OpenError> {
        if login.plaintext {
            return Ok((Stream::Tcp(stream), Channel::Loopback));
        }
        let stream = tls::secure(stream, &login.host, &self.tls).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let end_point = certificate.and_then(|certificate| server_end_point(certificate));
        Ok((Stream::ToServer(Box::new(stream)), Channel::Tls { end_point }))
    }

    fn server(
        &self,
        stream: Stream,
        greeting: Greeting,
        origin: &Arc<Origin>,
        target: impl FnOnce(Option<BackendKey>) -> CancelTarget,
    ) -> Server {
        let Greeting { parameters, key, inbox } = greeting;
        let born = Instant::now();
        Server {
            stream,
            inbox,
            parameters,
            statements: Prepared::default(),
            carried: Carried::default(),
            origin: Arc::clone(origin),
            born,
            retire_at: born,
            id: self.opened.fetch_add(1, Ordering::Relaxed),
            cancels: CancelGate::new(target(key)),
        }
    }
}

fn place(login: &Login) -> String {
    format!("{}:{}", login.host, login.port)
}

#[cfg(test)]
mod tests;
