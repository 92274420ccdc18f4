//! Everything that a start needs, tried in order; nothing is changed.
//!
//! Tokens are bought anew, beside those of an application that runs: what was bought an hour ago
//! proves nothing. What can be tried is tried, and what cannot says which check stands before it.

mod cause;
mod chart;
mod database;
mod identity;
mod login;
mod suspicion;
mod target;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::{Access, Config, OAuthAccess, PasswordAccess, Source, sources};
use crate::edge::{Edge, Server};
use crate::flow::connector::Connector;

pub use cause::Cause;
use chart::{Chart, Stop};
pub use chart::{Check, Outcome};
use login::Password;

/// The checks, in the order in which a start needs them.
const CHECKS: [&str; 10] = [
    CONFIGURATION,
    WORKSPACE_TOKEN,
    IDENTITY,
    INSTANCE,
    CREDENTIAL,
    LOGIN,
    ROLE,
    PRIVILEGES,
    BOOTSTRAP,
    CLOCK,
];
const CONFIGURATION: &str = "configuration";
const WORKSPACE_TOKEN: &str = "workspace-token";
const IDENTITY: &str = "identity";
const INSTANCE: &str = "instance";
const CREDENTIAL: &str = "credential";
const LOGIN: &str = "login";
const ROLE: &str = "role";
const PRIVILEGES: &str = "privileges";
const BOOTSTRAP: &str = "bootstrap";
const CLOCK: &str = "clock";

impl<E: Edge> Connector<E> {
    /// Every setting with its source, whether or not they can be used.
    pub fn sources(&self) -> Vec<Source> {
        sources(&*self.edge)
    }

    /// Tries everything that a start needs.
    pub async fn examine(&self) -> Vec<Check> {
        let mut chart = Chart::new(&*self.edge);
        let stop = self.examine_into(&mut chart).await.err();
        chart.skip_rest(stop.as_ref());
        chart.checks()
    }

    async fn examine_into(&self, chart: &mut Chart<'_, E>) -> Result<(), Stop> {
        let config = match Config::load(&*self.edge) {
            Ok(config) => config,
            Err(error) => return Err(chart.fail(CONFIGURATION, Cause::Settings, error.problem())),
        };
        chart.pass(CONFIGURATION, configured(&config));
        for warning in &config.warnings {
            chart.warn(CONFIGURATION, Cause::Settings, warning.clone(), String::new());
        }
        match &config.access {
            Access::Password(access) => self.examine_password(chart, &config, access).await,
            Access::OAuth(access) => self.examine_tokens(chart, &config, access).await,
        }
    }

    async fn examine_password(
        &self,
        chart: &mut Chart<'_, E>,
        config: &Config,
        access: &PasswordAccess,
    ) -> Result<(), Stop> {
        chart.skip(&[WORKSPACE_TOKEN, IDENTITY, INSTANCE], "not needed in LOCAL mode");
        let (host, port) = (access.host.value.clone(), config.port.value);
        let server = Server { host, port, plaintext: access.plaintext() };
        chart.will_log_in(&server);
        let password = login::configured(chart, access).await?;
        let user = &access.user.value;
        chart
            .pass(CREDENTIAL, format!("role \"{user}\" at {}:{port} with a password", server.host));
        if let Some((cause, found, advice)) = password.trap() {
            chart.warn(CREDENTIAL, cause, found, advice);
        }
        let attempt = login::Attempt { server, user, config, password: &password, evidence: None };
        let connection = login::enter(self, chart, &attempt).await?;
        database::examine(chart, &connection, config).await
    }

    async fn examine_tokens(
        &self,
        chart: &mut Chart<'_, E>,
        config: &Config,
        access: &OAuthAccess,
    ) -> Result<(), Stop> {
        login::warn_of_password(chart).await;
        if let Some(workspace) = &access.workspace {
            chart.will_ask(&workspace.value);
        }
        if let Some(host) = &access.host {
            chart.will_log_in(&server(&host.value, config));
        }
        let token = identity::token(chart, access).await?;
        let user = identity::owner(chart, &token).await?;
        let (target, asleep) = target::find(chart, access, &token).await?;
        let server = server(target.host(), config);
        chart.will_log_in(&server);
        let credential = identity::credential(chart, &token, &target, &user, &server).await?;
        if let Some(problem) = self.health().and_then(|health| health.problem) {
            let found = format!("the last renewal here failed: {problem}");
            chart.warn(CREDENTIAL, Cause::RenewalFailed, found, problem.advice);
        }
        let password = Password::Minted { token: credential.token.clone(), asleep };
        let evidence = Some(login::Evidence { token: &token, target: &target });
        let attempt = login::Attempt { server, user: &user, config, password: &password, evidence };
        let connection = login::enter(self, chart, &attempt).await?;
        database::examine(chart, &connection, config).await
    }
}

fn server(host: &str, config: &Config) -> Server {
    Server { host: host.into(), port: config.port.value, plaintext: false }
}

fn configured(config: &Config) -> String {
    let mode = match &config.access {
        Access::OAuth(_) => "OAuth",
        Access::Password(_) => "LOCAL",
    };
    let (database, schema) = (&config.database.value, &config.schema.value);
    format!("{mode} mode, database {database}, schema {schema}")
}

#[cfg(test)]
mod tests;
