//! How much the front takes on, and how long it waits.

use std::time::Duration;

/// How much the front takes on, and how long it waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Requests under way at a time; one more is answered 503.
    pub(crate) requests: usize,
    /// Connections at a time; the next one waits in the kernel's queue. More than requests,
    /// because most are kept open for the next request.
    pub(crate) connections: usize,
    /// What the function takes at most before it answers.
    pub(crate) deadline: Duration,
    /// For a TLS handshake, and again for the first request on a connection.
    pub(crate) opening: Duration,
    /// For a connection without a request under way, or whose client takes nothing of an answer.
    pub(crate) idle: Duration,
}

impl Limits {
    /// Ten seconds are plenty for a handshake or the head of a request. Proxies keep connections
    /// for a minute; closing first would cut off a request that is just being sent.
    pub(crate) const fn new(requests: usize, deadline: Duration) -> Self {
        Self {
            requests,
            connections: requests.saturating_mul(4),
            deadline,
            opening: Duration::from_secs(10),
            idle: Duration::from_secs(75),
        }
    }

    /// The same in a process that may have so many files open: connections leave enough of them to
    /// ask Databricks and Postgres for those who are in already.
    pub(crate) fn within(self, files: u64) -> Self {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        let places = files.saturating_sub(RESERVED_FILES).max(1);
        Self { connections: self.connections.min(places), ..self }
    }
}

/// For the listener, the log, the store, and connections to the workspace and the database.
const RESERVED_FILES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_function() {
        for (requests, files, expected) in [
            (1_024, u64::MAX, 4_096),
            (1_024, 1_048_576, 4_096),
            (1_024, 1_024, 896),
            (16, 1_024, 64),
            (1_024, 100, 1),
            (usize::MAX, u64::MAX, usize::MAX - RESERVED_FILES),
        ] {
            let limits = Limits::new(requests, Duration::from_secs(1)).within(files);
            assert_eq!(limits.connections, expected, "{requests} requests, {files} files");
        }
    }
}
