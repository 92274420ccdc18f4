//! Conversations, told message by message: what the client sends, what the server gets, what the
//! server answers, what the client sees.

mod settings;
mod statements;

use proptest::prelude::*;

use super::*;
use crate::wire::frame::{Frame, split_nul};
use crate::wire::pipe::Pipe;
use crate::wire::text::State;

/// A client, and a server that it may change.
struct Rig {
    talk: Talk,
    up: Pipe,
    down: Pipe,
    server: Server,
}

#[derive(Default)]
struct Server {
    parameters: Parameters,
    statements: Prepared,
    carried: Carried,
}

impl Rig {
    fn new(registry: &Arc<Registry>, client: i32) -> Self {
        let talk =
            Talk::new(Mode::Transaction, client, Arc::clone(registry), Parameters::default());
        Self { talk, up: Pipe::default(), down: Pipe::default(), server: Server::default() }
    }

    /// What the server gets when the client sends this, in pieces of so many bytes.
    fn send(&mut self, bytes: &[u8], piece: usize) -> Vec<u8> {
        let Server { parameters, statements, carried } = &mut self.server;
        let mut facts = Facts { parameters, statements, carried };
        for piece in bytes.chunks(piece) {
            self.up.inbox.extend_from_slice(piece);
            assert_ne!(self.talk.upward(&mut self.up, &mut facts), Ok(Said::Bye));
            self.talk.give_known(&mut self.down);
        }
        written(&mut self.up)
    }

    /// What the server gets when the client, which had to wait, goes on.
    fn resume(&mut self) -> Vec<u8> {
        let Server { parameters, statements, carried } = &mut self.server;
        let said = self.talk.upward(&mut self.up, &mut Facts { parameters, statements, carried });
        assert_eq!(said, Ok(Said::All));
        self.talk.give_known(&mut self.down);
        written(&mut self.up)
    }

    /// What the client sees when the server sends this, in pieces of so many bytes.
    fn answer(&mut self, bytes: &[u8], piece: usize) -> Vec<u8> {
        let Server { parameters, statements, carried } = &mut self.server;
        let mut facts = Facts { parameters, statements, carried };
        for piece in bytes.chunks(piece) {
            self.down.inbox.extend_from_slice(piece);
            assert_eq!(self.talk.downward(&mut self.down, &mut facts), Ok(Heard::All));
        }
        written(&mut self.down)
    }

    /// The client sends these: the server gets those.
    #[track_caller]
    fn says(&mut self, sent: &[&str], got: &[&str]) {
        let sent: Vec<u8> = sent.iter().flat_map(|message| message_of(message)).collect();
        assert_eq!(told(&self.send(&sent, usize::MAX)), got);
    }

    /// The server sends messages with these tags: the client sees those.
    #[track_caller]
    fn hears(&mut self, sent: &str, seen: &str) {
        let sent: Vec<u8> = sent.bytes().flat_map(answer_of).collect();
        let out = self.answer(&sent, usize::MAX);
        let tags: String = frames(&out).map(|(tag, _)| char::from(tag)).collect();
        assert_eq!(tags, seen);
    }
}

fn written(pipe: &mut Pipe) -> Vec<u8> {
    let out = pipe.outgoing().to_vec();
    pipe.written(out.len());
    out
}

fn frames(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let frame = Frame::read(bytes).unwrap()?;
        let (message, rest) = bytes.split_at(frame.len);
        bytes = rest;
        Some((frame.tag, &message[Frame::HEAD..]))
    })
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// `P name text`, `B name`, `D name`, `C name`, `Q text`, `E`, `S`, `H`, `d`, `c`; `-` is no name.
fn message_of(text: &str) -> Vec<u8> {
    let (tag, rest) = text.split_at(1);
    let (name, text) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
    let name = name.trim_start_matches('-');
    let body = match tag {
        "P" => format!("{name}\0{text}\0\0\0"),
        "B" => format!("\0{name}\0\0\0\0\0\0\0"),
        "D" | "C" => format!("S{name}\0"),
        "E" => "\0\0\0\0\0".to_owned(),
        "Q" => format!("{}\0", rest.trim_start()),
        _ => String::new(),
    };
    message(tag.as_bytes()[0], body.as_bytes())
}

/// The inverse, for what the server gets: a name of ours is `*`.
fn told(bytes: &[u8]) -> Vec<String> {
    let name_of = |name: &[u8]| match name {
        [] => "-".to_owned(),
        name if name.starts_with(b"lakegate_") => "*".to_owned(),
        name => String::from_utf8(name.to_vec()).unwrap(),
    };
    let text = |tag: u8, body: &[u8]| match tag {
        b'P' => {
            let (name, rest) = split_nul(body).unwrap();
            let (text, _) = split_nul(rest).unwrap();
            format!("P {} {}", name_of(name), str::from_utf8(text).unwrap())
        }
        b'B' => format!("B {}", name_of(split_nul(&body[1..]).unwrap().0)),
        b'D' | b'C' => format!("{} {}", char::from(tag), name_of(split_nul(&body[1..]).unwrap().0)),
        b'Q' => format!("Q {}", str::from_utf8(split_nul(body).unwrap().0).unwrap()),
        _ => char::from(tag).to_string(),
    };
    frames(bytes).map(|(tag, body)| text(tag, body)).collect()
}

/// A message of the server; `c` stands for the end of `DISCARD ALL`, `T` for a transaction and `F`
/// for a failed one.
fn answer_of(tag: u8) -> Vec<u8> {
    match tag {
        b'Z' => message(b'Z', b"I"),
        b'T' => message(b'Z', b"T"),
        b'F' => message(b'Z', b"E"),
        b'C' => message(b'C', b"SELECT 1\0"),
        b'c' => message(b'C', b"DISCARD ALL\0"),
        b'E' => message(b'E', b"SERROR\0VERROR\0C42601\0Mno\0\0"),
        b'S' => message(b'S', b"TimeZone\0Asia/Tokyo\0"),
        tag => message(tag, b""),
    }
}

#[test]
fn discard_all_forgets_statements_and_state() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S", "Q LISTEN b"], &["P * select 1", "S", "Q LISTEN b"]);
    rig.hears("1ZCZ", "1ZCZ");
    assert_eq!(rig.talk.state().reason(), "listen");
    rig.says(&["Q DISCARD ALL"], &["Q DISCARD ALL"]);
    rig.hears("cZ", "CZ");
    assert!(rig.talk.state().is_none());
    rig.says(&["B a", "S"], &["B a", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
}

#[test]
fn a_name_waits_for_what_it_stands_for() {
    let mut rig = Rig::new(&Arc::default(), 1);
    // Whether there will be a second one by this name depends on the first.
    rig.says(&["P a select 1", "S", "P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("EZ", "EZ");
    assert_eq!(told(&rig.resume()), ["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    // Within a batch the server is asked to answer at once.
    rig.says(&["P d DISCARD ALL", "B d", "E", "B a"], &["P * DISCARD ALL", "B *", "E", "H"]);
    rig.hears("12c", "12C");
    assert_eq!(told(&rig.resume()), ["B a"]);
}

#[test]
fn what_comes_after_a_failed_copy_waits_for_its_end() {
    let mut rig = Rig::new(&Arc::default(), 1);
    // As tokio-postgres does: with a `Sync` before the data, and without waiting for the last one.
    rig.says(&["P a COPY t FROM STDIN", "S"], &["P * COPY t FROM STDIN", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["B a", "E", "S"], &["B *", "E", "S"]);
    rig.hears("2G", "2G");
    rig.says(&["d", "c", "S"], &["d", "c", "S"]);
    rig.hears("E", "E");
    // The server answers one `Sync` or two, and this `Close` not at all: its answer has no place.
    rig.says(&["C a", "S", "P b select 1", "S"], &[]);
    rig.hears("Z", "Z");
    assert!(rig.talk.owed.asks_something());
    rig.hears("IZ", "");
    assert_eq!(told(&rig.resume()), ["S", "P * select 1", "S"]);
    rig.hears("Z1Z", "3Z1Z");
    assert!(rig.talk.owed.is_idle());
}

#[test]
fn an_answer_of_ours_is_as_sure_before_it_is_given() {
    // In one piece, so that nothing is given before all is judged.
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["C a", "C -", "Q select 1", "B -"], &["Q select 1", "C -", "B -"]);
}

#[test]
fn an_error_speaks_of_the_clients_name() {
    let mut rig = Rig::new(&Arc::default(), 1);
    let sent = rig.send(&message_of("P a select 1"), usize::MAX);
    let (name, _) = split_nul(&sent[Frame::HEAD..]).unwrap();
    let fields = |name: &[u8]| message(b'E', &[b"SERROR\0Mno \"", name, b"\"\0\0"].concat());
    let seen = rig.answer(&fields(name), usize::MAX);
    assert_eq!(seen, fields(b"a"));
}

#[test]
fn in_a_failed_transaction_the_server_answers() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "Q begin; nonsense"], &["P * select 1", "Q begin; nonsense"]);
    rig.hears("1EF", "1EZ");
    rig.says(&["P b select 1", "S"], &["C *", "P * select 1", "S"]);
    rig.hears("3EF", "EZ");
}

#[test]
fn a_statement_is_deallocated_by_its_clients_name() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["Q DEALLOCATE a"], &["C a", "P a ", "Q DEALLOCATE a"]);
    rig.hears("31EZ", "EZ");
    rig.says(&["B a", "S"], &["B *", "S"]); // It failed: the statement is still there.
    rig.hears("2Z", "2Z");
    rig.says(&["Q DEALLOCATE a"], &["C a", "P a ", "Q DEALLOCATE a"]);
    rig.hears("31CZ", "CZ");
    rig.says(&["B a", "S"], &["B a", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["Q DEALLOCATE a"], &["Q DEALLOCATE a"]);
}

#[test]
fn and_by_a_statement_that_says_so() {
    for (name, parse) in [("-", "P - "), ("d", "P * ")] {
        let mut rig = Rig::new(&Arc::default(), 1);
        rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
        rig.hears("1Z", "1Z");
        let (said, got) = (format!("P {name} DEALLOCATE a"), format!("{parse}DEALLOCATE a"));
        let (bind, bound) = (format!("B {name}"), format!("B {}", &parse[2..3]));
        rig.says(&[&said, &bind, "E", "S"], &[&got, &bound, "C a", "P a ", "E", "S"]);
        rig.hears("1231EZ", "12EZ");
        rig.says(&["B a", "S"], &["B *", "S"]); // It failed: the statement is still there.
        rig.hears("2Z", "2Z");
        rig.says(&[&bind, "D a", "E", "S"], &[&bound, "D *", "C a", "P a ", "E", "S"]);
        rig.hears("2tn31CZ", "2tnCZ");
        rig.says(&["B a", "E", "S"], &["B a", "E", "S"]);
        rig.hears("EZ", "EZ");
        // What is bound, and not what was bound before, is what runs.
        rig.says(&["P a select 1", &bind, "B a", "E", "S"], &[&bound, "B *", "E", "S"]);
    }
}

#[test]
fn a_new_database_is_noticed() {
    for (tag, noticed) in [("CREATE DATABASE", true), ("ALTER DATABASE", true), ("SELECT 1", false)]
    {
        let mut rig = Rig::new(&Arc::default(), 1);
        rig.send(&message_of("Q nonsense"), usize::MAX);
        rig.answer(&message(b'C', format!("{tag}\0").as_bytes()), usize::MAX);
        assert_eq!(rig.talk.databases_changed, noticed);
    }
}

#[test]
fn state_ends_only_when_it_is_sure() {
    let ended = |text: &str, answer: &str| {
        let mut rig = Rig::new(&Arc::default(), 1);
        rig.says(&["Q SET a.b = 1"], &["Q SET a.b = 1"]);
        rig.hears("CZ", "CZ");
        rig.send(&message_of(&format!("Q {text}")), usize::MAX);
        let answer: Vec<u8> = answer.bytes().flat_map(answer_of).collect();
        rig.answer(&answer, usize::MAX);
        rig.talk.state() == State::NONE
    };
    assert!(ended("RESET ALL", "CZ"));
    assert!(!ended("RESET ALL", "EZ"));
    assert!(!ended("BEGIN; RESET ALL", "CT"));
    assert!(!ended("RESET ALL; SET a.b = 2", "CCZ"));
    assert!(!ended("SELECT 1", "CZ"));
}

#[test]
fn a_statement_has_its_effect_when_it_is_used() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a LISTEN b", "S"], &["P * LISTEN b", "S"]);
    rig.hears("1Z", "1Z");
    assert!(rig.talk.state().is_none());
    rig.says(&["B a", "E", "S"], &["B *", "E", "S"]);
    assert_eq!(rig.talk.state().reason(), "listen");
}

#[test]
fn what_the_server_reports_is_known() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.hears("S", "S");
    assert_eq!(rig.talk.seen.get("TimeZone"), Some(&b"Asia/Tokyo"[..]));
    assert!(rig.talk.seen == rig.server.parameters);
}

#[test]
fn what_no_client_may_send_is_refused() {
    let check = |bytes: &[u8], expected: &str| {
        let mut rig = Rig::new(&Arc::default(), 1);
        rig.up.inbox.extend_from_slice(bytes);
        let Server { parameters, statements, carried } = &mut rig.server;
        let said = rig.talk.upward(&mut rig.up, &mut Facts { parameters, statements, carried });
        assert_eq!(said.unwrap_err().to_string(), expected);
    };
    check(b"p\0\0\0\x04", "invalid frontend message type p");
    check(b"\0\0\0\0\x04", "invalid frontend message type \\u{0}");
    check(b"Q\0\0\0\x03", "invalid message length 3");
    check(b"P\0\0\0\x04", "a name in a message is not ended");
    check(b"P\0\0\0\x04\0", "a name in a message is not ended"); // The next one begins.
    check(b"P\0\0\0\x05a", "a name in a message is not ended");
    check(b"B\0\0\0\x05\0", "a name in a message is not ended");
    check(b"D\0\0\0\x04", "a name in a message is not ended");
    check(b"C\0\0\0\x06Sa", "a name in a message is not ended");
}

proptest! {
    #[test]
    fn any_bytes_are_carried_alike_in_any_pieces(bytes: Vec<u8>) {
        crate::fuzzing::conversation(&bytes);
    }

    #[test]
    fn every_split_gives_the_same_bytes(
        script in prop::collection::vec(
            prop::sample::select(vec![
                "P a select 1", "P b select 2", "P - select 3", "P a LISTEN x", "B a", "B b", "B -",
                "B nosuch", "D a", "D -", "E", "C a", "C b", "C -", "S", "H", "Q select 'a;b'",
                "Q DISCARD ALL", "d", "c",
            ]),
            0..20,
        ),
        answers in prop::collection::vec(
            prop::sample::select("123CcDEGINSTZnst".bytes().collect::<Vec<_>>()),
            0..30,
        ),
        piece in 1_usize..9,
    ) {
        let sent: Vec<u8> = script.iter().flat_map(|message| message_of(message)).collect();
        let answers: Vec<u8> = answers.into_iter().flat_map(answer_of).collect();
        let run = |piece| {
            let mut rig = Rig::new(&Arc::default(), 1);
            (rig.send(&sent, piece), rig.answer(&answers, piece), rig.talk.state())
        };
        prop_assert_eq!(run(piece), run(usize::MAX));
    }
}
