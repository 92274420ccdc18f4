//! The usual world of the two tokens: workspace `w.example`, instance `demo` at `h.example`.

use alloc::format;

use super::{FakeEdge, Turn, turn};

const COMMON: [(&str, &str); 4] = [
    ("DATABRICKS_HOST", "w.example"),
    ("POSTGRES_HOST", "h.example"),
    ("POSTGRES_DB", "app"),
    ("POSTGRES_DB_SCHEMA", "s"),
];

/// An application with a client's secret.
pub(in crate::flow) fn oauth() -> FakeEdge {
    let edge = FakeEdge::new(&COMMON, &[]);
    edge.set("LAKEBASE_INSTANCE_NAME", "demo");
    edge.set("DATABRICKS_CLIENT_ID", "me");
    edge.set("DATABRICKS_CLIENT_SECRET", "s3");
    edge
}

/// A person with a personal access token.
pub(in crate::flow) fn person(token: &'static str) -> FakeEdge {
    let edge = FakeEdge::new(&COMMON, &[]);
    edge.set("LAKEBASE_INSTANCE_NAME", "demo");
    edge.set("DATABRICKS_TOKEN", token);
    edge
}

/// A database of this machine, with a password.
pub(in crate::flow) fn local() -> FakeEdge {
    let edge = FakeEdge::new(&COMMON, &[]);
    edge.set("ENV", "LOCAL");
    edge.set("POSTGRES_HOST", "localhost");
    edge.set("POSTGRES_USER", "dev");
    edge.set("POSTGRES_PASSWORD", "pw");
    edge
}

/// The workspace issues this token to the client, for an hour.
pub(in crate::flow) fn grant(token: &str) -> Turn {
    grant_answer(200, &format!(r#"{{"access_token":"{token}","expires_in":3600}}"#))
}

/// The client asks for a workspace token.
pub(in crate::flow) fn grant_answer(status: u16, body: &str) -> Turn {
    let request = "POST https://w.example/oidc/v1/token Basic bWU6czM= \
        grant_type=client_credentials&scope=all-apis";
    turn(request, status, body)
}

/// The instance gives this password for a workspace token, for an hour.
pub(in crate::flow) fn buy(with: &str, password: &str) -> Turn {
    // The answer of every turn is of 08:49:37.
    let body = format!(r#"{{"token":"{password}","expiration_time":"1994-11-06T09:49:37Z"}}"#);
    buy_answer(with, "demo", 200, &body)
}

/// A password of an instance is asked for with a workspace token.
pub(in crate::flow) fn buy_answer(with: &str, instance: &str, status: u16, body: &str) -> Turn {
    let request = format!(
        "POST https://w.example/api/2.0/database/credentials Bearer {with} \
         {{\"request_id\":\"00000000-0000-4000-8000-000000000000\",\
         \"instance_names\":[\"{instance}\"]}}"
    );
    turn(request, status, body)
}

/// The owner of a workspace token is this one.
pub(in crate::flow) fn me(with: &str, name: &str) -> Turn {
    let request = format!("GET https://w.example/api/2.0/preview/scim/v2/Me Bearer {with}");
    turn(request, 200, &format!(r#"{{"userName":"{name}"}}"#))
}
