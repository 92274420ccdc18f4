//! Bodies of requests and answers, read up to a limit.

use std::fmt;
use std::marker::PhantomData;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use spin_sdk::http::HeaderMap;
use spin_sdk::wasip3::http_compat::{IncomingBody, IncomingMessage, IncomingRequestBody};

use crate::problem::{Fault, Type};

/// The largest body that is read, in bytes.
pub(crate) const LIMIT: usize = 4 << 20;

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is larger than [`LIMIT`].
    TooLarge,
    /// It broke off, in the host's words.
    Broken(String),
}

/// Reads a whole body, but no more than [`LIMIT`] of it.
pub(crate) async fn read<T: IncomingMessage>(body: IncomingBody<T>) -> Result<Vec<u8>, Unread> {
    let collected = Limited::new(body, LIMIT).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Unread::TooLarge
        } else {
            Unread::Broken(error.to_string())
        }
    })?;
    Ok(collected.to_bytes().into())
}

/// Reads a request's JSON; none when it has no body.
pub(crate) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: IncomingRequestBody,
) -> Result<Option<T>, Fault> {
    let media = Media::of(headers);
    let length = header(headers, "content-length").and_then(|text| text.parse::<u64>().ok());
    if media == Media::Other && length != Some(0) {
        return Err(not_json());
    }
    if length.is_some_and(|length| length > LIMIT as u64) {
        return Err(too_large());
    }
    let bytes = read(body).await.map_err(|unread| match unread {
        Unread::TooLarge => too_large(),
        Unread::Broken(_) => Fault::new(Type::Invalid, "the body of the request broke off"),
    })?;
    match (bytes.is_empty(), media) {
        (true, _) => Ok(None),
        (false, Media::Json) => parse(&bytes).map(Some),
        (false, _) => Err(not_json()),
    }
}

/// A value that is written as a JSON object; serde by itself would take a list of its members, too.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

/// What a request says its body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Media {
    Unsaid,
    Json,
    Other,
}

impl Media {
    fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get("content-type") else { return Self::Unsaid };
        let media = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        if media.trim().eq_ignore_ascii_case("application/json") { Self::Json } else { Self::Other }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map(|Object(value)| value).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let said = said(&error.to_string());
        Fault::new(Type::Invalid, format!("the body does not fit at {place}{said}"))
            .advice("The description of this route is at /openapi.json.")
    })
}

/// The end of a parser's message that names what it wants. What it found there is left out: it may
/// be a token.
fn said(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(said, _)| said);
    match message.find("expected ") {
        Some(start) => format!(": {}", &message[start..]),
        None if message.starts_with("missing field ") => format!(": {message}"),
        None => String::new(),
    }
}

fn not_json() -> Fault {
    Fault::new(Type::UnsupportedMedia, "the body is not said to be JSON")
        .advice("Send it with the header `Content-Type: application/json`.")
}

fn too_large() -> Fault {
    Fault::new(Type::TooLarge, format!("the body is larger than {LIMIT} bytes"))
        .advice("Mount migrations that are larger, or leave out those that were applied long ago.")
}

#[cfg(test)]
mod tests {
    use spin_sdk::http::HeaderValue;

    use super::*;

    #[test]
    fn json_is_known_by_its_media_type_alone() {
        for (text, expected) in [
            ("application/json", Media::Json),
            ("Application/JSON; charset=utf-8", Media::Json),
            ("application/json ;x", Media::Json),
            ("application/jsonx", Media::Other),
            ("text/plain", Media::Other),
            ("", Media::Other),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static(text));
            assert_eq!(Media::of(&headers), expected, "{text:?}");
        }
        assert_eq!(Media::of(&HeaderMap::new()), Media::Unsaid);
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Login {
        user: String,
        token: String,
    }

    #[test]
    fn a_misfit_names_what_is_wanted_and_never_what_was_there() {
        for (body, expected) in [
            (r#"{"user":"u"}"#, "line 1, column 12: missing field `token`"),
            (r#"{"s3cret":1}"#, "line 1, column 9: expected `user` or `token`"),
            (r#""s3cret""#, "line 1, column 8: expected an object"),
            (r#"["s3cret","s3cret"]"#, "line 1, column 0: expected an object"),
            (r#"{"user":["s3cret"]}"#, "line 1, column 8: expected a string"),
            (r#"{"user":"s3cret"#, "line 1, column 15"),
            ("s3cret", "line 1, column 1: expected value"),
        ] {
            let fault = parse::<Login>(body.as_bytes()).unwrap_err();
            let document = fault.document(None);
            assert!(
                document.contains(&format!("the body does not fit at {expected}\"")),
                "{document}"
            );
            assert!(!document.contains("s3cret"), "{document}");
        }
    }
}
