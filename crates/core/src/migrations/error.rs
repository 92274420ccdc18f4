//! Why a folder of migrations is refused, before anything runs.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use super::{MAX_BYTES, MAX_FILES, name};
use crate::problem::{Kind, Problem};

/// A line of a migration file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spot {
    /// The file's name.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.line)
    }
}

/// Why a folder of migrations is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The name of a `.sql` file has none of the accepted shapes.
    #[error("{name} is no name for a migration")]
    Name {
        /// The name, quoted and escaped.
        name: String,
    },
    /// Two files are named in different styles.
    #[error("`{one}` and `{other}` are named in different styles")]
    MixedStyles {
        /// The first file.
        one: String,
        /// The file that differs.
        other: String,
    },
    /// Two files have the same version.
    #[error("`{one}` and `{other}` are both version {version}")]
    SameVersion {
        /// The version.
        version: i64,
        /// The first file.
        one: String,
        /// The second file.
        other: String,
    },
    /// There are more than [`MAX_FILES`] files.
    #[error("there are more than {MAX_FILES} migration files")]
    TooMany,
    /// The files have more than [`MAX_BYTES`] bytes together.
    #[error("the migration files are larger than {} MiB together", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    /// A file holds nothing: most likely it was not written to its end.
    #[error("`{name}` is empty")]
    Empty {
        /// The file.
        name: String,
    },
    /// A file contains a NUL character, which no SQL text can.
    #[error("{spot}: a NUL character")]
    Nul {
        /// Where.
        spot: Spot,
    },
    /// The first line is a directive that does not exist.
    #[error("{name}:1: there is no directive `{directive}`")]
    Directive {
        /// The file.
        name: String,
        /// What stands there.
        directive: String,
    },
    /// A string, quoted name or comment never ends.
    #[error("{spot}: a quote or comment that begins here never ends")]
    Unterminated {
        /// Where it begins.
        spot: Spot,
    },
    /// A command of psql, which the server does not know.
    #[error("{spot}: `{command}` is a command of psql, not SQL")]
    PsqlCommand {
        /// Where.
        spot: Spot,
        /// The command with its backslash.
        command: String,
    },
    /// `COPY … FROM STDIN` or `TO STDOUT`: there is no stream to copy.
    #[error("{spot}: COPY from or to the client is not possible here")]
    CopyClient {
        /// Where the statement begins.
        spot: Spot,
    },
    /// A statement that gives rows in a file that runs outside of transactions.
    #[error("{spot}: `{command}` gives rows, and nothing takes them outside of a transaction")]
    Rows {
        /// Where.
        spot: Spot,
        /// The command.
        command: String,
    },
    /// A command that begins or ends a transaction.
    #[error("{spot}: `{command}` would break the transaction that a migration runs in")]
    Transaction {
        /// Where.
        spot: Spot,
        /// The command.
        command: String,
    },
}

impl MigrationError {
    /// What to tell a person.
    pub fn problem(&self) -> Problem {
        Problem {
            kind: Kind::Configuration,
            message: self.to_string(),
            advice: format!("Nothing was run. {}", self.advice()),
            sqlstate: None,
        }
    }

    fn advice(&self) -> String {
        String::from(match self {
            Self::Name { .. } | Self::MixedStyles { .. } => return name::shapes(),
            Self::SameVersion { .. } => "Give one of them a higher number.",
            Self::TooMany | Self::TooLarge => {
                "Join old migrations into one, and load data in another way."
            }
            Self::Empty { .. } => "Write its SQL into it, or a comment if there is nothing to do.",
            Self::Nul { .. } => "Save the file as UTF-8 text.",
            Self::Directive { .. } => {
                "A first line may say `-- lakegate: new-transaction` or \
                 `-- lakegate: no-transaction`."
            }
            Self::Unterminated { .. } => "Close it.",
            Self::PsqlCommand { .. } => {
                "Write it in SQL; for an included file, paste its content or make it a migration \
                 of its own."
            }
            Self::Rows { .. } => {
                "Move it to a file that runs in a transaction, or into a DO block."
            }
            Self::CopyClient { .. } => "Write the rows as INSERT statements.",
            Self::Transaction { .. } => {
                "Remove it: all migrations run in one transaction. Where Postgres wants a commit \
                 between two files, start the second with the line `-- lakegate: new-transaction`."
            }
        })
    }
}
