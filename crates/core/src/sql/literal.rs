//! String literals that mean the same under every setting of the server.

use core::fmt::{self, Write};

/// A text value.
///
/// Written so that it means the same with `standard_conforming_strings` on and off: as `E'…'` when
/// it holds a backslash, plainly otherwise. A NUL, which no Postgres text can hold, is left for
/// the server to refuse.
///
/// ```
/// use lakegate_core::sql::Literal;
/// assert_eq!(Literal("it's").to_string(), "'it''s'");
/// assert_eq!(Literal(r"C:\").to_string(), r"E'C:\\'");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Literal<'a>(pub &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains('\\') {
            f.write_char('E')?;
        }
        f.write_char('\'')?;
        let mut rest = self.0;
        while let Some(at) = rest.find(['\'', '\\']) {
            let (before, special) = rest.split_at(at);
            f.write_str(before)?;
            f.write_str(&special[..1])?;
            f.write_str(&special[..1])?;
            rest = &special[1..];
        }
        f.write_str(rest)?;
        f.write_char('\'')
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn doubles_quotes_and_backslashes() {
        for (text, written) in [
            ("", "''"),
            ("plain", "'plain'"),
            ("'", "''''"),
            (r"\", r"E'\\'"),
            (r"\'; DROP TABLE x; --", r"E'\\''; DROP TABLE x; --'"),
            ("$$ é\n", "'$$ é\n'"),
        ] {
            assert_eq!(Literal(text).to_string(), written);
        }
    }
}
