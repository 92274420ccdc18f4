//! Scripts that nobody thought of: made from a seed, and again by the same seed.

use std::collections::BTreeMap;

use bytes::{BufMut as _, BytesMut};
use fastrand::Rng;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use super::sql;

/// What belongs to one script alone.
pub(super) struct Place {
    /// Which script it is.
    pub(super) seed: u64,
    /// Its table, of `id int4` and `note text`.
    pub(super) table: String,
}

/// What a client says, from its login on.
pub(super) struct Script {
    /// Of its login, beside user and database.
    pub(super) parameters: Vec<(&'static str, &'static str)>,
    /// One after the other.
    pub(super) steps: Vec<Step>,
}

/// What is said at once, and when enough is heard.
pub(super) struct Step {
    /// In words.
    pub(super) said: Vec<String>,
    /// In bytes.
    pub(super) bytes: BytesMut,
    /// How many bytes each write has; the last one has the rest.
    pub(super) pieces: Vec<usize>,
    /// Enough is heard after so many of these.
    pub(super) until: (usize, &'static [u8]),
}

/// What was prepared and bound, as far as a client can know.
#[derive(Default)]
struct Known {
    statements: BTreeMap<String, Vec<Option<Vec<u8>>>>,
}

impl Script {
    /// The script of this seed.
    pub(super) fn new(place: &Place) -> Self {
        const PARAMETERS: [(&str, &str); 5] = [
            ("application_name", "the script"),
            ("TimeZone", "America/Lima"),
            ("options", "-c work_mem=7MB -c extra_float_digits=0"),
            ("DateStyle", "SQL, DMY"),
            ("client_encoding", "UTF8"),
        ];
        let mut rng = Rng::with_seed(place.seed);
        let parameters = PARAMETERS.into_iter().filter(|_| rng.u32(0..4) == 0).collect();
        let mut known = Known::default();
        // Half of the scripts keep nothing in their session, and share connections all along.
        let keeps = rng.bool();
        let mut steps = Vec::new();
        for _ in 0..rng.usize(4..16) {
            steps.extend(some(&mut rng, place, &mut known, keeps));
        }
        Self { parameters, steps }
    }
}

fn some(rng: &mut Rng, place: &Place, known: &mut Known, keeps: bool) -> Vec<Step> {
    match rng.u32(0..14) {
        0..4 => vec![simple(rng, place, keeps)],
        4..8 => vec![pipeline(rng, place, known)],
        8 => flushed(rng, place, known),
        9 => vec![call(rng)],
        10 => vec![copy_in(rng, place)],
        11 => copy_in_pipeline(rng, place, known),
        12 => portal(rng, known),
        _ => vec![query(&sql::transaction(rng))],
    }
}

/// One simple query of one statement or several.
fn simple(rng: &mut Rng, place: &Place, keeps: bool) -> Step {
    let statements: Vec<_> = (0..rng.usize(1..4))
        .map(|_| match rng.u32(0..8) {
            0..3 if keeps => sql::session(rng, place),
            0 => sql::transaction(rng),
            _ => sql::plain(rng, place),
        })
        .collect();
    let mut step = query(&statements.join("; "));
    step.cut(rng);
    step
}

fn query(sql: &str) -> Step {
    let mut step = Step::new();
    step.say(format!("Query {sql}"), |bytes| frontend::query(sql, bytes));
    step
}

/// Several batches of the extended protocol, each with its `Sync`, all sent at once.
fn pipeline(rng: &mut Rng, place: &Place, known: &mut Known) -> Step {
    let mut step = Step::new();
    let batches = rng.usize(1..4);
    for _ in 0..batches {
        for _ in 0..rng.usize(0..5) {
            exchange(&mut step, rng, place, known);
        }
        step.sync();
    }
    step.until.0 = batches;
    step.cut(rng);
    step
}

/// Parse, Bind, Describe, Execute, as a driver does, or not quite.
fn exchange(step: &mut Step, rng: &mut Rng, place: &Place, known: &mut Known) {
    let statement = rng.choice(["", "", "one", "two", "three"]).expect("five").to_owned();
    let portal = *rng.choice(&["", "", "", "cursor"]).expect("four");
    if rng.u32(0..3) == 0 || !known.statements.contains_key(&statement) {
        if !statement.is_empty() && rng.bool() {
            step.close(b'S', &statement);
        }
        let (text, values) = sql::with_parameters(rng, place);
        step.say(format!("Parse {statement:?} {text}"), |bytes| {
            frontend::parse(&statement, &text, [], bytes)
        });
        known.statements.insert(statement.clone(), values);
    }
    if rng.u32(0..4) == 0 {
        step.describe(b'S', &statement);
    }
    let mut values = known.statements.get(&statement).cloned().unwrap_or_default();
    if rng.u32(0..12) == 0 {
        values.push(None); // One too many.
    }
    // As text or in binary; of numbers and texts both are the same or refused, of which one can
    // compare either.
    let format = i16::from(rng.u32(0..8) == 0);
    let results = i16::from(rng.u32(0..3) == 0);
    step.say(
        format!("Bind {portal:?} {statement:?} {} {format} {results}", shown(&values)),
        |bytes| {
            bind(portal, &statement, format, &values, results, bytes);
            Ok(())
        },
    );
    match rng.u32(0..8) {
        0..3 => step.describe(b'P', portal),
        3 => step.flush(),
        _ => {}
    }
    let most = *rng.choice(&[0, 0, 0, 1, 2]).expect("five");
    for _ in 0..rng.usize(1..3) {
        step.say(format!("Execute {portal:?} {most}"), |bytes| {
            frontend::execute(portal, most, bytes)
        });
    }
    if rng.u32(0..6) == 0 || portal == "cursor" {
        step.close(b'P', portal);
    }
}

fn bind(
    portal: &str,
    statement: &str,
    format: i16,
    values: &[Option<Vec<u8>>],
    results: i16,
    bytes: &mut BytesMut,
) {
    let serialize = |value: &Option<Vec<u8>>, bytes: &mut BytesMut| {
        let Some(value) = value else { return Ok(IsNull::Yes) };
        bytes.put_slice(value);
        Ok(IsNull::No)
    };
    let bound = frontend::bind(portal, statement, [format], values, serialize, [results], bytes);
    assert!(bound.is_ok(), "no name has a NUL");
}

/// Values in words; of long ones, the length tells enough.
fn shown(values: &[Option<Vec<u8>>]) -> String {
    let shown = values.iter().map(|value| match value {
        None => "NULL".to_owned(),
        Some(value) if value.len() < 20 => value.escape_ascii().to_string(),
        Some(value) => format!("{} bytes", value.len()),
    });
    format!("({})", shown.collect::<Vec<_>>().join(", "))
}

/// A driver that wants to know a statement before it goes on.
fn flushed(rng: &mut Rng, place: &Place, known: &mut Known) -> Vec<Step> {
    let mut asking = Step::new();
    let (text, values) = sql::with_parameters(rng, place);
    asking.say(format!("Parse \"\" {text}"), |bytes| frontend::parse("", &text, [], bytes));
    asking.describe(b'S', "");
    asking.flush();
    asking.until = (1, b"TnE");
    let mut going_on = Step::new();
    going_on.say(format!("Bind {}", shown(&values)), |bytes| {
        bind("", "", 0, &values, 0, bytes);
        Ok(())
    });
    going_on.say("Execute".to_owned(), |bytes| frontend::execute("", 0, bytes));
    going_on.sync();
    known.statements.insert(String::new(), values);
    vec![asking, going_on]
}

/// A portal that is read in parts, over several `Sync`s in a transaction.
fn portal(rng: &mut Rng, known: &mut Known) -> Vec<Step> {
    known.statements.remove("");
    let begin = query("ROLLBACK; BEGIN");
    let mut open = Step::new();
    let text = "SELECT g, repeat('p', g) FROM generate_series(1, 10) g";
    open.say("Parse".to_owned(), |bytes| frontend::parse("", text, [], bytes));
    open.say("Bind \"reader\"".to_owned(), |bytes| {
        bind("reader", "", 0, &[], 0, bytes);
        Ok(())
    });
    open.sync();
    let mut steps = vec![begin, open];
    for _ in 0..rng.usize(1..5) {
        let mut read = Step::new();
        read.say("Execute \"reader\" 3".to_owned(), |bytes| frontend::execute("reader", 3, bytes));
        read.sync();
        steps.push(read);
    }
    steps.push(query(rng.choice(["COMMIT", "ROLLBACK", "SELECT 1 / 0"]).expect("three")));
    steps
}

/// A function by its number: `int4pl` or `int4div`, which every Postgres has by these.
fn call(rng: &mut Rng) -> Step {
    let function: u32 = *rng.choice(&[177, 154, 1]).expect("three");
    let (left, right) = (rng.i32(-9..9), rng.i32(-2..2));
    let mut step = Step::new();
    step.say(format!("FunctionCall {function} {left} {right}"), |bytes| {
        bytes.put_u8(b'F');
        bytes.put_u32(4 + 4 + 2 + 2 + 2 + 2 * 8 + 2);
        bytes.put_u32(function);
        bytes.put_slice(&[0, 1, 0, 1, 0, 2]); // All binary, two of them.
        for number in [left, right] {
            bytes.put_u32(4);
            bytes.put_i32(number);
        }
        bytes.put_u16(1);
        Ok(())
    });
    step
}

/// Rows by `COPY` in a simple query, sent without waiting for the server's consent.
fn copy_in(rng: &mut Rng, place: &Place) -> Step {
    let mut step = query(&format!("COPY {} FROM STDIN", place.table));
    step.rows(rng);
    step
}

/// The same in the extended protocol. What a client sends ahead is ignored by a server that waits
/// for rows, a `Sync` as well; a transaction that failed would answer it, so there must be none.
fn copy_in_pipeline(rng: &mut Rng, place: &Place, known: &mut Known) -> Vec<Step> {
    known.statements.remove("");
    let mut step = Step::new();
    let text = format!("COPY {} FROM STDIN", place.table);
    step.say(format!("Parse {text}"), |bytes| frontend::parse("", &text, [], bytes));
    step.say("Bind".to_owned(), |bytes| {
        bind("", "", 0, &[], 0, bytes);
        Ok(())
    });
    step.say("Execute".to_owned(), |bytes| frontend::execute("", 0, bytes));
    match rng.u32(0..3) {
        0 => step.sync(),
        1 => step.flush(),
        _ => {}
    }
    step.rows(rng);
    step.sync();
    // Nobody may run it again without rows: a simple query takes it away.
    vec![query("ROLLBACK"), step, query("")]
}

impl Step {
    fn new() -> Self {
        Self { said: Vec::new(), bytes: BytesMut::new(), pieces: Vec::new(), until: (1, b"Z") }
    }

    fn say(&mut self, what: String, write: impl FnOnce(&mut BytesMut) -> std::io::Result<()>) {
        write(&mut self.bytes).expect("no text has a NUL");
        self.said.push(what);
    }

    fn sync(&mut self) {
        self.said.push("Sync".to_owned());
        frontend::sync(&mut self.bytes);
    }

    fn flush(&mut self) {
        self.said.push("Flush".to_owned());
        frontend::flush(&mut self.bytes);
    }

    fn close(&mut self, kind: u8, name: &str) {
        let what = format!("Close {} {name:?}", char::from(kind));
        self.say(what, |bytes| frontend::close(kind, name, bytes));
    }

    fn describe(&mut self, kind: u8, name: &str) {
        let what = format!("Describe {} {name:?}", char::from(kind));
        self.say(what, |bytes| frontend::describe(kind, name, bytes));
    }

    /// Rows for a table, some of them wrong, and an end, some of them bad.
    fn rows(&mut self, rng: &mut Rng) {
        let first = rng.u32(100..110);
        let count = *rng.choice(&[0, 1, 3, 2_000]).expect("four");
        let mut rows: String =
            (first..first + count).map(|id| format!("{id}\tcopied {id}\n")).collect();
        if rng.u32(0..5) == 0 {
            rows.push_str("no number\tat all\n");
        }
        // A row may be divided anywhere.
        for part in rows.as_bytes().chunks(rng.usize(1_000..9_000)) {
            let data = frontend::CopyData::new(part).expect("it is short");
            data.write(&mut self.bytes);
        }
        self.said.push(format!("{} bytes of rows", rows.len()));
        if rng.u32(0..4) == 0 {
            self.say("CopyFail".to_owned(), |bytes| frontend::copy_fail("no more", bytes));
        } else {
            self.said.push("CopyDone".to_owned());
            frontend::copy_done(&mut self.bytes);
        }
    }

    /// Divides the bytes anywhere.
    fn cut(&mut self, rng: &mut Rng) {
        let whole = self.bytes.len();
        self.pieces = (0..rng.usize(0..4)).map(|_| rng.usize(0..whole.min(60))).collect();
    }
}
