//! `DEALLOCATE name`, in SQL, of a statement that was prepared by the protocol.
//!
//! psycopg says so where its libpq has no `Close`, in a pipeline by an `Execute`. The server knows
//! the statement by another name, and would say that there is none. So it gets an empty statement by
//! the client's name first: then it answers, and refuses in a failed transaction, as it would
//! without us.

use bytes::{BufMut, BytesMut};

use super::Talk;
use super::upward::Step;
use crate::wire::frame::{Frame, split_nul};
use crate::wire::outstanding::{Ask, Belief, Who};
use crate::wire::pipe::Pipe;

impl Talk {
    /// Before a simple query that stands alone: what it takes away from the client, if it says
    /// `DEALLOCATE` and nothing else.
    pub(super) fn deallocate(&mut self, frame: Frame, pipe: &mut Pipe) -> Belief {
        let alone = self.owed.is_settled() && !self.names.is_empty();
        let text = pipe.unjudged().get(Frame::HEAD..frame.len - 1).filter(|_| alone);
        match text.and_then(deallocated) {
            Some(name) => self.stand_in(&name, pipe),
            None => Belief::Nothing,
        }
    }

    /// A statement is bound: which one of the client's it takes away when it runs. `body` is what
    /// follows its name in a `Parse`.
    pub(super) fn deallocates(&self, body: &[u8]) -> Option<Vec<u8>> {
        // A look at its beginning: most are not read to their end.
        let begins = !self.names.is_empty() && word(body.trim_ascii_start(), DEALLOCATE).is_some();
        split_nul(body).filter(|_| begins).and_then(|(text, _)| deallocated(text))
    }

    /// `Execute`, of what was bound last.
    pub(super) fn execute(&mut self, frame: Frame, pipe: &mut Pipe) -> Step {
        let mut belief = Belief::Nothing;
        if let Some(name) = self.deallocating.take() {
            if self.must_wait_for(&name) {
                self.deallocating = Some(name);
                return Step::Wait;
            }
            belief = self.stand_in(&name, pipe);
        }
        pipe.pass(frame.len);
        self.ask(Ask::Execute, belief);
        Step::Done
    }

    /// Gives the server an empty statement by the client's name, if the client has one.
    fn stand_in(&mut self, name: &[u8], pipe: &mut Pipe) -> Belief {
        let Some((name, statement)) = self.names.remove_entry(name) else {
            return Belief::Nothing;
        };
        put(pipe.insert(), b'C', &[b"S", &name, b"\0"]);
        self.owed.ask(Ask::Close, Who::Proxy, Belief::Nothing);
        put(pipe.insert(), b'P', &[&name, b"\0\0\0\0"]);
        self.owed.ask(Ask::Parse, Who::Proxy, Belief::Nothing);
        Belief::Dropped(name, statement)
    }
}

const DEALLOCATE: &[u8] = b"deallocate";

fn put(out: &mut BytesMut, tag: u8, parts: &[&[u8]]) {
    out.put_u8(tag);
    out.put_u32(4 + parts.iter().map(|part| part.len()).sum::<usize>() as u32);
    parts.iter().for_each(|part| out.put_slice(part));
}

/// The name in `DEALLOCATE name`, as Postgres reads it.
fn deallocated(text: &[u8]) -> Option<Vec<u8>> {
    let mut rest = word(text.trim_ascii(), DEALLOCATE)?;
    if let Some(behind) = word(rest, b"prepare") {
        rest = behind;
    }
    let rest = rest.strip_suffix(b";").unwrap_or(rest).trim_ascii();
    match rest.strip_prefix(b"\"") {
        Some(quoted) => {
            let name = quoted.strip_suffix(b"\"")?;
            (!name.contains(&b'"')).then(|| name.to_vec())
        }
        None => {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
            let named = !rest.is_empty() && !rest.eq_ignore_ascii_case(b"all");
            (named && rest.iter().all(plain)).then(|| rest.to_ascii_lowercase())
        }
    }
}

/// What follows a word and blanks, if the text begins with them.
fn word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = text.split_at_checked(word.len())?;
    let ends = rest.first().is_some_and(u8::is_ascii_whitespace) || rest.starts_with(b"\"");
    (first.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let name = deallocated(text.as_bytes());
        assert_eq!(name.as_deref(), expected.map(str::as_bytes), "{text}");
    }

    #[test]
    fn a_name_is_read_as_postgres_does() {
        check("DEALLOCATE _pg3_0", Some("_pg3_0"));
        check(" deallocate PREPARE \"Ab c\"; ", Some("Ab c"));
        check("Deallocate Ab", Some("ab"));
        check("DEALLOCATE\"a\"", Some("a"));
        check("DEALLOCATE ALL", None);
        check("DEALLOCATE prepare", Some("prepare"));
        check("DEALLOCATEa", None);
        check("DEALLOCATE a; SELECT 1", None);
        check("DEALLOCATE \"a\"\"b\"", None);
        check("DEALLOCATE", None);
        check("SELECT 1", None);
    }
}
