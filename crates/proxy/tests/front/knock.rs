//! An application that says exactly what it is told to say.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use lakegate_proxy::Proxy;

/// Longer than any answer takes: a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One connection of an application.
pub(crate) struct Knock<S>(pub(crate) S);

/// One message of the proxy.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Said {
    pub(crate) tag: u8,
    pub(crate) body: Vec<u8>,
}

impl Knock<TcpStream> {
    /// A connection to the first address of a proxy.
    pub(crate) fn at(proxy: &Proxy) -> Self {
        let stream = TcpStream::connect(proxy.addresses()[0]).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }
}

impl Knock<UnixStream> {
    /// A connection to the Unix socket of a proxy.
    pub(crate) fn at_socket(proxy: &Proxy) -> Self {
        let stream = UnixStream::connect(proxy.unix_socket().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }
}

impl<S: Read + Write> Knock<S> {
    pub(crate) fn say(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.write_all(bytes).unwrap();
        self.0.flush().unwrap();
        self
    }

    /// One byte that stands alone, as the answer to a request for encryption.
    pub(crate) fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.0.read_exact(&mut byte).unwrap();
        byte[0]
    }

    pub(crate) fn hear(&mut self) -> Said {
        let tag = self.byte();
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
        self.0.read_exact(&mut body).unwrap();
        Said { tag, body }
    }

    /// The SQLSTATE of the error that comes now.
    pub(crate) fn code(&mut self) -> String {
        let said = self.hear();
        assert_eq!(said.tag, b'E', "{said:?}");
        let code = said.body.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"C"));
        String::from_utf8(code.unwrap().to_vec()).unwrap()
    }

    /// Whether the connection ends here, without another byte.
    #[track_caller]
    pub(crate) fn ends(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "it said {rest:?}");
    }
}

/// A packet without a tag.
pub(crate) fn packet(major: u16, minor: u16, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + rest.len()).unwrap();
    [&length.to_be_bytes()[..], &major.to_be_bytes(), &minor.to_be_bytes(), rest].concat()
}

/// A packet that asks for TLS.
pub(crate) fn ssl() -> Vec<u8> {
    packet(1234, 5679, b"")
}

/// A startup packet as drivers send it.
pub(crate) fn startup() -> Vec<u8> {
    packet(3, 0, b"user\0app\0\0")
}

/// A message with a tag.
pub(crate) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(4 + body.len()).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}
