//! Faults of the control plane: rules that say which request is answered wrongly, how, and how often.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One rule, as the admin API takes it. A rule with neither `status` nor `reply` lets the request
/// through after its delay.
///
/// ```
/// let rule: lakebase_emulator::faults::Rule = serde_json::from_str(
///     r#"{"route": "POST /api/2.0/database/credentials", "status": 503, "retry_after": "2", "times": 1}"#,
/// )?;
/// assert_eq!(rule.status, Some(503));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `METHOD /path`; a trailing `*` matches any rest, and the method `*` any method.
    pub route: String,
    /// Answer with this status instead of doing what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body that goes with `status`: JSON, or a string that is sent as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Answer with something that is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// Wait this many milliseconds first.
    #[serde(default)]
    pub delay_ms: u64,
    /// The `Retry-After` header: seconds or an HTTP date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// How many seconds the `Date` header is ahead.
    #[serde(default)]
    pub date_skew_s: i64,
    /// How many requests it hits; without it, all until the rules are cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// Something that is no answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Never answers and keeps the connection open.
    Hang,
    /// Closes the connection and does nothing.
    Drop,
    /// Does what was asked, then closes the connection without a word.
    Lose,
    /// Bytes that are no JSON, with the type of JSON and status 200.
    Garbage,
    /// A login page, as a proxy on the way would send, with status 200.
    Html,
}

/// The rules in force. The first that matches wins.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    /// Adds a rule after the others.
    pub fn add(&self, rule: Rule) {
        self.lock().push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The rules that still have something to hit.
    pub fn rules(&self) -> Vec<Rule> {
        self.lock().clone()
    }

    /// Takes one hit from the first rule for this request.
    pub fn take(&self, method: &str, path: &str) -> Option<Rule> {
        let mut rules = self.lock();
        let at = rules.iter().position(|rule| matches(&rule.route, method, path))?;
        let hit = rules[at].clone();
        match &mut rules[at].times {
            Some(times) if *times > 1 => *times -= 1,
            Some(_) => drop(rules.remove(at)),
            None => {}
        }
        Some(hit)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        // No code panics while it holds the lock, and rules stay whole between statements.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matches(route: &str, method: &str, path: &str) -> bool {
    let Some((wanted_method, wanted_path)) = route.split_once(' ') else { return false };
    let path_fits = match wanted_path.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == wanted_path,
    };
    path_fits && (wanted_method == "*" || wanted_method.eq_ignore_ascii_case(method))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> Rule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_route_names_a_method_and_a_path() {
        #[track_caller]
        fn check(route: &str, method: &str, path: &str, expected: bool) {
            assert_eq!(matches(route, method, path), expected);
        }
        check("GET /a", "GET", "/a", true);
        check("get /a", "GET", "/a", true);
        check("GET /a", "POST", "/a", false);
        check("GET /a", "GET", "/a/b", false);
        check("GET /a*", "GET", "/a/b", true);
        check("* /a/*", "PATCH", "/a/b", true);
        check("* *", "PATCH", "/", true);
        check("/a", "GET", "/a", false); // No method: it hits nothing.
    }

    #[test]
    fn a_rule_ends_after_its_times() {
        let faults = Faults::default();
        faults.add(rule(r#"{"route":"GET /a","status":503,"times":2}"#));
        faults.add(rule(r#"{"route":"* *","status":500}"#));
        let status = |path| faults.take("GET", path).and_then(|rule| rule.status);
        let seen = [status("/a"), status("/b"), status("/a"), status("/a"), status("/a")];
        assert_eq!(seen, [Some(503), Some(500), Some(503), Some(500), Some(500)]);
        faults.clear();
        assert_eq!(status("/a"), None);
    }

    #[test]
    fn a_misspelt_rule_is_refused() {
        assert!(serde_json::from_str::<Rule>(r#"{"route":"GET /a","statsu":1}"#).is_err());
    }
}
