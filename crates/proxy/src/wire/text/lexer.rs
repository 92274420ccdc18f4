//! Cuts a text into words and signs, as Postgres does, and skips comments and literals.
//!
//! It takes the text in pieces of any size, so that a statement of half a gigabyte needs no more
//! memory than a short one.

/// The longest word that anybody asks for; of a longer one the end is lost, and with it equality.
const WORD: usize = 32;
/// The longest tag of a dollar quote: an identifier of Postgres.
const TAG: usize = 64;

/// A piece of a text that means something.
pub(super) enum Token<'a> {
    /// A name or number, in lower case.
    Word(&'a [u8]),
    /// A name in double quotes, in lower case.
    Quoted(&'a [u8]),
    /// A string, in lower case; cut off as a word is, and unequal to every name if there is a quote
    /// or a backslash in it. Empty if it is quoted by dollars.
    Literal(&'a [u8]),
    /// Any other character.
    Sign(u8),
}

/// Where in the text the lexer is.
#[derive(Clone, Copy, Debug)]
enum At {
    /// Between tokens.
    Between,
    Word,
    /// Behind a quoted name, unless another quote follows at once.
    Quoted,
    Literal {
        backslash: bool,
    },
    /// Behind the backslash in a literal that knows it.
    Escape,
    /// Behind a literal, unless another quote follows at once.
    LiteralEnd {
        backslash: bool,
    },
    Dash,
    Slash,
    LineComment,
    BlockComment {
        depth: u32,
        last: u8,
    },
    /// In the tag that opens a dollar quote.
    Tag,
    /// In a dollar quote, whose end has matched so far.
    Dollar {
        matched: usize,
    },
}

/// A lexer in the middle of a text.
#[derive(Debug)]
pub(super) struct Lexer {
    at: At,
    /// Whether a backslash escapes in plain literals: `standard_conforming_strings` is off.
    backslash: bool,
    word: [u8; WORD + 1],
    len: usize,
    /// With its dollars at both ends.
    tag: [u8; TAG + 2],
    tag_len: usize,
}

impl Lexer {
    pub(super) fn new(backslash: bool) -> Self {
        Self {
            at: At::Between,
            backslash,
            word: [0; WORD + 1],
            len: 0,
            tag: [0; TAG + 2],
            tag_len: 0,
        }
    }

    /// Reads the next piece of the text.
    pub(super) fn read(&mut self, piece: &[u8], found: &mut impl FnMut(Token<'_>)) {
        let mut rest = piece;
        while let Some((&byte, behind)) = rest.split_first() {
            let run = self.run(rest);
            if run > 0 {
                rest = &rest[run..];
                continue;
            }
            // A byte that ends something is looked at again as the beginning of the next.
            if self.step(byte, found) {
                rest = behind;
            }
        }
    }

    /// Takes at once what changes nothing but the word: most of a text. Says how much that was.
    fn run(&mut self, rest: &[u8]) -> usize {
        match self.at {
            At::Between => rest.iter().take_while(|byte| is_blank(**byte)).count(),
            At::Word => self.push_while(rest, |byte| LOWER[usize::from(byte)]),
            At::Literal { .. } => self.push_while(rest, |byte| match byte {
                b'\'' | b'\\' => 0,
                _ => byte.to_ascii_lowercase(),
            }),
            _ => 0,
        }
    }

    /// Appends what the bytes stand for, up to the first that stands for nothing: 0.
    fn push_while(&mut self, rest: &[u8], meaning: impl Fn(u8) -> u8) -> usize {
        let mut len = self.len;
        let mut read = 0;
        for &byte in rest {
            let lower = meaning(byte);
            if lower == 0 {
                break;
            }
            if let Some(place) = self.word.get_mut(len) {
                *place = lower;
                len += 1;
            }
            read += 1;
        }
        self.len = len;
        read
    }

    /// Takes one byte, and says whether it was used up.
    fn step(&mut self, byte: u8, found: &mut impl FnMut(Token<'_>)) -> bool {
        match self.at {
            At::Between => self.begin(byte, found),
            At::Word => return self.end_word(byte, found),
            At::Quoted if byte == b'"' => {
                found(Token::Quoted(&self.word[..self.len]));
                self.at = At::Between;
            }
            At::Quoted => self.push(byte),
            At::Literal { backslash } if byte == b'\'' => self.at = At::LiteralEnd { backslash },
            At::Literal { backslash: true } if byte == b'\\' => {
                self.push(byte);
                self.at = At::Escape;
            }
            At::Literal { .. } => self.push(byte),
            At::Escape => self.at = At::Literal { backslash: true },
            At::LiteralEnd { backslash } if byte == b'\'' => {
                self.push(byte);
                self.at = At::Literal { backslash };
            }
            At::LiteralEnd { .. } => {
                found(Token::Literal(&self.word[..self.len]));
                self.at = At::Between;
                return false;
            }
            At::Dash if byte == b'-' => self.at = At::LineComment,
            At::Slash if byte == b'*' => self.at = At::BlockComment { depth: 1, last: 0 },
            At::Dash | At::Slash => {
                found(Token::Sign(b'-'));
                self.at = At::Between;
                return false;
            }
            At::LineComment if byte == b'\n' || byte == b'\r' => self.at = At::Between,
            At::LineComment => {}
            At::BlockComment { depth, last } => self.comment(depth, last, byte),
            At::Tag => return self.in_tag(byte),
            At::Dollar { matched } => self.in_dollar(matched, byte, found),
        }
        true
    }

    fn begin(&mut self, byte: u8, found: &mut impl FnMut(Token<'_>)) {
        self.len = 0;
        match byte {
            b'\'' => self.at = At::Literal { backslash: self.backslash },
            b'"' => self.at = At::Quoted,
            b'-' => self.at = At::Dash,
            b'/' => self.at = At::Slash,
            b'$' => {
                self.tag[0] = b'$';
                self.tag_len = 1;
                self.at = At::Tag;
            }
            _ if is_inner(byte) => {
                self.at = At::Word;
                self.push(byte);
            }
            _ => found(Token::Sign(byte)),
        }
    }

    fn push(&mut self, byte: u8) {
        // One byte more than any word that is asked for makes a long one unequal to all of them.
        if self.len <= WORD {
            self.word[self.len] = byte.to_ascii_lowercase();
            self.len += 1;
        }
    }

    fn end_word(&mut self, byte: u8, found: &mut impl FnMut(Token<'_>)) -> bool {
        self.at = At::Between;
        if byte == b'\'' && self.word[..self.len] == *b"e" {
            self.len = 0;
            self.at = At::Literal { backslash: true };
            return true;
        }
        found(Token::Word(&self.word[..self.len]));
        false
    }

    /// Block comments nest.
    fn comment(&mut self, depth: u32, last: u8, byte: u8) {
        self.at = match (last, byte) {
            (b'*', b'/') if depth == 1 => At::Between,
            (b'*', b'/') => At::BlockComment { depth: depth - 1, last: 0 },
            (b'/', b'*') => At::BlockComment { depth: depth.saturating_add(1), last: 0 },
            _ => At::BlockComment { depth, last: byte },
        };
    }

    /// `$1` is a parameter, and `$$` or `$tag$` opens a literal.
    fn in_tag(&mut self, byte: u8) -> bool {
        let fits = self.tag_len <= TAG && (self.tag_len > 1 || !byte.is_ascii_digit());
        match byte {
            b'$' => self.at = At::Dollar { matched: 0 },
            _ if fits && is_inner(byte) => {}
            _ => {
                self.at = At::Between;
                return false;
            }
        }
        self.tag[self.tag_len] = byte;
        self.tag_len += 1;
        true
    }

    fn in_dollar(&mut self, matched: usize, byte: u8, found: &mut impl FnMut(Token<'_>)) {
        let matched = match byte {
            _ if byte == self.tag[matched] => matched + 1,
            b'$' => 1,
            _ => 0,
        };
        self.at = At::Dollar { matched };
        if matched == self.tag_len {
            self.at = At::Between;
            found(Token::Literal(b""));
        }
    }
}

/// Whether the byte stands between words, and for nothing else.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// What a byte is within a name, in lower case; 0 if it ends the name. One look, for it is asked
/// about nearly every byte of every query.
const LOWER: [u8; 256] = {
    let mut lower = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let known = byte as u8;
        if known.is_ascii_alphanumeric() || matches!(known, b'_' | b'$' | 0x80..) {
            lower[byte] = known.to_ascii_lowercase();
        }
        byte += 1;
    }
    lower
};

/// Whether the byte can be within a name: not one that ends it. `$` can.
fn is_inner(byte: u8) -> bool {
    LOWER[usize::from(byte)] != 0
}
