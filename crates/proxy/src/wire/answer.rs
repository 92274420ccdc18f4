//! What the proxy says by itself to an application, in the words of Postgres.
//!
//! Each function appends one message, so that several go out in one write.

use bytes::{BufMut, BytesMut};

use crate::logins::Failure;

/// How bad an error is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Severity {
    /// The statement failed; the connection lives.
    Error,
    /// The connection ends.
    Fatal,
}

/// `ErrorResponse`.
pub(crate) fn error(out: &mut BytesMut, severity: Severity, failure: &Failure) {
    let severity = match severity {
        Severity::Error => "ERROR",
        Severity::Fatal => "FATAL",
    };
    message(out, b'E', |out| {
        // V is S untranslated; drivers look for either.
        field(out, b'S', severity);
        field(out, b'V', severity);
        field(out, b'C', &failure.code);
        field(out, b'M', &failure.message);
        if let Some(hint) = &failure.hint {
            field(out, b'H', hint);
        }
        out.put_u8(0);
    });
}

/// The error of protocol 2, for who speaks nothing newer.
pub(crate) fn error_of_old(out: &mut BytesMut, failure: &Failure) {
    field(out, b'E', &format!("FATAL:  {}\n", failure.message));
}

/// `NegotiateProtocolVersion`: we speak 3.0, and know none of these options.
pub(crate) fn negotiate_protocol_version(out: &mut BytesMut, unknown: &[String]) {
    message(out, b'v', |out| {
        out.put_u32(3 << 16);
        out.put_u32(u32::try_from(unknown.len()).expect("they came in 10,000 bytes"));
        for name in unknown {
            string(out, name);
        }
    });
}

/// `AuthenticationOk`.
pub(crate) fn authentication_ok(out: &mut BytesMut) {
    message(out, b'R', |out| out.put_u32(0));
}

/// `AuthenticationSASL`: these mechanisms, the best first.
pub(crate) fn authentication_sasl(out: &mut BytesMut, mechanisms: &[&str]) {
    message(out, b'R', |out| {
        out.put_u32(10);
        for name in mechanisms {
            string(out, name);
        }
        out.put_u8(0);
    });
}

/// `AuthenticationSASLContinue`.
pub(crate) fn authentication_sasl_continue(out: &mut BytesMut, data: &str) {
    message(out, b'R', |out| {
        out.put_u32(11);
        out.put_slice(data.as_bytes());
    });
}

/// `AuthenticationSASLFinal`.
pub(crate) fn authentication_sasl_final(out: &mut BytesMut, data: &str) {
    message(out, b'R', |out| {
        out.put_u32(12);
        out.put_slice(data.as_bytes());
    });
}

/// `ParameterStatus`; the value is in the encoding of the session.
pub(crate) fn parameter_status(out: &mut BytesMut, name: &str, value: &[u8]) {
    message(out, b'S', |out| {
        string(out, name);
        out.put_slice(value);
        out.put_u8(0);
    });
}

/// `BackendKeyData`: what a request to cancel must name.
pub(crate) fn backend_key_data(out: &mut BytesMut, id: i32, secret: &[u8]) {
    message(out, b'K', |out| {
        out.put_i32(id);
        out.put_slice(secret);
    });
}

/// `ReadyForQuery`; the status is `I`, `T` or `E`.
pub(crate) fn ready_for_query(out: &mut BytesMut, status: u8) {
    message(out, b'Z', |out| out.put_u8(status));
}

/// `ParseComplete`.
pub(crate) fn parse_complete(out: &mut BytesMut) {
    message(out, b'1', |_| ());
}

/// `CloseComplete`.
pub(crate) fn close_complete(out: &mut BytesMut) {
    message(out, b'3', |_| ());
}

fn message(out: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    out.put_u8(tag);
    let start = out.len();
    out.put_u32(0);
    body(out);
    let length = u32::try_from(out.len() - start).expect("our own messages are short");
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

fn field(out: &mut BytesMut, kind: u8, text: &str) {
    out.put_u8(kind);
    string(out, text);
}

/// A string ends with its first zero, so there is none inside.
fn string(out: &mut BytesMut, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.put_u8(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl FnOnce(&mut BytesMut), expected: &[u8]) {
        let mut out = BytesMut::from(&b"before"[..]);
        write(&mut out);
        assert_eq!(out.strip_prefix(b"before"), Some(expected));
    }

    fn failure(message: &str, hint: Option<&str>) -> Failure {
        let (message, hint) = (message.to_owned(), hint.map(str::to_owned));
        Failure { code: "08P01".into(), message, hint, passes: false }
    }

    #[test]
    fn errors_say_what_to_do() {
        check(
            |out| error(out, Severity::Fatal, &failure("no", Some("so"))),
            b"E\0\0\0\x22SFATAL\0VFATAL\0C08P01\0Mno\0Hso\0\0",
        );
        check(
            |out| error(out, Severity::Error, &failure("n\0o", None)),
            b"E\0\0\0\x1eSERROR\0VERROR\0C08P01\0Mno\0\0",
        );
        check(|out| error_of_old(out, &failure("no", None)), b"EFATAL:  no\n\0");
    }

    #[test]
    fn each_message_has_its_length() {
        check(authentication_ok, b"R\0\0\0\x08\0\0\0\0");
        check(|out| authentication_sasl(out, &["A", "B"]), b"R\0\0\0\x0d\0\0\0\x0aA\0B\0\0");
        check(|out| authentication_sasl_continue(out, "r"), b"R\0\0\0\x09\0\0\0\x0br");
        check(|out| authentication_sasl_final(out, "v"), b"R\0\0\0\x09\0\0\0\x0cv");
        check(|out| parameter_status(out, "a", b"1"), b"S\0\0\0\x08a\x001\0");
        check(|out| backend_key_data(out, 1, b"four"), b"K\0\0\0\x0c\0\0\0\x01four");
        check(|out| ready_for_query(out, b'I'), b"Z\0\0\0\x05I");
        check(parse_complete, b"1\0\0\0\x04");
        check(close_complete, b"3\0\0\0\x04");
        check(
            |out| negotiate_protocol_version(out, &["_pq_.a".into()]),
            b"v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.a\0",
        );
    }
}
