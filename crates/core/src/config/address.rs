//! Names of places: hosts, workspaces, endpoints.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// Why a value is not what its name says.
pub(crate) type Reason = &'static str;

/// Whether `host` is this machine whatever a name server says.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Checks a DNS name or an IP address, without a port.
pub(crate) fn parse_host(text: &str) -> Result<String, Reason> {
    if text.contains("://") {
        return Err("it is a URL, not a host");
    }
    if text.contains('/') {
        return Err("it is a path, not a host");
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok(text.to_owned());
    }
    if text.contains(':') {
        return Err("it holds a port");
    }
    check_name(text)?;
    Ok(text.to_ascii_lowercase())
}

/// DNS allows 253 bytes in labels of 1 to 63; underscores occur in container networks.
fn check_name(name: &str) -> Result<(), Reason> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(())
    } else {
        Err("it is not a host name")
    }
}

/// The address of a workspace: a scheme, a host, and a port when it is not the usual one.
///
/// `http` is only possible for a loopback host: every request carries a secret.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Workspace(String);

impl Workspace {
    /// Reads `adb-1.2.azuredatabricks.net`, `https://…`, with or without a trailing slash or the
    /// `?o=…` that a browser's address line ends with.
    pub(crate) fn parse(text: &str) -> Result<Self, Reason> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            Some(_) => return Err("its scheme is not https"),
            None => ("https", text),
        };
        let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
        let origin = origin(scheme, rest.trim_end_matches('/'))?;
        Ok(Self(origin))
    }

    /// `https://host` or `https://host:port`, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host and the port.
    pub(crate) fn place(&self) -> (String, u16) {
        let (scheme, authority) = self.0.split_once("://").unwrap_or(("https", &self.0));
        let usual = if scheme == "http" { 80 } else { 443 };
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host.to_owned(), port.parse().unwrap_or(usual))
            }
            _ => (authority.to_owned(), usual),
        }
    }

    /// Whether a URL leads to this workspace: same scheme, host and port.
    pub(crate) fn owns(&self, url: &str) -> bool {
        origin_of(url).is_some_and(|origin| origin == self.0)
    }
}

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The origin of an absolute URL to which a secret may be sent: https, or http to loopback.
pub(crate) fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    origin(scheme, &rest[..end]).ok()
}

/// Checks and normalizes `host` or `host:port`.
fn origin(scheme: &str, authority: &str) -> Result<String, Reason> {
    if authority.contains(['@', '/', '\\', '#']) {
        return Err("it is not a host");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(ip) if ip.parse::<Ipv6Addr>().is_ok() => {}
        Some(_) => return Err("it is not a host"),
        None => check_name(host)?,
    }
    if scheme == "http" && !is_loopback(host) {
        return Err("http would send secrets in the clear");
    }
    let host = host.to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    match port.map(parse_port).transpose()? {
        Some(port) if port != usual => Ok(format!("{scheme}://{host}:{port}")),
        _ => Ok(format!("{scheme}://{host}")),
    }
}

/// Reads a TCP port.
pub(crate) fn parse_port(text: &str) -> Result<u16, Reason> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it is not a port from 1 to 65535"),
        Ok(port) => Ok(port),
    }
}

/// The name of an Autoscaling endpoint: `projects/…/branches/…/endpoints/…`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct EndpointPath(String);

impl EndpointPath {
    /// The shape, for people.
    pub(crate) const SHAPE: &str = "projects/PROJECT/branches/BRANCH/endpoints/ENDPOINT";

    /// Whether a value is meant to be such a path: no host has slashes, a path begins like this.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.starts_with("projects/")
    }

    /// Reads it.
    pub(crate) fn parse(text: &str) -> Result<Self, Reason> {
        let mut parts = text.split('/');
        for collection in ["projects", "branches", "endpoints"] {
            if parts.next() != Some(collection) || !parts.next().is_some_and(is_id) {
                return Err("it is not the path of an endpoint");
            }
        }
        match parts.next() {
            None => Ok(Self(text.to_owned())),
            Some(_) => Err("it is not the path of an endpoint"),
        }
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of its branch.
    pub(crate) fn branch(&self) -> &str {
        self.0.split_once("/endpoints/").map_or(&*self.0, |(branch, _)| branch)
    }

    /// Whether its last part looks like an endpoint's uid, a frequent mistake: the API knows an
    /// endpoint by its id, which is usually `primary`.
    pub(crate) fn ends_in_uid(&self) -> bool {
        self.0.rsplit('/').next().is_some_and(|id| id.starts_with("ep-"))
    }
}

impl fmt::Display for EndpointPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !text.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_workspaces() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, Reason>) {
            let workspace = Workspace::parse(text);
            assert_eq!(workspace.as_ref().map(Workspace::as_str).map_err(|e| *e), expected);
        }
        check("adb-1.2.azuredatabricks.net", Ok("https://adb-1.2.azuredatabricks.net"));
        check("https://Dbc-A.cloud.databricks.com/", Ok("https://dbc-a.cloud.databricks.com"));
        check("HTTPS://h.example:443", Ok("https://h.example"));
        check("https://h.example:8443/", Ok("https://h.example:8443"));
        check("https://h.example/?o=123", Ok("https://h.example"));
        check("http://127.0.0.1:9000", Ok("http://127.0.0.1:9000"));
        check("http://localhost", Ok("http://localhost"));
        check("http://[::1]:9000", Ok("http://[::1]:9000"));
        check("http://h.example", Err("http would send secrets in the clear"));
        check("http://localhost.evil.example", Err("http would send secrets in the clear"));
        check("ftp://h.example", Err("its scheme is not https"));
        check("https://h.example/sql", Err("it is not a host"));
        check("https://user:pass@h.example", Err("it is not a host"));
        check("https://", Err("it is not a host name"));
        check("two words", Err("it is not a host name"));
        check("h.example:0", Err("it is not a port from 1 to 65535"));
    }

    #[test]
    fn sends_no_secret_to_a_foreign_host() {
        let workspace = Workspace::parse("https://h.example").unwrap();
        #[track_caller]
        fn check(workspace: &Workspace, url: &str, own: bool) {
            assert_eq!(workspace.owns(url), own, "{url}");
        }
        check(&workspace, "https://h.example/oidc/v1/token", true);
        check(&workspace, "https://H.EXAMPLE:443/oidc/v1/token", true);
        check(&workspace, "http://h.example/oidc/v1/token", false);
        check(&workspace, "https://h.example:8443/oidc/v1/token", false);
        check(&workspace, "https://h.example.evil.example/oidc/v1/token", false);
        check(&workspace, "https://h.example@evil.example/oidc/v1/token", false);
        check(&workspace, "https://evil.example\\@h.example/", false);
        check(&workspace, "https://evil.example#@h.example/", false);
        check(&workspace, "/oidc/v1/token", false);
    }

    #[test]
    fn reads_hosts() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, Reason>) {
            assert_eq!(parse_host(text), expected.map(ToOwned::to_owned), "{text}");
        }
        check("instance-1.database.Example", Ok("instance-1.database.example"));
        check("127.0.0.1", Ok("127.0.0.1"));
        check("::1", Ok("::1"));
        check("h.example:5432", Err("it holds a port"));
        check("postgresql://h.example/db", Err("it is a URL, not a host"));
        check("/var/run/postgresql", Err("it is a path, not a host"));
        check("h..example", Err("it is not a host name"));
        check("h.example;rm", Err("it is not a host name"));
    }

    #[test]
    fn knows_this_machine() {
        for (host, own) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("[::1]", true),
            ("127.0.0.1.example", false),
            ("a.localhost", false), // A name server may answer anything.
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), own, "{host}");
        }
    }

    #[test]
    fn reads_endpoint_paths() {
        #[track_caller]
        fn check(text: &str, ok: bool) {
            assert_eq!(EndpointPath::parse(text).is_ok(), ok, "{text}");
        }
        check("projects/p/branches/main/endpoints/primary", true);
        check("projects/p/branches/main/endpoints/primary/", false);
        check("projects/p/branches/main", false);
        check("projects/p/branches//endpoints/primary", false);
        check("projects/p/branches/../endpoints/primary", false);
        check("projects/p/branches/b/endpoints/e?x", false);
        check("/projects/p/branches/b/endpoints/e", false);
    }

    /// Texts of up to 12 pieces, of which some make up an address and others break it.
    fn hostile(seed: u64) -> String {
        const PIECES: [&str; 20] = [
            "https://",
            "http://",
            "HTTP://",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "::1",
            "h.example",
            "evil",
            ".",
            ":",
            ":443",
            ":80",
            "@",
            "/",
            "\\",
            "?",
            "#",
            "%2f",
            "é",
        ];
        let mut state = seed;
        let mut draw = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits fit")
        };
        (0..=draw() % 12).map(|_| PIECES[draw() % PIECES.len()]).collect()
    }

    #[test]
    fn what_is_accepted_is_an_origin_and_owns_itself_alone() {
        let mut accepted = 0;
        for seed in 0..20_000 {
            let text = hostile(seed);
            let Ok(workspace) = Workspace::parse(&text) else { continue };
            accepted += 1;
            let origin = workspace.as_str();
            assert_eq!(Workspace::parse(origin).as_ref(), Ok(&workspace), "{text}");
            let authority = origin.split_once("://").map(|(_, authority)| authority).unwrap();
            assert!(!authority.contains(['@', '/', '\\', '?', '#', '%']), "{text}");
            assert!(workspace.owns(&format!("{origin}/oidc/v1/token")), "{text}");
            assert!(!workspace.owns(&format!("{origin}@evil.example/")), "{text}");
            assert!(!workspace.owns(&format!("{origin}.evil.example/")), "{text}");
            assert!(origin.starts_with("https://") || is_loopback(host_of(authority)), "{text}");
        }
        assert!(accepted > 500, "{accepted} of 20000 say too little");
    }

    fn host_of(authority: &str) -> &str {
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }
}
