//! Reading JSON without trusting it, and without leaving copies of a token behind.
//!
//! Every text becomes the one type [`Value`], and what is needed is moved out of that, field by
//! field: a derived deserializer for each shape took 67 KB more of the component.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_json::{Map, Value};

use crate::secret::Secret;

/// The value that a text consists of; `None` when that is no JSON.
///
/// From bytes alone: a parser for `str` would be another one.
pub(crate) fn parse(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// What can be made of a value.
pub(crate) trait FromJson: Sized {
    fn from_json(value: Value) -> Result<Self, Misfit>;
}

/// A value is not what is needed: where it stands, as in `ledger.rows.name`.
///
/// The path is made of names that we asked for: nothing of the answer is in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Misfit(String);

impl Misfit {
    fn within(self, field: &str) -> Self {
        let mut path = field.to_owned();
        if !self.0.is_empty() {
            path.push('.');
            path.push_str(&self.0);
        }
        Self(path)
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            "" => f.write_str("its outermost value"),
            path => write!(f, "its field `{path}`"),
        }
    }
}

/// The fields of an object, to be taken out of it.
#[derive(Debug)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// Moves a field out. One that is missing counts as null.
    pub(crate) fn take<T: FromJson>(&mut self, field: &str) -> Result<T, Misfit> {
        T::from_json(self.value(field)).map_err(|misfit| misfit.within(field))
    }

    /// Moves a field out whose type is not to be relied on: a text, a number as text, or nothing.
    pub(crate) fn take_loose(&mut self, field: &str) -> Option<String> {
        match self.value(field) {
            Value::String(text) => Some(text),
            // A fraction of a second is no matter here; what is too large is absurd anyway.
            Value::Number(number) => {
                let whole = number.as_i64().or(number.as_f64().map(|number| number as i64));
                whole.map(|whole| whole.to_string())
            }
            _ => None,
        }
    }

    fn value(&mut self, field: &str) -> Value {
        self.0.get_mut(field).map(Value::take).unwrap_or_default()
    }
}

impl FromJson for Object {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Misfit::default()),
        }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        match value {
            Value::Array(items) => items.into_iter().map(T::from_json).collect(),
            _ => Err(Misfit::default()),
        }
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        match value {
            Value::Null => Ok(None),
            value => T::from_json(value).map(Some),
        }
    }
}

impl FromJson for String {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(Misfit::default()),
        }
    }
}

/// The text itself becomes the secret: there is no copy in between.
impl FromJson for Secret {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        String::from_json(value).map(Self::new)
    }
}

impl FromJson for bool {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        value.as_bool().ok_or_else(Misfit::default)
    }
}

impl FromJson for i64 {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        value.as_i64().ok_or_else(Misfit::default)
    }
}

impl FromJson for u64 {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        value.as_u64().ok_or_else(Misfit::default)
    }
}

impl FromJson for u32 {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        u64::from_json(value)?.try_into().map_err(|_| Misfit::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn takes_any_type() {
        #[track_caller]
        fn check(json: &str, expected: Option<&str>) {
            let value: Value = serde_json::from_str(json).unwrap();
            let mut object = Object::from_json(json!({ "a": value })).unwrap();
            assert_eq!(object.take_loose("a").as_deref(), expected, "{json}");
            assert_eq!(object.take_loose("b"), None);
        }
        check("3600", Some("3600"));
        check("\"3600\"", Some("3600"));
        check("3599.9", Some("3599"));
        check("-1", Some("-1"));
        check("1e300", Some("9223372036854775807"));
        check("18446744073709551615", Some("9223372036854775807"));
        check("null", None);
        check("true", None);
        check("[1, {}]", None);
        check("{\"a\": [1]}", None);
    }

    #[test]
    fn names_the_field_that_does_not_fit() {
        #[track_caller]
        fn check<T: FromJson + fmt::Debug + PartialEq>(value: Value, expected: Result<T, &str>) {
            let read = Object::from_json(value).and_then(|mut object| object.take::<T>("a"));
            assert_eq!(read.map_err(|misfit| misfit.to_string()), expected.map_err(String::from));
        }
        check(json!({"a": "b"}), Ok(String::from("b")));
        check(json!({"a": 1}), Err::<String, _>("its field `a`"));
        check(json!({}), Err::<String, _>("its field `a`"));
        check(json!([]), Err::<String, _>("its outermost value"));
        check(json!({"a": null}), Ok(None::<String>));
        check(json!({}), Ok(None::<String>));
        check(json!({"a": 1}), Err::<Option<String>, _>("its field `a`"));
        check(json!({"a": ["b"]}), Ok(Vec::from([String::from("b")])));
        check(json!({"a": ["b", null]}), Err::<Vec<String>, _>("its field `a`"));
        check(json!({"a": true}), Ok(true));
        check(json!({"a": "true"}), Err::<bool, _>("its field `a`"));
        check(json!({"a": -1}), Ok(-1_i64));
        check(json!({"a": 1.5}), Err::<i64, _>("its field `a`"));
        check(json!({"a": u64::MAX}), Ok(u64::MAX));
        check(json!({"a": -1}), Err::<u64, _>("its field `a`"));
        check(json!({"a": 4_294_967_295_u32}), Ok(u32::MAX));
        check(json!({"a": 4_294_967_296_u64}), Err::<u32, _>("its field `a`"));
        check(json!({"a": -1}), Err::<u32, _>("its field `a`"));
    }

    #[test]
    fn a_token_is_moved_and_not_copied() {
        let text = String::from("token");
        let place = text.as_ptr();
        let mut object = Object(Map::from_iter([(String::from("a"), Value::String(text))]));
        let secret: Secret = object.take("a").unwrap();
        assert_eq!(secret.expose(), "token");
        assert_eq!(secret.expose().as_ptr(), place);
    }
}
