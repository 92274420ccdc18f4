//! Lists in pages, as all lists of the API come.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::ApiError;

/// How many things a page holds, at most and when nothing else is wished.
const MOST: usize = 100;

/// The page that a request asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Page {
    start: usize,
    size: usize,
}

impl Page {
    /// Its part of `things`, under `key`, and the token of the next page if there is one.
    pub(super) fn of(self, key: &str, things: Vec<Value>) -> Json<Value> {
        let end = self.start.saturating_add(self.size);
        let is_last = things.len() <= end;
        let things: Vec<Value> = things.into_iter().skip(self.start).take(self.size).collect();
        let mut answer = json!({ key: things });
        if !is_last {
            answer["next_page_token"] = token(end).into();
        }
        Json(answer)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    page_size: Option<i64>,
    page_token: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let wish = Query::<Wish>::from_request_parts(parts, state).await;
        let Query(wish) = wish.map_err(|_| ApiError::invalid("page_size must be a number"))?;
        page(&wish)
    }
}

fn page(wish: &Wish) -> Result<Page, ApiError> {
    let size = match wish.page_size {
        None | Some(0) => MOST,
        Some(size) => usize::try_from(size)
            .map_err(|_| ApiError::invalid("page_size must not be negative"))?
            .min(MOST),
    };
    let start = start(&wish.page_token).ok_or_else(|| ApiError::invalid("page_token is not valid"));
    Ok(Page { start: start?, size })
}

/// Nobody is to read a meaning into it.
fn token(start: usize) -> String {
    BASE64URL.encode(format!("from {start}"))
}

fn start(token: &str) -> Option<usize> {
    if token.is_empty() {
        return Some(0);
    }
    let text = String::from_utf8(BASE64URL.decode(token).ok()?).ok()?;
    text.strip_prefix("from ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_the_next_one_is() {
        #[track_caller]
        fn check(size: Option<i64>, from: usize, expected: &[i32], next: Option<usize>) {
            let wish = Wish { page_size: size, page_token: token(from) };
            let Json(answer) = page(&wish).unwrap().of("things", (0..5).map(Value::from).collect());
            let mut wanted = json!({ "things": expected });
            if let Some(next) = next {
                wanted["next_page_token"] = token(next).into();
            }
            assert_eq!(answer, wanted);
        }
        check(None, 0, &[0, 1, 2, 3, 4], None);
        check(Some(0), 0, &[0, 1, 2, 3, 4], None);
        check(Some(2), 0, &[0, 1], Some(2));
        check(Some(2), 2, &[2, 3], Some(4));
        check(Some(2), 4, &[4], None);
        check(Some(5), 0, &[0, 1, 2, 3, 4], None);
        check(Some(2), 9, &[], None);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let wish = |page_size, page_token: &str| Wish { page_size, page_token: page_token.into() };
        assert_eq!(page(&wish(Some(7_000), "")), Ok(Page { start: 0, size: MOST }));
        assert!(page(&wish(Some(-1), "")).is_err());
        assert!(page(&wish(None, "nonsense")).is_err());
    }
}
