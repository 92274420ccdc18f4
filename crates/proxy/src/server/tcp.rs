//! Reaches a server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;

use crate::tcp::tune;

/// For all addresses of a name together.
const LIMIT: Duration = Duration::from_secs(10);

/// When the next address is tried beside those that have not answered (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);

/// The addresses of a server; on this machine only, if `local`.
///
/// # Errors
///
/// The name is not known, or stands for no address that may be used (`AddrNotAvailable`).
pub(super) async fn addresses(host: &str, port: u16, local: bool) -> io::Result<Vec<SocketAddr>> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let resolved = tokio::time::timeout(LIMIT, lookup_host((host, port))).await;
    let mut found: Vec<_> = resolved.map_err(|_| late("its name was not resolved"))??.collect();
    found.retain(|address| !local || address.ip().is_loopback());
    if found.is_empty() {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    }
    Ok(found)
}

/// Connects to whichever answers first.
///
/// # Errors
///
/// None of them did: what the first that failed said.
pub(super) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(LIMIT, race(addresses)).await;
    let stream = connected.map_err(|_| late("it did not answer"))??;
    tune(&stream)?;
    Ok(stream)
}

async fn race(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut tries = JoinSet::new();
    let mut rest = addresses.iter().copied();
    let mut failure = None;
    loop {
        if let Some(address) = rest.next() {
            tries.spawn(TcpStream::connect(address));
        }
        let pause = async {
            match rest.len() {
                0 => std::future::pending().await,
                _ => tokio::time::sleep(STAGGER).await,
            }
        };
        tokio::select! {
            done = tries.join_next() => match done {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => failure = failure.or(Some(error)),
                Some(Err(error)) => failure = failure.or(Some(io::Error::other(error))),
                None => return Err(failure.unwrap_or_else(|| late("it has no address"))),
            },
            () = pause => {}
        }
    }
}

fn late(what: &str) -> io::Error {
    let seconds = LIMIT.as_secs();
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} in {seconds} s"))
}

/// An address where nobody listens, nor can as long as the socket is kept: a port that was only
/// free a moment ago may be anybody's, even that of who connects to it.
#[cfg(test)]
pub(super) fn unheard() -> (tokio::net::TcpSocket, SocketAddr) {
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = taken.local_addr().unwrap();
    (taken, address)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[track_caller]
    fn check(found: io::Result<Vec<SocketAddr>>, expected: Result<&str, io::ErrorKind>) {
        let found = found.map(|found| found[0].to_string()).map_err(|error| error.kind());
        assert_eq!(found.as_deref().map_err(|kind| *kind), expected);
    }

    #[tokio::test]
    async fn a_server_elsewhere_is_never_local() {
        let elsewhere = io::ErrorKind::AddrNotAvailable;
        check(addresses("127.0.0.1", 1, true).await, Ok("127.0.0.1:1"));
        check(addresses("[::1]", 1, true).await, Ok("[::1]:1"));
        check(addresses("192.0.2.1", 1, true).await, Err(elsewhere));
        check(addresses("192.0.2.1", 1, false).await, Ok("192.0.2.1:1"));
    }

    #[tokio::test]
    async fn each_address_is_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let (_taken, shut) = unheard();
        let stream = connect(&[shut, open]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let error = connect(&[shut]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
