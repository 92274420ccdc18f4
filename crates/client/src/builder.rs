//! What a Lakebase is made of.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lakegate_core::refusal::WAKE_UP;
use lakegate_edges::clock::Clock;
use lakegate_edges::control_plane::ControlPlane;
use lakegate_edges::postgres::Postgres;
use lakegate_edges::settings::Settings;
use lakegate_edges::tls;

use crate::edge::Native;
use crate::error::{Error, Kind};
use crate::keeper::Keeper;
use crate::{Lakebase, Parts};

/// What a [`Lakebase`] is made of. Its `Debug` shows no setting.
///
/// ```no_run
/// # async fn start() -> Result<(), lakegate_client::Error> {
/// use lakegate_client::Lakebase;
///
/// let lakebase = Lakebase::builder()
///     .settings([
///         ("DATABRICKS_HOST", "https://adb-1234567890123456.7.azuredatabricks.net"),
///         ("DATABRICKS_TOKEN", "dapi…"),
///         ("POSTGRES_HOST", "instance-….database.azuredatabricks.net"),
///         ("POSTGRES_DB", "app_ontos"),
///     ])
///     .application_name("orders")
///     .start()
///     .await?;
/// # drop(lakebase);
/// # Ok(())
/// # }
/// ```
#[must_use = "it does nothing until it is started"]
pub struct Builder {
    settings: Option<Settings>,
    application_name: String,
    authority: String,
    patience: Duration,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            settings: None,
            application_name: "lakegate".to_owned(),
            authority: String::new(),
            patience: WAKE_UP,
        }
    }

    /// These settings alone, by their names in the environment, secrets included: neither the
    /// environment nor `lakegate.toml` is read.
    pub fn settings(
        self,
        settings: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        Self { settings: Some(Settings::given(settings)), ..self }
    }

    /// What the connections are called in `pg_stat_activity`; `lakegate` otherwise.
    pub fn application_name(self, name: impl Into<String>) -> Self {
        Self { application_name: name.into(), ..self }
    }

    /// An authority to trust beside those that this machine trusts: one or more certificates in PEM.
    pub fn authority(self, pem: impl Into<String>) -> Self {
        Self { authority: pem.into(), ..self }
    }

    /// How long [`Lakebase::connect`] and a pool of deadpool wait for an endpoint that is asleep or
    /// does not answer; two minutes otherwise. A pool of sqlx waits as long as its own
    /// `acquire_timeout` says.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Buys the first token, and starts to renew it.
    ///
    /// # Errors
    ///
    /// The settings are wrong, this machine trusts no certificate, or there is no token: Databricks
    /// refused, or did not answer.
    pub async fn start(self) -> Result<Lakebase, Error> {
        let Self { settings, application_name, authority, patience } = self;
        let settings = match settings {
            Some(settings) => settings,
            None => from_surroundings()?,
        };
        let clock = Clock::new(settings.first("LAKEGATE_CLOCK_FILE").map(PathBuf::from));
        let (control_plane, postgres) = edges(&authority).map_err(|error| {
            let advice = "Check the certificates that this machine, or the application, trusts.";
            Error::setup(Kind::Configuration, &error, advice)
        })?;
        let edge =
            Native { clock: clock.clone(), control_plane, postgres: postgres.clone(), settings };
        let keeper = Keeper::start(edge).await?;
        Ok(Lakebase(Arc::new(Parts {
            keeper,
            clock,
            postgres,
            application_name,
            patience,
            #[cfg(feature = "sqlx")]
            authority,
            #[cfg(feature = "sqlx")]
            told: crate::pool::Told::default(),
        })))
    }
}

fn from_surroundings() -> Result<Settings, Error> {
    Settings::load(BTreeMap::<String, String>::new(), None).map_err(|error| {
        let advice = "Correct lakegate.toml, or let the program read it.";
        Error::setup(Kind::Configuration, &error, advice)
    })
}

/// What connects, once it is known whom to trust.
fn edges(authority: &str) -> anyhow::Result<(ControlPlane, Postgres)> {
    let own = if authority.is_empty() { Vec::new() } else { tls::authorities(authority)? };
    let tls = tls::trusting(tls::roots_and(own)?)?;
    Ok((ControlPlane::new(&tls)?, Postgres::new(&tls)))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("application_name", &self.application_name)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(builder: Builder, kind: Kind, words: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let error = runtime.block_on(builder.start()).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.advice().is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_told_at_once() {
        let nothing = [("ENV", "PROD")];
        let builder = Lakebase::builder().settings(nothing);
        check(builder, Kind::Configuration, "the database (POSTGRES_DB or PGDATABASE) is not set");
        let builder = Lakebase::builder().settings(nothing).authority("no PEM");
        check(builder, Kind::Configuration, "no certificate in it");
    }

    #[test]
    fn no_setting_is_shown() {
        let builder = Lakebase::builder().settings([("DATABRICKS_TOKEN", "s3cret")]);
        assert!(!format!("{builder:?}").contains("s3cret"));
    }
}
