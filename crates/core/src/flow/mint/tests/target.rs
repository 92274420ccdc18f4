//! Instances and endpoints, found.

use super::*;

const UID_HOST: (&str, &str) = ("PGHOST", "instance-0a-1b.database.cloud.databricks.com");
const BY_UID: &str =
    "GET https://w.example/api/2.0/database/instances:findByUid?uid=0a-1b Bearer dapi1";
const LIST: &str = "GET https://w.example/api/2.0/database/instances?page_size=100 Bearer dapi1";
const APP: &str = "GET https://w.example/api/2.0/apps/ontos Bearer dapi1";
const APP_NAME: (&str, &str) = ("DATABRICKS_APP_NAME", "ontos");
const NOT_FOUND: &str = r#"{"error_code":"NOT_FOUND","message":"no"}"#;

#[track_caller]
fn check_target<const N: usize>(
    settings: &[(&'static str, &'static str)],
    turns: [Turn; N],
    expected: &str,
) {
    let mut all = [W, PAT].to_vec();
    all.extend(settings);
    let edge = script(&all, &[], turns);
    let access = access(&edge);
    let token = edge.run(workspace_token(&edge, &access, None)).unwrap();
    let found = match edge.run(discover_target(&edge, &access, &token)) {
        Ok(Target::Instance { name, host }) => format!("instance {name} {host}"),
        Ok(Target::Endpoint { path, host }) => format!("endpoint {path} {host}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected);
    edge.end();
}

#[test]
fn finds_instances() {
    let named = ("LAKEBASE_INSTANCE_NAME", "demo");
    check_target(&[named, HOST], [], "instance demo h.example");
    check_target(
        &[named],
        [turn(
            "GET https://w.example/api/2.0/database/instances/demo Bearer dapi1",
            200,
            r#"{"name":"demo","read_write_dns":"d.example","state":"AVAILABLE"}"#,
        )],
        "instance demo d.example",
    );
    let here = "instance demo instance-0a-1b.database.cloud.databricks.com";
    check_target(&[UID_HOST], [turn(BY_UID, 200, r#"{"name":"demo"}"#)], here);
    check_target(
        &[UID_HOST],
        [
            turn(BY_UID, 404, NOT_FOUND),
            turn(LIST, 200, r#"{"database_instances":[{"name":"a"}],"next_page_token":"p 2"}"#),
            turn(
                "GET https://w.example/api/2.0/database/instances?page_size=100&page_token=p%202 \
                 Bearer dapi1",
                200,
                r#"{"database_instances":[{"name":"demo","read_write_dns":"Instance-0A-1b.database.cloud.databricks.com"}]}"#,
            ),
        ],
        here,
    );
    check_target(
        &[HOST],
        [turn(LIST, 200, "{}")],
        "no instance and no endpoint was found for host `h.example`",
    );
    check_target(
        &[("PGHOST", "ep-1.database.us-east-1.cloud.databricks.com")],
        [],
        "no instance and no endpoint was found for host \
         `ep-1.database.us-east-1.cloud.databricks.com`",
    );
}

#[test]
fn finds_what_the_app_was_given() {
    check_target(
        &[UID_HOST, APP_NAME],
        [
            turn(BY_UID, 403, r#"{"error_code":"PERMISSION_DENIED","message":"no"}"#),
            turn(
                APP,
                200,
                r#"{"name":"ontos","resources":[{"name":"s","secret":{}},{"name":"database","database":{"instance_name":"demo","permission":"CAN_CONNECT_AND_CREATE"}}]}"#,
            ),
        ],
        "instance demo instance-0a-1b.database.cloud.databricks.com",
    );
    let branch =
        r#"{"resources":[{"postgres":{"branch":"projects/p/branches/b","database":"d"}}]}"#;
    let endpoints = r#"{"endpoints":[
        {"name":"projects/p/branches/b/endpoints/ro","status":{"endpoint_type":"ENDPOINT_TYPE_READ_ONLY","hosts":{"host":"ep-ro.example"}}},
        {"name":"projects/p/branches/b/endpoints/primary","status":{"endpoint_type":"ENDPOINT_TYPE_READ_WRITE","hosts":{"host":"ep-rw.example"}}}]}"#;
    let list =
        "GET https://w.example/api/2.0/postgres/projects/p/branches/b/endpoints Bearer dapi1";
    check_target(
        &[("PGHOST", "ep-other.example"), APP_NAME],
        [turn(APP, 200, branch), turn(list, 200, endpoints)],
        "endpoint projects/p/branches/b/endpoints/primary ep-other.example",
    );
    check_target(
        &[("PGHOST", "ep-ro.example"), APP_NAME],
        [turn(APP, 200, branch), turn(list, 200, endpoints)],
        "endpoint projects/p/branches/b/endpoints/ro ep-ro.example",
    );
    check_target(
        &[HOST, APP_NAME],
        [turn(LIST, 200, "{}"), turn(APP, 200, r#"{"resources":[]}"#)],
        "app `ontos` has no database resource",
    );
    // An outage is not a reason to ask elsewhere.
    check_target(
        &[HOST, APP_NAME],
        [turn(LIST, 503, "")],
        "the list of instances failed for now (503)",
    );
}

#[test]
fn finds_the_host_of_an_endpoint() {
    let endpoint = ("LAKEBASE_ENDPOINT", "projects/p/branches/b/endpoints/primary");
    let ask = "GET https://w.example/api/2.0/postgres/projects/p/branches/b/endpoints/primary \
        Bearer dapi1";
    check_target(&[endpoint, HOST], [], &format!("endpoint {} h.example", endpoint.1));
    check_target(
        &[endpoint],
        [turn(ask, 200, r#"{"name":"x","status":{"hosts":{"host":"ep-1.example"}}}"#)],
        &format!("endpoint {} ep-1.example", endpoint.1),
    );
    check_target(
        &[endpoint],
        [turn(ask, 200, r#"{"name":"x","status":{"current_state":"INIT"}}"#)],
        &format!("`{}` has no host yet", endpoint.1),
    );
}

#[test]
fn an_endpoint_uid_is_recognized() {
    let path = "projects/p/branches/b/endpoints/ep-cool-1";
    let ask = "GET https://w.example/api/2.0/postgres/projects/p/branches/b/endpoints/ep-cool-1 \
        Bearer dapi1";
    let edge = script(&[W, PAT, ("POSTGRES_HOST", path)], &[], [turn(ask, 404, NOT_FOUND)]);
    let access = access(&edge);
    let token = edge.run(workspace_token(&edge, &access, None)).unwrap();
    let error = edge.run(discover_target(&edge, &access, &token)).unwrap_err();
    assert_eq!(
        error.problem().advice,
        "`ep-…` is the endpoint's uid, and the API knows it by its id. Set \
         LAKEBASE_ENDPOINT=projects/p/branches/b/endpoints/primary, or to a name that `databricks \
         postgres list-endpoints projects/p/branches/b` prints."
    );
}
