//! Which request goes where, and what is refused on the way.

use super::*;

#[track_caller]
fn check(method: &str, target: &str, expected: Result<&str, (u16, Option<&str>)>) {
    let (method, uri) = (method.parse().unwrap(), target.parse().unwrap());
    let found = find(&method, &uri).map(|route| route.path);
    let found = found.map_err(|fault| (fault.kind().status().as_u16(), fault.allow));
    let found = found.as_ref().map(|path| *path).map_err(|(s, a)| (*s, a.as_deref()));
    assert_eq!(found, expected, "{method} {target}");
}

#[test]
fn a_request_finds_its_route_or_is_told_what_there_is() {
    for route in &ROUTES {
        let method = if route.method == Verb::Get { "GET" } else { "POST" };
        check(method, route.path, Ok(route.path));
    }
    check("GET", "/healthz?x=1", Ok("/healthz"));
    check("GET", "http://127.0.0.1:3000/healthz", Ok("/healthz"));
    check("HEAD", "/healthz", Ok("/healthz"));
    check("HEAD", "/token", Err((405, Some("POST"))));
    check("DELETE", "/bootstrap", Err((405, Some("POST, GET, HEAD"))));
    check("OPTIONS", "/healthz", Err((405, Some("GET, HEAD"))));
    check("POST", "/status", Err((405, Some("GET, HEAD"))));
    for unknown in ["/", "/token/", "//token", "/Token", "/%74oken", "/tokenx", "/bootstrap/plan"] {
        check("GET", unknown, Err((404, None)));
    }
}

#[test]
fn a_query_that_is_not_understood_changes_nothing() {
    let on = |path: &str, query: &str| {
        let route = ROUTES.iter().find(|route| route.path == path).unwrap();
        plan(route, query).map_err(|fault| fault.kind())
    };
    for path in ["/setup", "/tighten"] {
        assert_eq!(on(path, ""), Ok(false));
        for query in ["plan", "plan=", "plan=1", "plan=false", "plan&plan", "&plan"] {
            assert_eq!(on(path, query), Ok(true), "{query}");
        }
        for query in ["plna", "plan&x", "PLAN", "pl%61n"] {
            assert_eq!(on(path, query), Err(Type::Invalid), "{query}");
        }
    }
    assert_eq!(on("/bootstrap", "plan"), Err(Type::Invalid), "GET shows the plan");
    assert_eq!(on("/token", "plan"), Ok(false), "nothing is changed there");
}

#[test]
fn seconds_are_whole_and_never_none() {
    for (milliseconds, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
        assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), seconds);
    }
}
