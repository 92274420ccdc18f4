//! Progress lines, on standard error.

use std::io::Write;

use super::Host;
use crate::bindings::lakegate::connect::notices::{self, Level};

/// Where the component's notices go.
#[derive(Clone, Copy)]
pub(crate) struct Notices {
    /// Whether progress is shown; warnings always are.
    pub(crate) progress: bool,
}

impl Notices {
    pub(crate) fn tell(self, level: Level, text: &str) {
        let line = match level {
            Level::Info if !self.progress => return,
            Level::Info => format!("lakegate: {text}\n"),
            Level::Warning => format!("lakegate: warning: {text}\n"),
        };
        // A closed standard error is no reason to stop.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

impl notices::Host for Host {
    fn tell(&mut self, level: Level, text: String) {
        self.edges.notices.tell(level, &text);
    }
}
