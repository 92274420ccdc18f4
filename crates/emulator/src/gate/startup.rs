//! The first packet of a client, which has no type byte and four meanings.

use std::collections::BTreeMap;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// As in Postgres (`MAX_STARTUP_PACKET_LENGTH`).
const MAX_LEN: usize = 10_000;
const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// What the first packet asks for.
#[derive(Debug, Eq, PartialEq)]
pub enum First {
    /// TLS.
    Ssl,
    /// Kerberos encryption, which nobody here speaks.
    GssEnc,
    /// To cancel a query: passed on as it came.
    Cancel(Vec<u8>),
    /// A session.
    Startup(Startup),
}

/// A wish for a session.
#[derive(Debug, Eq, PartialEq)]
pub struct Startup {
    /// The version number as sent, such as 196608 for 3.0.
    pub version: u32,
    /// `user`, `database` and the rest.
    pub parameters: BTreeMap<String, String>,
    /// The packet as it came, to be replayed to the server.
    pub raw: Vec<u8>,
}

impl Startup {
    /// The role that wants in.
    pub fn user(&self) -> &str {
        self.parameters.get("user").map_or("", String::as_str)
    }

    /// The database; Postgres takes the user's name when there is none.
    pub fn database(&self) -> &str {
        match self.parameters.get("database") {
            Some(database) if !database.is_empty() => database,
            _ => self.user(),
        }
    }
}

/// The first packet makes no sense, or never came.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The connection ended, as health checks do.
    #[error("the connection ended before its first packet")]
    Gone(#[source] std::io::Error),
    /// Not a packet of Postgres.
    #[error("the first packet is not one of postgres")]
    Malformed,
}

/// Reads the first packet.
///
/// # Errors
/// See [`StartupError`].
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<First, StartupError> {
    let len = stream.read_u32().await.map_err(StartupError::Gone)? as usize;
    if !(8..=MAX_LEN).contains(&len) {
        return Err(StartupError::Malformed);
    }
    let mut raw = u32::to_be_bytes(len as u32).to_vec();
    raw.resize(len, 0);
    stream.read_exact(&mut raw[4..]).await.map_err(StartupError::Gone)?;
    parse(raw).ok_or(StartupError::Malformed)
}

fn parse(raw: Vec<u8>) -> Option<First> {
    let version = u32::from_be_bytes(raw.get(4..8)?.try_into().ok()?);
    match version {
        SSL_REQUEST => Some(First::Ssl),
        GSSENC_REQUEST => Some(First::GssEnc),
        // Before protocol 3.2 the key has 4 bytes, since then up to 256.
        CANCEL_REQUEST if raw.len() >= 16 => Some(First::Cancel(raw)),
        CANCEL_REQUEST => None,
        _ => {
            let parameters = parameters(&raw[8..])?;
            Some(First::Startup(Startup { version, parameters, raw }))
        }
    }
}

/// Pairs of texts, each ended by NUL, and one NUL after all of them.
fn parameters(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let pairs = bytes.strip_suffix(b"\0")?;
    let mut texts = pairs.split(|byte| *byte == 0).map(|text| std::str::from_utf8(text).ok());
    let mut parameters = BTreeMap::new();
    loop {
        match texts.next()?? {
            "" => return texts.next().is_none().then_some(parameters),
            name => parameters.insert(name.to_owned(), texts.next()??.to_owned()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u32, rest: &[u8]) -> Vec<u8> {
        let len = 8 + rest.len() as u32;
        [&len.to_be_bytes()[..], &code.to_be_bytes(), rest].concat()
    }

    #[track_caller]
    fn check(packet: Vec<u8>, expected: Option<First>) {
        assert_eq!(parse(packet), expected);
    }

    fn session(version: u32, rest: &[u8], parameters: &[(&str, &str)]) -> Option<First> {
        let parameters =
            parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Some(First::Startup(Startup { version, parameters, raw: packet(version, rest) }))
    }

    #[test]
    fn a_first_packet_has_four_meanings() {
        check(packet(SSL_REQUEST, b""), Some(First::Ssl));
        check(packet(GSSENC_REQUEST, b""), Some(First::GssEnc));
        let cancel = packet(CANCEL_REQUEST, &[0, 0, 0, 1, 0, 0, 0, 2]);
        check(cancel.clone(), Some(First::Cancel(cancel)));
        let rest = b"user\0me\0database\0db\0\0";
        check(packet(196_608, rest), session(196_608, rest, &[("user", "me"), ("database", "db")]));
        let empty_value = b"user\0me\0options\0\0\0";
        let parameters = [("user", "me"), ("options", "")];
        check(packet(196_610, empty_value), session(196_610, empty_value, &parameters));
        check(packet(196_608, b"\0"), session(196_608, b"\0", &[]));
    }

    #[test]
    fn what_is_cut_or_not_text_is_refused() {
        check(packet(CANCEL_REQUEST, &[0, 0, 0, 1]), None);
        check(packet(196_608, b""), None);
        check(packet(196_608, b"user\0"), None);
        check(packet(196_608, b"user\0me"), None);
        check(packet(196_608, b"user\0me\0"), None);
        check(packet(196_608, b"user\0\xff\0\0"), None);
        check(packet(196_608, b"user\0me\0\0\0"), None);
    }

    #[test]
    fn the_database_defaults_to_the_user() {
        let database = |rest: &[u8]| match parse(packet(196_608, rest)) {
            Some(First::Startup(startup)) => startup.database().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(database(b"user\0me\0\0"), "me");
        assert_eq!(database(b"user\0me\0database\0\0\0"), "me");
        assert_eq!(database(b"user\0me\0database\0db\0\0"), "db");
    }
}
