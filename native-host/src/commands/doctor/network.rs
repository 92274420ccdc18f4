//! The way to the workspace and to the database, which the component cannot see: it has no sockets.

use std::sync::Arc;

use futures_util::future::join_all;
use lakegate_edges::probe::{Destination, Greeting, Obstacle, Stage, Step, probe};
use rustls::ClientConfig;

use crate::component::{Check, Outcome, Server};

/// Where an HTTPS client may be told to go through a proxy, as the one of this program is.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

const STAGES: [(Stage, &str); 3] = [(Stage::Dns, "dns"), (Stage::Tcp, "tcp"), (Stage::Tls, "tls")];

/// One of the two ways.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Workspace,
    Database,
}

impl Way {
    /// The way that a check needs.
    fn of(check: &str) -> Option<Self> {
        match check {
            "workspace-token" => Some(Self::Workspace),
            "login" => Some(Self::Database),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Database => "database",
        }
    }

    const fn setting(self) -> &'static str {
        match self {
            Self::Workspace => "DATABRICKS_HOST",
            Self::Database => "POSTGRES_HOST",
        }
    }
}

/// Puts three lines before each check that talks to a server: its name, its port, its certificate.
pub(super) async fn look(checks: Vec<Check>, tls: &Arc<ClientConfig>) -> Vec<Check> {
    let looks = checks.into_iter().map(|check| async move {
        let mut lines = match (Way::of(&check.name), &check.at) {
            (Some(way), Some(server)) => along(way, server, &check.outcome, tls).await,
            _ => Vec::new(),
        };
        lines.push(check);
        lines
    });
    join_all(looks).await.into_iter().flatten().collect()
}

async fn along(
    way: Way,
    server: &Server,
    outcome: &Outcome,
    tls: &Arc<ClientConfig>,
) -> Vec<Check> {
    if way == Way::Workspace
        && let Some(name) = PROXIES.into_iter().find(|name| std::env::var_os(name).is_some())
    {
        let reason = format!("not tried: {name} is set, so requests go through a proxy");
        return STAGES.map(|(_, stage)| skipped(way, stage, &reason)).into();
    }
    let greeting = match way {
        _ if server.plaintext => Greeting::Plaintext,
        Way::Workspace => Greeting::Https,
        Way::Database => Greeting::Postgres,
    };
    let to = Destination { host: server.host.clone(), port: server.port, greeting };
    let steps = probe(&to, tls).await;
    let reached = matches!(outcome, Outcome::Passed | Outcome::Warning);
    STAGES
        .map(|(stage, word)| match steps.iter().find(|step| step.stage == stage) {
            Some(step) => line(way, word, &to, step, reached),
            None if greeting == Greeting::Plaintext => {
                skipped(way, word, "not needed: plaintext, on this machine")
            }
            None => skipped(way, word, &missed(way, &steps)),
        })
        .into()
}

fn missed(way: Way, steps: &[Step]) -> String {
    let last = steps.last().and_then(|last| STAGES.iter().find(|(own, _)| *own == last.stage));
    format!("not tried: {}-{} failed", way.word(), last.map_or("dns", |(_, word)| word))
}

fn skipped(way: Way, stage: &str, reason: &str) -> Check {
    Check {
        name: format!("{}-{stage}", way.word()),
        outcome: Outcome::Skipped,
        cause: None,
        found: reason.to_owned(),
        advice: String::new(),
        at: None,
        milliseconds: 0,
    }
}

fn line(way: Way, stage: &str, to: &Destination, step: &Step, reached: bool) -> Check {
    let milliseconds = u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX);
    let (outcome, cause, found, advice) = match &step.result {
        Ok(found) => (Outcome::Passed, None, found.clone(), String::new()),
        Err(obstacle) => {
            let found = format!("{}:{}: {obstacle}", to.host, to.port);
            // The check behind it found another way.
            let outcome = if reached { Outcome::Warning } else { Outcome::Failed };
            (outcome, Some(cause(obstacle).to_owned()), found, advice(way, to, obstacle))
        }
    };
    Check { outcome, cause, found, advice, milliseconds, ..skipped(way, stage, "") }
}

/// The word for programs, beside those of the component.
const fn cause(obstacle: &Obstacle) -> &'static str {
    match obstacle {
        Obstacle::UnknownHost(_) => "unknown-host",
        Obstacle::Timeout => "network-blocked",
        Obstacle::NoTls => "no-tls",
        Obstacle::Issuer(_) => "untrusted-certificate",
        Obstacle::Name(_) => "wrong-certificate-name",
        Obstacle::Dates(_) => "expired-certificate",
        Obstacle::Refused(_) | Obstacle::Tls(_) | Obstacle::Other(_) => "unreachable",
    }
}

fn advice(way: Way, to: &Destination, obstacle: &Obstacle) -> String {
    let (Destination { host, port, .. }, setting) = (to, way.setting());
    match obstacle {
        Obstacle::UnknownHost(_) => format!(
            "Check {setting} and the name server of this machine. A host behind a private link is \
             known to the name servers of its network alone."
        ),
        Obstacle::Timeout => format!(
            "Something drops packets on the way, a firewall most likely: let this machine connect \
             to {host} on TCP port {port}."
        ),
        Obstacle::Refused(_) if way == Way::Database => {
            "Check POSTGRES_HOST and POSTGRES_PORT, and that the server is started.".to_owned()
        }
        Obstacle::NoTls => format!(
            "Lakebase always does TLS, so what listens at {host}:{port} is something else: check \
             POSTGRES_HOST and POSTGRES_PORT. A Postgres of this machine without TLS is for LOCAL \
             mode (ENV=LOCAL)."
        ),
        Obstacle::Issuer(_) => format!(
            "If your network's own authority signed it, as an inspecting proxy does, name that \
             authority's PEM file in SSL_CERT_FILE. If not, somebody answers in the place of {host}."
        ),
        Obstacle::Name(_) => {
            format!("Set {setting} to the name that the certificate is for, if that is the server.")
        }
        Obstacle::Dates(_) => format!(
            "Check the clock of this machine first: `date -u`. If it is right, the certificate of \
             {host} has to be renewed by whoever runs it."
        ),
        Obstacle::Refused(_) | Obstacle::Tls(_) | Obstacle::Other(_) => format!(
            "Check {setting}, and what stands between this machine and {host}: a firewall, a proxy."
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn to() -> Destination {
        Destination { host: "h.example".to_owned(), port: 5432, greeting: Greeting::Postgres }
    }

    #[test]
    fn an_obstacle_on_a_way_that_was_not_needed_is_a_warning() {
        for (reached, expected) in [(true, "Warning"), (false, "Failed")] {
            let step = Step {
                stage: Stage::Tcp,
                result: Err(Obstacle::Timeout),
                took: Duration::from_secs(5),
            };
            let line = line(Way::Database, "tcp", &to(), &step, reached);
            assert!(format!("{:?}", line.outcome).contains(expected), "{line:?}");
            assert_eq!((line.name.as_str(), line.milliseconds), ("database-tcp", 5_000));
            assert_eq!(line.found, "h.example:5432: no answer in 5 s");
        }
    }

    #[test]
    fn every_obstacle_has_its_word_and_its_fix() {
        #[track_caller]
        fn check(obstacle: Obstacle, word: &str, fix: &str) {
            assert_eq!(cause(&obstacle), word);
            let advice = advice(Way::Database, &to(), &obstacle);
            assert!(advice.contains(fix), "{advice}");
        }
        let why = || "why".to_owned();
        check(Obstacle::UnknownHost(why()), "unknown-host", "POSTGRES_HOST");
        check(Obstacle::Refused(why()), "unreachable", "POSTGRES_PORT");
        check(Obstacle::Timeout, "network-blocked", "h.example on TCP port 5432");
        check(Obstacle::NoTls, "no-tls", "ENV=LOCAL");
        check(Obstacle::Issuer(why()), "untrusted-certificate", "SSL_CERT_FILE");
        check(Obstacle::Name(why()), "wrong-certificate-name", "POSTGRES_HOST");
        check(Obstacle::Dates(why()), "expired-certificate", "clock of this machine");
        check(Obstacle::Tls(why()), "unreachable", "firewall");
        check(Obstacle::Other(why()), "unreachable", "firewall");
    }
}
