//! The few messages the gate writes and reads itself, and the count of those that pass.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// `AuthenticationCleartextPassword`
pub(crate) const ASK_FOR_PASSWORD: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 3];

/// A password longer than this is nobody's token; Postgres itself takes up to 65,530 bytes.
const MAX_PASSWORD: usize = 65_530;

/// A statement longer than this is counted but not noted.
const MAX_STATEMENT: usize = 4 << 20;

/// An `ErrorResponse` that ends the attempt.
pub fn fatal(code: &str, message: &str) -> Vec<u8> {
    let fields = [('S', "FATAL"), ('V', "FATAL"), ('C', code), ('M', message)];
    let mut body = Vec::new();
    for (kind, text) in fields {
        body.push(kind as u8);
        // A NUL would end the field early and the rest would be read as another.
        body.extend(text.bytes().filter(|byte| *byte != 0));
        body.push(0);
    }
    body.push(0);
    let len = 4 + body.len() as u32;
    [&b"E"[..], &len.to_be_bytes(), &body].concat()
}

/// Reads a `PasswordMessage`. None stands for anything else, and for a client that went away.
pub(crate) async fn read_password(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    if stream.read_u8().await.ok()? != b'p' {
        return None;
    }
    let len = (stream.read_u32().await.ok()? as usize).checked_sub(4)?;
    if !(1..=MAX_PASSWORD + 1).contains(&len) {
        return None;
    }
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).await.ok()?;
    (bytes.pop() == Some(0)).then(|| String::from_utf8(bytes).ok())?
}

/// What a passing message means for the counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Seen {
    /// `Query`, `Sync` or `FunctionCall`: the client now waits. Or `ReadyForQuery`: it no longer does.
    RoundTrip,
    /// The text of a `Query` or `Parse`.
    Statement(String),
}

/// Follows the messages of a client, or of a server, through chunks of any size. It never holds
/// more than one statement, and never delays a byte.
#[derive(Debug)]
pub struct Meter {
    /// The messages that end a side's turn.
    ends: &'static [u8],
    head: Vec<u8>,
    left: usize,
    text: Option<Vec<u8>>,
}

impl Meter {
    /// For what a client sends after its startup packet.
    pub fn of_client() -> Self {
        Self { ends: b"QSF", head: Vec::new(), left: 0, text: None }
    }

    /// For what a server sends; its first turn is the login.
    pub fn of_server() -> Self {
        Self { ends: b"Z", ..Self::of_client() }
    }

    /// Takes the next chunk and reports what ended within it, in order.
    pub fn feed(&mut self, mut chunk: &[u8], mut report: impl FnMut(Seen)) {
        while !chunk.is_empty() {
            if self.head.len() < 5 {
                let (head, rest) = chunk.split_at(chunk.len().min(5 - self.head.len()));
                self.head.extend_from_slice(head);
                chunk = rest;
                if self.head.len() == 5 {
                    self.begin();
                }
            } else {
                let (body, rest) = chunk.split_at(chunk.len().min(self.left));
                self.left -= body.len();
                if let Some(text) = &mut self.text {
                    text.extend_from_slice(body);
                }
                chunk = rest;
            }
            if self.head.len() == 5 && self.left == 0 {
                self.end(&mut report);
            }
        }
    }

    fn begin(&mut self) {
        let len = [self.head[1], self.head[2], self.head[3], self.head[4]];
        self.left = (u32::from_be_bytes(len) as usize).saturating_sub(4);
        let noted = matches!(self.head[0], b'Q' | b'P') && self.left <= MAX_STATEMENT;
        self.text = noted.then(Vec::new);
    }

    fn end(&mut self, report: &mut impl FnMut(Seen)) {
        let kind = self.head[0];
        self.head.clear();
        if let Some(body) = self.text.take() {
            // `Parse` names the prepared statement first.
            let mut texts = body.split(|byte| *byte == 0).skip(usize::from(kind == b'P'));
            let sql = String::from_utf8_lossy(texts.next().unwrap_or_default());
            report(Seen::Statement(sql.into_owned()));
        }
        if self.ends.contains(&kind) {
            report(Seen::RoundTrip);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &(4 + body.len() as u32).to_be_bytes(), body].concat()
    }

    #[test]
    fn messages_are_counted_whatever_the_chunks() {
        let stream = [
            message(b'Q', b"SELECT 1\0"),
            message(b'P', b"s1\0SELECT $1\0\0\0"),
            message(b'B', b"\0s1\0\0\0\0\x01\0\0\0\x02QS\0\0"),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
            message(b'X', b""),
        ]
        .concat();
        let statement = |sql: &str| Seen::Statement(sql.to_owned());
        let expected =
            [statement("SELECT 1"), Seen::RoundTrip, statement("SELECT $1"), Seen::RoundTrip];
        for size in [1, 2, 3, 5, 7, stream.len()] {
            let (mut meter, mut seen) = (Meter::of_client(), Vec::new());
            for chunk in stream.chunks(size) {
                meter.feed(chunk, |one| seen.push(one));
            }
            assert_eq!(seen, expected, "chunks of {size}");
        }
    }

    #[test]
    fn a_huge_statement_is_counted_but_not_kept() {
        let (mut meter, mut seen) = (Meter::of_client(), Vec::new());
        let huge = message(b'Q', &vec![b'x'; MAX_STATEMENT + 1]);
        meter.feed(&huge, |one| seen.push(one));
        assert_eq!(seen, [Seen::RoundTrip]);
    }

    #[test]
    fn an_error_is_framed_and_cannot_be_split() {
        let expected = [&b"E\0\0\0\x22"[..], b"SFATAL\0VFATAL\0C28P01\0Mno way\0\0"].concat();
        assert_eq!(fatal("28P01", "no \0way"), expected);
    }
}
