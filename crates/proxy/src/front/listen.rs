//! Where applications knock.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use super::crowd::Present;
use super::rules::is_beyond;
use super::unix::SocketFile;
use super::{Peer, too_many, welcome};
use crate::options::Options;
use crate::proxy::{Shared, StartError};
use crate::stream::Stream;
use crate::tcp;
use crate::wire::answer::{self, Severity};

/// Connections that the system keeps for us while we are busy: all of an application that starts.
const BACKLOG: i32 = 1024;
/// Places for those who are not let in yet, beyond as many as may be clients.
const ANTEROOM: usize = 64;
/// How long nothing is accepted when the system has no more file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// A place where applications knock.
pub(crate) struct Listener {
    door: Door,
    /// Whether other machines can come here, so that nobody may talk in plaintext.
    beyond: bool,
}

enum Door {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

/// Opens all that is to be listened on. Must be called inside the runtime.
///
/// # Errors
///
/// One of them cannot be had, or there is none.
pub(crate) fn listen(options: &Options) -> Result<Vec<Listener>, StartError> {
    let mut listeners = Vec::new();
    for &address in &options.listen {
        let (listener, address) =
            tcp(address).map_err(|source| StartError::Listen { address, source })?;
        let beyond = is_beyond(&address);
        listeners.push(Listener { door: Door::Tcp(listener, address), beyond });
    }
    if let Some(socket) = &options.unix_socket {
        let (listener, file) = super::unix::bind(socket)?;
        listeners.push(Listener { door: Door::Unix(listener, file), beyond: false });
    }
    if listeners.is_empty() { Err(StartError::Nowhere) } else { Ok(listeners) }
}

fn tcp(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of the process before this one may still be ending on the same port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // What is accepted inherits it: four system calls less for each application.
    tcp::tune(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Listener {
    /// The address, with the port that it really has.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self.door {
            Door::Tcp(_, address) => Some(address),
            Door::Unix(..) => None,
        }
    }

    /// The file of the Unix socket.
    pub(crate) fn socket(&self) -> Option<&Path> {
        match &self.door {
            Door::Tcp(..) => None,
            Door::Unix(_, file) => Some(file.path()),
        }
    }

    /// Lets applications in until the proxy stops. Then the address is free again, and after that
    /// `place` among the [doors](super::Crowd::doors).
    pub(crate) async fn serve(self, shared: Arc<Shared>, place: Option<Present>) {
        let stop = shared.stop.clone();
        tokio::select! {
            () = stop.draining() => {}
            () = self.accept_all(&shared) => {}
        }
        drop(self);
        drop(place);
    }

    async fn accept_all(&self, shared: &Arc<Shared>) {
        let mut healthy = true;
        loop {
            match self.accept().await {
                Ok((stream, peer)) => {
                    healthy = true;
                    self.admit(stream, peer, shared);
                }
                // Of one connection that ended before it began.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if healthy {
                        tracing::warn!("no application can connect for the moment: {error}");
                    }
                    healthy = false;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match &self.door {
            Door::Tcp(listener, _) => {
                let (stream, address) = listener.accept().await?;
                Ok((Stream::Tcp(stream), Peer::Tcp(address)))
            }
            Door::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), Peer::Unix))
            }
        }
    }

    /// Hands a connection to a task of its own, unless too many are at the door already.
    fn admit(&self, stream: Stream, peer: Peer, shared: &Arc<Shared>) {
        let limit = shared.rules().max_clients.saturating_add(ANTEROOM);
        match shared.crowd.guests.enter(limit) {
            Some(place) => {
                let welcome = welcome(stream, peer, self.beyond, place, Arc::clone(shared));
                // Boxed: it is large, and would be copied on its way into the task and out of it.
                tokio::spawn(Box::pin(welcome));
            }
            None => {
                shared.metrics.clients_refused.inc();
                say_too_many(&stream);
            }
        }
    }
}

/// Into the empty buffer of a new socket, so without waiting. Who wanted TLS sees it as well.
fn say_too_many(stream: &Stream) {
    let mut out = BytesMut::new();
    answer::error(&mut out, Severity::Fatal, &too_many());
    let written = match stream {
        Stream::Tcp(stream) => stream.try_write(&out),
        Stream::Unix(stream) => stream.try_write(&out),
        Stream::ToServer(_) | Stream::FromClient(_) => unreachable!("nothing was said yet"),
    };
    // It is gone, then: nobody to tell.
    drop(written);
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn who_is_accepted_is_tuned() {
        let (listener, address) = tcp(([127, 0, 0, 1], 0).into()).unwrap();
        let (_application, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (stream, _) = accepted.unwrap();
        let socket = SockRef::from(&stream);
        assert!(stream.nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), tcp::SILENCE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), tcp::AGAIN);
    }
}
