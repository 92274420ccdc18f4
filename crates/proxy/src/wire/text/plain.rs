//! Plain statements about one setting, which can be said again to another server.
//!
//! Only what means the same in every session is taken: no backslash, which a server may or may not
//! read as an escape, and nothing beyond ASCII, which depends on the encoding.

/// What a statement does to settings that servers do not report.
#[derive(Clone, Eq, PartialEq)]
pub(crate) enum Change {
    /// `SET name TO value`. The name is in lower case, the value as SQL says it.
    Set(Box<str>, Box<str>),
    /// `RESET name`.
    Reset(Box<str>),
    /// `RESET ALL`.
    ResetAll,
}

/// Set for one transaction, or for one call: nothing of them stays in a session.
const PASSING: [&str; 4] =
    ["seed", "transaction_deferrable", "transaction_isolation", "transaction_read_only"];

impl Change {
    /// What a text does that is a plain `SET` or `RESET` of one setting, and nothing else.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        // A look at the words that most texts begin with, before anything is read.
        let resets = text.get(..5).is_some_and(|head| head.eq_ignore_ascii_case(b"reset"));
        let sets = text.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(b"set"));
        if !resets && !sets || !text.iter().all(is_plain) {
            return None;
        }
        let text = str::from_utf8(text).ok()?;
        let text = text.strip_suffix(';').unwrap_or(text).trim_ascii_end();
        if resets { Self::reset(&text[5..]) } else { Self::set(&text[3..]) }
    }

    fn reset(text: &str) -> Option<Self> {
        let (name, rest) = name(behind_blank(text)?)?;
        rest.is_empty().then_some(Self::Reset(name))
    }

    fn set(text: &str) -> Option<Self> {
        let mut text = behind_blank(text)?;
        if let Some(rest) = keyword(text, "session").and_then(behind_blank) {
            text = rest;
        }
        let (name, rest) = name(text)?;
        let value = match rest.strip_prefix('=') {
            Some(value) => value.trim_ascii_start(),
            None => keyword(rest, "to")?.trim_ascii_start(),
        };
        if value.eq_ignore_ascii_case("default") {
            return Some(Self::Reset(name));
        }
        let stays = !PASSING.contains(&&*name);
        (stays && is_list(value)).then(|| Self::Set(name, value.into()))
    }
}

fn is_plain(byte: &u8) -> bool {
    *byte != b'\\' && (byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// What follows blanks, of which there must be some.
fn behind_blank(text: &str) -> Option<&str> {
    let rest = text.trim_ascii_start();
    (rest.len() < text.len()).then_some(rest)
}

/// What follows a keyword, if the text begins with it.
fn keyword<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let (word, rest) = text.split_at(word_len(text));
    word.eq_ignore_ascii_case(keyword).then_some(rest)
}

/// The name of a setting, in lower case, and what follows it and blanks.
fn name(text: &str) -> Option<(Box<str>, &str)> {
    let quoted = text.strip_prefix('"').and_then(|text| text.split_once('"'));
    let (name, rest) = quoted.unwrap_or_else(|| text.split_at(name_len(text)));
    let is_name = !name.is_empty() && name.split('.').all(is_word);
    is_name.then(|| (name.to_ascii_lowercase().into(), rest.trim_ascii_start()))
}

fn name_len(text: &str) -> usize {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    text.bytes().take_while(|byte| inner(*byte)).count()
}

fn word_len(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

fn is_word(text: &str) -> bool {
    word_len(text) == text.len() && text.starts_with(|first: char| !first.is_ascii_digit())
}

/// Whether it is a list of literals, names and numbers.
fn is_list(text: &str) -> bool {
    let Some(rest) = behind_item(text) else { return false };
    let rest = rest.trim_ascii_start();
    match rest.strip_prefix(',') {
        Some(next) => is_list(next.trim_ascii_start()),
        None => rest.is_empty(),
    }
}

fn behind_item(text: &str) -> Option<&str> {
    if let Some(literal) = text.strip_prefix('\'') {
        let (_, rest) = literal.split_once('\'')?;
        // A quote that is doubled belongs to the literal.
        return if rest.starts_with('\'') { behind_item(rest) } else { Some(rest) };
    }
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').map(|(_, rest)| rest).filter(|rest| !rest.starts_with('"'));
    }
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let len = name_len(number);
    (len > 0).then(|| &number[len..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let told = Change::of(text.as_bytes()).map(|change| match change {
            Change::Set(name, value) => format!("{name} := {value}"),
            Change::Reset(name) => format!("{name} :="),
            Change::ResetAll => unreachable!("not of one setting"),
        });
        assert_eq!(told.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_plain_set_is_read() {
        check("SET extra_float_digits = 3", Some("extra_float_digits := 3"));
        check(" set SESSION Work_Mem to '64MB' ; ", Some("work_mem := '64MB'"));
        check("SET search_path TO \"$user\", public,'it''s'", {
            Some("search_path := \"$user\", public,'it''s'")
        });
        check("SET \"app.Tenant\"='a;b'", Some("app.tenant := 'a;b'"));
        check("SET a.b = -1.5", Some("a.b := -1.5"));
        check("SET a=on", Some("a := on"));
    }

    #[test]
    fn a_plain_reset_is_read() {
        check("RESET work_mem", Some("work_mem :="));
        check("reset\n\"A.b\";", Some("a.b :="));
        check("SET work_mem TO DEFAULT", Some("work_mem :="));
        check("SET session a = default", Some("a :="));
    }

    #[test]
    fn whatever_is_not_plain_is_left() {
        for text in [
            "",
            "SET",
            "SELECT 1",
            "SETa = 1",
            "SET a",
            "SET a =",
            "SET a = ,",
            "SET a = 1,",
            "SET a = 1 b",
            "SET a 1",
            "SET a = 1; SET b = 2",
            "SET a = 1;;",
            "SET a = 1--2",
            "SET a = 1 /* b */",
            "SET a = 'b",
            "SET a = 'b' 'c'",
            "SET a = E'b'",
            "SET a = 'b\\'",
            "SET a = 'é'",
            "SET a = $$b$$",
            "SET a = \"b\"\"c\"",
            "SET a = f(1)",
            "SET a FROM CURRENT",
            "SET 1a = 1",
            "SET a. = 1",
            "SET \"a;b\" = 1",
            "SET LOCAL a = 1",
            "SET TIME ZONE 'UTC'",
            "SET NAMES 'UTF8'",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "SET TRANSACTION READ ONLY",
            "SET transaction_isolation = serializable",
            "SET seed = 0.5",
            "RESET",
            "RESETa",
            "RESET a b",
            "RESET a; SELECT 1",
            "RESET SESSION AUTHORIZATION",
        ] {
            check(text, None);
        }
    }
}
