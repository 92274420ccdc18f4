//! Accepts connections and brings each through TLS and login to a backend of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::age::{Age, Over};
use super::faults::Verdict;
use super::login::judge;
use super::message::{ASK_FOR_PASSWORD, fatal, read_password};
use super::splice::{Brakes, splice};
use super::startup::{self, First, Startup, StartupError};
use super::witness::{Answers, Questions};
use crate::certificate::{CertificateError, Shown};
use crate::lakebase::Lakebase;
use crate::postgres::address::Wire;
use crate::postgres::catalog::CatalogError;

/// As Postgres's `authentication_timeout`.
const LOGIN_WITHIN: Duration = Duration::from_secs(60);
/// The first byte of a TLS handshake, for clients that skip the question.
const TLS_HANDSHAKE: u8 = 0x16;

/// A connection ended before it had a session.
#[derive(Debug, thiserror::Error)]
enum GateError {
    #[error("the client broke off")]
    Client(#[from] io::Error),
    #[error("the start of the connection was not understood")]
    Startup(#[from] StartupError),
    #[error("no certificate could be made")]
    Certificate(#[from] CertificateError),
    #[error("the role could not be looked up")]
    Catalog(#[from] CatalogError),
    #[error("login refused: {0}")]
    Refused(String),
    #[error("the login took too long")]
    Late,
    #[error("the connection was {0}")]
    Over(Over),
}

/// The gate's own parts.
pub struct Gate {
    lakebase: Arc<Lakebase>,
    good: Arc<ServerConfig>,
}

impl Gate {
    /// A gate before the Postgres that the catalog is of.
    ///
    /// # Errors
    /// When its certificate cannot be made.
    pub fn new(lakebase: Arc<Lakebase>) -> Result<Self, CertificateError> {
        let good = lakebase.authority.server(b"postgresql", Shown::Good)?;
        Ok(Self { lakebase, good })
    }

    /// Serves until it is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let gate = Arc::new(self);
        tokio::select! {
            () = gate.lakebase.clock.follow() => {}
            () = Arc::clone(&gate).accept(listener) => {}
        }
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let gate = Arc::clone(&self);
                    tokio::spawn(async move { gate.connection(stream).await });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: some will be free in a moment.
                    tracing::warn!(%error, "the gate could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn connection(&self, stream: TcpStream) {
        self.lakebase.tally.count(|counts| counts.connections += 1);
        let mut end = self.lakebase.gate_faults.end();
        tokio::select! {
            ended = self.door(stream) => if let Err(error) = ended {
                tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
            },
            _ = end.changed() => tracing::debug!("connection killed"),
        }
    }

    /// What happens in clear text.
    async fn door(&self, mut stream: TcpStream) -> Result<(), GateError> {
        let _ = stream.set_nodelay(true); // Slower without it, but not wrong.
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] == TLS_HANDSHAKE {
            return self.encrypted(stream).await;
        }
        loop {
            match startup::read(&mut stream).await? {
                First::Ssl if self.lakebase.gate_faults.certificate().is_some() => {
                    stream.write_all(b"S").await?;
                    return self.encrypted(stream).await;
                }
                First::Ssl | First::GssEnc => stream.write_all(b"N").await?,
                First::Cancel(request) => return self.cancel(&request).await,
                First::Startup(startup) => {
                    let message = format!("Invalid protocol version: {}", startup.version);
                    return Err(self.refuse(&mut stream, "08P01", message).await);
                }
            }
        }
    }

    async fn encrypted(&self, stream: TcpStream) -> Result<(), GateError> {
        let config = match self.lakebase.gate_faults.certificate() {
            Some(Shown::Good) => Arc::clone(&self.good),
            Some(shown) => self.lakebase.authority.server(b"postgresql", shown)?,
            None => return Ok(()), // No TLS: close.
        };
        let login = async {
            let mut stream = TlsAcceptor::from(config).accept(stream).await?;
            match startup::read(&mut stream).await? {
                First::Startup(startup) => {
                    let server = self.login(&mut stream, &startup).await?;
                    Ok(Some((stream, server, startup)))
                }
                First::Cancel(request) => {
                    self.cancel(&request).await?;
                    // libpq takes an end without TLS's goodbye for a cancellation that failed.
                    stream.shutdown().await?;
                    Ok(None)
                }
                First::Ssl | First::GssEnc => Err(StartupError::Malformed.into()),
            }
        };
        match tokio::time::timeout(LOGIN_WITHIN, login).await {
            Err(_) => Err(GateError::Late),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some((stream, server, startup)))) => self.session(stream, server, &startup).await,
        }
    }

    /// Asks for the password, judges it, and opens the backend with the client's own packet.
    async fn login(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        startup: &Startup,
    ) -> Result<Box<dyn Wire>, GateError> {
        stream.write_all(&ASK_FOR_PASSWORD).await?;
        stream.flush().await?;
        let Some(password) = read_password(stream).await else {
            return Err(StartupError::Malformed.into());
        };
        match self.lakebase.gate_faults.meet(tokio::time::Instant::now()) {
            Verdict::Admit => {}
            Verdict::AdmitAt(awake_at) => tokio::time::sleep_until(awake_at).await,
            Verdict::Refuse { message, code } => {
                return Err(self.refuse(stream, &code, message).await);
            }
        }
        let role = startup.user();
        let proof = match self.lakebase.catalog.proof(role).await {
            Ok(proof) => proof,
            Err(error) => return Err(self.unavailable(stream, error.into()).await),
        };
        let (judged, flavour, code) = {
            let world = self.lakebase.world();
            let now = self.lakebase.clock.now();
            let judged = judge(&world, &self.lakebase.keys, now, role, proof.as_ref(), &password);
            (judged, world.flavour, world.refusal_code.clone())
        };
        if let Err(refusal) = judged {
            let message = refusal.message(flavour, role);
            return Err(self.refuse(stream, &code, message).await);
        }
        let mut server = match self.lakebase.catalog.address().dial().await {
            Ok(server) => server,
            Err(error) => return Err(self.unavailable(stream, error.into()).await),
        };
        server.write_all(&startup.raw).await?;
        Ok(server)
    }

    async fn session(
        &self,
        stream: impl AsyncRead + AsyncWrite,
        server: Box<dyn Wire>,
        startup: &Startup,
    ) -> Result<(), GateError> {
        let tally = &self.lakebase.tally;
        tally.count(|counts| counts.logins += 1);
        // The login has just looked at the clock.
        let age = Age::new(self.lakebase.clock.shifts());
        let faults = &self.lakebase.gate_faults;
        let brakes = Brakes { stall: faults.stall(), hold: faults.hold() };
        let hold = *brakes.hold.borrow();
        let mut questions = Questions::new(tally, &age, startup, hold);
        let mut answers = Answers::new(tally, hold);
        let asked = |chunk: &[u8]| questions.pass(chunk);
        let answered = |chunk: &[u8]| answers.pass(chunk);
        tokio::select! {
            ended = splice(stream, server, brakes, asked, answered) => Ok(ended?),
            over = age.over() => Err(GateError::Over(over)),
        }
    }

    /// Passes a cancel request on; its process id and key are the backend's own.
    async fn cancel(&self, request: &[u8]) -> Result<(), GateError> {
        self.lakebase.tally.count(|counts| counts.cancels += 1);
        let mut server = self.lakebase.catalog.address().dial().await?;
        server.write_all(request).await?;
        // The server closes once the signal is sent, and so do we.
        server.read_to_end(&mut Vec::new()).await?;
        Ok(())
    }

    /// Postgres is being restarted, and the client may try again.
    async fn unavailable(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        cause: GateError,
    ) -> GateError {
        let message = "the database system is starting up".to_owned();
        self.refuse(stream, "57P03", message).await;
        cause
    }

    /// Tells the client, and returns what the connection ended with.
    async fn refuse(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        code: &str,
        message: String,
    ) -> GateError {
        self.lakebase.tally.count(|counts| counts.refusals += 1);
        let told = async {
            stream.write_all(&fatal(code, &message)).await?;
            stream.shutdown().await
        };
        told.await.map_or_else(GateError::Client, |()| GateError::Refused(message))
    }
}
