//! Where in a statement an error is.
//!
//! Spin passes the position on only within `as-text`, which is the `Debug` form of the driver's error:
//! `… message: "…", detail: None, hint: None, position: Some(Original(8)), where_: …`. What stands
//! before it is known from the other members, so that no text of a statement can be taken for it.

use spin_sdk::pg::DbError;

/// Where in which text.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Found {
    /// In the statement, in characters from 1.
    pub(super) position: Option<u32>,
    /// In `internal_query`, in characters from 1.
    pub(super) internal_position: Option<u32>,
    /// What a function or a block ran.
    pub(super) internal_query: Option<String>,
}

/// Finds the position; nothing when the text is not as expected.
pub(super) fn find(report: &DbError, hint: Option<&String>) -> Found {
    let DbError { as_text, message, detail, .. } = report;
    let before =
        format!("message: {message:?}, detail: {detail:?}, hint: {hint:?}, position: Some(");
    let Some((_, text)) = as_text.split_once(&before) else { return Found::default() };
    if let Some(rest) = text.strip_prefix("Original(") {
        return Found { position: number(rest), ..Found::default() };
    }
    let Some(rest) = text.strip_prefix("Internal { position: ") else { return Found::default() };
    let query = rest.split_once(", query: \"").and_then(|(_, query)| unescape(query));
    Found { position: None, internal_position: number(rest), internal_query: query }
}

fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The text that a `Debug` form shows, up to its closing quote.
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some(plain),
            '\\' => plain.push(match characters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let digits: String = characters.by_ref().take_while(|c| *c != '}').collect();
                    char::from_u32(u32::from_str_radix(digits.strip_prefix('{')?, 16).ok()?)?
                }
                character => character,
            }),
            character => plain.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, position: &str, expected: Found) {
        let as_text = format!(
            "Error {{ kind: Db, cause: Some(DbError {{ severity: \"ERROR\", parsed_severity: \
             Some(Error), code: SqlState(E42601), message: {message:?}, detail: None, hint: None, \
             position: {position}, where_: Some(\"position: Some(Original(99))\") }}) }}"
        );
        let report = DbError {
            as_text,
            severity: "ERROR".into(),
            code: "42601".into(),
            message: message.into(),
            detail: None,
            extras: Vec::new(),
        };
        assert_eq!(find(&report, None), expected, "{message}");
    }

    #[test]
    fn a_position_is_found_whatever_the_texts_around_it_say() {
        for message in [
            "syntax error at or near \"x\"",
            "position: Some(Original(77)), where_",
            "detail: None, hint: None, position: Some(Original(77))",
            "back\\slash\n\ttab \u{7f} \u{200b}",
        ] {
            check(message, "None", Found::default());
            let at_8 = Found { position: Some(8), ..Found::default() };
            check(message, "Some(Original(8))", at_8);
        }
    }

    #[test]
    fn the_text_of_a_block_comes_back_as_it_was() {
        for query in ["select 1", "a\n\"b\" 'c' \\ \t\r\0 é\u{200b}🔑", "\")) }", ""] {
            let internal = format!("Some(Internal {{ position: 3, query: {query:?} }})");
            let expected = Found {
                position: None,
                internal_position: Some(3),
                internal_query: Some(query.to_owned()),
            };
            check("m", &internal, expected);
        }
    }
}
