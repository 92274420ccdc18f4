//! Plans as whole SQL texts, and every reason not to have one.

use alloc::format;
use alloc::string::ToString;

use expect_test::{Expect, expect};

use super::*;
use crate::bootstrap::{Access, Grant};

/// An empty database `db` as role `app` sees it, with some fields replaced.
fn observed(changes: serde_json::Value) -> Observed {
    let mut fields = serde_json::json!({
        "role": "app", "session_role": "app", "superuser": false, "create_role": false,
        "create_database": false, "member_of": [], "server_version": 170_002, "read_only": false,
        "database": "db", "database_owner": "admin", "can_connect": true, "can_create": true,
        "public_privileges": ["CONNECT", "TEMPORARY"], "schema": null, "roles": [],
        "defaults": [], "relations": [], "ledger": null,
    });
    let serde_json::Value::Object(changes) = changes else { panic!("not an object") };
    fields.as_object_mut().unwrap().extend(changes);
    Observed::read(Some(&fields.to_string())).unwrap()
}

/// The same with schema `s` and all that a bootstrap without migrations leaves.
fn complete(changes: serde_json::Value) -> Observed {
    let tables = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];
    let sequences = ["SELECT", "UPDATE", "USAGE"];
    let default =
        |kind, privilege| serde_json::json!({"kind": kind, "role": "app", "privilege": privilege});
    let defaults: Vec<_> = tables
        .iter()
        .map(|privilege| default("r", privilege))
        .chain(sequences.iter().map(|privilege| default("S", privilege)))
        .collect();
    let mut fields = serde_json::json!({
        "schema": {"owner": "app", "usage": true, "create": true},
        "defaults": defaults,
    });
    let serde_json::Value::Object(changes) = changes else { panic!("not an object") };
    fields.as_object_mut().unwrap().extend(changes);
    observed(fields)
}

fn row(migration: &Migration, milliseconds: Option<i64>) -> serde_json::Value {
    serde_json::json!({
        "version": migration.version(), "name": migration.name(), "sha256": migration.sha256(),
        "applied_at": "2026-01-01T12:00:00+00:00", "applied_by": "app",
        "milliseconds": milliseconds, "lakegate": "0.1.0",
    })
}

fn ledger(rows: &[serde_json::Value]) -> serde_json::Value {
    serde_json::json!({"ledger": {"owner": "app", "rows": rows}})
}

fn desired(files: &[(&str, &str)]) -> Desired {
    let mut desired = Desired::new("s".parse().unwrap());
    desired.migrations = Migration::read_folder(files.iter().copied()).unwrap();
    desired
}

const A: (&str, &str) = ("1_a.sql", "CREATE TABLE a (x int)");
const B: (&str, &str) = ("2_b.sql", "CREATE TABLE b (x int)");

#[track_caller]
fn check_statements(observed: &Observed, desired: &Desired, expected: Expect) {
    let plan = plan(observed, desired).unwrap();
    let texts: Vec<_> = plan.statements.iter().map(|statement| statement.sql.as_str()).collect();
    expected.assert_eq(&texts.join("\n\n"));
}

#[track_caller]
fn check_steps(observed: &Observed, desired: &Desired, expected: Expect) {
    let plan = plan(observed, desired).unwrap();
    let steps: Vec<_> = plan.steps().map(|(step, sql)| format!("{}: {sql}", step.title)).collect();
    expected.assert_eq(&steps.join("\n"));
}

#[track_caller]
fn check_refusal(observed: &Observed, desired: &Desired, expected: Expect) {
    let problem = plan(observed, desired).unwrap_err().problem();
    expected.assert_eq(&format!("{}\n{}", problem.message, problem.advice));
}

#[test]
fn an_empty_database_takes_one_statement() {
    check_statements(
        &observed(serde_json::json!({})),
        &desired(&[A]),
        expect![[r#"
        DO $lakegate1$
        #variable_conflict use_column
        DECLARE
          lakegate_start timestamptz;
          lakegate_missing text;
          lakegate_role text := pg_catalog.current_setting('role');
        BEGIN
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
          PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
          PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
          IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 's') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          EXECUTE $lakegate$CREATE SCHEMA "s"$lakegate$;
          EXECUTE $lakegate$CREATE TABLE "s"."lakegate_migrations" (
          version bigint PRIMARY KEY,
          name text NOT NULL,
          sha256 text NOT NULL,
          applied_at timestamptz NOT NULL,
          applied_by text NOT NULL,
          milliseconds bigint,
          lakegate text NOT NULL
        )$lakegate$;
          EXECUTE $lakegate$ALTER DEFAULT PRIVILEGES IN SCHEMA "s" GRANT ALL ON TABLES TO "app"$lakegate$;
          EXECUTE $lakegate$ALTER DEFAULT PRIVILEGES IN SCHEMA "s" GRANT ALL ON SEQUENCES TO "app"$lakegate$;
          lakegate_start := pg_catalog.clock_timestamp();
          PERFORM pg_catalog.set_config('search_path', '"s"', true);
          EXECUTE $lakegate$-- lakegate: script 1_a.sql
        CREATE TABLE a (x int)
        ;SELECT$lakegate$;
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('role', lakegate_role, true);
          INSERT INTO "s"."lakegate_migrations" VALUES (1, '1_a.sql', '7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f', lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
          lakegate_missing := (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 's' AND pg_catalog.pg_get_userbyid(nspowner) <> current_user);
          IF lakegate_missing IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the schema belongs to ' || lakegate_missing, HINT = 'A grant has an effect only if the role owns the object or has the privilege with grant option.';
          END IF;
          lakegate_missing := (SELECT pg_catalog.string_agg(p, ', ') FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl d JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace, LATERAL pg_catalog.aclexplode(d.defaclacl) a WHERE n.nspname = 's' AND pg_catalog.pg_get_userbyid(d.defaclrole) = current_user AND d.defaclobjtype = 'r' AND pg_catalog.pg_get_userbyid(a.grantee) = 'app' AND a.privilege_type = p));
          IF lakegate_missing IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'no default privileges for "app" on future tables: ' || lakegate_missing, HINT = 'A grant has an effect only if the role owns the object or has the privilege with grant option.';
          END IF;
          lakegate_missing := (SELECT pg_catalog.string_agg(p, ', ') FROM pg_catalog.unnest(ARRAY['SELECT', 'UPDATE', 'USAGE']) p WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl d JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace, LATERAL pg_catalog.aclexplode(d.defaclacl) a WHERE n.nspname = 's' AND pg_catalog.pg_get_userbyid(d.defaclrole) = current_user AND d.defaclobjtype = 'S' AND pg_catalog.pg_get_userbyid(a.grantee) = 'app' AND a.privilege_type = p));
          IF lakegate_missing IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'no default privileges for "app" on future sequences: ' || lakegate_missing, HINT = 'A grant has an effect only if the role owns the object or has the privilege with grant option.';
          END IF;
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '1ddd862de19fbeee2d139d444272cf8dad1f80e26012812ba44d1890b4ff378d' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
          PERFORM pg_catalog.set_config('search_path', NULL, false);
        END
        $lakegate1$"#]],
    );
}

#[test]
fn nothing_to_do_is_nothing_to_run() {
    let desired = desired(&[A]);
    let rows = ledger(&[row(&desired.migrations[0], Some(3))]);
    let mut seen = complete(rows);
    check_steps(&seen, &desired, expect![[""]]);
    // Neither the right to create nor a writable server is needed then.
    seen.can_create = false;
    seen.read_only = true;
    assert!(plan(&seen, &desired).unwrap().is_empty());
}

#[test]
fn only_what_is_new_runs() {
    let desired = desired(&[A, B]);
    let rows = ledger(&[row(&desired.migrations[0], Some(3))]);
    check_statements(
        &complete(rows),
        &desired,
        expect![[r#"
        DO $lakegate1$
        #variable_conflict use_column
        DECLARE
          lakegate_start timestamptz;
          lakegate_missing text;
          lakegate_role text := pg_catalog.current_setting('role');
        BEGIN
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
          PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
          PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '1ddd862de19fbeee2d139d444272cf8dad1f80e26012812ba44d1890b4ff378d' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          lakegate_start := pg_catalog.clock_timestamp();
          PERFORM pg_catalog.set_config('search_path', '"s"', true);
          EXECUTE $lakegate$-- lakegate: script 2_b.sql
        CREATE TABLE b (x int)
        ;SELECT$lakegate$;
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('role', lakegate_role, true);
          INSERT INTO "s"."lakegate_migrations" VALUES (2, '2_b.sql', '0cc028c4745e8b6b80466d470ff676618c3dfbe12a499b2bd921a682f90a3529', lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
          lakegate_missing := (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 's' AND pg_catalog.pg_get_userbyid(nspowner) <> current_user);
          IF lakegate_missing IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the schema belongs to ' || lakegate_missing, HINT = 'A grant has an effect only if the role owns the object or has the privilege with grant option.';
          END IF;
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'a1cb262495413c958335fa077bb4c26a35b4f7172bff27eb3129935cc8810e76' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
          PERFORM pg_catalog.set_config('search_path', NULL, false);
        END
        $lakegate1$"#]],
    );
}

#[test]
fn directives_part_the_plan() {
    let files = [
        A,
        ("2_b.sql", "-- lakegate: new-transaction\nSELECT 2"),
        ("3_c.sql", "-- lakegate: no-transaction\nVACUUM a;\n\nVACUUM b;"),
        ("4_d.sql", "SELECT 4"),
    ];
    check_statements(
        &complete(ledger(&[])),
        &desired(&files),
        expect![[r#"
        DO $lakegate1$
        #variable_conflict use_column
        DECLARE
          lakegate_start timestamptz;
          lakegate_missing text;
          lakegate_role text := pg_catalog.current_setting('role');
        BEGIN
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
          PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
          PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          lakegate_start := pg_catalog.clock_timestamp();
          PERFORM pg_catalog.set_config('search_path', '"s"', true);
          EXECUTE $lakegate$-- lakegate: script 1_a.sql
        CREATE TABLE a (x int)
        ;SELECT$lakegate$;
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('role', lakegate_role, true);
          INSERT INTO "s"."lakegate_migrations" VALUES (1, '1_a.sql', '7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f', lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
          lakegate_missing := (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 's' AND pg_catalog.pg_get_userbyid(nspowner) <> current_user);
          IF lakegate_missing IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the schema belongs to ' || lakegate_missing, HINT = 'A grant has an effect only if the role owns the object or has the privilege with grant option.';
          END IF;
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '1ddd862de19fbeee2d139d444272cf8dad1f80e26012812ba44d1890b4ff378d' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
          PERFORM pg_catalog.set_config('search_path', NULL, false);
        END
        $lakegate1$

        DO $lakegate1$
        #variable_conflict use_column
        DECLARE
          lakegate_start timestamptz;
          lakegate_missing text;
          lakegate_role text := pg_catalog.current_setting('role');
        BEGIN
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
          PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
          PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '1ddd862de19fbeee2d139d444272cf8dad1f80e26012812ba44d1890b4ff378d' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          lakegate_start := pg_catalog.clock_timestamp();
          PERFORM pg_catalog.set_config('search_path', '"s"', true);
          EXECUTE $lakegate$-- lakegate: script 2_b.sql
        -- lakegate: new-transaction
        SELECT 2
        ;SELECT$lakegate$;
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('role', lakegate_role, true);
          INSERT INTO "s"."lakegate_migrations" VALUES (2, '2_b.sql', '1c228a06d0921ad193117f1cdd170f6148f2ca7cb901298d769aac0440334db2', lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'e693392c8a80f54c5b61e42faa6ed2508a9d0a0e260df22c3911c163a2421958' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
          PERFORM pg_catalog.set_config('search_path', NULL, false);
        END
        $lakegate1$

        DO $lakegate$
        #variable_conflict use_column
        DECLARE
          lakegate_start timestamptz;
          lakegate_missing text;
          lakegate_role text := pg_catalog.current_setting('role');
        BEGIN
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
          PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
          PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'e693392c8a80f54c5b61e42faa6ed2508a9d0a0e260df22c3911c163a2421958' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          INSERT INTO "s"."lakegate_migrations" VALUES (3, '3_c.sql', '8ae74644b40ea24c026def867133f146c8828f5bc38d854362e15ed061d68493', pg_catalog.clock_timestamp(), current_user, NULL, '0.1.0');
          PERFORM pg_catalog.set_config('search_path', '"s"', false);
        END
        $lakegate$

        VACUUM a

        VACUUM b

        DO $lakegate$
        #variable_conflict use_column
        DECLARE
          lakegate_start timestamptz;
          lakegate_missing text;
          lakegate_role text := pg_catalog.current_setting('role');
        BEGIN
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
          PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
          PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '6cf6f5c7d6c68286936599c05de50860ad587cf15e4f697c9627d7c238e53526' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          UPDATE "s"."lakegate_migrations" SET milliseconds = (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - applied_at) * 1000)::bigint WHERE version = 3;
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '969805e15039c79704a6cf7232950d0d340993f40488aab19a1880741687a7e1' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
          PERFORM pg_catalog.set_config('search_path', NULL, false);
        END
        $lakegate$

        DO $lakegate1$
        #variable_conflict use_column
        DECLARE
          lakegate_start timestamptz;
          lakegate_missing text;
          lakegate_role text := pg_catalog.current_setting('role');
        BEGIN
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
          PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
          PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '969805e15039c79704a6cf7232950d0d340993f40488aab19a1880741687a7e1' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          lakegate_start := pg_catalog.clock_timestamp();
          PERFORM pg_catalog.set_config('search_path', '"s"', true);
          EXECUTE $lakegate$-- lakegate: script 4_d.sql
        SELECT 4
        ;SELECT$lakegate$;
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('role', lakegate_role, true);
          INSERT INTO "s"."lakegate_migrations" VALUES (4, '4_d.sql', '8d955d3543daa74ff3cce90c1bab1ffe9ab9508bbfa7386cf164c71d0932bd4c', lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'dc5b961734c72b872e8e26da811515a55a5fc6990fdbec7def4fb2cbd059164f' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
          PERFORM pg_catalog.set_config('search_path', NULL, false);
        END
        $lakegate1$"#]],
    );
}

#[test]
fn other_roles_get_what_they_lack() {
    let mut desired = desired(&[]);
    desired.grants = Vec::from([
        Grant { role: "reader".parse().unwrap(), access: Access::Read },
        Grant { role: "o\"writer".parse().unwrap(), access: Access::Write },
        Grant { role: "app".parse().unwrap(), access: Access::Write },
    ]);
    let seen = complete(serde_json::json!({
        "roles": [
            {"name": "reader", "usage": true}, {"name": "o\"writer", "usage": false},
            {"name": "app", "usage": true},
        ],
        "relations": [
            {"name": "a", "kind": "r", "owner": "app",
             "grants": [{"role": "reader", "privilege": "SELECT"}]},
            {"name": "a_id_seq", "kind": "S", "owner": "app", "grants": []},
            {"name": "b", "kind": "r", "owner": "app", "grants": []},
            {"name": "foreign", "kind": "r", "owner": "other", "grants": []},
            {"name": "lakegate_migrations", "kind": "r", "owner": "app", "grants": []},
        ],
    }));
    check_steps(
        &seen,
        &desired,
        expect![[r#"
        default privileges on future tables for "reader": ALTER DEFAULT PRIVILEGES IN SCHEMA "s" GRANT SELECT ON TABLES TO "reader"
        default privileges on future sequences for "reader": ALTER DEFAULT PRIVILEGES IN SCHEMA "s" GRANT SELECT ON SEQUENCES TO "reader"
        default privileges on future tables for "o""writer": ALTER DEFAULT PRIVILEGES IN SCHEMA "s" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "o""writer"
        default privileges on future sequences for "o""writer": ALTER DEFAULT PRIVILEGES IN SCHEMA "s" GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO "o""writer"
        let "o""writer" use schema "s": GRANT USAGE ON SCHEMA "s" TO "o""writer"
        privileges on 1 tables for "reader": GRANT SELECT ON TABLE "s"."b" TO "reader"
        privileges on 1 sequences for "reader": GRANT SELECT ON SEQUENCE "s"."a_id_seq" TO "reader"
        privileges on 2 tables for "o""writer": GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "s"."a", "s"."b" TO "o""writer"
        privileges on 1 sequences for "o""writer": GRANT USAGE, SELECT, UPDATE ON SEQUENCE "s"."a_id_seq" TO "o""writer""#]],
    );
}

#[test]
fn public_is_used_as_it_is() {
    let mut desired = desired(&[A]);
    desired.schema = "public".parse().unwrap();
    let mut seen = observed(serde_json::json!({
        "schema": {"owner": "pg_database_owner", "usage": true, "create": true},
    }));
    check_steps(
        &seen,
        &desired,
        expect![[r#"
        create the ledger of migrations: CREATE TABLE "public"."lakegate_migrations" (
          version bigint PRIMARY KEY,
          name text NOT NULL,
          sha256 text NOT NULL,
          applied_at timestamptz NOT NULL,
          applied_by text NOT NULL,
          milliseconds bigint,
          lakegate text NOT NULL
        )
        run 1_a.sql: CREATE TABLE a (x int)"#]],
    );
    seen.schema.as_mut().unwrap().create = false;
    check_refusal(
        &seen,
        &desired,
        expect![[r#"
        role "app" may not create tables in schema "public"
        Nothing was changed. The owner of the schema or an administrator has to run:
          GRANT USAGE, CREATE ON SCHEMA "public" TO "app";"#]],
    );
}

#[test]
fn refuses_before_the_first_change() {
    let empty = || observed(serde_json::json!({}));
    let want = desired(&[A, B]);
    let [a, b] = [0, 1].map(|index| row(&want.migrations[index], Some(3)));

    let poor = observed(serde_json::json!({"can_create": false}));
    check_refusal(
        &poor,
        &want,
        expect![[r#"
        role "app" may not create a schema in database "db"
        Nothing was changed. An administrator has to run:
          GRANT CREATE ON DATABASE "db" TO "app";
        `lakegate setup` does that."#]],
    );

    let foreign = serde_json::json!({"schema": {"owner": "o\"x", "usage": true, "create": true}});
    check_refusal(
        &complete(foreign),
        &want,
        expect![[r#"
        schema "s" belongs to "o""x", not to "app"
        Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act for both roles hand it over:
          ALTER SCHEMA "s" OWNER TO "app";
        Tables in it stay with "o""x" until each is handed over too."#]],
    );

    check_refusal(
        &observed(serde_json::json!({"read_only": true})),
        &want,
        expect![[r#"
        database "db" is read-only here
        Nothing was changed. Connect to the primary, not to a read-only endpoint."#]],
    );

    let mut reserved = desired(&[]);
    reserved.schema = "pg_app".parse().unwrap();
    check_refusal(
        &empty(),
        &reserved,
        expect![[r#"
        schema "pg_app": names that start with `pg_` belong to Postgres
        Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA)."#]],
    );

    let mut missing = desired(&[]);
    missing.grants = Vec::from([Grant { role: "it's".parse().unwrap(), access: Access::Read }]);
    check_refusal(
        &empty(),
        &missing,
        expect![[r#"
        there is no role "it's" to grant anything to
        Nothing was changed. Create it, or take it out of the grants. On Lakebase an administrator creates the role of an identity with:
          CREATE EXTENSION IF NOT EXISTS databricks_auth; SELECT databricks_create_role('it''s', 'SERVICE_PRINCIPAL');"#]],
    );

    let unreadable = serde_json::json!({"ledger": {"owner": "other", "rows": null}});
    check_refusal(
        &complete(unreadable),
        &want,
        expect![[r#"
        role "app" may not read the ledger of migrations, which belongs to "other"
        Nothing was changed. Run as "other", or have "other" grant "app" SELECT, INSERT and UPDATE on it."#]],
    );

    let changed = desired(&[("1_a.sql", "CREATE TABLE a (y int)"), B]);
    check_refusal(
        &complete(ledger(&[a, b.clone()])),
        &changed,
        expect![[r#"
        `1_a.sql` was changed after it ran: it was 7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f, it is 0de8588cfec67887df9d16ca6b5244380a59d2303012bf787de08c6745dd2d55
        Nothing was changed. Put the old content back and write the change as a new migration. If the change means nothing to the database, accept it:
          UPDATE "s"."lakegate_migrations" SET sha256 = '0de8588cfec67887df9d16ca6b5244380a59d2303012bf787de08c6745dd2d55' WHERE version = 1;"#]],
    );

    check_refusal(
        &complete(ledger(&[b])),
        &want,
        expect![[r#"
        `1_a.sql` has not run, but the later `2_b.sql` has
        Nothing was changed. Give the file a higher number, or allow it with `--out-of-order`."#]],
    );

    let unfinished = row(&want.migrations[0], None);
    check_refusal(
        &complete(ledger(&[unfinished])),
        &want,
        expect![[r#"
        `1_a.sql` was started by app at 2026-01-01T12:00:00+00:00 and has not ended
        Nothing was changed. Another replica may be at it: try again later. If none is, it was cut off; its statements before that stay done. Finish it by hand, then run:
          UPDATE "s"."lakegate_migrations" SET milliseconds = 0 WHERE version = 1;
        or undo it by hand, so that it runs again:
          DELETE FROM "s"."lakegate_migrations" WHERE version = 1;"#]],
    );
}

#[test]
fn a_late_migration_runs_when_asked() {
    let mut desired = desired(&[A, B]);
    let rows = ledger(&[row(&desired.migrations[1], Some(3))]);
    desired.out_of_order = true;
    check_steps(&complete(rows), &desired, expect!["run 1_a.sql: CREATE TABLE a (x int)"]);
}

#[test]
fn tells_what_the_files_do_not_know_and_that_everybody_may_create() {
    let newer = desired(&[A, B]);
    let rows: Vec<_> = newer.migrations.iter().map(|migration| row(migration, Some(3))).collect();
    let mut seen = complete(ledger(&rows));
    seen.public_privileges.push("CREATE".into());
    let plan = plan(&seen, &desired(&[A])).unwrap();
    assert!(plan.is_empty());
    expect![[r#"
        1 of the applied migrations are not among the files, the last is `2_b.sql`: is this an older release?
        every role may create schemas in database "db"; `lakegate tighten` ends that"#]].assert_eq(&plan.notes.join("\n"));
}
