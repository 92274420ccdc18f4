//! Conversations, told message by message: what the client sends, what the server gets, what the
//! server answers, what the client sees.

mod settings;

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
fn a_statement_gets_a_name_of_ours() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "D a", "B a", "E", "S"], &["P * select 1", "D *", "B *", "E", "S"]);
    rig.hears("1tn2CZ", "1tn2CZ");
    rig.says(&["B a", "E", "S"], &["B *", "E", "S"]);
    rig.hears("2CZ", "2CZ");
    assert!(rig.talk.owed.is_idle());
}

#[test]
fn a_statement_is_prepared_where_it_is_missing() {
    let registry = Arc::default();
    let mut rig = Rig::new(&registry, 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    let first = std::mem::take(&mut rig.server);
    rig.says(&["B a", "E", "S"], &["P * select 1", "B *", "E", "S"]);
    rig.hears("12CZ", "2CZ");
    // Another client has an equal statement, and its server has it.
    let mut other = Rig::new(&registry, 2);
    other.server = first;
    other.says(&["P b select 1", "B b", "E", "S"], &["B *", "E", "S"]);
    other.hears("2CZ", "12CZ");
}

#[test]
fn an_answer_of_ours_comes_in_its_turn() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["P b select 2", "P c select 1", "C a", "D c", "S"], &["P * select 2", "D *", "S"]);
    rig.hears("1", "113");
    rig.hears("tnZ", "tnZ");
}

#[test]
fn what_failed_was_not_prepared() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a selec", "P b select 2", "S"], &["P * selec", "P * select 2", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["P a selec", "P b select 2", "S"], &["P * selec", "P * select 2", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["B b", "S"], &["B b", "S"]);
}

#[test]
fn what_was_skipped_has_not_happened() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    // The server has it, so this would be answered here; but the batch failed before.
    rig.says(&["B -", "P b select 1", "C a", "S"], &["C -", "B -", "S"]);
    rig.hears("3EZ", "EZ");
    rig.says(&["B b", "S"], &["B b", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["B a", "E", "S"], &["B *", "E", "S"]);
    rig.hears("2CZ", "2CZ");
    // After an error was seen, the rest of the batch is thrown away by the server.
    rig.says(&["B nosuch", "H"], &["B nosuch", "H"]);
    rig.hears("E", "E");
    rig.says(&["P c select 3", "S", "B c", "S"], &["P c select 3", "S", "B c", "S"]);
}

#[test]
fn a_text_waits_for_the_batch_in_which_it_was_prepared() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "P b select 2", "S"], &["P * select 1", "P * select 2", "S"]);
    rig.hears("11Z", "11Z");
    // The name is closed in the same batch; but its new text may turn out to be missing.
    rig.says(
        &["B -", "P a select 3", "S", "C b", "P b select 3", "B b", "S"],
        &["C -", "B -", "P * select 3", "P * select 3", "S", "H"],
    );
    rig.hears("3EZ", "EZ3");
    assert_eq!(told(&rig.resume()), ["P * select 3", "B *", "S"]);
    rig.hears("12Z", "12Z");
}

#[test]
fn an_error_speaks_of_the_name_that_the_client_used() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "P b select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "11Z");
    for (said, name) in [("B a", "a"), ("D b", "b"), ("B b", "b"), ("P a select 2", "a")] {
        let sent = rig.send(&[message_of(said), message_of("S")].concat(), usize::MAX);
        // What comes first is ours, where there is something to prepare.
        let (tag, ours) = frames(&sent).next().unwrap();
        let prepares = told(&sent).len() == 3;
        let of_statement = if tag == b'P' { ours } else { &ours[1..] };
        let of_ours = String::from_utf8(split_nul(of_statement).unwrap().0.to_vec()).unwrap();
        let error = message(b'E', format!("SERROR\0Mabout \"{of_ours}\"\0\0").as_bytes());
        let before = answer_of(b'1').into_iter().filter(|_| prepares);
        let heard = [&before.collect::<Vec<_>>()[..], &error, &answer_of(b'Z')].concat();
        let expected = message(b'E', format!("SERROR\0Mabout \"{name}\"\0\0").as_bytes());
        let seen = rig.answer(&heard, usize::MAX);
        assert_eq!(seen, [&expected[..], &answer_of(b'Z')].concat(), "{said}");
    }
}

#[test]
fn a_second_statement_by_the_same_name_is_refused_by_the_server() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["P a select 2", "S"], &["P * select 2", "P * select 2", "S"]);
    rig.hears("1EZ", "EZ");
    rig.says(&["B a", "E", "S"], &["B *", "E", "S"]);
}

#[test]
fn an_unnamed_statement_follows_its_client() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P - select 1", "S"], &["P - select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["B -", "E", "S"], &["B -", "E", "S"]);
    rig.hears("2CZ", "2CZ");
    rig.server = Server::default();
    rig.says(&["D -", "B -", "E", "S"], &["P - select 1", "D -", "B -", "E", "S"]);
    rig.hears("1tn2CZ", "tn2CZ");
    // A simple query drops it.
    rig.says(&["Q select 2"], &["Q select 2"]);
    rig.hears("CZ", "CZ");
    rig.says(&["B -", "S"], &["C -", "B -", "S"]);
    rig.hears("3EZ", "EZ");
}

#[test]
fn an_unnamed_statement_outlives_what_was_skipped() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P - select 1", "S"], &["P - select 1", "S"]);
    rig.hears("1Z", "1Z");
    for skipped in ["P - select 2", "Q select 2"] {
        rig.says(&["B nosuch", skipped, "S"], &["B nosuch", skipped, "S"]);
        rig.hears("EZ", "EZ");
        rig.says(&["B -", "S"], &["P - select 1", "B -", "S"]);
        rig.hears("12Z", "2Z");
    }
    // One that fails itself takes the other with it.
    rig.says(&["D -", "P - selec", "S"], &["D -", "P - selec", "S"]);
    rig.hears("tnEZ", "tnEZ");
    rig.says(&["B -", "S"], &["C -", "B -", "S"]);
}

#[test]
fn an_unnamed_statement_outlives_its_skipped_copy() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P - select 1", "S"], &["P - select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.server = Server::default();
    rig.says(&["B nosuch", "B -", "S"], &["B nosuch", "P - select 1", "B -", "S"]);
    rig.hears("EZ", "EZ");
    rig.says(&["B -", "S"], &["P - select 1", "B -", "S"]);
    rig.hears("12Z", "2Z");
}

#[test]
fn of_many_unnamed_statements_that_were_skipped_none_is_left() {
    let mut rig = Rig::new(&Arc::default(), 1);
    let batch = ["B nosuch", "P - select 1", "S"];
    rig.says(&[batch, batch].concat(), &[batch, batch].concat());
    rig.hears("EZEZ", "EZEZ");
    rig.says(&["B -", "S"], &["C -", "B -", "S"]);
}

#[test]
fn a_known_statement_waits_for_what_may_fail_its_transaction() {
    let mut rig = Rig::new(&Arc::default(), 1);
    rig.says(&["P a select 1", "S"], &["P * select 1", "S"]);
    rig.hears("1Z", "1Z");
    rig.says(&["B a", "E", "S", "P b select 1", "S"], &["B *", "E", "S"]);
    rig.hears("2EF", "2EZ");
    assert_eq!(told(&rig.resume()), ["C *", "P * select 1", "S"]);
}

#[test]
fn nobody_uses_the_unnamed_statement_of_another() {
    let registry = Arc::default();
    let mut rig = Rig::new(&registry, 1);
    rig.says(&["P - select 'secret'", "S"], &["P - select 'secret'", "S"]);
    rig.hears("1Z", "1Z");
    let mut other = Rig::new(&registry, 2);
    other.server = rig.server;
    other.says(&["B -", "E", "S"], &["C -", "B -", "E", "S"]);
    other.hears("3EZ", "EZ");
}

#[test]
fn the_oldest_statement_is_closed_for_the_next() {
    let mut rig = Rig::new(&Arc::default(), 1);
    for number in 0..500 {
        rig.send(&message_of(&format!("P a{number} select {number}")), usize::MAX);
        rig.hears("1", "1");
    }
    rig.says(&["P b select b", "S"], &["C *", "P * select b", "S"]);
    rig.hears("31Z", "1Z");
    rig.says(&["B a0", "S"], &["C *", "P * select 0", "B *", "S"]);
    // The `Parse` fails, and with it what came later; the `Close` before it holds.
    rig.hears("3EZ", "EZ");
    rig.says(&["B a0", "S"], &["P * select 0", "B *", "S"]);
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
