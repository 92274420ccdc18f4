//! Building requests: the headers all of them carry, and encodings that no value can break.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::edge::{Method, Request};
use crate::secret::Secret;

/// What stays as it is in a form and in a part of a URL: the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes one value for a form, a query or one segment of a path.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).collect()
}

/// Encodes a path segment by segment.
pub(crate) fn encoded_path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn headers() -> Vec<(&'static str, String)> {
    vec![
        ("user-agent", concat!("lakegate/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("accept", "application/json".to_owned()),
    ]
}

/// A `GET` without a body.
pub(crate) fn get(url: String, authorization: Option<Secret>) -> Request {
    Request { method: Method::Get, url, headers: headers(), authorization, body: None }
}

/// A `POST` of a JSON text.
pub(crate) fn post_json(url: String, authorization: Secret, body: String) -> Request {
    post(url, Some(authorization), "application/json", Secret::new(body))
}

/// A `POST` of a form.
pub(crate) fn post_form(url: String, authorization: Option<Secret>, form: Secret) -> Request {
    post(url, authorization, "application/x-www-form-urlencoded", form)
}

fn post(url: String, authorization: Option<Secret>, kind: &str, body: Secret) -> Request {
    let mut headers = headers();
    headers.push(("content-type", kind.to_owned()));
    Request { method: Method::Post, url, headers, authorization, body: Some(body) }
}

/// `Bearer …` (RFC 6750).
pub(crate) fn bearer(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.expose().trim()))
}

/// `Basic …` with the client's id and secret, each form-encoded first (RFC 6749, 2.3.1).
pub(crate) fn basic(id: &str, secret: &Secret) -> Secret {
    let secret = secret.expose().trim();
    // Three bytes for each at most, so that no growth leaves a copy behind.
    let mut pair = Zeroizing::new(String::with_capacity((id.len() + secret.len()) * 3 + 1));
    pair.extend(utf8_percent_encode(id, RESERVED));
    pair.push(':');
    pair.extend(utf8_percent_encode(secret, RESERVED));
    let mut header = String::with_capacity("Basic ".len() + pair.len().div_ceil(3) * 4);
    header.push_str("Basic ");
    STANDARD.encode_string(pair.as_bytes(), &mut header);
    Secret::new(header)
}

/// A form of these pairs; a value may be a secret.
pub(crate) fn form(pairs: &[(&str, &str)]) -> Secret {
    let room = pairs.iter().map(|(name, value)| name.len() + value.len() * 3 + 2).sum();
    let mut form = String::with_capacity(room);
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        form.extend(utf8_percent_encode(value, RESERVED));
    }
    Secret::new(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_credentials() {
        // RFC 7617's own example.
        let header = basic("Aladdin", &Secret::new("open sesame"));
        // `open%20sesame`: OAuth encodes the halves before they are joined.
        assert_eq!(header.expose(), "Basic QWxhZGRpbjpvcGVuJTIwc2VzYW1l");
        let header = basic("a:b", &Secret::new(" s \n"));
        assert_eq!(header.expose(), "Basic YSUzQWI6cw==");
        assert_eq!(bearer(&Secret::new("t\n")).expose(), "Bearer t");
    }

    #[test]
    fn encodes_forms_and_paths() {
        assert_eq!(form(&[("a", "1&2"), ("b", "ü =")]).expose(), "a=1%262&b=%C3%BC%20%3D");
        assert_eq!(encoded_path("projects/a b/c?d"), "projects/a%20b/c%3Fd");
    }
}
