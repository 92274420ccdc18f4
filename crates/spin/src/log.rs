//! Lines on standard error: one for each request, and what the core has to tell.
//!
//! No query, no body, no header but the request's id, and no path that is not one of ours: a
//! caller may have put a secret there by mistake.

use std::io::Write;

/// Writes a line at once: line by line is how hosts collect what many requests write.
pub(crate) fn line(text: &str) {
    let line = format!("lakegate: {text}\n");
    // Nobody can be told that the log is gone.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A request that was answered.
pub(crate) struct Served<'a> {
    pub(crate) method: &'a str,
    /// The path of its route; none when there is no such route.
    pub(crate) path: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) milliseconds: u64,
    pub(crate) id: Option<&'a str>,
}

impl Served<'_> {
    /// `POST /token 200 3 ms id=7f3a`.
    pub(crate) fn line(&self) -> String {
        let Self { method, path, status, milliseconds, id } = self;
        let path = path.unwrap_or("(no such route)");
        let mut line = format!("{method} {path} {status} {milliseconds} ms");
        if let Some(id) = id {
            line.push_str(" id=");
            line.push_str(id);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_asked_and_how_it_ended() {
        let served =
            |path, id| Served { method: "POST", path, status: 200, milliseconds: 3, id }.line();
        assert_eq!(served(Some("/token"), Some("7f3a")), "POST /token 200 3 ms id=7f3a");
        assert_eq!(served(None, None), "POST (no such route) 200 3 ms");
    }
}
