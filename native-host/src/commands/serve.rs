//! `lakegate serve`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use lakegate_edges::clock::Clock;
use lakegate_edges::settings::Settings;
use tokio::net::TcpListener;

use super::bootstrap::DEFAULT_FOLDER;
use crate::cli::ServeArgs;
use crate::failure::Failure;
use crate::function::{self, Function, Options, VARIABLES};
use crate::output;
use crate::proxy::settings::is_of_proxy;
use crate::serve::address::{self, Wire};
use crate::serve::front::Front;
use crate::serve::limits::Limits;
use crate::serve::listener::Server;
use crate::serve::tls::Tls;
use crate::service::certificate::Files;
use crate::service::signals;

/// Who may come in: the digests of both kinds of keys.
const KEYS: [&str; 2] = ["LAKEGATE_ADMIN_KEY_SHA256", "LAKEGATE_TOKEN_KEY_SHA256"];

/// What is said when nobody can be let in.
const CLOSED: &str = "\
lakegate: warning: closed until opened: no key is configured, so every route that needs one answers 403
  KEY=$(openssl rand -base64 32)        # for who calls; keep it where secrets are kept
  printf %s \"$KEY\" | sha256sum          # its digest is the setting:
  LAKEGATE_ADMIN_KEY_SHA256=<digest>    # for /bootstrap, /setup and /tighten
  LAKEGATE_TOKEN_KEY_SHA256=<digest>    # for /token and /status
";

pub(super) async fn run(
    settings: Settings,
    clock: Clock,
    args: ServeArgs,
) -> Result<ExitCode, Failure> {
    let wire = wire(&args);
    address::check(args.listen, wire)?;
    check_names(&settings)?;
    let tls = certificate(&args)?;
    let migrations = migrations(args.migrations)?;
    if args.component.is_none() && is_closed(&settings) {
        eprint!("{CLOSED}");
    }
    let deadline = Duration::from_secs(args.deadline.into());
    let requests_per_instance = args.requests_per_instance as usize;
    let function = Function::start(Options {
        settings: Arc::new(settings),
        clock,
        migrations,
        store: args.store,
        component: args.component,
        limits: function::Limits { deadline, requests_per_instance, ..Default::default() },
    })
    .await?;
    // Not before the function is ready: who can connect is answered.
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("listening on {}", args.listen))?;
    let url = address::url(listener.local_addr().context("asking for the address")?, wire);
    let signals = signals::listen(tls.is_some()).context("listening for signals")?;
    output::print(&format!("listening on {url}\n"))?;
    // Many systems allow a process 1,024 at first, and more to one that asks.
    let files =
        rlimit::increase_nofile_limit(u64::MAX).context("asking how many files may be open")?;
    let limits = Limits::new(args.max_requests as usize, deadline).within(files);
    let front = Front::new(function, limits);
    let drain = Duration::from_secs(args.drain.into());
    Ok(Server { listener, tls, front, drain }.run(signals).await.exit_code())
}

fn wire(args: &ServeArgs) -> Wire {
    match (&args.tls_cert, args.plaintext) {
        (Some(_), _) => Wire::Tls,
        (None, true) => Wire::PlainOnPurpose,
        (None, false) => Wire::Plain,
    }
}

fn certificate(args: &ServeArgs) -> Result<Option<Tls>, Failure> {
    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else { return Ok(None) };
    let files = Files { certificate: certificate.clone(), key: key.clone() };
    Tls::load(files).map(Some).map_err(|error| Failure::usage(format!("{error:#}")))
}

fn migrations(folder: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    match folder {
        None => Ok(Some(PathBuf::from(DEFAULT_FOLDER)).filter(|folder| folder.is_dir())),
        Some(folder) if folder.is_dir() => Ok(Some(folder)),
        Some(folder) => Err(Failure::usage(format!("{} is no folder", folder.display()))),
    }
}

/// Refuses what was set for nothing: the function asks for fewer settings than the commands know.
/// Those of the proxy may stand in the file of both.
fn check_names(settings: &Settings) -> Result<(), Failure> {
    match settings.given_names().find(|name| !is_of_function(name) && !is_of_proxy(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::usage(format!(
            "`{}` is set by a flag or in the configuration file, and is no setting of the function",
            name.to_ascii_lowercase()
        ))),
    }
}

/// Whether the function asks for a setting.
pub(super) fn is_of_function(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.eq_ignore_ascii_case(name))
}

fn is_closed(settings: &Settings) -> bool {
    KEYS.iter().all(|name| settings.first(name).is_none())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[track_caller]
    fn settings(flags: &[(&'static str, &str)]) -> Settings {
        let flags: BTreeMap<_, _> = flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        Settings::load(flags, Some(Path::new("/dev/null"))).unwrap()
    }

    #[test]
    fn what_the_function_does_not_ask_for_is_refused() {
        for (name, taken) in [
            ("POSTGRES_HOST", true),
            ("DATABRICKS_HOST", true),
            ("LAKEGATE_ADMIN_KEY_SHA256", true),
            ("LAKEGATE_POSTGRES_CA", true),
            ("LAKEGATE_PROXY_POOL", true),
            ("DATABRICKS_CONFIG_PROFILE", false), // A function has no home folder.
            ("POSTGRES_HSOT", false),
        ] {
            assert_eq!(check_names(&settings(&[(name, "x")])).is_ok(), taken, "{name}");
        }
    }

    #[test]
    fn one_key_opens_it() {
        assert!(is_closed(&settings(&[])));
        assert!(is_closed(&settings(&[("LAKEGATE_ADMIN_KEY_SHA256", " ")])));
        assert!(!is_closed(&settings(&[("LAKEGATE_ADMIN_KEY_SHA256", "d")])));
        assert!(!is_closed(&settings(&[("LAKEGATE_TOKEN_KEY_SHA256", "d")])));
    }

    #[test]
    fn migrations_are_a_folder() {
        let here = std::env::temp_dir();
        assert_eq!(migrations(Some(here.clone())).unwrap(), Some(here.clone()));
        assert!(migrations(Some(here.join("lakegate-there-is-none"))).is_err());
    }
}
