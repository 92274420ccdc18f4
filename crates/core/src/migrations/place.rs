//! Places in a text, as people count them.

use core::fmt;

/// Line and column, both in characters from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    /// The place right after `before`.
    pub(crate) fn after(before: &str) -> Self {
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The place of the character with this number, from 1, as Postgres counts; the end if there
    /// are fewer.
    pub(crate) fn of_char(text: &str, number: usize) -> Self {
        let at = text.char_indices().nth(number.saturating_sub(1));
        Self::after(&text[..at.map_or(text.len(), |(at, _)| at)])
    }

    /// The same place in a longer text, in which the text that it was counted in starts at `start`.
    pub(crate) fn from(self, start: Self) -> Self {
        Self {
            line: self.line + start.line - 1,
            column: self.column + if self.line == 1 { start.column - 1 } else { 0 },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters() {
        for (number, line, column) in
            [(0, 1, 1), (1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 2), (5, 2, 3), (99, 2, 3)]
        {
            assert_eq!(Place::of_char("é\nab", number), Place { line, column }, "{number}");
        }
    }
}
