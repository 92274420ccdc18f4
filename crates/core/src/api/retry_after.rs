//! How long a server asks us to stay away.

use core::time::Duration;

use crate::date;
use crate::edge::Response;

/// The `Retry-After` header (RFC 9110, 10.2.3): seconds, or an HTTP date. A date is compared with
/// the answer's own `Date`, never with a local clock that may be wrong; without one it says
/// nothing.
pub fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date::http(text)?;
    let now = date::http(response.header("date")?)?;
    Some(Duration::from_millis(u64::try_from(until - now).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn reads_both_forms() {
        #[track_caller]
        fn check(value: &str, date: Option<&str>, expected: Option<u64>) {
            let mut headers = Vec::from([("retry-after".to_owned(), value.to_owned())]);
            headers.extend(date.map(|date| ("date".to_owned(), date.to_owned())));
            let response = Response { status: 429, headers, body: Vec::new() };
            assert_eq!(retry_after(&response), expected.map(Duration::from_secs), "{value}");
        }
        const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";
        check("120", None, Some(120));
        check(" 0 ", None, Some(0));
        check("Sun, 06 Nov 1994 12:02:00 GMT", Some(NOON), Some(120));
        check("Sun, 06 Nov 1994 11:00:00 GMT", Some(NOON), Some(0));
        check("Sun, 06 Nov 1994 12:02:00 GMT", None, None);
        check("Sun, 06 Nov 1994 12:02:00 GMT", Some("noon"), None);
        check("-1", None, None);
        check("1.5", None, None);
        check("soon", Some(NOON), None);
        check("", None, None);
    }
}
