//! One end of a connection: says and hears whole messages, written as text.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// An application, or a backend of the server.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    /// An end whose waits are limited.
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// An application that sends its startup packet.
    pub(crate) fn connect(proxy: SocketAddr) -> Self {
        let mut peer = Self::new(TcpStream::connect(proxy).unwrap());
        let body = b"\0\x03\0\0user\0bob\0\0";
        peer.send(&[&(body.len() as u32 + 4).to_be_bytes(), &body[..]].concat());
        peer
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Sends messages, separated by commas: a tag and its text. See [`message`].
    pub(crate) fn says(&mut self, messages: &str) {
        let all: Vec<u8> = messages.split(", ").flat_map(message).collect();
        self.send(&all);
    }

    /// The next message: its tag and its body.
    pub(crate) fn next(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 5];
        self.0.read_exact(&mut head).unwrap();
        let len = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let mut body = vec![0; len - 4];
        self.0.read_exact(&mut body).unwrap();
        (head[0], body)
    }

    /// The next messages must be these.
    #[track_caller]
    pub(crate) fn hears(&mut self, expected: &[&str]) {
        for expected in expected {
            let (tag, body) = self.next();
            assert_eq!(text(tag, &body), *expected);
        }
    }

    /// Hears whatever comes up to `ReadyForQuery`.
    pub(crate) fn hears_until_ready(&mut self) {
        while self.next().0 != b'Z' {}
    }

    /// The other end must have closed.
    #[track_caller]
    pub(crate) fn is_closed(&mut self) {
        match self.0.read(&mut [0]) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("not closed: {other:?}"),
        }
    }
}

/// A message as text: `Z I`, `C SELECT 1`, `Q select 1`, `E ERROR 57014`, `1`; `P name text`.
fn message(text: &str) -> Vec<u8> {
    let (tag, rest) = text.split_at(1);
    let rest = rest.trim_start();
    let body = match tag {
        "Z" => rest.as_bytes().to_vec(),
        "C" | "Q" => [rest.as_bytes(), b"\0"].concat(),
        "S" if !rest.is_empty() => {
            rest.split('=').flat_map(|part| [part, "\0"]).collect::<String>().into()
        }
        "E" if !rest.is_empty() => {
            let (severity, code) = rest.split_once(' ').unwrap();
            format!("S{severity}\0V{severity}\0C{code}\0Msome\0\0").into_bytes()
        }
        "E" => b"\0\0\0\0\0".to_vec(),
        "P" => format!("{}\0\0\0", rest.replacen(' ', "\0", 1)).into_bytes(),
        "B" => format!("\0{rest}\0\0\0\0\0\0\0").into_bytes(),
        "D" | "d" => vec![b'x'; rest.parse().unwrap()],
        _ => Vec::new(),
    };
    let len = (body.len() as u32 + 4).to_be_bytes();
    [tag.as_bytes(), &len, &body].concat()
}

/// The inverse.
fn text(tag: u8, body: &[u8]) -> String {
    let field = |code: u8| {
        let mut fields = body.split(|byte| *byte == 0);
        let field = fields.find(|field| field.first() == Some(&code)).unwrap_or(b"??");
        String::from_utf8_lossy(&field[1..]).into_owned()
    };
    let tag = char::from(tag);
    let all = String::from_utf8_lossy(body);
    match tag {
        'Z' => format!("Z {all}"),
        'C' | 'Q' => format!("{tag} {}", all.trim_end_matches('\0')),
        'S' if !body.is_empty() => format!("S {}", all.trim_end_matches('\0').replace('\0', "=")),
        'E' if body.starts_with(b"S") => format!("E {} {}", field(b'V'), field(b'C')),
        'D' | 'd' => format!("{tag} {}", body.len()),
        _ => tag.to_string(),
    }
}
