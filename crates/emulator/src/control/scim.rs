//! Who am I.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Control;
use super::bearer::Caller;
use crate::world::Kind;

pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new().route("/api/2.0/preview/scim/v2/Me", get(me))
}

async fn me(Caller(caller): Caller) -> Json<Value> {
    let groups = if caller.admin { vec!["users", "admins"] } else { vec!["users"] };
    let groups: Vec<Value> =
        groups.into_iter().map(|name| json!({ "display": name, "type": "direct" })).collect();
    let mut me = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": caller.id.to_string(),
        "userName": caller.name,
        "displayName": caller.display_name,
        "active": true,
        "groups": groups,
    });
    if caller.kind == Kind::User {
        me["emails"] = json!([{ "type": "work", "value": caller.name, "primary": true }]);
    }
    Json(me)
}
