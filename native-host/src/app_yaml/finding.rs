//! What a check found.

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Level {
    /// The app will not start, or not as it is meant to.
    Error,
    /// It may be meant so.
    Warning,
}

impl Level {
    /// Its name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing to mend.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    /// The line in the file, from 1.
    pub(crate) line: usize,
    /// How bad it is.
    pub(crate) level: Level,
    /// A name for programs, which stays the same when the words change.
    pub(crate) rule: &'static str,
    /// What is wrong: no full stop, no value.
    pub(crate) message: String,
    /// What to do: whole sentences.
    pub(crate) fix: String,
}

/// The findings so far.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn error(&mut self, line: usize, rule: &'static str, message: String, fix: &str) {
        self.add(line, Level::Error, rule, message, fix);
    }

    pub(super) fn warning(&mut self, line: usize, rule: &'static str, message: String, fix: &str) {
        self.add(line, Level::Warning, rule, message, fix);
    }

    fn add(&mut self, line: usize, level: Level, rule: &'static str, message: String, fix: &str) {
        self.0.push(Finding { line, level, rule, message, fix: fix.to_owned() });
    }

    /// All of them, from the first line to the last.
    pub(super) fn in_order(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| (finding.line, finding.level));
        self.0
    }
}
