//! What a script must not contain, and where its statements end.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::{MigrationError, Mode, Place, Spot};
use crate::sql::{Token, TokenKind, Tokens};

const DIRECTIVE: &str = "-- lakegate:";

/// Checks a whole script and tells how it is to run.
pub(super) fn check(name: &str, text: &str) -> Result<Mode, MigrationError> {
    if let Some(at) = text.find('\0') {
        return Err(MigrationError::Nul { spot: spot(name, text, at) });
    }
    let statements = statements(name, text)?;
    let directive = text.lines().next().and_then(|line| line.strip_prefix(DIRECTIVE));
    match directive.map(str::trim) {
        None => Ok(Mode::Joined),
        Some("new-transaction") => Ok(Mode::NewTransaction),
        Some("no-transaction") => {
            for span in &statements {
                refuse_rows(name, text, span)?;
            }
            Ok(Mode::NoTransaction(statements))
        }
        Some(other) => {
            Err(MigrationError::Directive { name: name.to_owned(), directive: other.to_owned() })
        }
    }
}

/// A statement that runs by itself hands its rows to the edge, which takes one text at most.
fn refuse_rows(name: &str, text: &str, span: &Range<usize>) -> Result<(), MigrationError> {
    let statement = text[span.clone()].trim_start_matches('(').trim_start();
    let command = statement.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let command = command.to_ascii_uppercase();
    match command.as_str() {
        "EXPLAIN" | "FETCH" | "SELECT" | "SHOW" | "TABLE" | "VALUES" | "WITH" => {
            Err(MigrationError::Rows { spot: spot(name, text, span.start), command })
        }
        _ => Ok(()),
    }
}

fn spot(name: &str, text: &str, at: usize) -> Spot {
    Spot { name: name.to_owned(), line: Place::after(&text[..at]).line }
}

/// The statements of a script, without the semicolon that ends each.
fn statements(name: &str, text: &str) -> Result<Vec<Range<usize>>, MigrationError> {
    let mut found = Vec::new();
    let mut statement = Statement::new(text);
    for token in Tokens::new(text) {
        let token = token
            .map_err(|open| MigrationError::Unterminated { spot: spot(name, text, open.start) })?;
        if token.kind == TokenKind::Backslash {
            return Err(psql_command(name, text, token));
        }
        if token.kind == TokenKind::Semicolon && statement.is_whole() {
            statement.finish(name, &mut found)?;
            statement = Statement::new(text);
        } else {
            statement.add(token);
        }
    }
    statement.finish(name, &mut found)?;
    Ok(found)
}

fn psql_command(name: &str, text: &str, token: Token) -> MigrationError {
    let command = text[token.start..].split(char::is_whitespace).next().unwrap_or_default();
    MigrationError::PsqlCommand {
        spot: spot(name, text, token.start),
        // A long line of something else must not fill the message.
        command: command.chars().take(20).collect(),
    }
}

/// A statement while its end is not found. The rules are those of psql (`psqlscan.l`).
struct Statement<'a> {
    text: &'a str,
    span: Option<Range<usize>>,
    /// The first words in a row, in upper case: as many as `CREATE OR REPLACE FUNCTION` has.
    words: Vec<String>,
    /// Whether something else than a word was seen.
    closed_words: bool,
    parentheses: u32,
    /// How many `BEGIN` and `CASE` of an SQL-standard function body are open.
    blocks: u32,
    previous: Option<Token>,
    /// `FROM STDIN` or `TO STDOUT` was seen.
    client: bool,
}

impl<'a> Statement<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            span: None,
            words: Vec::new(),
            closed_words: false,
            parentheses: 0,
            blocks: 0,
            previous: None,
            client: false,
        }
    }

    /// Whether a semicolon would end it here.
    fn is_whole(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    fn add(&mut self, token: Token) {
        let start = self.span.as_ref().map_or(token.start, |span| span.start);
        self.span = Some(start..token.end);
        match token.kind {
            TokenKind::Open => self.parentheses += 1,
            TokenKind::Close => self.parentheses = self.parentheses.saturating_sub(1),
            TokenKind::Word => self.add_word(token),
            TokenKind::Semicolon | TokenKind::Backslash | TokenKind::Other => {}
        }
        self.closed_words |= token.kind != TokenKind::Word;
        self.previous = Some(token);
    }

    fn add_word(&mut self, token: Token) {
        let word = &self.text[token.start..token.end];
        if self.words.len() < 4 && !self.closed_words {
            self.words.push(word.to_ascii_uppercase());
        }
        if self.is_routine() && self.parentheses == 0 {
            // `END` also closes a `CASE`; only inside a body do both count.
            if word.eq_ignore_ascii_case("begin")
                || (self.blocks > 0 && word.eq_ignore_ascii_case("case"))
            {
                self.blocks += 1;
            } else if word.eq_ignore_ascii_case("end") {
                self.blocks = self.blocks.saturating_sub(1);
            }
        }
        let after = |word: &str| {
            self.previous.is_some_and(|previous| {
                self.text[previous.start..previous.end].eq_ignore_ascii_case(word)
            })
        };
        self.client |= (word.eq_ignore_ascii_case("stdin") && after("from"))
            || (word.eq_ignore_ascii_case("stdout") && after("to"));
    }

    /// Whether it creates a function or procedure, whose body may hold semicolons.
    fn is_routine(&self) -> bool {
        let words: [&str; 4] =
            core::array::from_fn(|index| self.words.get(index).map_or("", String::as_str));
        matches!(
            words,
            ["CREATE", "FUNCTION" | "PROCEDURE", ..]
                | ["CREATE", "OR", "REPLACE", "FUNCTION" | "PROCEDURE"]
        )
    }

    fn finish(self, name: &str, found: &mut Vec<Range<usize>>) -> Result<(), MigrationError> {
        let Some(span) = &self.span else { return Ok(()) };
        let spot = || spot(name, self.text, span.start);
        if let Some(command) = self.transaction_command() {
            return Err(MigrationError::Transaction { spot: spot(), command });
        }
        if self.client && self.words.first().is_some_and(|word| word == "COPY") {
            return Err(MigrationError::CopyClient { spot: spot() });
        }
        found.push(span.clone());
        Ok(())
    }

    fn transaction_command(&self) -> Option<String> {
        let first = self.words.first()?.as_str();
        let second = self.words.get(1).map(String::as_str);
        match (first, second) {
            ("ABORT" | "BEGIN" | "COMMIT" | "END" | "RELEASE" | "ROLLBACK" | "SAVEPOINT", _) => {
                Some(first.to_owned())
            }
            ("START" | "PREPARE", Some("TRANSACTION")) => {
                Some(alloc::format!("{first} TRANSACTION"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[track_caller]
    fn splits(text: &str, expected: &[&str]) {
        let spans = statements("1_a.sql", text).unwrap();
        let pieces: Vec<_> = spans.into_iter().map(|span| &text[span]).collect();
        assert_eq!(pieces, expected, "{text}");
    }

    #[test]
    fn finds_statements_as_psql_does() {
        splits("", &[]);
        splits(" ; -- a;\n ;", &[]);
        splits("a; b ;c", &["a", "b", "c"]);
        splits("SELECT ';'; b", &["SELECT ';'", "b"]);
        splits(
            "CREATE RULE r AS ON INSERT TO t DO (a; b); c",
            &["CREATE RULE r AS ON INSERT TO t DO (a; b)", "c"],
        );
        splits(
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; b",
            &["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END", "b"],
        );
        let body = "create or replace procedure p() begin atomic select case when true then 1 \
                    end; select 2; end";
        splits(&alloc::format!("{body}; b"), &[body, "b"]);
        splits(
            "CREATE FUNCTION f() AS $$ BEGIN; $$; b",
            &["CREATE FUNCTION f() AS $$ BEGIN; $$", "b"],
        );
        splits("CREATE TABLE \"begin\" (a int); b", &["CREATE TABLE \"begin\" (a int)", "b"]);
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        assert_eq!(check("1_a.sql", text).unwrap_err().to_string(), expected, "{text}");
    }

    #[test]
    fn refuses_by_name_with_file_and_line() {
        refuses("\n\\i other.sql", "1_a.sql:2: `\\i` is a command of psql, not SQL");
        refuses("SELECT 1 \\gexec", "1_a.sql:1: `\\gexec` is a command of psql, not SQL");
        refuses(
            "\n\ncopy t (a) from stdin;",
            "1_a.sql:3: COPY from or to the client is not possible here",
        );
        refuses("COPY t TO STDOUT", "1_a.sql:1: COPY from or to the client is not possible here");
        for command in ["BEGIN", "COMMIT", "ROLLBACK", "END", "ABORT", "SAVEPOINT", "RELEASE"] {
            refuses(
                &alloc::format!("SELECT 1;\n-- x\n{} x;", command.to_lowercase()),
                &alloc::format!(
                    "1_a.sql:3: `{command}` would break the transaction that a migration runs in"
                ),
            );
        }
        refuses(
            "start transaction",
            "1_a.sql:1: `START TRANSACTION` would break the transaction that a migration runs in",
        );
        refuses("a;\n'b", "1_a.sql:2: a quote or comment that begins here never ends");
        refuses("a\n\0", "1_a.sql:2: a NUL character");
        refuses(
            "-- lakegate: no-transaction\nVACUUM;\n(select 1)",
            "1_a.sql:3: `SELECT` gives rows, and nothing takes them outside of a transaction",
        );
        refuses(
            "-- lakegate: no-transactions",
            "1_a.sql:1: there is no directive `no-transactions`",
        );
    }

    #[test]
    fn takes_what_only_looks_forbidden() {
        for text in [
            "SELECT 'BEGIN; \\i x'",
            "DO $$ BEGIN NULL; END $$",
            "-- COMMIT;\nSELECT 1",
            "COPY t FROM '/tmp/x'",
            "COPY (SELECT 1 AS stdin) TO PROGRAM 'x'",
            "PREPARE p AS SELECT 1",
            "CREATE TABLE t (\"end\" int); INSERT INTO t SELECT 1 FROM stdin",
        ] {
            assert_eq!(check("1_a.sql", text), Ok(Mode::Joined), "{text}");
        }
    }

    #[test]
    fn the_first_line_tells_how_it_runs() {
        assert_eq!(check("1_a.sql", "-- lakegate: new-transaction\na"), Ok(Mode::NewTransaction));
        assert_eq!(
            check("1_a.sql", "-- lakegate: no-transaction\na;\nb"),
            Ok(Mode::NoTransaction([29 - 1..29, 31..32].to_vec()))
        );
        assert_eq!(check("1_a.sql", "\n-- lakegate: new-transaction\na"), Ok(Mode::Joined));
    }
}
