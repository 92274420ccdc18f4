//! What leads to a database connection of the function: an address that is checked, and whom to
//! trust beside the authorities of this machine.
#![expect(clippy::result_large_err, reason = "the error has the shape that Spin gave it")]

use lakegate_edges::postgres::{LoginError, Postgres};
use lakegate_edges::settings::Settings;
use lakegate_edges::{is_loopback, tls};
use rustls::pki_types::CertificateDer;
use tokio_postgres::config::{Host as Address, SslMode};
use tokio_postgres::{Client, Config};

use super::bindings::spin::postgres::postgres::Error;
use super::destinations::database_allowed;
use super::guest::World;

/// What leads to one.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings name it")]
pub struct Builder {
    pub(super) address: String,
    pub(super) authorities: Vec<CertificateDer<'static>>,
}

impl Builder {
    /// Logs in, if the address may be reached.
    pub(super) async fn open(self, world: &World) -> Result<Client, Error> {
        let config = admitted(&world.settings, &self.address)?;
        let postgres =
            self.trusting(world).map_err(|error| Error::ConnectionFailed(format!("{error:#}")))?;
        postgres.log_in(&config).await.map_err(|error| {
            Error::ConnectionFailed(match error {
                LoginError::Timeout => error.to_string(),
                LoginError::Failed(error) => format!("{:#}", anyhow::Error::from(error)),
            })
        })
    }

    fn trusting(&self, world: &World) -> anyhow::Result<Postgres> {
        let mut roots = world.roots.clone();
        for authority in &self.authorities {
            roots.add(authority.clone())?;
        }
        Ok(Postgres::new(&tls::trusting(roots)?))
    }
}

/// Reads a connection string, and refuses it unless it leads to the database that the settings
/// name, by TLS, or by plaintext to this machine.
fn admitted(settings: &Settings, address: &str) -> Result<Config, Error> {
    let refused = |words: &str| Err(Error::ConnectionFailed(words.to_owned()));
    // The library's words would show what it stumbled over, and that may be a password.
    let Ok(config) = address.parse::<Config>() else { return refused("invalid connection string") };
    let (host, port) = match (config.get_hosts(), config.get_ports(), config.get_hostaddrs()) {
        ([Address::Tcp(host)], [], []) => (host, 5432),
        ([Address::Tcp(host)], [port], []) => (host, *port),
        _ => return refused("this address is not permitted: it needs one host, and no `hostaddr`"),
    };
    match config.get_ssl_mode() {
        SslMode::Require => {}
        SslMode::Disable if is_loopback(host) => {}
        _ => {
            return refused(
                "this address is not permitted: it needs `sslmode=require`, or `disable` when it is \
                 this machine's",
            );
        }
    }
    if !database_allowed(settings, host, port) {
        return refused(&format!(
            "{host}:{port} is not permitted: POSTGRES_HOST and POSTGRES_PORT do not name it"
        ));
    }
    Ok(config)
}

/// Reads the certificates of a PEM text; there must be one at least.
pub(super) fn authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    tls::authorities(pem)
        .map_err(|error| Error::Other(format!("invalid root certificate: {error:#}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Result<(), &str>) {
        let flags = [("POSTGRES_HOST", "localhost"), ("POSTGRES_PORT", "6000")];
        let flags: BTreeMap<_, _> = flags.into_iter().map(|(n, v)| (n, v.to_owned())).collect();
        let settings = Settings::load(flags, Some(Path::new("/dev/null"))).unwrap();
        match (admitted(&settings, address), expected) {
            (Ok(_), Ok(())) => {}
            (Err(Error::ConnectionFailed(words)), Err(expected)) => {
                assert!(words.contains(expected), "{words}");
            }
            (outcome, _) => panic!("{address}: {outcome:?}"),
        }
    }

    #[test]
    fn only_the_database_is_reached_and_only_safely() {
        let place = "host=localhost port=6000 user=u password='a b'";
        check(&format!("{place} sslmode=require"), Ok(()));
        check(&format!("{place} sslmode=disable"), Ok(()));
        check("postgres://u:p@localhost:6000/db?sslmode=require", Ok(()));
        check(place, Err("it needs `sslmode=require`"));
        check(&format!("{place} sslmode=prefer"), Err("it needs `sslmode=require`"));
        check("host=db.example sslmode=disable", Err("it needs `sslmode=require`"));
        check("host=localhost sslmode=require", Err("localhost:5432 is not permitted"));
        check(
            "host=evil.example port=6000 sslmode=require",
            Err("evil.example:6000 is not permitted"),
        );
        check(&format!("{place} hostaddr=10.0.0.1 sslmode=require"), Err("no `hostaddr`"));
        check("host=localhost,evil.example port=6000 sslmode=require", Err("it needs one host"));
        check("host=/run/postgresql port=6000 sslmode=require", Err("it needs one host"));
        check("sslmode=require", Err("it needs one host"));
    }

    #[test]
    fn what_it_stumbles_over_is_not_told() {
        check("host=localhost password=hunter2 hunter3", Err("invalid connection string"));
        check("host=localhost sslmode=verify-full", Err("invalid connection string"));
    }

    /// An authority named "own authority", for a hundred years.
    const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBRjCB+aADAgECAhQ55sRRktBgxZenB7CVrGi4IWrEcTAFBgMrZXAwGDEWMBQG
A1UEAwwNb3duIGF1dGhvcml0eTAgFw0yNjExMjIxNTUxMzNaGA8yMTI2MTAyOTE1
NTEzM1owGDEWMBQGA1UEAwwNb3duIGF1dGhvcml0eTAqMAUGAytlcAMhAGbxh9XU
IuTv0UCf1dWWYt53fBeKyo4ViTFPK8DLPZe+o1MwUTAdBgNVHQ4EFgQU/my1WjcP
4Kv+6J6T7KmqxzAIHocwHwYDVR0jBBgwFoAU/my1WjcP4Kv+6J6T7KmqxzAIHocw
DwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQAXBQooeLl5EczwO+rFdSE6jDxpfnh6
H4icuFplvTh8Cw/QNi71/au6Dw/sCG2lBNSq+iL6SLC2/73VwMMi8pAA
-----END CERTIFICATE-----
";

    #[test]
    fn an_authority_is_a_certificate() {
        assert_eq!(authorities(AUTHORITY).unwrap().len(), 1);
        assert_eq!(authorities(&AUTHORITY.repeat(2)).unwrap().len(), 2);
        for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let Err(Error::Other(words)) = authorities(pem) else { panic!("{pem}") };
            assert!(words.starts_with("invalid root certificate: "), "{words}");
        }
    }
}
