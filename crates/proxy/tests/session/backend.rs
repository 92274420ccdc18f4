//! The server of a test: lets everybody in, and then says what the test says.

use std::io::Read;
use std::net::TcpListener;

use crate::peer::Peer;

/// A server that listens on loopback.
pub(crate) struct Backend(TcpListener);

impl Backend {
    pub(crate) fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// The next connection, logged in.
    pub(crate) fn accept(&self) -> Peer {
        let (stream, _) = self.0.accept().unwrap();
        let mut server = Peer::new(stream);
        let mut len = [0; 4];
        server.0.read_exact(&mut len).unwrap();
        let mut packet = vec![0; u32::from_be_bytes(len) as usize - 4];
        server.0.read_exact(&mut packet).unwrap();
        server.send(b"R\0\0\0\x08\0\0\0\0");
        server.says("S TimeZone=UTC, S server_version=15.0");
        server.send(b"K\0\0\0\x0c\0\0\0\x01\0\0\0\x02");
        server.says("Z I");
        server
    }
}
