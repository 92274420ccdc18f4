//! Where the function may connect to: its workspace and its database, nothing else.
//!
//! The database is the one that `POSTGRES_HOST` and `POSTGRES_PORT` name. When they name an
//! Autoscaling endpoint (`projects/…`), its host is only known to the control plane: then any host of
//! Lakebase in the workspace's own domain will do, for the certificate must be that host's.

use lakegate_edges::is_loopback;
use lakegate_edges::settings::Settings;
use reqwest::Url;

const POSTGRES_PORT: u16 = 5432;

/// Whether an HTTP request may go there: the scheme, host and port of `DATABRICKS_HOST`.
pub(super) fn workspace_allowed(settings: &Settings, url: &Url) -> bool {
    workspace(settings).is_some_and(|own| {
        own.origin() == url.origin() && (url.scheme() == "https" || on_this_machine(url))
    })
}

/// Whether a database connection may go there.
pub(super) fn database_allowed(settings: &Settings, host: &str, port: u16) -> bool {
    let text = settings.first("POSTGRES_PORT");
    let own_port = text.map_or(Some(POSTGRES_PORT), |text| text.trim().parse().ok());
    let Some(own) = settings.first("POSTGRES_HOST") else { return false };
    let own = own.trim();
    own_port == Some(port)
        && if own.starts_with("projects/") {
            workspace(settings).is_some_and(|workspace| endpoint_allowed(&workspace, host))
        } else {
            own.eq_ignore_ascii_case(host)
        }
}

/// `DATABRICKS_HOST`, with or without a scheme.
fn workspace(settings: &Settings) -> Option<Url> {
    let text = settings.first("DATABRICKS_HOST")?;
    let text = text.trim();
    if text.contains("://") { text.parse().ok() } else { format!("https://{text}").parse().ok() }
}

/// `ep-….database.us-east-1.cloud.databricks.com` beside `dbc-….cloud.databricks.com`; a rehearsal
/// has both on this machine.
fn endpoint_allowed(workspace: &Url, host: &str) -> bool {
    if on_this_machine(workspace) {
        return is_loopback(host);
    }
    let domain = |name: &str| {
        let mut labels = name.rsplit('.');
        Some((labels.next()?.to_ascii_lowercase(), labels.next()?.to_ascii_lowercase()))
    };
    let lakebase = host.split('.').nth(1).is_some_and(|l| l.eq_ignore_ascii_case("database"));
    lakebase && domain(host).is_some() && domain(host) == workspace.host_str().and_then(domain)
}

fn on_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn settings(flags: &[(&'static str, &str)]) -> Settings {
        let flags: BTreeMap<_, _> = flags.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        Settings::load(flags, Some(std::path::Path::new("/dev/null"))).unwrap()
    }

    #[track_caller]
    fn workspace(own: &str, url: &str, expected: bool) {
        let settings = settings(&[("DATABRICKS_HOST", own)]);
        assert_eq!(workspace_allowed(&settings, &url.parse().unwrap()), expected, "{own} {url}");
    }

    #[test]
    fn requests_go_to_the_workspace_alone() {
        workspace("w.example", "https://w.example/oidc/v1/token", true);
        workspace("https://W.example/", "https://w.example:443/", true);
        workspace("https://w.example:8443", "https://w.example:8443/", true);
        workspace("w.example", "http://w.example/", false);
        workspace("w.example", "https://w.example:8443/", false);
        workspace("w.example", "https://w.example.evil.example/", false);
        workspace("w.example", "https://w.example@evil.example/", false);
        workspace("w.example", "https://169.254.169.254/", false);
        workspace("http://w.example", "http://w.example/", false);
        workspace("http://localhost:9000", "http://localhost:9000/", true);
        workspace("http://localhost:9000", "http://localhost:9001/", false);
        workspace("https://localhost:9000", "http://localhost:9000/", false);
        workspace("ftp://w.example", "ftp://w.example/", false);
    }

    #[track_caller]
    fn database(own: (&str, &str), to: (&str, u16), expected: bool) {
        let settings = settings(&[
            ("POSTGRES_HOST", own.0),
            ("POSTGRES_PORT", own.1),
            ("DATABRICKS_HOST", "dbc-1.cloud.databricks.com"),
        ]);
        assert_eq!(database_allowed(&settings, to.0, to.1), expected, "{own:?} {to:?}");
    }

    #[test]
    fn connections_go_to_the_database_alone() {
        database(("db.example", "5432"), ("db.example", 5432), true);
        database(("DB.example", ""), ("db.example", 5432), true);
        database(("db.example", "6000"), ("db.example", 6000), true);
        database(("db.example", "6000"), ("db.example", 5432), false);
        database(("db.example", "x"), ("db.example", 5432), false);
        database(("db.example", ""), ("other.example", 5432), false);
        database(("db.example", ""), ("localhost", 5432), false);
        database(("", ""), ("", 5432), false);
    }

    #[test]
    fn an_endpoint_is_a_host_of_lakebase_in_the_workspace_s_domain() {
        let endpoint = ("projects/p/branches/b/endpoints/e", "");
        database(endpoint, ("ep-1.database.us-east-1.cloud.databricks.com", 5432), true);
        database(endpoint, ("instance-1.database.cloud.databricks.com", 5432), true);
        database(endpoint, ("ep-1.database.azuredatabricks.net", 5432), false);
        database(endpoint, ("ep-1.database.evil.example", 5432), false);
        database(endpoint, ("dbc-1.cloud.databricks.com", 5432), false);
        database(endpoint, ("database", 5432), false);
        database(endpoint, ("localhost", 5432), false);
    }

    #[test]
    fn an_endpoint_of_a_rehearsal_is_on_this_machine() {
        let settings = settings(&[
            ("POSTGRES_HOST", "projects/p/branches/b/endpoints/e"),
            ("POSTGRES_PORT", "6000"),
            ("DATABRICKS_HOST", "https://localhost:9000"),
        ]);
        assert!(database_allowed(&settings, "127.0.0.1", 6000));
        assert!(!database_allowed(&settings, "ep-1.database.cloud.databricks.com", 6000));
    }
}
