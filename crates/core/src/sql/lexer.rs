//! As much of Postgres' lexer as it takes to find where statements end.
//!
//! It knows strings, quoted names, dollar quotes and comments (`scan.l`), so that nothing inside
//! them is taken for SQL, and assumes `standard_conforming_strings`, the default since 9.1.

/// What a [`Token`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TokenKind {
    /// A keyword or an unquoted name.
    Word,
    /// `;`
    Semicolon,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `\`, which SQL has no use for outside of quotes: the start of a psql command.
    Backslash,
    /// A string, a quoted name, a number, an operator.
    Other,
}

/// A piece of a script, by its place in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A quote or a comment that starts at this byte and never ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unterminated {
    pub(crate) start: usize,
}

/// The tokens of a script, without space and comments.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips space and comments. Block comments nest.
    fn skip_blank(&mut self) -> Result<(), Unterminated> {
        loop {
            let rest = self.rest();
            if rest.starts_with("--") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.skip_block_comment()?;
            } else {
                // The six characters that Postgres calls space.
                let blank = [' ', '\t', '\n', '\r', '\u{b}', '\u{c}'];
                let text = rest.trim_start_matches(blank);
                if text.len() == rest.len() {
                    return Ok(());
                }
                self.at = self.text.len() - text.len();
            }
        }
    }

    fn skip_block_comment(&mut self) -> Result<(), Unterminated> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut depth = 0u32;
        let mut at = start;
        while let Some(pair) = bytes.get(at..at + 2) {
            match pair {
                b"/*" => depth += 1,
                b"*/" => depth -= 1,
                _ => {
                    at += 1;
                    continue;
                }
            }
            at += 2;
            if depth == 0 {
                self.at = at;
                return Ok(());
            }
        }
        Err(Unterminated { start })
    }

    /// The end of a quoted piece whose opening `quote` is at `open`. A doubled quote closes and
    /// opens again; a backslash hides the next byte where `escapes` says so.
    fn quoted(&self, open: usize, quote: u8, escapes: bool) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = open + 1;
        loop {
            match *bytes.get(at)? {
                b'\\' if escapes => at += 2,
                byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
                byte if byte == quote => return Some(at + 1),
                _ => at += 1,
            }
        }
    }

    /// The end of the word that starts here.
    fn word(&self) -> usize {
        let len = self.rest().bytes().take_while(|&b| is_word_start(b) || is_word_more(b)).count();
        self.at + len
    }

    /// The opening delimiter of a dollar quote that starts here.
    fn dollar_delimiter(&self) -> Option<&'a str> {
        let tag = self.rest().strip_prefix('$')?;
        let len = tag.bytes().take_while(|&b| is_word_start(b) || b.is_ascii_digit()).count();
        let starts_well = len == 0 || is_word_start(tag.as_bytes()[0]);
        (starts_well && tag[len..].starts_with('$')).then(|| &self.rest()[..len + 2])
    }

    fn dollar_quoted(&self, delimiter: &str) -> Option<usize> {
        let body = self.at + delimiter.len();
        self.text[body..].find(delimiter).map(|len| body + len + delimiter.len())
    }

    fn token(&mut self) -> Result<Option<Token>, Unterminated> {
        self.skip_blank()?;
        let start = self.at;
        let unterminated = Unterminated { start };
        let Some(&first) = self.text.as_bytes().get(start) else { return Ok(None) };
        let (kind, end) = match first {
            b';' => (TokenKind::Semicolon, start + 1),
            b'(' => (TokenKind::Open, start + 1),
            b')' => (TokenKind::Close, start + 1),
            b'\\' => (TokenKind::Backslash, start + 1),
            b'\'' | b'"' => {
                (TokenKind::Other, self.quoted(start, first, false).ok_or(unterminated)?)
            }
            b'$' => match self.dollar_delimiter() {
                Some(delimiter) => {
                    (TokenKind::Other, self.dollar_quoted(delimiter).ok_or(unterminated)?)
                }
                None => (TokenKind::Other, start + 1),
            },
            b'e' | b'E' if self.text.as_bytes().get(start + 1) == Some(&b'\'') => {
                (TokenKind::Other, self.quoted(start + 1, b'\'', true).ok_or(unterminated)?)
            }
            byte if is_word_start(byte) => (TokenKind::Word, self.word()),
            _ => (TokenKind::Other, start + 1),
        };
        self.at = end;
        Ok(Some(Token { kind, start, end }))
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, Unterminated>;

    fn next(&mut self) -> Option<Self::Item> {
        let token = self.token().transpose();
        if matches!(token, Some(Err(_))) {
            self.at = self.text.len();
        }
        token
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

fn is_word_more(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'$'
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let tokens: Result<Vec<_>, _> = Tokens::new(text).collect();
        let pieces: Vec<_> = tokens.unwrap().iter().map(|t| &text[t.start..t.end]).collect();
        assert_eq!(pieces, expected, "{text}");
    }

    #[test]
    fn sees_nothing_inside_quotes_and_comments() {
        check("a;b", &["a", ";", "b"]);
        check("'a;''b'", &["'a;''b'"]);
        check(r"'a\' ;", &[r"'a\'", ";"]);
        check(r"E'a\';' ;", &[r"E'a\';'", ";"]);
        check("\"a;\"\"b\"", &["\"a;\"\"b\""]);
        check("-- a;\nb", &["b"]);
        check("/* /* ; */ ' */ b", &["b"]);
        check("$$ ' ; $$ b", &["$$ ' ; $$", "b"]);
        check("$a$ $$ ; $b$ $a$", &["$a$ $$ ; $b$ $a$"]);
        check("$1;$2", &["$", "1", ";", "$", "2"]);
        check("a$b$c;", &["a$b$c", ";"]);
        check("é$x$;", &["é$x$", ";"]);
        check("x-- ;", &["x"]);
    }

    #[test]
    fn tells_where_an_open_quote_began() {
        for text in ["ab 'c", "ab \"c", "ab $$c", "ab $x$ c $y$", "ab /* /* */", r"ab E'\'"] {
            let last = Tokens::new(text).last();
            assert_eq!(last, Some(Err(Unterminated { start: 3 })), "{text}");
        }
    }
}
