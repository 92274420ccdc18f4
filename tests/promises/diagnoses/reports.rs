//! The report that is sent to somebody. That no file at home holds a secret, every house sees to.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn a_report_tells_what_is_wrong_and_not_whose_it_is() {
    let house = House::open().await;
    let person = "somebody@example.com";
    let doctor = || {
        let doctor = house.lakegate(["doctor", "--report", "report.json"]);
        doctor.env("POSTGRES_USER", person).env("PGPASSWORD", house.env("EMULATOR_ADMIN_TOKEN"))
    };
    let run = doctor().run().await.exits(1);
    expect![[r#"
        lakegate: report.json can be sent to somebody: it says itself what was left out
    "#]]
    .assert_eq(&run.stderr);

    let file = house.folder().join("report.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    for hidden in [house.principal(), person, house.folder().to_str().unwrap()] {
        assert!(!text.contains(hidden), "it shows {hidden}:\n{text}");
    }
    let report: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = report.as_object().unwrap().keys().collect();
    expect![[r#"["checks", "environment", "kept", "left_out", "made_at", "platform", "report", "settings", "version"]"#]].assert_eq(&format!("{names:?}"));
    let checks = report["checks"].as_array().unwrap();
    let login = checks.iter().find(|check| check["name"] == "login").unwrap();
    assert_eq!(login["cause"], "no-database");
    expect![[r#"localhost refused the login of "id-1" to database "app_ontos": database "app_ontos" does not exist (SQLSTATE 3D000)"#]].assert_eq(login["found"].as_str().unwrap());
    let state = |name: &str| report["environment"][name].as_str().unwrap().to_owned();
    let states = ["PGPASSWORD", "SSL_CERT_FILE", "DATABRICKS_TOKEN"].map(state);
    assert_eq!(states, ["present", "present", "absent"]);
    expect![[r#"["secrets and tokens: only whether they are set is told","e-mail addresses, application ids and long numbers: person-1, id-1, number-1 stand for them","hosts and addresses: host-1, address-1 stand for them; Databricks' own domains are kept","the home folder: ~ stands for it"]"#]].assert_eq(&report["left_out"].to_string());

    // Nobody loses an earlier one by chance.
    house.forget().await;
    let again = doctor().run().await.exits(2).prints("");
    expect![[r#"
        lakegate: error: report.json is there already
          Name another file, or add `--force`.
    "#]]
    .assert_eq(&again.stderr);
    assert_eq!(house.counts().await["requests"], json!({}));
    doctor().arg("--force").run().await.exits(1);
}
