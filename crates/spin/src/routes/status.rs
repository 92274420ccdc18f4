//! `GET /status`: how the credential is doing, what outlives the instance, and the last bootstrap.
//! There is no secret in it, and looking starts nothing.

use lakegate_core::flow::gate::GateStatus;
use lakegate_core::problem::Problem;
use lakegate_core::time::millis;
use lakegate_core::token::State;
use serde::Serialize;

use crate::answer::Answer;
use crate::instance::Instance;
use crate::last::{self, Last};
use crate::problem::{Fault, Type};
use crate::sealed::Cache;

#[derive(Serialize)]
struct Status<'a> {
    token: Token,
    cache: &'a Cache,
    kept: Option<KeptTimes>,
    bootstrap: Option<Last>,
}

/// The credential that lies sealed in the store. Durations are in milliseconds.
#[derive(Serialize)]
struct KeptTimes {
    age_ms: u64,
    valid_for_ms: u64,
}

/// The life of the credential in this instance. Durations are in milliseconds.
#[derive(Default, Serialize)]
struct Token {
    state: &'static str,
    generation: u64,
    age_ms: Option<u64>,
    valid_for_ms: Option<u64>,
    next_attempt_ms: Option<u64>,
    minted: u64,
    resumed: u64,
    failed: u64,
    refused: u64,
    last_problem: Option<LastProblem>,
}

#[derive(Serialize)]
struct LastProblem {
    kind: &'static str,
    message: String,
    advice: String,
    sqlstate: Option<String>,
}

/// `GET /status`.
pub(crate) async fn tell(instance: &Instance) -> Result<Answer, Fault> {
    let idle = || Token { state: "idle", ..Token::default() };
    instance.connector.check()?;
    let health = instance.connector.health();
    // An instance that holds a credential knows what there is without asking the store.
    let held = health.as_ref().and_then(|health| health.life.generation);
    let kept = match held {
        Some(_) => None,
        None => instance.connector.kept().await.map(|kept| KeptTimes {
            age_ms: millis(kept.age),
            valid_for_ms: millis(kept.serves_for),
        }),
    };
    let token = health.map_or_else(idle, token);
    let bootstrap = last::recall(instance).await;
    Ok(Answer::json(&Status { token, cache: &instance.cache, kept, bootstrap }))
}

fn token(health: GateStatus) -> Token {
    let GateStatus { life, problem } = health;
    Token {
        state: state(life.state),
        generation: life.generation.unwrap_or(0),
        age_ms: life.age.map(millis),
        valid_for_ms: life.serves_for.map(millis),
        next_attempt_ms: life.next_mint_in.map(millis),
        minted: life.counts.minted,
        resumed: life.counts.resumed,
        failed: life.counts.failures,
        refused: life.counts.refusals,
        last_problem: problem.map(last_problem),
    }
}

/// The words of `wit/tokens.wit`.
const fn state(life: State) -> &'static str {
    match life {
        State::Absent => "idle",
        State::Minting => "minting",
        State::Waiting | State::Denied => "failing",
        // One whose renewal failed still serves; the last problem says that it failed.
        State::Live | State::Struggling => "serving",
        State::Renewing => "refreshing",
    }
}

fn last_problem(problem: Problem) -> LastProblem {
    let Problem { kind, message, advice, sqlstate } = problem;
    LastProblem { kind: Type::from(kind).name(), message, advice, sqlstate }
}
