//! `POST /token`: a database credential, in the shape of `lakegate token --json`.

use lakegate_core::flow::connector::Ticket;
use serde::Serialize;

use crate::answer::Answer;
use crate::instance::Instance;
use crate::problem::{Fault, Type};
use crate::time;

#[derive(Serialize)]
struct Credential<'a> {
    user: &'a str,
    token: &'a str,
    host: &'a str,
    port: u16,
    database: &'a str,
    schema: &'a str,
    generation: u64,
    expires_at: Option<String>,
}

/// Gives the present credential: at once if one lives, else when it was bought.
pub(crate) async fn give(instance: &Instance) -> Result<Answer, Fault> {
    let ticket = instance.connector.current().await?;
    let Some(token) = instance.connector.reveal(ticket.generation).await else {
        // Of a token there is always one: it was handed out this moment.
        let detail = "the password of LOCAL mode is not set any more";
        return Err(Fault::new(Type::Configuration, detail).advice("Set POSTGRES_PASSWORD again."));
    };
    let Ticket { generation, server, user, database, schema, validity } = &ticket;
    Ok(Answer::json(&Credential {
        user,
        token: token.expose(),
        host: &server.host,
        port: server.port,
        database,
        schema,
        generation: *generation,
        expires_at: validity.and_then(|validity| time::rfc3339(validity.until)),
    }))
}
