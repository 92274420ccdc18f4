//! Why a value cannot be what its name says. What is accepted here, `lakegate` accepts as well.

/// Postgres cuts longer names without a word.
const MAX_NAME: usize = 63;

/// Why a text is no TCP port.
pub(crate) fn port_fault(text: &str) -> Option<&'static str> {
    match text.parse::<u16>() {
        Ok(0) | Err(_) => Some("is no port from 1 to 65535"),
        Ok(_) => None,
    }
}

/// Why a text is no name of a database or schema. It may hold blanks and quotes: it is quoted
/// wherever it stands in SQL.
pub(crate) fn name_fault(text: &str) -> Option<&'static str> {
    match text.len() {
        0 => Some("is empty"),
        1..=MAX_NAME if text.contains('\0') => Some("holds a NUL"),
        1..=MAX_NAME => None,
        _ => Some("is longer than 63 bytes"),
    }
}

/// Why a text is no name of a schema that an app can have.
pub(super) fn schema_fault(text: &str) -> Option<&'static str> {
    let is_reserved = text.starts_with("pg_") || text == "information_schema";
    name_fault(text).or(is_reserved.then_some("is a name that Postgres keeps for itself"))
}

/// Why a text is neither a host nor the path of an endpoint.
pub(super) fn host_fault(text: &str) -> Option<&'static str> {
    if text.starts_with("projects/") {
        return endpoint_fault(text);
    }
    if text.contains("://") {
        return Some("is a URL, not a host");
    }
    let is_address = text.parse::<std::net::Ipv6Addr>().is_ok();
    if text.contains(':') && !is_address {
        return Some("holds a port");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    (text.is_empty() || !text.chars().all(fits)).then_some("is not the name of a host")
}

/// Why a text is not the path of an endpoint.
pub(super) fn endpoint_fault(text: &str) -> Option<&'static str> {
    let parts: Vec<_> = text.split('/').collect();
    let fits = matches!(&parts[..], ["projects", p, "branches", b, "endpoints", e]
        if ![p, b, e].iter().any(|id| id.is_empty()));
    (!fits).then_some("is not the path of an endpoint, projects/…/branches/…/endpoints/…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fault: fn(&str) -> Option<&'static str>, text: &str, expected: Option<&str>) {
        assert_eq!(fault(text), expected, "{text:?}");
    }

    #[test]
    fn ports() {
        check(port_fault, "5432", None);
        for wrong in ["0", "65536", "-1", "5432 ", "", "five"] {
            check(port_fault, wrong, Some("is no port from 1 to 65535"));
        }
    }

    #[test]
    fn names() {
        check(name_fault, "app_ontos", None);
        check(name_fault, "My App's \"data\"", None);
        check(name_fault, "", Some("is empty"));
        check(name_fault, "a\0b", Some("holds a NUL"));
        check(name_fault, &"é".repeat(32), Some("is longer than 63 bytes"));
        check(schema_fault, "app", None);
        check(schema_fault, "pg_app", Some("is a name that Postgres keeps for itself"));
    }

    #[test]
    fn servers() {
        check(host_fault, "instance-1.database.cloud.databricks.com", None);
        check(host_fault, "::1", None);
        check(host_fault, "projects/p/branches/b/endpoints/e", None);
        check(host_fault, "h.example:5432", Some("holds a port"));
        check(host_fault, "postgresql://h.example/db", Some("is a URL, not a host"));
        check(host_fault, "h.example/db", Some("is not the name of a host"));
        let path = "is not the path of an endpoint, projects/…/branches/…/endpoints/…";
        check(host_fault, "projects/p", Some(path));
        check(endpoint_fault, "projects/p/branches//endpoints/e", Some(path));
        check(endpoint_fault, "projects/p/branches/b/endpoints/e/f", Some(path));
    }
}
