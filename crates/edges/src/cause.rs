//! What really happened, below the errors of the libraries.

use std::error::Error;
use std::io;

/// Whether TLS is what failed, however deep in the chain of causes.
#[must_use]
pub fn tls_failure(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(is_tls)
}

/// An error of I/O holds the one of rustls, or another one that does, without naming it as its
/// source.
fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}

/// The text of the first cause: what really happened, without what the libraries were doing.
#[must_use]
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    let Some(cause) = causes(error).last() else { return String::new() };
    match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
        // Of this one rustls writes for programmers.
        Some(io::ErrorKind::UnexpectedEof) => "the server closed the connection midway".to_owned(),
        _ => cause.to_string(),
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.source();
        Some(this)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &(dyn Error + 'static), expected: bool) {
        assert_eq!(tls_failure(error), expected, "{error}");
    }

    #[test]
    fn an_end_too_early_is_told_for_people() {
        let eof = io::Error::new(io::ErrorKind::UnexpectedEof, "see the manual");
        assert_eq!(innermost(&eof), "the server closed the connection midway");
        assert_eq!(innermost(&io::Error::other("reset")), "reset");
    }

    #[test]
    fn a_failure_of_tls_is_known_however_deep_it_lies() {
        let tls = || rustls::Error::HandshakeNotComplete;
        check(&tls(), true);
        check(&io::Error::other(tls()), true);
        check(&io::Error::other(io::Error::other(tls())), true);
        check(&io::Error::other(io::Error::other("reset")), false);
        check(&io::Error::from(io::ErrorKind::ConnectionRefused), false);
    }
}
