//! Reading JSON without trusting it, and without leaving copies of a token behind.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use core::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::said::refusal;
use crate::edge::Response;
use crate::secret::Secret;

/// Reads the body of a good answer; anything but a 2xx is a refusal.
pub(crate) fn read<T: DeserializeOwned>(call: Call, response: &Response) -> Result<T, ApiError> {
    if !(200..300).contains(&response.status) {
        return Err(refusal(call, response));
    }
    serde_json::from_slice(&response.body).map_err(|error| match error.classify() {
        // The text of a data error names fields and types, never values we asked to be secret:
        // only the place is kept.
        serde_json::error::Category::Data => ApiError::Shape { call, place: place(&error) },
        _ => ApiError::NotJson { call, status: response.status },
    })
}

fn place(error: &serde_json::Error) -> String {
    let mut place = "line ".to_owned();
    place.push_str(&error.line().to_string());
    place.push_str(", column ");
    place.push_str(&error.column().to_string());
    place
}

/// Reads a text straight into a [`Secret`], without a copy in between.
pub(crate) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// A field whose type is not to be relied on: a text, a number as text, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Loose(pub(crate) Option<String>);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose(Some(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
        Ok(Loose(Some(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose(Some(number.to_string())))
    }

    /// A fraction of a second is no matter here; what is too large saturates and is absurd anyway.
    fn visit_f64<E>(self, number: f64) -> Result<Loose, E> {
        Ok(Loose(Some((number as i64).to_string())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose(None))
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_any_type() {
        #[track_caller]
        fn check(json: &str, expected: Option<&str>) {
            let loose: Loose = serde_json::from_str(json).unwrap();
            assert_eq!(loose.0.as_deref(), expected, "{json}");
        }
        check("3600", Some("3600"));
        check("\"3600\"", Some("3600"));
        check("3599.9", Some("3599"));
        check("-1", Some("-1"));
        check("1e300", Some("9223372036854775807"));
        check("null", None);
        check("true", None);
        check("[1, {}]", None);
        check("{\"a\": [1]}", None);
    }
}
