//! The exports of `wit/tokens.wit`.

use alloc::borrow::ToOwned;
use alloc::string::String;

use lakegate_core::flow::connector::Ticket;
use lakegate_core::flow::gate::GateStatus;
use lakegate_core::time::millis;
use lakegate_core::token::State as Life;

use crate::bindings::exports::lakegate::connect::tokens::{
    Credential, Guest, Health, Problem, ServerError, State,
};
use crate::{Component, connector, started};

impl Guest for Component {
    async fn reveal(generation: u64) -> Option<String> {
        connector().await.reveal(generation).await.map(|secret| secret.expose().to_owned())
    }

    async fn current() -> Result<Credential, Problem> {
        Ok(credential(connector().await.current().await?))
    }

    async fn renewed(after: u64) -> Result<Credential, Problem> {
        Ok(credential(connector().await.renewed(after).await?))
    }

    async fn refused(generation: u64, refusal: ServerError) -> Result<Credential, Problem> {
        Ok(credential(connector().await.refused(generation, &refusal.into()).await?))
    }

    fn status() -> Health {
        started().and_then(|connector| connector.health()).map_or_else(idle, health)
    }
}

fn credential(ticket: Ticket) -> Credential {
    let Ticket { generation, server, user, database, schema, validity } = ticket;
    let (valid_for, expires_at) =
        validity.map_or((u64::MAX, u64::MAX), |validity| (millis(validity.left), validity.until));
    Credential {
        generation,
        user,
        host: server.host,
        port: server.port,
        database,
        schema,
        plaintext: server.plaintext,
        valid_for,
        expires_at,
    }
}

fn idle() -> Health {
    Health {
        state: State::Idle,
        generation: 0,
        age: None,
        valid_for: None,
        next_attempt: None,
        minted: 0,
        failed: 0,
        refused: 0,
        last_problem: None,
    }
}

fn health(status: GateStatus) -> Health {
    let GateStatus { life, problem } = status;
    Health {
        state: state(life.state),
        generation: life.generation.unwrap_or(0),
        age: life.age.map(millis),
        valid_for: life.serves_for.map(millis),
        next_attempt: life.next_mint_in.map(millis),
        minted: life.counts.minted,
        failed: life.counts.failures,
        refused: life.counts.refusals,
        last_problem: problem.map(Problem::from),
    }
}

fn state(life: Life) -> State {
    match life {
        Life::Absent => State::Idle,
        Life::Minting => State::Minting,
        Life::Waiting | Life::Denied => State::Failing,
        // One whose renewal failed still serves; `last-problem` says that it failed.
        Life::Live | Life::Struggling => State::Serving,
        Life::Renewing => State::Refreshing,
    }
}
