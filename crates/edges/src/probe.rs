//! The way to a server, step by step: its name, its port, its certificate. For people who look for
//! what is in the way; nothing is sent but greetings.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::cause::innermost;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The question of Postgres' protocol whether the server does TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// More addresses than these are not listed.
const SHOWN: usize = 4;

/// Where to, and how TLS begins there.
#[derive(Clone, Debug)]
pub struct Destination {
    /// A DNS name or an IP address, the one of IPv6 with or without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// What comes before TLS.
    pub greeting: Greeting,
}

/// How TLS begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Greeting {
    /// At once.
    Https,
    /// After a question of Postgres' protocol.
    Postgres,
    /// Never: what passes is readable, on this machine.
    Plaintext,
}

/// The steps, in their order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// The name leads to an address.
    Dns,
    /// Somebody listens there.
    Tcp,
    /// And shows a certificate to be trusted.
    Tls,
}

/// One step that was tried.
#[derive(Debug)]
pub struct Step {
    /// Which one.
    pub stage: Stage,
    /// What was found, or why it goes no further.
    pub result: Result<String, Obstacle>,
    /// How long it took.
    pub took: Duration,
}

/// Why it goes no further. The words are the system's or the library's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Obstacle {
    /// The name leads nowhere.
    #[error("the name is not found: {0}")]
    UnknownHost(String),
    /// Nobody listens at that port.
    #[error("nobody listens there: {0}")]
    Refused(String),
    /// Packets get lost, as at a firewall.
    #[error("no answer in {} s", PATIENCE.as_secs())]
    Timeout,
    /// The server does without TLS.
    #[error("the server does not do TLS")]
    NoTls,
    /// The certificate is not of an authority that this machine trusts.
    #[error("the certificate is of an authority that this machine does not trust ({0})")]
    Issuer(String),
    /// The certificate is for another name.
    #[error("the certificate is for another name ({0})")]
    Name(String),
    /// The certificate is over, or not yet good, by the clock of this machine.
    #[error("the certificate is not good at this time ({0})")]
    Dates(String),
    /// Another failure of TLS.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Goes as far as it can; the last step may be the one that failed.
pub async fn probe(to: &Destination, tls: &Arc<ClientConfig>) -> Vec<Step> {
    let mut walk = Walk { steps: Vec::new() };
    walk.go(to, tls).await;
    walk.steps
}

struct Walk {
    steps: Vec<Step>,
}

impl Walk {
    /// `None`: there was an obstacle.
    async fn go(&mut self, to: &Destination, tls: &Arc<ClientConfig>) -> Option<()> {
        let host = to.host.trim_start_matches('[').trim_end_matches(']');
        let told = |addresses: &Vec<SocketAddr>| listed(host, addresses);
        let addresses = self.step(Stage::Dns, resolve(host, to.port), told).await?;
        let connecting = async { TcpStream::connect(&*addresses).await.map_err(|e| refused(&e)) };
        let told = |stream: &TcpStream| match stream.peer_addr() {
            Ok(peer) => format!("connected to {peer}"),
            Err(_) => "connected".to_owned(),
        };
        let stream = self.step(Stage::Tcp, connecting, told).await?;
        if to.greeting != Greeting::Plaintext {
            self.step(Stage::Tls, handshake(stream, host, to.greeting, tls), secured).await?;
        }
        Some(())
    }

    async fn step<T>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<T, Obstacle>>,
        tell: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let start = Instant::now();
        let result = timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(silence(stage)));
        let took = start.elapsed();
        let (result, value) = match result {
            Ok(value) => (Ok(tell(&value)), Some(value)),
            Err(obstacle) => (Err(obstacle), None),
        };
        self.steps.push(Step { stage, result, took });
        value
    }
}

/// What it means that nobody answers.
fn silence(stage: Stage) -> Obstacle {
    match stage {
        // The server was not asked at all.
        Stage::Dns => {
            Obstacle::UnknownHost(format!("no name server answered in {} s", PATIENCE.as_secs()))
        }
        Stage::Tcp | Stage::Tls => Obstacle::Timeout,
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Obstacle> {
    let found = lookup_host((host, port)).await;
    let found: Vec<_> = found.map_err(|e| Obstacle::UnknownHost(e.to_string()))?.collect();
    if found.is_empty() {
        return Err(Obstacle::UnknownHost("it has no address".to_owned()));
    }
    Ok(found)
}

fn listed(host: &str, addresses: &[SocketAddr]) -> String {
    if host.parse::<IpAddr>().is_ok() {
        return format!("{host} is an address");
    }
    let mut shown: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    shown.dedup();
    let more = if SHOWN < shown.len() { " and others" } else { "" };
    shown.truncate(SHOWN);
    format!("{host} is {}{more}", shown.join(", "))
}

fn refused(error: &io::Error) -> Obstacle {
    match error.kind() {
        io::ErrorKind::TimedOut => Obstacle::Timeout,
        io::ErrorKind::ConnectionRefused => Obstacle::Refused(error.to_string()),
        _ => Obstacle::Other(error.to_string()),
    }
}

async fn handshake(
    mut stream: TcpStream,
    host: &str,
    greeting: Greeting,
    tls: &Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, Obstacle> {
    if greeting == Greeting::Postgres {
        let mut answer = [0];
        stream.write_all(&SSL_REQUEST).await.map_err(|e| broken(&e))?;
        stream.read_exact(&mut answer).await.map_err(|e| broken(&e))?;
        if answer != *b"S" {
            return Err(Obstacle::NoTls);
        }
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|e| Obstacle::Tls(e.to_string()))?;
    let connector = TlsConnector::from(Arc::clone(tls));
    connector.connect(name, stream).await.map_err(|e| broken(&e))
}

fn secured(stream: &TlsStream<TcpStream>) -> String {
    let version = match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    };
    format!("{version}, with a certificate that this machine trusts")
}

/// Sorts a failure of the handshake by who can mend it.
fn broken(error: &io::Error) -> Obstacle {
    let told = innermost(error);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(inner) = inner else { return Obstacle::Tls(told) };
    let rustls::Error::InvalidCertificate(certificate) = inner else {
        return Obstacle::Tls(inner.to_string());
    };
    let told = certificate.to_string();
    match certificate {
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. } => Obstacle::Issuer(told),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Obstacle::Name(told)
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Obstacle::Dates(told),
        _ => Obstacle::Tls(told),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;
    use crate::tls;

    async fn walk(
        host: &str,
        port: u16,
        greeting: Greeting,
    ) -> Vec<(Stage, Result<String, Obstacle>)> {
        let roots = rustls::RootCertStore::empty();
        let tls = tls::trusting(roots).unwrap();
        let to = Destination { host: host.to_owned(), port, greeting };
        probe(&to, &tls).await.into_iter().map(|step| (step.stage, step.result)).collect()
    }

    /// A server that says this to whoever comes, and the port it is at.
    async fn says(bytes: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = [0; 8];
            stream.read_exact(&mut question).await.unwrap();
            assert_eq!(question, SSL_REQUEST);
            stream.write_all(bytes).await.unwrap();
        });
        port
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens() {
        // Nobody else gets it, and nobody listens.
        let taken = TcpSocket::new_v4().unwrap();
        taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = taken.local_addr().unwrap().port();
        let steps = walk("127.0.0.1", port, Greeting::Https).await;
        assert_eq!(steps[0], (Stage::Dns, Ok("127.0.0.1 is an address".to_owned())));
        assert!(matches!(steps[1..], [(Stage::Tcp, Err(Obstacle::Refused(_)))]), "{steps:?}");
    }

    #[tokio::test]
    async fn a_name_that_cannot_be() {
        // One label more than 63 letters long: no name server has to be asked.
        let steps = walk(&"x".repeat(64), 1, Greeting::Https).await;
        assert!(matches!(steps[..], [(Stage::Dns, Err(Obstacle::UnknownHost(_)))]), "{steps:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_the_name_servers_until_a_name_was_found() {
        let unknown = Obstacle::UnknownHost("no name server answered in 5 s".to_owned());
        for (stage, expected) in [
            (Stage::Dns, unknown),
            (Stage::Tcp, Obstacle::Timeout),
            (Stage::Tls, Obstacle::Timeout),
        ] {
            let mut walk = Walk { steps: Vec::new() };
            let nobody = std::future::pending::<Result<(), Obstacle>>();
            assert_eq!(walk.step(stage, nobody, |()| String::new()).await, None);
            assert_eq!(walk.steps[0].result, Err(expected));
        }
    }

    #[tokio::test]
    async fn a_postgres_that_does_without_tls() {
        for (answer, expected) in [
            (&b"N"[..], Obstacle::NoTls),
            (b"S", Obstacle::Tls("the server closed the connection midway".to_owned())),
        ] {
            let port = says(answer).await;
            let steps = walk("127.0.0.1", port, Greeting::Postgres).await;
            assert_eq!(steps.last().unwrap(), &(Stage::Tls, Err(expected)));
        }
    }

    #[tokio::test]
    async fn plaintext_ends_at_the_port() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let steps = walk("127.0.0.1", port, Greeting::Plaintext).await;
        let stages: Vec<_> = steps.iter().map(|(stage, result)| (*stage, result.is_ok())).collect();
        assert_eq!(stages, [(Stage::Dns, true), (Stage::Tcp, true)]);
    }
}
