//! `GET /bootstrap` shows what is to be done, `POST /bootstrap` does it.

use lakegate_core::bootstrap::{Access, Plan, Report};
use lakegate_core::flow::preparation::Wish;
use lakegate_core::migrations::Migration;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use spin_sdk::http::HeaderMap;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

use super::mounted;
use super::shapes::{Step, check_role, invalid};
use crate::answer::Answer;
use crate::body::{self, Object};
use crate::instance::Instance;
use crate::last;
use crate::problem::Fault;

/// What a request may bring. Migrations that it does not bring are the mounted ones.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Desired {
    migrations: Option<Vec<Object<File>>>,
    #[serde(default)]
    grants: Vec<Object<Grant>>,
    #[serde(default)]
    out_of_order: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    sql: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    role: String,
    #[serde(deserialize_with = "access")]
    access: Access,
}

#[derive(Serialize)]
struct Changes<'a> {
    role: &'a str,
    database: &'a str,
    schema: &'a str,
    steps: Vec<Step>,
    statements: Vec<&'a str>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Done<'a> {
    role: &'a str,
    database: &'a str,
    schema: &'a str,
    done: &'a [String],
    notes: &'a [String],
    public_may_create: bool,
    tighten_command: &'a str,
    tighten_sql: &'a str,
}

/// `GET /bootstrap`.
pub(crate) async fn plan(instance: &Instance) -> Result<Answer, Fault> {
    let wish = wish(Desired::default())?;
    // Wrong settings show here; what comes after is about the request.
    instance.connector.current().await?;
    let plan = instance.connector.plan(wish).await.map_err(Fault::of_request)?;
    Ok(Answer::json(&changes(&plan)))
}

/// `POST /bootstrap`.
pub(crate) async fn apply(
    instance: &Instance,
    headers: &HeaderMap,
    body: IncomingRequestBody,
) -> Result<Answer, Fault> {
    let wish = wish(body::json(headers, body).await?.unwrap_or_default())?;
    instance.connector.current().await?;
    let report = instance.connector.apply(wish).await.map_err(Fault::of_request)?;
    last::remember(instance, &report).await;
    Ok(Answer::json(&done(&report)))
}

/// What the core is asked for; refused before anything is sent anywhere if it cannot be right.
fn wish(desired: Desired) -> Result<Wish, Fault> {
    let Desired { migrations, grants, out_of_order } = desired;
    let migrations = match migrations {
        Some(files) => {
            files.into_iter().map(|Object(file)| brought(file)).collect::<Result<_, _>>()?
        }
        None => mounted::migrations()?,
    };
    let names = migrations.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    Migration::read_folder(names).map_err(|error| Fault::of_request(error.problem()))?;
    for Object(grant) in &grants {
        check_role(&grant.role)?;
    }
    let grants = grants.into_iter().map(|Object(grant)| (grant.role, grant.access)).collect();
    Ok(Wish { migrations, grants, out_of_order })
}

/// Reads a word, not the other forms in which a variant can be written.
fn access<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Access, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "read" => Ok(Access::Read),
        "write" => Ok(Access::Write),
        _ => Err(D::Error::custom("expected `read` or `write`")),
    }
}

/// A folder may hold other files, and they are passed over; a request means what it brings.
fn brought(File { name, sql }: File) -> Result<(String, String), Fault> {
    if name.ends_with(".sql") {
        return Ok((name, sql));
    }
    let advice = "Nothing was run. Name it like `0001_init.sql`.";
    Err(invalid("the name of a migration does not end in `.sql`", advice))
}

fn changes(plan: &Plan) -> Changes<'_> {
    let step = |title: &str, sql: &str| Step { title: title.to_owned(), sql: sql.to_owned() };
    Changes {
        role: plan.role.as_parameter(),
        database: plan.database.as_parameter(),
        schema: plan.schema.as_parameter(),
        steps: plan.steps().map(|(own, sql)| step(&own.title, sql)).collect(),
        statements: plan.statements.iter().map(|statement| statement.sql.as_str()).collect(),
        notes: &plan.notes,
    }
}

fn done(report: &Report) -> Done<'_> {
    Done {
        role: report.role.as_parameter(),
        database: report.database.as_parameter(),
        schema: report.schema.as_parameter(),
        done: &report.done,
        notes: &report.notes,
        public_may_create: report.public_may_create,
        tighten_command: &report.tighten_command,
        tighten_sql: &report.tighten_sql,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Type;

    #[track_caller]
    fn check(body: &str, expected: Result<usize, Type>) {
        let wish = wish(serde_json::from_str(body).unwrap());
        let migrations = wish.map(|wish| wish.migrations.len()).map_err(|fault| fault.kind());
        assert_eq!(migrations, expected, "{body}");
    }

    #[test]
    fn a_wish_that_cannot_be_right_is_refused_before_anything_is_sent() {
        check(r#"{"migrations":[{"name":"0001_a.sql","sql":"select 1"}]}"#, Ok(1));
        check(r#"{"migrations":[]}"#, Ok(0));
        check(r#"{"grants":[{"role":"r","access":"write"}]}"#, Ok(0));
        check(r#"{"migrations":[{"name":"a.sql","sql":""}]}"#, Err(Type::Invalid));
        check(r#"{"migrations":[{"name":"0001_a","sql":""}]}"#, Err(Type::Invalid));
        check(r#"{"grants":[{"role":"","access":"read"}]}"#, Err(Type::Invalid));
    }

    #[test]
    fn members_that_nobody_knows_are_refused() {
        for body in [
            r#"{"migration":[]}"#,
            r#"{"migrations":[{"name":"0001_a.sql","text":""}]}"#,
            r#"{"grants":[{"role":"r","access":"all"}]}"#,
            r#"{"grants":[{"role":"r","access":{"read":null}}]}"#,
            r#"{"grants":[["r","read"]]}"#,
            r#"{"grants":[{"role":"r","access":"read","x":1}]}"#,
            r#"[]"#,
        ] {
            assert!(serde_json::from_str::<Desired>(body).is_err(), "{body}");
        }
    }
}
