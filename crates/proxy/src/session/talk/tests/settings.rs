//! Settings that follow their client.

use super::*;

/// A client that began in Rome, on a server that was opened for London.
fn rig() -> Rig {
    let mut rig = Rig::new(&Arc::default(), 1);
    for (name, value) in [("TimeZone", "Europe/Rome"), ("application_name", "a")] {
        rig.talk.first.set(name, value.as_bytes());
    }
    rig.talk.seen = rig.talk.first.clone();
    rig.server.parameters = rig.talk.first.clone();
    rig
}

impl Rig {
    /// The server says these: the client hears those. `C SET`, `S TimeZone=UTC`, `Z I`, `E`, `1`.
    #[track_caller]
    fn exchanges(&mut self, sent: &str, heard: &str) {
        let sent: Vec<u8> = sent.split(", ").flat_map(spoken).collect();
        let expected: Vec<u8> = heard.split(", ").flat_map(spoken).collect();
        let out = self.answer(&sent, usize::MAX);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
    }

    /// A query that runs alone, and what the client keeps its server for afterwards.
    #[track_caller]
    fn runs(&mut self, text: &str, tag: &str) -> &'static str {
        let query = format!("Q {text}");
        self.says(&[&query], &[&query]);
        let answer = format!("C {tag}, Z I");
        self.exchanges(&answer, &answer);
        self.talk.state().reason()
    }

    /// The client has another server, which was last used by nobody: this must be said to it first.
    #[track_caller]
    fn moves(&mut self, expected: &[&str]) {
        self.server = Server { parameters: self.talk.seen.clone(), ..Server::default() };
        self.fits(expected);
    }

    #[track_caller]
    fn fits(&mut self, expected: &[&str]) {
        let Server { parameters, statements, carried } = &mut self.server;
        self.talk.fit(&mut self.up, &mut Facts { parameters, statements, carried });
        assert_eq!(told(&written(&mut self.up)), expected);
        for _ in expected {
            assert!(self.answer(&spoken("Z I"), usize::MAX).is_empty());
        }
    }
}

fn spoken(text: &str) -> Vec<u8> {
    let (tag, rest) = text.split_at(text.len().min(1));
    let body = match tag {
        "" => return Vec::new(),
        "E" => return answer_of(b'E'),
        "Z" => rest.trim_start().to_owned(),
        "C" => format!("{}\0", rest.trim_start()),
        "S" => format!("{}\0", rest.trim_start().replace('=', "\0")),
        _ => String::new(),
    };
    message(tag.as_bytes()[0], body.as_bytes())
}

const TO_ROME: &str = "Q SELECT pg_catalog.set_config(E'TimeZone', E'Europe/Rome', false)";

#[test]
fn a_plain_set_is_said_to_the_next_server() {
    let mut rig = rig();
    assert_eq!(rig.runs("SET extra_float_digits = 3", "SET"), "nothing");
    assert_eq!(rig.runs("set session a.b to 'c'", "SET"), "nothing");
    rig.fits(&[]);
    rig.moves(&[r#"Q SET "extra_float_digits" TO 3;SET "a.b" TO 'c'"#]);
    rig.fits(&[]);
    assert_eq!(rig.runs("RESET extra_float_digits", "RESET"), "nothing");
    rig.moves(&[r#"Q SET "a.b" TO 'c'"#]);
    assert_eq!(rig.runs("SET a.b TO DEFAULT", "SET"), "nothing");
    rig.moves(&[]);
}

#[test]
fn what_was_said_to_the_server_before_does_not_matter() {
    let mut rig = rig();
    rig.runs("SET a.b = 1", "SET");
    rig.server.carried = Carried::default();
    let Server { parameters, statements, carried } = &mut rig.server;
    rig.talk.fit(&mut rig.up, &mut Facts { parameters, statements, carried });
    rig.says(&["Q SET c.d = 2"], &[r#"Q SET "a.b" TO 1"#, "Q SET c.d = 2"]);
    rig.exchanges("C SET, Z I, C SET, Z I", "C SET, Z I");
    assert_eq!(rig.talk.state().reason(), "nothing");
    rig.moves(&[r#"Q SET "a.b" TO 1;SET "c.d" TO 2"#]);
}

#[test]
fn the_next_client_finds_nothing_of_it() {
    let mut rig = rig();
    rig.runs("SET a.b = 'secret'", "SET");
    let mut next = self::rig();
    next.server = rig.server;
    next.fits(&[r#"Q RESET "a.b""#]);
    next.fits(&[]);
}

#[test]
fn what_is_set_by_a_function_follows_if_it_is_reported() {
    for text in [
        "Q SELECT set_config('TimeZone', 'UTC', false)",
        "P - SELECT set_config('TimeZone', $1, false)",
    ] {
        let mut rig = rig();
        let batch = if text.starts_with('Q') { vec![text] } else { vec![text, "B -", "E", "S"] };
        rig.says(&batch, &batch);
        let begun = if text.starts_with('Q') { "" } else { "1, 2, " };
        let answer = format!("{begun}S TimeZone=UTC, C SELECT 1, Z I");
        rig.exchanges(&answer, &answer);
        assert_eq!(rig.talk.state().reason(), "nothing");
        rig.server.parameters = rig.talk.first.clone();
        rig.fits(&["Q SELECT pg_catalog.set_config(E'TimeZone', E'UTC', false)"]);
    }
}

#[test]
fn a_prepared_set_is_said_again_too() {
    for name in ["-", "s"] {
        let mut rig = rig();
        let parse = format!("P {name} SET work_mem = '8MB'");
        let batch = [&parse, &format!("B {name}"), "E", "S"].map(String::from);
        rig.send(&batch.iter().flat_map(|text| message_of(text)).collect::<Vec<_>>(), usize::MAX);
        rig.exchanges("1, 2, C SET, Z I", "1, 2, C SET, Z I");
        assert_eq!(rig.talk.state().reason(), "nothing");
        rig.moves(&[r#"Q SET "work_mem" TO '8MB'"#]);
    }
}

#[test]
fn whatever_else_sets_keeps_the_server() {
    #[track_caller]
    fn check(sent: &[&str], answer: &str) {
        let mut rig = rig();
        let sent: Vec<u8> = sent.iter().flat_map(|text| message_of(text)).collect();
        rig.send(&sent, usize::MAX);
        rig.exchanges(answer, answer);
        assert_eq!(rig.talk.state().reason(), "set");
        assert!(rig.talk.carried.is_empty());
    }
    check(&["Q SET a.b = f(1)"], "C SET, Z I");
    check(&["Q SET a.b = 1; SELECT 1"], "C SET, C SELECT 1, Z I");
    check(&["Q SELECT set_config('a.b', 'c', false)"], "C SELECT 1, Z I");
    check(&["Q BEGIN", "Q SET a.b = 1"], "C BEGIN, Z T, C SET, Z T");
    check(&["P - SET a.b = 1", "B -", "S"], "1, 2, Z I"); // It never ran.
    let batch = ["P - SET a.b = 1", "B -", "E", "P - ROLLBACK", "B -", "E", "S"];
    check(&batch, "1, 2, C SET, 1, 2, C ROLLBACK, Z I");
    let batch = ["P - BEGIN", "B -", "E", "P - SET a.b = 1", "B -", "E", "S"];
    check(&batch, "1, 2, C BEGIN, 1, 2, C SET, Z T");
}

#[test]
fn what_failed_was_not_set() {
    let mut rig = rig();
    rig.says(&["Q SET nosuch = 1"], &["Q SET nosuch = 1"]);
    rig.exchanges("E, Z I", "E, Z I");
    assert_eq!(rig.talk.state().reason(), "nothing");
    rig.moves(&[]);
}

#[test]
fn a_reset_that_may_be_undone_keeps_the_server() {
    let mut rig = rig();
    rig.runs("SET a.b = 1", "SET");
    rig.says(&["Q BEGIN"], &["Q BEGIN"]);
    rig.exchanges("C BEGIN, Z T", "C BEGIN, Z T");
    rig.says(&["Q RESET a.b"], &["Q RESET a.b"]);
    rig.exchanges("C RESET, Z T", "C RESET, Z T");
    assert_eq!(rig.talk.state().reason(), "set");
}

#[test]
fn reset_all_ends_what_was_carried() {
    for (text, tag) in [("RESET ALL", "RESET"), ("DISCARD ALL", "DISCARD ALL")] {
        let mut rig = rig();
        rig.runs("SET a.b = 1", "SET");
        assert_eq!(rig.runs(text, tag), "nothing");
        assert!(rig.talk.carried == rig.server.carried && rig.talk.carried.is_empty());
    }
}

#[test]
fn what_comes_after_a_set_waits_for_it() {
    let mut rig = rig();
    rig.says(&["Q SET a.b = 1", "Q SELECT 1"], &["Q SET a.b = 1"]);
    rig.exchanges("C SET, Z I", "C SET, Z I");
    assert_eq!(told(&rig.resume()), ["Q SELECT 1"]);
    assert!(rig.talk.state().is_none());
}

#[test]
fn a_reset_goes_back_to_the_startup() {
    #[track_caller]
    fn check(text: &str, tag: &str) {
        let mut rig = rig();
        rig.says(&["Q SET TimeZone = 'Asia/Tokyo'"], &["Q SET TimeZone = 'Asia/Tokyo'"]);
        let answer = "C SET, S TimeZone=Asia/Tokyo, Z I";
        rig.exchanges(answer, answer);
        let query = format!("Q {text}");
        rig.says(&[&query], &[&query]);
        let end = format!("C {tag}, S TimeZone=Europe/London, Z I");
        rig.exchanges(&end, &format!("C {tag}, S TimeZone=Europe/Rome, Z I"));
        // The server is told before the next query.
        rig.says(&["Q SELECT 1"], &[TO_ROME, "Q SELECT 1"]);
        let answers = "S TimeZone=Europe/Rome, C SELECT 1, Z I, C SELECT 1, Z I";
        rig.exchanges(answers, "C SELECT 1, Z I");
    }
    check("RESET timezone", "RESET");
    check("RESET TIME ZONE", "RESET");
    check("RESET ALL", "RESET");
    check("SET TimeZone TO DEFAULT", "SET");
    check("SET SESSION TIME ZONE LOCAL", "SET");
    check("DISCARD ALL", "DISCARD ALL");
    check("SET timezone = 'UTC'; RESET timezone", "RESET");
}

#[test]
fn what_is_set_again_stays_so() {
    #[track_caller]
    fn check(text: &str, tag: &str) {
        let mut rig = rig();
        let query = format!("Q {text}");
        rig.says(&[&query], &[&query]);
        let answer = format!("C {tag}, S TimeZone=UTC, Z I");
        rig.exchanges(&answer, &answer);
        rig.says(&["Q SELECT 1"], &["Q SELECT 1"]);
    }
    check("RESET ALL; SET TimeZone = 'UTC'", "SET");
    check("RESET timezone; ROLLBACK", "ROLLBACK");
    check("RESET application_name", "RESET");
    check("UPDATE t SET timezone = DEFAULT", "UPDATE 1");
    check("RESET timezone; SELECT set_config('TimeZone', 'UTC', false)", "SELECT 1");
    check("SET TimeZone = 'default'", "SET");
}

#[test]
fn a_reset_that_failed_changed_nothing() {
    let mut rig = rig();
    rig.says(&["Q RESET ALL; SELECT 1/0"], &["Q RESET ALL; SELECT 1/0"]);
    rig.exchanges("C RESET, E, Z I", "C RESET, E, Z I");
    rig.says(&["Q SELECT 1"], &["Q SELECT 1"]);
}

#[test]
fn what_comes_after_a_reset_waits_for_it() {
    let mut rig = rig();
    rig.says(
        &["P - RESET ALL", "B -", "E", "S", "P - SELECT 1", "B -", "E", "S"],
        &["P - RESET ALL", "B -", "E", "S"],
    );
    rig.exchanges("1, 2, C RESET, S TimeZone=UTC, Z I", "1, 2, C RESET, Z I");
    assert_eq!(told(&rig.resume()), [TO_ROME, "P - SELECT 1", "B -", "E", "S"]);
}

#[test]
fn in_a_transaction_a_reset_counts_at_once() {
    let mut rig = rig();
    rig.says(&["Q BEGIN; RESET TimeZone"], &["Q BEGIN; RESET TimeZone"]);
    rig.exchanges("C BEGIN, C RESET, S TimeZone=UTC, Z T", "C BEGIN, C RESET, Z T");
    rig.says(&["Q ROLLBACK"], &[TO_ROME, "Q ROLLBACK"]);
    let answers = "C SELECT 1, S TimeZone=Europe/Rome, Z T, C ROLLBACK, Z I";
    rig.exchanges(answers, "C ROLLBACK, Z I");
}
