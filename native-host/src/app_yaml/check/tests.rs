//! What a check finds, as tables: the page's own file with one change in it.

use super::*;

/// The file of the page.
const PAGE: &str = r#"command: ["sh", "lakegate.sh", "run", "--", "./app"]
env:
- name: "POSTGRES_HOST"
  valueFrom: "database"  # References your Lakebase instance resource
- name: "POSTGRES_PORT"
  value: "5432"
# POSTGRES_USER is auto-detected from service principal - do not set
- name: "POSTGRES_DB"
  value: "app_ontos"
- name: "POSTGRES_DB_SCHEMA"
  value: "app_ontos"
- name: "ENV"
  value: "PROD"  # Triggers OAuth mode (not LOCAL)
"#;

const PROVISIONED: Expected<'_> = Expected { kind: Some(Kind::Provisioned), key: None };
const AUTOSCALING: Expected<'_> = Expected { kind: Some(Kind::Autoscaling), key: None };
const UNKNOWN: Expected<'_> = Expected { kind: None, key: None };

/// Each finding as `LINE LEVEL RULE`.
#[track_caller]
fn finds(text: &str, expected: &Expected<'_>, findings: &[&str]) {
    let found = check(text, expected);
    let short = |it: &Finding| format!("{} {} {}", it.line, it.level.word(), it.rule);
    assert_eq!(found.iter().map(short).collect::<Vec<_>>(), findings, "{text}\n{found:#?}");
}

/// The page with one text in place of another.
#[track_caller]
fn changed(from: &str, to: &str, findings: &[&str]) {
    assert!(PAGE.contains(from), "{from}");
    finds(&PAGE.replace(from, to), &PROVISIONED, findings);
}

/// The page with more lines below; the first of them is line 14.
#[track_caller]
fn with(more: &str, findings: &[&str]) {
    finds(&format!("{PAGE}{more}"), &PROVISIONED, findings);
}

#[test]
fn the_page_is_right_for_a_provisioned_instance() {
    finds(PAGE, &PROVISIONED, &[]);
    finds(PAGE, &UNKNOWN, &["3 warning kind-unknown"]);
    finds(PAGE, &AUTOSCALING, &["3 error value-from"]);
    finds(PAGE, &Expected { kind: None, key: Some("lake") }, &["3 error value-from"]);
}

#[test]
fn an_autoscaling_project_yields_a_path() {
    let as_host = PAGE.replace("\"database\"", "\"postgres\"");
    finds(&as_host, &AUTOSCALING, &["3 warning path-as-host"]);
    finds(&as_host, &PROVISIONED, &["3 error value-from"]);
    finds(&as_host, &UNKNOWN, &["3 warning kind-unknown"]);
    let endpoint = as_host.replace("POSTGRES_HOST", "LAKEBASE_ENDPOINT");
    finds(&endpoint, &AUTOSCALING, &[]);
    finds(&endpoint, &UNKNOWN, &[]);
    finds(&endpoint, &PROVISIONED, &["3 error value-from"]);
    let wrong = PAGE.replace("POSTGRES_HOST", "LAKEBASE_ENDPOINT");
    finds(&wrong, &AUTOSCALING, &["3 error value-from"]);
    finds(&wrong, &UNKNOWN, &["3 warning kind-unknown"]);
    let own = PAGE.replace("\"database\"", "\"lake\"");
    finds(&own, &PROVISIONED, &[]);
    finds(
        &own,
        &Expected { kind: Some(Kind::Autoscaling), key: Some("lake") },
        &["3 warning path-as-host"],
    );
}

#[test]
fn a_resource_yields_a_server_and_nothing_else() {
    with("- {name: LAKEBASE_INSTANCE_NAME, valueFrom: database}", &["14 error value-from"]);
    changed(
        "value: \"app_ontos\"\n- name: \"ENV",
        "valueFrom: database\n- name: \"ENV",
        &["10 error value-from"],
    );
    let both = "- {name: LAKEBASE_INSTANCE_NAME, value: orders}\n\
                - {name: LAKEBASE_ENDPOINT, value: projects/p/branches/b/endpoints/e}";
    with(both, &["14 error conflict"]);
    changed("valueFrom: \"database\"", "value: \"https://h.example\"", &["3 error value"]);
    changed("valueFrom: \"database\"", "value: \"instance-1.example\"", &[]);
    with("- {name: LAKEBASE_ENDPOINT, value: ep-1}", &["14 error value"]);
}

#[test]
fn who_logs_in_is_found_at_run_time() {
    with("- {name: POSTGRES_USER, value: me}", &["14 error user-set"]);
    with("- {name: PGUSER, valueFrom: user}", &["14 error user-set"]);
    let password = ["14 error password-set", "14 error secret-in-clear"];
    with("- {name: POSTGRES_PASSWORD, value: hunter2}", &password);
    with("- {name: PGPASSWORD, value: hunter2}", &password);
    with("- {name: PGPASSWORD, valueFrom: password}", &["14 error password-set"]);
    changed("\"PROD\"", "\"LOCAL\"", &["12 error value"]);
    changed("\"PROD\"", "\"local_dev\"", &["12 error value"]);
    changed("\"PROD\"", "\"DEV\"", &[]);
}

#[test]
fn secrets_are_named_and_never_shown() {
    let text = format!("{PAGE}- {{name: GITHUB_TOKEN, value: hunter-2}}\n");
    finds(&text, &PROVISIONED, &["14 error secret-in-clear"]);
    assert!(!format!("{:?}", check(&text, &PROVISIONED)).contains("hunter-2"));
    with("- {name: GITHUB_TOKEN, valueFrom: github}", &[]);
    with("- {name: DATABASE_URL, value: 'postgresql://a:b@h/d'}", &["14 error secret-in-clear"]);
    with(
        "- {name: DATABRICKS_CLIENT_SECRET, value: x}",
        &["14 error secret-in-clear", "14 warning given-by-platform"],
    );
}

#[test]
fn what_is_missing_is_told_where_the_list_begins() {
    finds("command: [./app]\n", &PROVISIONED, &["1 error missing"; 3]);
    finds("env: []", &UNKNOWN, &["1 error missing"; 3]);
    changed("- name: \"POSTGRES_DB\"\n  value: \"app_ontos\"\n", "", &["3 error missing"]);
    changed("POSTGRES_DB\"", "PGDATABASE\"", &[]);
    changed("POSTGRES_DB_SCHEMA", "PGSCHEMA", &[]);
}

#[test]
fn names_are_known_and_there_once() {
    with("- {name: POSTGRES_DATABASE, value: x}", &["14 warning unknown-name"]);
    with("- {name: postgres_port, value: x}", &["14 warning unknown-name"]);
    with("- {name: LAKEBASE_HOST, value: x}", &["14 warning unknown-name"]);
    with("- {name: MY_SETTING, value: x}", &[]);
    with("- {name: ENV, value: DEV}", &["14 error duplicate"]);
    with("- {name: MY_SETTING, value: x, value: y}", &["14 error duplicate"]);
    with("- {name: DATABRICKS_HOST, value: x}", &["14 warning given-by-platform"]);
}

#[test]
fn values_are_texts_of_their_kind() {
    changed("\"5432\"", "5432", &["6 error unquoted"]);
    changed("\"5432\"", "\"five\"", &["5 error value"]);
    changed("\"5432\"", "", &["5 error value", "6 error unquoted"]);
    with("- {name: DEBUG, value: true}", &["14 error unquoted"]);
    with("- {name: NUMBERS, value: [1]}", &["14 error unquoted"]);
    changed(
        "value: \"app_ontos\"\n- name: \"ENV",
        "value: pg_ontos\n- name: \"ENV",
        &["10 error value"],
    );
    changed(
        "value: \"app_ontos\"\n- name: \"POST",
        "value: \"\"\n- name: \"POST",
        &["8 error value"],
    );
}

#[test]
fn the_spelling_is_that_of_the_file() {
    changed("valueFrom", "value_from", &["4 error value-from-spelling"]);
    with("- {name: A, valuefrom: x}", &["14 error unknown-key", "14 error shape"]);
    with("- {name: A}", &["14 error shape"]);
    with("- {name: A, value: a, valueFrom: b}", &["14 error shape"]);
    with("- {value: a}", &["14 error shape"]);
    with("- {name: A-B, value: a}", &["14 error shape"]);
    with("- A", &["14 error shape"]);
    with("resources: []", &["14 warning unknown-key"]);
    changed(
        "[\"sh\", \"lakegate.sh\", \"run\", \"--\", \"./app\"]",
        "lakegate run",
        &["1 error command"],
    );
}

#[test]
fn what_is_no_app_yaml_is_told_too() {
    finds("", &UNKNOWN, &["1 error shape"]);
    finds(
        "hello",
        &UNKNOWN,
        &["1 error shape", "1 error missing", "1 error missing", "1 error missing"],
    );
    finds("env: {", &UNKNOWN, &["1 error yaml"]);
    finds(
        "env: x",
        &UNKNOWN,
        &["1 error shape", "1 error missing", "1 error missing", "1 error missing"],
    );
    // As on the page, where the key above the list is left out.
    let list = PAGE.split_once("env:\n").map(|(_, list)| list).unwrap_or_default();
    finds(list, &PROVISIONED, &["1 error shape"]);
}
