//! What the proxy is told by options, the environment and `lakegate.toml`.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use lakegate_edges::secrets;
use lakegate_edges::settings::{Origin, Settings};
use lakegate_proxy::{Mode, Tuning};
use zeroize::Zeroizing;

use crate::component::Source;
use crate::service::certificate::Files;

/// All settings of the proxy, beside those of every command.
const NAMES: [&str; 16] = [
    "LAKEGATE_PROXY_DRAIN",
    "LAKEGATE_PROXY_IDLE_TIMEOUT",
    "LAKEGATE_PROXY_KEEP_WARM",
    "LAKEGATE_PROXY_LISTEN",
    "LAKEGATE_PROXY_MAX_CLIENTS",
    "LAKEGATE_PROXY_MAX_LIFETIME",
    "LAKEGATE_PROXY_OPERATIONS",
    PASSWORD,
    PASSWORD_FILE,
    "LAKEGATE_PROXY_POOL",
    "LAKEGATE_PROXY_POOL_SIZE",
    "LAKEGATE_PROXY_THREADS",
    "LAKEGATE_PROXY_TLS_CERT",
    "LAKEGATE_PROXY_TLS_KEY",
    "LAKEGATE_PROXY_UNIX_SOCKET",
    "LAKEGATE_PROXY_WAIT",
];

const PASSWORD: &str = "LAKEGATE_PROXY_PASSWORD";
const PASSWORD_FILE: &str = "LAKEGATE_PROXY_PASSWORD_FILE";

/// What applications speak inside of TLS, when they say it (Postgres 17 does).
const PROTOCOL: &[u8] = b"postgresql";

/// Whether the proxy asks for a setting.
pub(crate) fn is_of_proxy(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Those that are set, and where.
pub(crate) fn sources(settings: &Settings) -> Vec<Source> {
    let layers = [
        (Origin::Flag, "flag"),
        (Origin::Environment, "environment"),
        (Origin::File, "lakegate.toml"),
    ];
    let source = |name: &&'static str| {
        let value = settings.first(name)?;
        let given = |layer: &&(Origin, _)| settings.get(layer.0, name).as_ref() == Some(&value);
        let (_, origin) = layers.iter().find(given)?;
        let (value, origin) =
            if *name == PASSWORD { ("(set)".to_owned(), &"secret") } else { (value, origin) };
        let name = (*name).to_owned();
        Some(Source { names: vec![name.clone()], name, value, origin: (*origin).to_owned() })
    };
    NAMES.iter().filter_map(source).collect()
}

/// What holds from the start of a proxy to its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) listen: Vec<SocketAddr>,
    /// The folder of the Unix socket.
    pub(crate) unix_socket: Option<PathBuf>,
    pub(crate) mode: Mode,
    pub(crate) threads: usize,
    pub(crate) operations: Option<SocketAddr>,
    pub(crate) drain: Duration,
}

impl Fixed {
    /// # Errors
    ///
    /// A value means nothing.
    pub(crate) fn read(settings: &Settings) -> anyhow::Result<Self> {
        let unix_socket = settings.first("LAKEGATE_PROXY_UNIX_SOCKET").map(PathBuf::from);
        Ok(Self {
            listen: addresses(settings, unix_socket.is_some())?,
            unix_socket,
            mode: mode(settings)?,
            threads: number(settings, "LAKEGATE_PROXY_THREADS", 1..=256, 1)? as usize,
            operations: value(settings, "LAKEGATE_PROXY_OPERATIONS")?,
            drain: seconds(settings, "LAKEGATE_PROXY_DRAIN", 0..=u32::MAX, 30)?,
        })
    }
}

/// Reads what may change while it runs, the files with the password and the certificate included.
///
/// # Errors
///
/// A value means nothing, or a file cannot be used.
pub(crate) fn tuning(settings: &Settings) -> anyhow::Result<Tuning> {
    let certificate = certificate(settings)?;
    Ok(Tuning {
        password: password(settings)?,
        app_tls: certificate.map(|files| files.read(&[PROTOCOL])).transpose()?,
        ..pool(settings)?
    })
}

/// The same without a password and TLS: for a proxy that has its own.
pub(crate) fn pool(settings: &Settings) -> anyhow::Result<Tuning> {
    let pool_size = number(settings, "LAKEGATE_PROXY_POOL_SIZE", 1..=10_000, 20)? as usize;
    let keep_warm = number(settings, "LAKEGATE_PROXY_KEEP_WARM", 0..=10_000, 0)? as usize;
    ensure!(
        keep_warm <= pool_size,
        "LAKEGATE_PROXY_KEEP_WARM is {keep_warm}, more than the {pool_size} connections of \
         LAKEGATE_PROXY_POOL_SIZE"
    );
    Ok(Tuning {
        pool_size,
        max_clients: number(settings, "LAKEGATE_PROXY_MAX_CLIENTS", 1..=1_000_000, 1_000)? as usize,
        // A database scales to zero after a minute at the earliest. It would cut idle connections.
        idle_timeout: seconds(settings, "LAKEGATE_PROXY_IDLE_TIMEOUT", 1..=DAY, 50)?,
        max_lifetime: seconds(settings, "LAKEGATE_PROXY_MAX_LIFETIME", 1..=3 * DAY, 2 * DAY)?,
        wait: seconds(settings, "LAKEGATE_PROXY_WAIT", 1..=DAY, 120)?,
        keep_warm,
        password: None,
        app_tls: None,
    })
}

const DAY: u32 = 24 * 60 * 60;

/// The files that the settings name and that may change while it runs.
pub(crate) fn files(settings: &Settings) -> Vec<PathBuf> {
    let certificate = certificate(settings).ok().flatten();
    let certificate = certificate.map(|files| [files.certificate, files.key]);
    let password = settings.first(PASSWORD_FILE).map(PathBuf::from);
    certificate.into_iter().flatten().chain(password).collect()
}

fn addresses(settings: &Settings, elsewhere: bool) -> anyhow::Result<Vec<SocketAddr>> {
    const NAME: &str = "LAKEGATE_PROXY_LISTEN";
    match settings.first(NAME) {
        None if elsewhere => Ok(Vec::new()),
        None => Ok(vec![SocketAddr::from(([127, 0, 0, 1], 6432))]),
        Some(text) => text
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().with_context(|| format!("{NAME}: `{part}`")))
            .collect(),
    }
}

fn mode(settings: &Settings) -> anyhow::Result<Mode> {
    match settings.first("LAKEGATE_PROXY_POOL").as_deref() {
        None | Some("session") => Ok(Mode::Session),
        Some("transaction") => Ok(Mode::Transaction),
        Some(other) => {
            bail!("LAKEGATE_PROXY_POOL is `{other}`: it is neither session nor transaction")
        }
    }
}

fn certificate(settings: &Settings) -> anyhow::Result<Option<Files>> {
    let path = |name| settings.first(name).map(PathBuf::from);
    match (path("LAKEGATE_PROXY_TLS_CERT"), path("LAKEGATE_PROXY_TLS_KEY")) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(Files { certificate, key })),
        (Some(_), None) => bail!("LAKEGATE_PROXY_TLS_CERT is set without LAKEGATE_PROXY_TLS_KEY"),
        (None, Some(_)) => bail!("LAKEGATE_PROXY_TLS_KEY is set without LAKEGATE_PROXY_TLS_CERT"),
    }
}

fn password(settings: &Settings) -> anyhow::Result<Option<Zeroizing<String>>> {
    match (settings.first(PASSWORD), settings.first(PASSWORD_FILE)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => bail!("{PASSWORD} and {PASSWORD_FILE} are both set; keep one"),
        (Some(password), None) => Ok(Some(Zeroizing::new(password))),
        (None, Some(path)) => from_file(&path)
            .map(Some)
            .with_context(|| format!("the password in {path}, which {PASSWORD_FILE} names")),
    }
}

fn from_file(path: &str) -> anyhow::Result<Zeroizing<String>> {
    let text = Zeroizing::new(secrets::read(path)?);
    // Editors and `echo` end a file with a line break.
    let password = text.trim_end_matches(['\r', '\n']);
    ensure!(!password.is_empty(), "the file is empty");
    Ok(Zeroizing::new(password.to_owned()))
}

fn seconds(
    settings: &Settings,
    name: &str,
    range: RangeInclusive<u32>,
    default: u32,
) -> anyhow::Result<Duration> {
    number(settings, name, range, default).map(|n| Duration::from_secs(n.into()))
}

fn number(
    settings: &Settings,
    name: &str,
    range: RangeInclusive<u32>,
    default: u32,
) -> anyhow::Result<u32> {
    let number = value(settings, name)?.unwrap_or(default);
    let (least, most) = (range.start(), range.end());
    ensure!(range.contains(&number), "{name} is {number}: it must be from {least} to {most}");
    Ok(number)
}

fn value<T: FromStr<Err: Display>>(settings: &Settings, name: &str) -> anyhow::Result<Option<T>> {
    let Some(text) = settings.first(name) else { return Ok(None) };
    match text.trim().parse() {
        Ok(value) => Ok(Some(value)),
        Err(error) => bail!("{name} is `{text}`: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    fn settings(flags: &[(&'static str, &str)]) -> Settings {
        let flags: BTreeMap<_, _> = flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        Settings::load(flags, Some(Path::new("/dev/null"))).unwrap()
    }

    #[test]
    fn by_default_it_is_on_this_machine_alone_and_safe() {
        let fixed = Fixed::read(&settings(&[])).unwrap();
        let expected = Fixed {
            listen: vec!["127.0.0.1:6432".parse().unwrap()],
            unix_socket: None,
            mode: Mode::Session,
            threads: 1,
            operations: None,
            drain: Duration::from_secs(30),
        };
        assert_eq!(fixed, expected);
        let tuning = tuning(&settings(&[])).unwrap();
        assert_eq!((tuning.pool_size, tuning.max_clients, tuning.keep_warm), (20, 1_000, 0));
        assert!(tuning.password.is_none() && tuning.app_tls.is_none());
    }

    #[test]
    fn it_listens_where_it_is_told() {
        for (given, expected) in [
            (vec![], vec!["127.0.0.1:6432"]),
            (vec![("LAKEGATE_PROXY_UNIX_SOCKET", "/run/gate")], vec![]),
            (
                vec![("LAKEGATE_PROXY_LISTEN", "[::1]:1, 127.0.0.1:2 127.0.0.1:3")],
                vec!["[::1]:1", "127.0.0.1:2", "127.0.0.1:3"],
            ),
        ] {
            let listen = Fixed::read(&settings(&given)).unwrap().listen;
            let listen: Vec<_> = listen.iter().map(ToString::to_string).collect();
            assert_eq!(listen, expected, "{given:?}");
        }
    }

    #[test]
    fn what_is_set_is_shown_but_no_secret() {
        let given = settings(&[(PASSWORD, "x"), ("LAKEGATE_PROXY_POOL", "transaction")]);
        let shown = sources(&given);
        let shown: Vec<_> = shown.iter().map(|s| (&*s.name, &*s.value, &*s.origin)).collect();
        // A password on a command line is none.
        assert_eq!(shown, [("LAKEGATE_PROXY_POOL", "transaction", "flag")]);
        let given = Settings::given([(PASSWORD, "x")]);
        let shown = sources(&given);
        let shown: Vec<_> = shown.iter().map(|s| (&*s.name, &*s.value, &*s.origin)).collect();
        assert_eq!(shown, [(PASSWORD, "(set)", "secret")]);
    }

    #[track_caller]
    fn refused(given: &[(&'static str, &str)], words: &str) {
        let settings = settings(given);
        let read = Fixed::read(&settings).and_then(|_| tuning(&settings).map(drop));
        assert_eq!(format!("{:#}", read.unwrap_err()), words);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        refused(
            &[("LAKEGATE_PROXY_POOL", "statement")],
            "LAKEGATE_PROXY_POOL is `statement`: it is neither session nor transaction",
        );
        refused(
            &[("LAKEGATE_PROXY_LISTEN", "localhost")],
            "LAKEGATE_PROXY_LISTEN: `localhost`: invalid socket address syntax",
        );
        refused(
            &[("LAKEGATE_PROXY_POOL_SIZE", "0")],
            "LAKEGATE_PROXY_POOL_SIZE is 0: it must be from 1 to 10000",
        );
        refused(
            &[("LAKEGATE_PROXY_WAIT", "soon")],
            "LAKEGATE_PROXY_WAIT is `soon`: invalid digit found in string",
        );
        refused(
            &[("LAKEGATE_PROXY_MAX_LIFETIME", "300000")],
            "LAKEGATE_PROXY_MAX_LIFETIME is 300000: it must be from 1 to 259200",
        );
        refused(
            &[("LAKEGATE_PROXY_KEEP_WARM", "21")],
            "LAKEGATE_PROXY_KEEP_WARM is 21, more than the 20 connections of \
             LAKEGATE_PROXY_POOL_SIZE",
        );
        refused(
            &[("LAKEGATE_PROXY_TLS_CERT", "tls.crt")],
            "LAKEGATE_PROXY_TLS_CERT is set without LAKEGATE_PROXY_TLS_KEY",
        );
    }

    #[test]
    fn a_password_comes_from_a_file_without_its_line_break() {
        let path = std::env::temp_dir().join(format!("lakegate-password-{}", std::process::id()));
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let path = path.to_str().unwrap();
            let given = settings(&[("LAKEGATE_PROXY_PASSWORD_FILE", path)]);
            tuning(&given).map(|tuning| tuning.password.unwrap().to_string())
        };
        assert_eq!(read("open sesame\r\n").unwrap(), "open sesame");
        assert_eq!(read(" x").unwrap(), " x");
        assert!(read("\n").is_err(), "an empty password lets everybody in");
        std::fs::remove_file(path).unwrap();
    }
}
