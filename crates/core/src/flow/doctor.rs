//! Everything that a start needs, tried in order; nothing is changed.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::bootstrap::Desired;
use crate::config::{Config, Source, sources};
use crate::edge::Edge;
use crate::flow::bootstrap;
use crate::flow::connector::{Connector, Mode, Ready};
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
const CHECKS: [&str; 5] = ["configuration", "workspace", "credential", "login", "database"];

/// A person waits for the answer: an endpoint that sleeps gets less time than at a start.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the checks have found so far.
#[derive(Default)]
struct Findings(Vec<Check>);

impl Findings {
    fn add(&mut self, outcome: Outcome, found: String, advice: String) {
        let name = CHECKS[self.next()];
        self.0.push(Check { name, outcome, found, advice });
    }

    /// The check that is under way: warnings are lines beside the check's own.
    fn next(&self) -> usize {
        let settled = |check: &&Check| check.outcome != Outcome::Warning;
        self.0.iter().filter(settled).count().min(CHECKS.len() - 1)
    }

    /// Takes what the check has found, or ends with its failure.
    fn settle(&mut self, result: Result<String, Problem>) -> Option<()> {
        match result {
            Ok(found) => {
                self.add(Outcome::Passed, found, String::new());
                Some(())
            }
            Err(Problem { message, advice, .. }) => {
                self.add(Outcome::Failed, message, advice);
                None
            }
        }
    }

    fn end(mut self) -> Vec<Check> {
        let first = self.next();
        let settled = self.0.iter().any(|check| check.name == CHECKS[first] && is_end(check));
        for name in CHECKS.iter().skip(if settled { CHECKS.len() } else { first }) {
            let found = String::from("not tried");
            self.0.push(Check { name, outcome: Outcome::Skipped, found, advice: String::new() });
        }
        self.0
    }
}

fn is_end(check: &Check) -> bool {
    check.outcome != Outcome::Warning
}

impl<E: Edge> Connector<E> {
    /// Every setting with its source, whether or not they can be used.
    pub fn sources(&self) -> Vec<Source> {
        sources(&*self.edge)
    }

    /// Tries everything that a start needs.
    pub async fn examine(&self) -> Vec<Check> {
        let mut findings = Findings::default();
        self.examine_into(&mut findings).await;
        findings.end()
    }

    /// Stops at the first failure: what follows would fail for the same reason.
    async fn examine_into(&self, findings: &mut Findings) -> Option<()> {
        let ready = match self.ready() {
            Ok(ready) => ready,
            Err(problem) => return findings.settle(Err(problem)),
        };
        for text in &ready.config.warnings {
            findings.add(Outcome::Warning, text.clone(), String::new());
        }
        findings.settle(Ok(mode(&ready.config)))?;
        findings.settle(workspace(&ready).await)?;
        findings.settle(self.credential(&ready).await)?;
        let connection = match self.open(None, PATIENCE).await {
            Ok(connection) => {
                findings.settle(Ok(String::from("logged in over verified TLS")))?;
                connection
            }
            Err(problem) => return findings.settle(Err(problem)),
        };
        let schema = match ready.config.schema.value.parse::<Ident>() {
            Ok(schema) => schema,
            Err(error) => return findings.settle(Err(error.problem())),
        };
        let planned = bootstrap::plan(&connection, &Desired::new(schema)).await;
        findings.settle(planned.map(|plan| {
            let steps = plan.steps().count();
            match steps {
                0 => format!("schema {} belongs to {}", plan.schema, plan.role),
                _ => format!(
                    "schema {} can be made ready: `lakegate bootstrap apply` has {steps} steps",
                    plan.schema
                ),
            }
        }))
    }

    async fn credential(&self, ready: &Ready<E>) -> Result<String, Problem> {
        let ticket = self.current().await?;
        let life = match ticket.valid_for {
            Some(valid) => format!("for {} minutes", valid.as_secs() / 60),
            None => String::from("a password, for ever"),
        };
        let target = match &ready.mode {
            Mode::OAuth(tokens) => match &tokens.credential.status().problem {
                Some(problem) => format!("; the last attempt failed: {}", problem.to_string()),
                None => String::new(),
            },
            Mode::Password(_) => String::new(),
        };
        let (user, host, port) = (&ticket.user, &ticket.server.host, ticket.server.port);
        Ok(format!("role \"{user}\" at {host}:{port}, good {life}{target}"))
    }
}

fn mode(config: &Config) -> String {
    let (database, schema) = (&config.database.value, &config.schema.value);
    format!("database {database}, schema {schema}")
}

async fn workspace<E: Edge>(ready: &Ready<E>) -> Result<String, Problem> {
    match &ready.mode {
        Mode::Password(_) => Ok(String::from("not needed in LOCAL mode")),
        Mode::OAuth(tokens) => {
            let held = tokens.workspace.renewed(0).await?;
            Ok(format!("{} issued a token", held.token.workspace.as_str()))
        }
    }
}
