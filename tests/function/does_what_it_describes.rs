//! What the function says of itself in `/openapi.json` is true: somebody else's judge reads it, makes
//! up requests, good and bad, and compares every answer with it.

use lakegate_tests::{ADMIN, DEADLINE, House, TOKEN, python};
use serde_json::Value;

/// Where the keys belong, and what is no failure: a request may bring a login that is refused, and
/// what is well formed may be wrong SQL all the same.
const CONFIGURATION: &str = r#"
[auth.openapi]
adminKey = { bearer = "${ADMIN_KEY}" }
tokenKey = { bearer = "${TOKEN_KEY}" }

[checks]
not_a_server_error.expected-statuses = ["2xx", "4xx", 502]
positive_data_acceptance.expected-statuses = ["2xx", 409, 422, 502]
"#;

#[tokio::test]
async fn to_a_judge_who_tries_everything() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);");
    // One who may do everything, so that nothing is refused for that alone.
    let admin =
        house.function().without("DATABRICKS_CLIENT_ID").without("DATABRICKS_CLIENT_SECRET");
    let admin = admin.env("DATABRICKS_TOKEN", house.env("EMULATOR_ADMIN_TOKEN"));
    let function = house.serving(admin).await;
    let configuration = house.write("schemathesis.toml", CONFIGURATION);
    let judge = house.program(python("schemathesis"));
    let judge = judge.env("ADMIN_KEY", ADMIN).env("TOKEN_KEY", TOKEN);
    let judge = judge.arg("--config-file").arg(configuration).arg("run");
    // The same requests in every run, and nothing kept for the next.
    let judge = judge.arg("--seed").arg("1").arg("--generation-database").arg("none");
    let judge = judge.arg("--checks").arg("all").arg("--max-examples").arg("30");
    let judge = judge.arg("--no-color").arg(format!("{}/openapi.json", function.url()));
    let judged = judge.start().end_within(5 * DEADLINE).await;
    let operations = operations(&function.ask("", "GET /openapi.json", Value::Null).await.json());
    // All but the one that it began with.
    let tested = format!("Tested: {}\n", operations - 1);
    assert_eq!(judged.code, Some(0), "{}", judged.stdout);
    assert!(judged.stdout.contains(&tested), "{tested}{}", judged.stdout);
    function.ask("", "GET /healthz", Value::Null).await.has(200);
    function.stop().await;
}

/// How many operations are described.
fn operations(description: &Value) -> usize {
    let paths = description["paths"].as_object().unwrap().values();
    let methods = paths.flat_map(|path| path.as_object().unwrap().keys());
    methods.filter(|method| ["get", "head", "post"].contains(&method.as_str())).count()
}
