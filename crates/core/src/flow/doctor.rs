//! Everything that a start needs, tried in order; nothing is changed.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::bootstrap::{Desired, Plan};
use crate::config::{Access, Config, Source, sources};
use crate::edge::{Edge, Server};
use crate::flow::bootstrap;
use crate::flow::connector::{Connector, Mode, Ready, Ticket};
use crate::problem::Problem;
use crate::sql::Ident;

/// One check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found: one line, no secret.
    pub found: String,
    /// What to do about it; empty when it passed.
    pub advice: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// It works, but a person should look.
    Warning,
    /// This is what is wrong.
    Failed,
    /// Not tried, because an earlier one failed.
    Skipped,
}

/// The checks, in the order in which a start needs them.
const CHECKS: [&str; 5] = [CONFIGURATION, WORKSPACE, CREDENTIAL, LOGIN, DATABASE];
const CONFIGURATION: &str = "configuration";
const WORKSPACE: &str = "workspace";
const CREDENTIAL: &str = "credential";
const LOGIN: &str = "login";
const DATABASE: &str = "database";

/// A person waits for the answer: an endpoint that sleeps gets less time than at a start.
const PATIENCE: Duration = Duration::from_secs(15);

impl<E: Edge> Connector<E> {
    /// Every setting with its source, whether or not they can be used.
    pub fn sources(&self) -> Vec<Source> {
        sources(&*self.edge)
    }

    /// Tries everything that a start needs. It stops at the first failure: what follows would fail
    /// for the same reason, and is reported as skipped.
    pub async fn examine(&self) -> Vec<Check> {
        let mut findings = Findings::default();
        if let Err((name, problem)) = self.examine_into(&mut findings).await {
            findings.add(name, Outcome::Failed, problem.message, problem.advice);
        }
        findings.skip_rest();
        findings.0
    }

    async fn examine_into(&self, findings: &mut Findings) -> Result<(), (&'static str, Problem)> {
        let at = |name| move |problem| (name, problem);
        let ready = self.read().map_err(at(CONFIGURATION))?;
        findings.pass(CONFIGURATION, configured(&ready.config));
        findings.warn(CONFIGURATION, &ready.config.warnings);

        findings.pass(WORKSPACE, workspace(&ready).await.map_err(at(WORKSPACE))?);

        let ticket = self.renewed(0).await.map_err(at(CREDENTIAL))?;
        findings.pass(CREDENTIAL, granted(&ticket));
        if let Some(problem) = self.health().and_then(|health| health.problem) {
            let found = format!("its last renewal failed: {problem}");
            findings.add(CREDENTIAL, Outcome::Warning, found, problem.advice);
        }

        let connection = self.open(None, PATIENCE).await.map_err(at(LOGIN))?;
        findings.pass(LOGIN, logged_in(&ticket));

        let schema = ready.config.schema.value.parse::<Ident>();
        let schema = schema.map_err(|error| error.problem()).map_err(at(DATABASE))?;
        let plan = bootstrap::plan(&connection, &Desired::new(schema)).await;
        let plan = plan.map_err(at(DATABASE))?;
        findings.pass(DATABASE, prepared(&plan));
        findings.warn(DATABASE, &plan.notes);
        Ok(())
    }
}

/// What the checks have found so far.
#[derive(Default)]
struct Findings(Vec<Check>);

impl Findings {
    fn add(&mut self, name: &'static str, outcome: Outcome, found: String, advice: String) {
        self.0.push(Check { name, outcome, found, advice });
    }

    fn pass(&mut self, name: &'static str, found: String) {
        self.add(name, Outcome::Passed, found, String::new());
    }

    /// Warnings of a check that has passed. Each says in itself what to do.
    fn warn(&mut self, name: &'static str, texts: &[String]) {
        for text in texts {
            self.add(name, Outcome::Warning, text.clone(), String::new());
        }
    }

    fn skip_rest(&mut self) {
        for name in CHECKS {
            if self.0.iter().all(|check| check.name != name) {
                self.add(name, Outcome::Skipped, String::from("not tried"), String::new());
            }
        }
    }
}

fn configured(config: &Config) -> String {
    let mode = match &config.access {
        Access::OAuth(_) => "OAuth",
        Access::Password(_) => "LOCAL",
    };
    let (database, schema) = (&config.database.value, &config.schema.value);
    format!("{mode} mode, database {database}, schema {schema}")
}

async fn workspace<E: Edge>(ready: &Ready<E>) -> Result<String, Problem> {
    match &ready.mode {
        Mode::Password(_) => Ok(String::from("not needed in LOCAL mode")),
        Mode::OAuth(tokens) => {
            let held = tokens.workspace.renewed(0).await?;
            let workspace = held.token.workspace.as_str();
            Ok(match &held.token.claim {
                Some(_) => format!("{workspace} issued a token"),
                None => format!("a token for {workspace} is configured"),
            })
        }
    }
}

fn granted(ticket: &Ticket) -> String {
    let Server { host, port, .. } = &ticket.server;
    let life = match ticket.validity {
        Some(validity) => format!("a token for {} minutes", validity.left.as_secs() / 60),
        None => String::from("a password"),
    };
    format!("role \"{}\" at {host}:{port} with {life}", ticket.user)
}

fn logged_in(ticket: &Ticket) -> String {
    // Plaintext is allowed then, not sure: the edge takes TLS where there is some.
    let how = if ticket.server.plaintext { "on this machine" } else { "over verified TLS" };
    format!("logged in {how}")
}

fn prepared(plan: &Plan) -> String {
    let Plan { schema, role, .. } = plan;
    match plan.steps().count() {
        0 => format!("schema {schema} is ready for {role}"),
        1 => format!("schema {schema} lacks 1 step: `lakegate bootstrap apply` does it"),
        steps => {
            format!("schema {schema} lacks {steps} steps: `lakegate bootstrap apply` does them")
        }
    }
}

#[cfg(test)]
mod tests;
