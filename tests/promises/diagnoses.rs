//! `lakegate doctor` finds what is wrong, says it with a word for programs, and says what to do.

use std::time::Instant;

use expect_test::{Expect, expect};
use lakegate_tests::{DEADLINE, House, Program, Run};
use serde_json::{Value, json};

mod databases;
mod identities;
mod networks;
mod reports;
mod targets;

/// How `lakegate doctor` ends: its code, the first check that is not well with its cause, and the
/// lines of all that are not.
async fn check(
    house: &House,
    doctor: impl Fn() -> Program,
    code: i32,
    first: [&str; 2],
    expected: Expect,
) {
    check_as(|text| told_of(house, text), doctor, code, first, expected).await;
}

/// The same, told in other words.
async fn check_as(
    told: impl Fn(&str) -> String,
    doctor: impl Fn() -> Program,
    code: i32,
    [name, cause]: [&str; 2],
    expected: Expect,
) {
    // Both at once: some wait long for an answer that never comes.
    let in_json = undisturbed(|| doctor().arg("--json"));
    let (text, json) = tokio::join!(undisturbed(&doctor), in_json);
    expected.assert_eq(&told(&unwell(&text.exits(code))));
    let json = json.exits(code).json();
    let checks = json["checks"].as_array().unwrap().clone();
    let outcome = if code == 0 { "warning" } else { "failed" };
    let first = checks.iter().find(|check| check["outcome"] == outcome).unwrap();
    assert_eq!((&first["name"], &first["cause"]), (&json!(name), &json!(cause)), "{json:#}");
    for check in &checks {
        let well = check["outcome"] == "ok" || check["outcome"] == "skipped";
        assert_eq!(check["cause"].is_null(), well, "{check:#}");
    }
}

/// Runs it until it finds nothing that only this machine's being busy explains: that a login took
/// 3 s, or that the workspace's answer was 2 s on its way, which makes this clock seem ahead.
async fn undisturbed(doctor: impl Fn() -> Program) -> Run {
    let start = Instant::now();
    loop {
        let run = doctor().run().await;
        let disturbed = ["or is very busy", " s ahead of the "];
        if !disturbed.iter().any(|words| run.stdout.contains(words)) {
            return run;
        }
        assert!(start.elapsed() < DEADLINE, "this machine is too busy: {run:#?}");
    }
}

/// As [`House::told`]; the workspace is named without its scheme as well.
fn told_of(house: &House, text: &str) -> String {
    let workspace = house.env("DATABRICKS_HOST");
    let place = workspace.trim_start_matches("https://");
    house.told(&text.replace(workspace, "$WORKSPACE").replace(place, "$WORKSPACE"))
}

/// The lines of checks that found something, with what to do.
fn unwell(run: &Run) -> String {
    let mut shown = String::new();
    let mut of_interest = false;
    for line in checks(run) {
        if !line.trim_start().starts_with('→') {
            of_interest = line.starts_with("warning") || line.starts_with("failed");
        }
        if of_interest {
            shown.push_str(line);
            shown.push('\n');
        }
    }
    shown
}

/// The lines below `checks`, without the indentation of all of them.
fn checks(run: &Run) -> impl Iterator<Item = &str> {
    let (_, checks) = run.stdout.split_once("checks\n").unwrap();
    checks.lines().map(|line| line.strip_prefix("  ").unwrap())
}

async fn ready(arguments: &[&str]) -> House {
    let house = House::with(arguments).await;
    house.set_up().await;
    house
}

#[tokio::test]
async fn a_world_in_which_all_is_well() {
    let house = ready(&[]).await;
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.admin(["tighten", "--grant-to", house.principal()]).run().await.exits(0);
    let run = undisturbed(|| house.lakegate(["doctor"])).await.exits(0).complains("");
    // What a machine's name server says of it is its own business.
    let dns = |line: &&str| !line.contains("-dns: ") && !line.contains("-tcp: ");
    let checks: Vec<_> = checks(&run).filter(dns).collect();
    let sql = "SELECT 'PostgreSQL ' || current_setting('server_version_num')::int / 10000";
    let server = house.admin_session("postgres").await.query_one(sql, &[]).await.unwrap();
    let told =
        house.told(&checks.join("\n")).replace(server.get::<_, &str>(0), "PostgreSQL $MAJOR");
    expect![[r#"
          ok       configuration: OAuth mode, database app_ontos, schema app_ontos
          ok       workspace-tls: TLS 1.3, with a certificate that this machine trusts
          ok       workspace-token: $WORKSPACE issued a token
          ok       identity: service principal $SP
          ok       instance: Provisioned instance `lakegate-demo` is AVAILABLE
          ok       credential: role "$SP" at localhost:$PORT with a token for 60 minutes
          ok       database-tls: TLS 1.3, with a certificate that this machine trusts
          ok       login: logged in over verified TLS
          ok       role: "$SP" on PostgreSQL $MAJOR
          ok       privileges: CONNECT and CREATE on database "app_ontos"; schema "app_ontos" is its own
          ok       bootstrap: schema "app_ontos" is ready
          ok       clock: this machine's clock is as the workspace's and as the database's
    "#]].assert_eq(&(told + "\n"));
}

#[tokio::test]
async fn nothing_configured_at_all() {
    let house = House::open().await;
    let doctor = || {
        ["DATABRICKS_HOST", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"]
            .into_iter()
            .chain(["LAKEBASE_INSTANCE_NAME", "POSTGRES_HOST", "POSTGRES_DB"])
            .fold(house.lakegate(["doctor"]), Program::without)
    };
    check(&house, doctor, 2, ["configuration", "settings"], expect![[r#"
        failed   configuration (settings): the database (POSTGRES_DB or PGDATABASE) is not set; an identity (DATABRICKS_CLIENT_ID, DATABRICKS_TOKEN, …) is not set; the workspace (DATABRICKS_HOST) is not set; the host (POSTGRES_HOST or PGHOST) is not set
                 → Set POSTGRES_DB to the name of the database, such as app_ontos.
                 → Set DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET (a service principal), or DATABRICKS_TOKEN, or DATABRICKS_OIDC_TOKEN or DATABRICKS_OIDC_TOKEN_FILEPATH (federation; GitHub Actions needs only `permissions: id-token: write`), or DATABRICKS_CONFIG_PROFILE (a profile of ~/.databrickscfg), or DATABRICKS_AUTH_TYPE=databricks-cli (who logged in with `databricks auth login`).
                 → Set DATABRICKS_HOST to the address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
                 → Set POSTGRES_HOST to the name of the server alone, such as instance-….database.cloud.databricks.com (the port goes to POSTGRES_PORT), or to the endpoint path that Databricks Apps give.
    "#]]).await;
    assert_eq!(house.counts().await["requests"], json!({}), "a request was sent");
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let house = ready(&[]).await;
    house.wall_clock_off_by_seconds(-7_200);
    let doctor = || house.lakegate(["doctor"]);
    let run = doctor().arg("--json").run().await.exits(0).json();
    let clock = run["checks"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&clock["name"], &clock["cause"]), (&json!("clock"), &json!("clock-off")));
    let found = clock["found"].as_str().unwrap();
    // A second or two may pass on the way.
    assert!(found.contains("s behind the workspace's and 7"), "{found}");
}

#[tokio::test]
async fn programs_get_all_of_it() {
    let house = ready(&[]).await;
    let report = house.lakegate(["doctor", "--json"]).run().await.exits(0).json();
    let names =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(&report), ["checks", "settings", "version"]);
    let fields = ["advice", "cause", "found", "milliseconds", "name", "outcome"];
    let checks = report["checks"].as_array().unwrap();
    for check in checks {
        assert_eq!(names(check), fields);
        assert!(check["milliseconds"].is_u64(), "{check:#}");
    }
    assert_eq!(names(&report["settings"][0]), ["name", "origin", "value"]);
    let mut order: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    order.dedup();
    assert_eq!(
        order,
        [
            "configuration",
            "workspace-dns",
            "workspace-tcp",
            "workspace-tls",
            "workspace-token",
            "identity",
            "instance",
            "credential",
            "database-dns",
            "database-tcp",
            "database-tls",
            "login",
            "role",
            "privileges",
            "bootstrap",
            "clock",
        ]
    );
}
