//! Plans as whole SQL texts.

use alloc::format;

use expect_test::{Expect, expect};

use super::*;
use crate::bootstrap::fixture::{self, A, B, desired, ledger, row};
use crate::bootstrap::{Access, Grant};

fn observed(changes: serde_json::Value) -> Observed {
    Observed::read(Some(&fixture::empty(changes))).unwrap()
}

fn complete(changes: serde_json::Value) -> Observed {
    Observed::read(Some(&fixture::complete(changes))).unwrap()
}

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

#[test]
fn an_empty_database_takes_one_statement() {
    check_statements(
        &observed(serde_json::json!({})),
        &desired(&[A]),
        expect![[r#"
            DO $lakegate1$
            #variable_conflict use_column
            DECLARE
              lakegate_version bigint;
              lakegate_name text;
              lakegate_sha256 text;
              lakegate_script text;
              lakegate_start timestamptz;
              lakegate_missing text;
            BEGIN
              RESET ROLE;
              RESET ALL;
              PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
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
              FOR lakegate_version, lakegate_name, lakegate_sha256, lakegate_script IN VALUES
                (1, '1_a.sql', '7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f', $lakegate$-- lakegate: script 1_a.sql
            CREATE TABLE a (x int)
            ;SELECT$lakegate$)
              LOOP
                lakegate_start := pg_catalog.clock_timestamp();
                PERFORM pg_catalog.set_config('search_path', '"s"', true);
                EXECUTE lakegate_script;
                RESET ROLE;
                RESET ALL;
                PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
                PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
                PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
                INSERT INTO "s"."lakegate_migrations" VALUES (lakegate_version, lakegate_name, lakegate_sha256, lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
              END LOOP;
              lakegate_missing := (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 's' AND pg_catalog.pg_get_userbyid(nspowner) <> current_user);
              IF lakegate_missing IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the schema belongs to ' || lakegate_missing, HINT = 'A migration must not give it away.';
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
              lakegate_version bigint;
              lakegate_name text;
              lakegate_sha256 text;
              lakegate_script text;
              lakegate_start timestamptz;
              lakegate_missing text;
            BEGIN
              RESET ROLE;
              RESET ALL;
              PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
              PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
              PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
              PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
              PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '1ddd862de19fbeee2d139d444272cf8dad1f80e26012812ba44d1890b4ff378d' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
              END IF;
              FOR lakegate_version, lakegate_name, lakegate_sha256, lakegate_script IN VALUES
                (2, '2_b.sql', '0cc028c4745e8b6b80466d470ff676618c3dfbe12a499b2bd921a682f90a3529', $lakegate$-- lakegate: script 2_b.sql
            CREATE TABLE b (x int)
            ;SELECT$lakegate$)
              LOOP
                lakegate_start := pg_catalog.clock_timestamp();
                PERFORM pg_catalog.set_config('search_path', '"s"', true);
                EXECUTE lakegate_script;
                RESET ROLE;
                RESET ALL;
                PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
                PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
                PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
                INSERT INTO "s"."lakegate_migrations" VALUES (lakegate_version, lakegate_name, lakegate_sha256, lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
              END LOOP;
              lakegate_missing := (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 's' AND pg_catalog.pg_get_userbyid(nspowner) <> current_user);
              IF lakegate_missing IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the schema belongs to ' || lakegate_missing, HINT = 'A migration must not give it away.';
              END IF;
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'a1cb262495413c958335fa077bb4c26a35b4f7172bff27eb3129935cc8810e76' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
              END IF;
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
              lakegate_version bigint;
              lakegate_name text;
              lakegate_sha256 text;
              lakegate_script text;
              lakegate_start timestamptz;
              lakegate_missing text;
            BEGIN
              RESET ROLE;
              RESET ALL;
              PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
              PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
              PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
              PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
              PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
              END IF;
              FOR lakegate_version, lakegate_name, lakegate_sha256, lakegate_script IN VALUES
                (1, '1_a.sql', '7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f', $lakegate$-- lakegate: script 1_a.sql
            CREATE TABLE a (x int)
            ;SELECT$lakegate$)
              LOOP
                lakegate_start := pg_catalog.clock_timestamp();
                PERFORM pg_catalog.set_config('search_path', '"s"', true);
                EXECUTE lakegate_script;
                RESET ROLE;
                RESET ALL;
                PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
                PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
                PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
                INSERT INTO "s"."lakegate_migrations" VALUES (lakegate_version, lakegate_name, lakegate_sha256, lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
              END LOOP;
              lakegate_missing := (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 's' AND pg_catalog.pg_get_userbyid(nspowner) <> current_user);
              IF lakegate_missing IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the schema belongs to ' || lakegate_missing, HINT = 'A migration must not give it away.';
              END IF;
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '1ddd862de19fbeee2d139d444272cf8dad1f80e26012812ba44d1890b4ff378d' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
              END IF;
            END
            $lakegate1$

            DO $lakegate1$
            #variable_conflict use_column
            DECLARE
              lakegate_version bigint;
              lakegate_name text;
              lakegate_sha256 text;
              lakegate_script text;
              lakegate_start timestamptz;
              lakegate_missing text;
            BEGIN
              RESET ROLE;
              RESET ALL;
              PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
              PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
              PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
              PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
              PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '1ddd862de19fbeee2d139d444272cf8dad1f80e26012812ba44d1890b4ff378d' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
              END IF;
              FOR lakegate_version, lakegate_name, lakegate_sha256, lakegate_script IN VALUES
                (2, '2_b.sql', '1c228a06d0921ad193117f1cdd170f6148f2ca7cb901298d769aac0440334db2', $lakegate$-- lakegate: script 2_b.sql
            -- lakegate: new-transaction
            SELECT 2
            ;SELECT$lakegate$)
              LOOP
                lakegate_start := pg_catalog.clock_timestamp();
                PERFORM pg_catalog.set_config('search_path', '"s"', true);
                EXECUTE lakegate_script;
                RESET ROLE;
                RESET ALL;
                PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
                PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
                PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
                INSERT INTO "s"."lakegate_migrations" VALUES (lakegate_version, lakegate_name, lakegate_sha256, lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
              END LOOP;
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'e693392c8a80f54c5b61e42faa6ed2508a9d0a0e260df22c3911c163a2421958' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
              END IF;
            END
            $lakegate1$

            DO $lakegate$
            #variable_conflict use_column
            DECLARE
              lakegate_version bigint;
              lakegate_name text;
              lakegate_sha256 text;
              lakegate_script text;
              lakegate_start timestamptz;
              lakegate_missing text;
            BEGIN
              RESET ROLE;
              RESET ALL;
              PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
              PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
              PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
              PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
              PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'e693392c8a80f54c5b61e42faa6ed2508a9d0a0e260df22c3911c163a2421958' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
              END IF;
              INSERT INTO "s"."lakegate_migrations" VALUES (3, '3_c.sql', '8ae74644b40ea24c026def867133f146c8828f5bc38d854362e15ed061d68493', pg_catalog.clock_timestamp(), current_user, NULL, '0.1.0');
              PERFORM pg_catalog.set_config('search_path', '"s"', false);
              PERFORM pg_catalog.set_config('lock_timeout', '30000ms', false);
            END
            $lakegate$

            VACUUM a

            VACUUM b

            DO $lakegate$
            #variable_conflict use_column
            DECLARE
              lakegate_version bigint;
              lakegate_name text;
              lakegate_sha256 text;
              lakegate_script text;
              lakegate_start timestamptz;
              lakegate_missing text;
            BEGIN
              RESET ROLE;
              RESET ALL;
              PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
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
            END
            $lakegate$

            DO $lakegate1$
            #variable_conflict use_column
            DECLARE
              lakegate_version bigint;
              lakegate_name text;
              lakegate_sha256 text;
              lakegate_script text;
              lakegate_start timestamptz;
              lakegate_missing text;
            BEGIN
              RESET ROLE;
              RESET ALL;
              PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
              PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
              PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
              PERFORM pg_catalog.pg_advisory_xact_lock(-7946810559554097753);
              PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '969805e15039c79704a6cf7232950d0d340993f40488aab19a1880741687a7e1' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
              END IF;
              FOR lakegate_version, lakegate_name, lakegate_sha256, lakegate_script IN VALUES
                (4, '4_d.sql', '8d955d3543daa74ff3cce90c1bab1ffe9ab9508bbfa7386cf164c71d0932bd4c', $lakegate$-- lakegate: script 4_d.sql
            SELECT 4
            ;SELECT$lakegate$)
              LOOP
                lakegate_start := pg_catalog.clock_timestamp();
                PERFORM pg_catalog.set_config('search_path', '"s"', true);
                EXECUTE lakegate_script;
                RESET ROLE;
                RESET ALL;
                PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
                PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
                PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
                INSERT INTO "s"."lakegate_migrations" VALUES (lakegate_version, lakegate_name, lakegate_sha256, lakegate_start, current_user, (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - lakegate_start) * 1000)::bigint, '0.1.0');
              END LOOP;
              IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'dc5b961734c72b872e8e26da811515a55a5fc6990fdbec7def4fb2cbd059164f' THEN
                RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
              END IF;
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
    let seen = observed(serde_json::json!({
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

#[test]
fn what_others_own_is_told_and_left_alone() {
    #[track_caller]
    fn check(foreign: serde_json::Value, owner: &str, expected: &[&str]) {
        let schema = serde_json::json!({"owner": owner, "usage": true, "create": true});
        let seen = complete(serde_json::json!({"foreign": foreign, "schema": schema}));
        let mut desired = desired(&[]);
        if owner != "app" {
            desired.schema = "public".parse().unwrap();
        }
        let plan = plan(&seen, &desired).unwrap();
        assert!(plan.is_empty());
        assert_eq!(plan.notes, expected);
    }
    let one = |count| serde_json::json!([{"owner": "o", "count": count, "first": "t\"x"}]);
    check(one(1), "app", &[r#""t""x" in schema "s" belongs to "o": no grant covers it"#]);
    check(
        one(3),
        "app",
        &["3 tables, views and sequences in schema \"s\" belong to \"o\", such as \"t\"\"x\": no \
           grant covers them"],
    );
    // `public` is everybody's.
    check(one(3), "pg_database_owner", &[]);
}
