//! The REST API: shapes, errors, headers.

use serde_json::{Value, json};

use crate::client::{ADMIN, Local, SECRET, SP};

const INSTANCE: &str = "GET /api/2.0/database/instances/lakegate-demo";
const BRANCH: &str = "/api/2.0/postgres/projects/lakegate-demo/branches/production";

/// What is at `pointer` in the answer to `request`.
async fn at(local: &Local, token: &str, request: &str, pointer: &str) -> Value {
    let answer = local.call(token, request, "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().pointer(pointer).cloned().unwrap_or_default()
}

#[tokio::test]
async fn the_workspace_describes_itself() {
    let local = Local::start(&["--http"]).await;
    let token = local.workspace_token().await;
    let uid = at(&local, &token, INSTANCE, "/uid").await;
    let by_uid = format!("GET /api/2.0/database/instances:findByUid?uid={}", uid.as_str().unwrap());
    let sp_role = format!("GET {BRANCH}/roles/sp-{SP}");
    let endpoint = "projects/lakegate-demo/branches/production/endpoints/primary";
    let base = local.emulator.base_url();
    for (request, pointer, expected) in [
        ("GET /.well-known/databricks-config", "/oidc_endpoint", json!(format!("{base}/oidc"))),
        (
            "GET /oidc/.well-known/oauth-authorization-server",
            "/token_endpoint",
            json!(format!("{base}/oidc/v1/token")),
        ),
        ("GET /api/2.0/preview/scim/v2/Me", "/userName", json!(SP)),
        (INSTANCE, "/read_write_dns", json!("localhost")),
        (INSTANCE, "/state", json!("AVAILABLE")),
        (&by_uid, "/name", json!("lakegate-demo")),
        ("GET /api/2.0/database/instances", "/database_instances/0/uid", uid),
        (&format!("{INSTANCE}/roles/{SP}"), "/identity_type", json!("SERVICE_PRINCIPAL")),
        (&format!("{INSTANCE}/roles/{ADMIN}"), "/membership_role", json!("DATABRICKS_SUPERUSER")),
        ("GET /api/2.0/postgres/projects", "/projects/0/name", json!("projects/lakegate-demo")),
        (&format!("GET {BRANCH}"), "/status/current_state", json!("READY")),
        (&format!("GET {BRANCH}/endpoints"), "/endpoints/0/name", json!(endpoint)),
        (&format!("GET {BRANCH}/endpoints/primary"), "/status/hosts/host", json!("localhost")),
        (&sp_role, "/status/postgres_role", json!(SP)),
        (
            &format!("GET {BRANCH}/databases/databricks-postgres"),
            "/status/postgres_database",
            json!("databricks_postgres"),
        ),
        (
            "GET /api/2.0/apps/lakegate-demo",
            "/resources/0/database/instance_name",
            json!("lakegate-demo"),
        ),
        ("GET /api/2.0/apps/lakegate-demo", "/service_principal_client_id", json!(SP)),
    ] {
        assert_eq!(at(&local, &token, request, pointer).await, expected, "{request} {pointer}");
    }
    let me = local.call(&token, "GET /api/2.0/preview/scim/v2/Me", "").await;
    assert_eq!(me.header("x-databricks-org-id"), Some("1234567890123456"));
    local.tell("POST /clock", r#"{"advance_s":-31536000}"#).await;
    let year = || local.emulator.lakebase().clock.now().to_string()[..4].to_owned();
    let before = year();
    let config = local.send("GET /.well-known/databricks-config", "", "").await.unwrap();
    let date = config.header("date").unwrap();
    assert!(date.contains(&before) || date.contains(&year()), "{config:?}");
}

#[tokio::test]
async fn it_says_no_as_databricks_does() {
    let local = Local::start(&["--http"]).await;
    let token = local.workspace_token().await;
    let role = json!({ "name": "x", "identity_type": "USER" }).to_string();
    for (token, request, body, status, code) in [
        (&*token, "GET /api/2.0/nothing", "", 404, "ENDPOINT_NOT_FOUND"),
        (&token, "DELETE /api/2.0/preview/scim/v2/Me", "", 404, "ENDPOINT_NOT_FOUND"),
        (&token, "GET /api/2.0/database/instances/other", "", 404, "NOT_FOUND"),
        (&token, "GET /api/2.0/apps/other", "", 404, "RESOURCE_DOES_NOT_EXIST"),
        (&token, "GET /api/2.0/postgres/projects/other", "", 404, "NOT_FOUND"),
        (&token, "POST /api/2.0/database/credentials", "{}", 400, "INVALID_PARAMETER_VALUE"),
        (&token, "POST /api/2.0/database/credentials", "{", 400, "MALFORMED_REQUEST"),
        (
            &token,
            "POST /api/2.0/database/credentials",
            r#"{"instance_names":["other"]}"#,
            404,
            "NOT_FOUND",
        ),
        (
            &token,
            "POST /api/2.0/postgres/credentials",
            r#"{"endpoint":"projects/lakegate-demo/branches/production/endpoints/ep-1"}"#,
            404,
            "NOT_FOUND",
        ),
        (
            &token,
            "POST /api/2.0/database/instances/lakegate-demo/roles",
            &role,
            403,
            "PERMISSION_DENIED",
        ),
        ("dapi-unknown", "GET /api/2.0/preview/scim/v2/Me", "", 403, "403"),
    ] {
        let answer = local.call(token, request, body).await;
        let seen = (answer.status, answer.json()["error_code"].as_str().unwrap().to_owned());
        assert_eq!(seen, (status, code.to_owned()), "{request} {body}");
    }
    let anonymous = local.send("GET /api/2.0/preview/scim/v2/Me", "", "").await.unwrap();
    assert_eq!(anonymous.status, 401);
}

#[tokio::test]
async fn the_token_endpoint_knows_who_asks() {
    let local = Local::start(&["--http"]).await;
    let exchange =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=";
    // {"sub":"lakegate-demo"}, signed by nobody the emulator knows.
    let subject = "e30.eyJzdWIiOiJsYWtlZ2F0ZS1kZW1vIn0.x";
    let client = format!("grant_type=client_credentials&client_id={SP}&client_secret=");
    for (form, status, error) in [
        (format!("{client}{SECRET}"), 200, None),
        (format!("{client}wrong"), 401, Some("invalid_client")),
        (format!("{client}{SECRET}&scope=other"), 400, Some("invalid_scope")),
        ("grant_type=client_credentials".to_owned(), 401, Some("invalid_client")),
        ("grant_type=password".to_owned(), 400, Some("unsupported_grant_type")),
        (format!("{exchange}{subject}&client_id={SP}"), 200, None),
        (format!("{exchange}{subject}"), 400, Some("invalid_grant")),
        (format!("{exchange}nonsense&client_id={SP}"), 400, Some("invalid_grant")),
    ] {
        let answer = local.send("POST /oidc/v1/token", "", &form).await.unwrap();
        let body = answer.json();
        assert_eq!((answer.status, body["error"].as_str()), (status, error), "{form}");
    }
    let rotated = local.tell("POST /secret", "").await.json();
    assert_eq!(rotated["client_id"], SP);
    let old = local.send("POST /oidc/v1/token", "", &format!("{client}{SECRET}")).await.unwrap();
    assert_eq!(old.status, 401);
    let secret = rotated["client_secret"].as_str().unwrap();
    let new = local.send("POST /oidc/v1/token", "", &format!("{client}{secret}")).await.unwrap();
    assert_eq!(new.status, 200);
}

#[tokio::test]
async fn an_administrator_adds_people_and_roles() {
    let local = Local::start(&["--http", "--autoscaling"]).await;
    let admin = {
        let world = local.emulator.lakebase().world();
        world.principals[ADMIN].access_token.as_ref().unwrap().expose().to_owned()
    };
    let new = local.tell("POST /principals", r#"{"kind":"USER","name":"new@x.org","role":"none"}"#);
    let pat = new.await.json()["token"].as_str().unwrap().to_owned();
    let endpoint = "projects/lakegate-demo/branches/production/endpoints/primary";
    let wish = json!({ "endpoint": endpoint, "ttl": "300s" }).to_string();
    let password = local.call(&pat, "POST /api/2.0/postgres/credentials", &wish).await.json();
    let password = password["token"].as_str().unwrap();
    assert!(local.login("new@x.org", password, "postgres").await.is_err());

    let create = format!("POST {BRANCH}/roles?role_id=newcomer");
    let spec = json!({ "spec": { "postgres_role": "new@x.org", "identity_type": "USER" } });
    let made = local.call(&admin, &create, &spec.to_string()).await.json();
    assert_eq!((&made["done"], &made["response"]["role_id"]), (&json!(true), &json!("newcomer")));
    local.login("new@x.org", password, "postgres").await.unwrap();

    let again = local.call(&admin, &create, &spec.to_string()).await;
    let expected =
        json!({ "error_code": "BAD_REQUEST", "message": "role with that name already exists" });
    assert_eq!((again.status, again.json()), (400, expected));
    let by_number = format!("POST {BRANCH}/roles?role_id=1newcomer");
    assert_eq!(local.call(&admin, &by_number, &spec.to_string()).await.status, 400);

    let create = format!("POST {BRANCH}/databases");
    let spec = json!({ "spec": {
        "postgres_database": "shop_data",
        "role": "projects/lakegate-demo/branches/production/roles/newcomer",
    } });
    let made = local.call(&admin, &create, &spec.to_string()).await.json();
    assert_eq!(made["response"]["database_id"], "shop-data");
    let session = local.login("new@x.org", password, "shop_data").await.unwrap();
    session.batch_execute("CREATE SCHEMA mine").await.unwrap();
}

#[tokio::test]
async fn an_administrator_changes_and_drops_roles() {
    let local = Local::start(&["--http"]).await;
    let admin = {
        let world = local.emulator.lakebase().world();
        world.principals[ADMIN].access_token.as_ref().unwrap().expose().to_owned()
    };
    let roles = "/api/2.0/database/instances/lakegate-demo/roles";
    let made = local.call(&admin, &format!("POST {roles}"), r#"{"name":"native"}"#).await.json();
    assert_eq!((&made["name"], &made["identity_type"]), (&json!("native"), &json!("PG_ONLY")));
    let wish = r#"{"attributes":{"createdb":true},"membership_role":"DATABRICKS_SUPERUSER"}"#;
    let changed = local.call(&admin, &format!("PATCH {roles}/native"), wish).await.json();
    assert_eq!(changed["attributes"]["createdb"], true);
    assert_eq!(changed["membership_role"], "DATABRICKS_SUPERUSER");
    let gone = format!("DELETE {roles}/native?allow_missing=true&reassign_owned_to={SP}");
    for _ in 0..2 {
        assert_eq!(local.call(&admin, &gone, "").await.status, 200);
    }
    let app = local.workspace_token().await;
    for (token, request, status) in [
        (&app, format!("PATCH {roles}/{SP}"), 403),
        (&app, format!("DELETE {roles}/{ADMIN}"), 403),
        (&admin, format!("DELETE {roles}/native"), 404),
        (&admin, format!("PATCH {roles}/native"), 404),
        (&app, format!("GET {roles}?page_token=nonsense"), 400),
        (&app, format!("GET {roles}?page_size=many"), 400),
    ] {
        assert_eq!(local.call(token, &request, "{}").await.status, status, "{request}");
    }
}

#[tokio::test]
async fn the_extension_lists_the_roles_that_stand_for_somebody() {
    let local = Local::start(&["--http"]).await;
    let admin = local.admin_session("databricks_postgres").await;
    admin.batch_execute("CREATE ROLE native LOGIN").await.unwrap();
    let app = local.login(SP, &local.app_credential().await, "postgres").await.unwrap();
    let listed = "SELECT role_name, identity_type FROM databricks_list_roles ORDER BY role_name";
    let rows = app.query(listed, &[]).await.unwrap();
    let rows: Vec<(&str, &str)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(rows, [(SP, "service_principal"), (ADMIN, "user")]);
}
