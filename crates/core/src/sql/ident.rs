//! Identifiers: always quoted, never cut.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use core::fmt::{self, Write};
use core::str::FromStr;

use crate::problem::{Kind, Problem};

/// Postgres cuts longer names without an error (`NAMEDATALEN` - 1).
const MAX_LEN: usize = 63;

/// A Postgres identifier: 1 to 63 bytes, no NUL.
///
/// `Display` writes it quoted, which is right in SQL and in messages alike.
///
/// ```
/// let role: lakegate_core::sql::Ident = "o\"brien".parse()?;
/// assert_eq!(role.to_string(), r#""o""brien""#);
/// # Ok::<(), lakegate_core::sql::IdentError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ident(String);

impl Ident {
    /// The bare name, for a query parameter, a literal or a comparison; never for SQL text.
    pub fn as_parameter(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ident {
    type Err = IdentError;

    fn from_str(name: &str) -> Result<Self, IdentError> {
        match name.len() {
            0 => Err(IdentError::Empty),
            1..=MAX_LEN if name.contains('\0') => Err(IdentError::Nul),
            1..=MAX_LEN => Ok(Self(name.to_owned())),
            len => Err(IdentError::TooLong { len }),
        }
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Name(&self.0).fmt(f)
    }
}

/// A name as somebody gave it, quoted: for lines that a person reads before pasting them. What
/// this program runs is made of [`Ident`]s.
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for (index, part) in self.0.split('"').enumerate() {
            if index > 0 {
                f.write_str("\"\"")?;
            }
            f.write_str(part)?;
        }
        f.write_char('"')
    }
}

/// A text cannot be the name of anything in Postgres.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdentError {
    /// It is empty.
    #[error("a name in Postgres cannot be empty")]
    Empty,
    /// It contains a NUL character.
    #[error("a name in Postgres cannot contain a NUL character")]
    Nul,
    /// It is longer than 63 bytes; Postgres would cut it silently.
    #[error("a name in Postgres has at most 63 bytes, this one has {len}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
}

impl IdentError {
    /// What to tell a person.
    pub fn problem(&self) -> Problem {
        Problem {
            kind: Kind::Configuration,
            message: self.to_string(),
            advice: String::from("Choose another name: 1 to 63 bytes, without NUL."),
            sqlstate: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Result<&str, IdentError>) {
        let written = name.parse::<Ident>().map(|ident| ident.to_string());
        assert_eq!(written, expected.map(str::to_owned), "{name:?}");
    }

    #[test]
    fn writes_every_name_quoted_or_refuses_it() {
        check("app_ontos", Ok(r#""app_ontos""#));
        check("Select", Ok(r#""Select""#));
        check(r#"""#, Ok(r#""""""#));
        check(r#"a"; DROP SCHEMA b; --"#, Ok(r#""a""; DROP SCHEMA b; --""#));
        check("two\nlines", Ok("\"two\nlines\""));
        check("🦆", Ok("\"🦆\""));
        check(&"x".repeat(63), Ok(&alloc::format!("\"{}\"", "x".repeat(63))));
        check(&"x".repeat(64), Err(IdentError::TooLong { len: 64 }));
        check(&"é".repeat(32), Err(IdentError::TooLong { len: 64 }));
        check("", Err(IdentError::Empty));
        check("a\0b", Err(IdentError::Nul));
    }
}
