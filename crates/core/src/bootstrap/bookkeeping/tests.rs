//! What is written into the ledger by hand, as steps with their SQL, and what is refused.

use alloc::format;
use alloc::string::String;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::bootstrap::fixture::{self, A, B, desired, ledger, row};

/// A schema that is as it should be, but for these fields.
fn seen(changes: Value) -> Observed {
    Observed::read(Some(&fixture::complete(changes))).unwrap()
}

/// A file that was `A` when it ran.
const CHANGED: (&str, &str) = ("1_renamed.sql", "CREATE TABLE a (y int)");

/// A plan in short: the steps with their SQL and the notes, or why there is none.
fn told(plan: Result<Plan, PlanError>) -> String {
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            let problem = error.problem();
            return format!("{}\n{}\n", problem.message, problem.advice);
        }
    };
    assert!(plan.statements.len() < 2, "all or nothing");
    let steps = plan.steps().map(|(step, sql)| format!("{}: {sql}\n", step.title));
    steps.chain(plan.notes.iter().map(|note| format!("note: {note}\n"))).collect()
}

#[track_caller]
fn marks(changes: Value, files: &[(&str, &str)], through: Option<i64>, expected: Expect) {
    expected.assert_eq(&told(baseline(&seen(changes), &desired(files), through)));
}

#[track_caller]
fn repairs(rows: &[Value], files: &[(&str, &str)], verdict: Option<Verdict>, expected: Expect) {
    expected.assert_eq(&told(repair(&seen(ledger(rows)), &desired(files), verdict)));
}

/// The rows of `A` and `B`.
fn rows(milliseconds: [Option<i64>; 2]) -> [Value; 2] {
    let files = desired(&[A, B]).migrations;
    [0, 1].map(|index| row(&files[index], milliseconds[index]))
}

#[test]
fn a_baseline_marks_all_or_those_up_to_a_version() {
    marks(
        json!({}),
        &[A, B],
        None,
        expect![[r#"
        create the ledger of migrations: CREATE TABLE "s"."lakegate_migrations" (
          version bigint PRIMARY KEY,
          name text NOT NULL,
          sha256 text NOT NULL,
          applied_at timestamptz NOT NULL,
          applied_by text NOT NULL,
          milliseconds bigint,
          lakegate text NOT NULL
        )
        mark 1_a.sql as done: INSERT INTO "s"."lakegate_migrations" VALUES (1, '1_a.sql', '7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f', pg_catalog.clock_timestamp(), current_user, 0, '0.1.0')
        mark 2_b.sql as done: INSERT INTO "s"."lakegate_migrations" VALUES (2, '2_b.sql', '0cc028c4745e8b6b80466d470ff676618c3dfbe12a499b2bd921a682f90a3529', pg_catalog.clock_timestamp(), current_user, 0, '0.1.0')
    "#]],
    );
    marks(
        json!({}),
        &[A, B],
        Some(1),
        expect![[r#"
        create the ledger of migrations: CREATE TABLE "s"."lakegate_migrations" (
          version bigint PRIMARY KEY,
          name text NOT NULL,
          sha256 text NOT NULL,
          applied_at timestamptz NOT NULL,
          applied_by text NOT NULL,
          milliseconds bigint,
          lakegate text NOT NULL
        )
        mark 1_a.sql as done: INSERT INTO "s"."lakegate_migrations" VALUES (1, '1_a.sql', '7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f', pg_catalog.clock_timestamp(), current_user, 0, '0.1.0')
    "#]],
    );
    let both = rows([Some(3); 2]);
    marks(
        ledger(&both[..1]),
        &[A, B],
        None,
        expect![[r#"
        mark 2_b.sql as done: INSERT INTO "s"."lakegate_migrations" VALUES (2, '2_b.sql', '0cc028c4745e8b6b80466d470ff676618c3dfbe12a499b2bd921a682f90a3529', pg_catalog.clock_timestamp(), current_user, 0, '0.1.0')
    "#]],
    );
    // One that came late is marked too: nothing runs, so no order is broken.
    marks(
        ledger(&both[1..]),
        &[A, B],
        None,
        expect![[r#"
        mark 1_a.sql as done: INSERT INTO "s"."lakegate_migrations" VALUES (1, '1_a.sql', '7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f', pg_catalog.clock_timestamp(), current_user, 0, '0.1.0')
    "#]],
    );
    marks(
        ledger(&both),
        &[A],
        None,
        expect![[r#"
        note: 1 of the applied migrations are not among the files, the last is `2_b.sql`: is this an older release?
    "#]],
    );
}

#[test]
fn a_baseline_is_refused_where_it_would_contradict() {
    let open = rows([Some(3), None]);
    marks(
        json!({"schema": null}),
        &[A],
        None,
        expect![[r#"
        there is no schema "s" that a migration could have been run in
        Nothing was changed. `lakegate bootstrap apply` creates it and runs the migrations. If the tables are in another schema, name that (POSTGRES_DB_SCHEMA).
    "#]],
    );
    marks(
        json!({}),
        &[],
        None,
        expect![[r#"
        there are no migrations to mark as done
        Nothing was changed. Name their folder with `--migrations`.
    "#]],
    );
    marks(
        json!({}),
        &[A, B],
        Some(3),
        expect![[r#"
        none of the migrations is version 3
        Nothing was changed. Name the version of a file: the number that its name begins with.
    "#]],
    );
    marks(
        ledger(&open[..1]),
        &[CHANGED, B],
        None,
        expect![[r#"
        `1_renamed.sql` was changed after it ran: it was 7524cc3eace978461041598ebc4048686550cedb53b2c1c1a392caa838e1692f, it is 0de8588cfec67887df9d16ca6b5244380a59d2303012bf787de08c6745dd2d55
        Nothing was changed. Put the old content back and write the change as a new migration. If the change means nothing to the database, accept it with `lakegate bootstrap repair`, or:
          UPDATE "s"."lakegate_migrations" SET name = '1_renamed.sql', sha256 = '0de8588cfec67887df9d16ca6b5244380a59d2303012bf787de08c6745dd2d55' WHERE version = 1;
    "#]],
    );
    marks(
        ledger(&open),
        &[A, B],
        None,
        expect![[r#"
        `2_b.sql` was started by app at 2026-01-01T12:00:00+00:00 and has not ended
        Nothing was changed. Another replica may be at it: try again later. If none is, it was cut off; its statements before that stay done. Finish it by hand, then run `lakegate bootstrap repair --finished 2`, or:
          UPDATE "s"."lakegate_migrations" SET milliseconds = 0 WHERE version = 2;
        Or undo it by hand, then run `lakegate bootstrap repair --again 2`, or:
          DELETE FROM "s"."lakegate_migrations" WHERE version = 2;
    "#]],
    );
    let foreign = json!({"schema": {"owner": "other", "usage": true, "create": true}});
    marks(
        foreign,
        &[A],
        None,
        expect![[r#"
        schema "s" belongs to "other", not to "app"
        Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act for both roles hand it over:
          ALTER SCHEMA "s" OWNER TO "app";
        Tables in it stay with "other" until each is handed over too.
    "#]],
    );
    marks(
        json!({"read_only": true}),
        &[A],
        None,
        expect![[r#"
        database "db" is read-only here
        Nothing was changed. Connect to the primary, not to a read-only endpoint.
    "#]],
    );
    let poor = json!({"schema": {"owner": "app", "usage": true, "create": false}});
    marks(
        poor,
        &[A],
        None,
        expect![[r#"
        role "app" may not create tables in schema "s"
        Nothing was changed. The owner of the schema or an administrator has to run:
          GRANT USAGE, CREATE ON SCHEMA "s" TO "app";
    "#]],
    );
}

#[test]
fn a_repair_accepts_what_changed() {
    let both = rows([Some(3); 2]);
    repairs(&[], &[A, B], None, expect![[""]]);
    repairs(&both, &[A, B], None, expect![[""]]);
    repairs(
        &both,
        &[CHANGED, B],
        None,
        expect![[r#"
        accept 1_renamed.sql as it is: UPDATE "s"."lakegate_migrations" SET name = '1_renamed.sql', sha256 = '0de8588cfec67887df9d16ca6b5244380a59d2303012bf787de08c6745dd2d55' WHERE version = 1
    "#]],
    );
}

#[test]
fn a_repair_never_guesses() {
    let open = rows([Some(3), None]);
    repairs(
        &open,
        &[A, B],
        None,
        expect![[r#"
        `2_b.sql` was started by app at 2026-01-01T12:00:00+00:00 and has not ended
        Nothing was changed. Another replica may be at it: try again later. If none is, it was cut off; its statements before that stay done. Finish it by hand, then run `lakegate bootstrap repair --finished 2`, or:
          UPDATE "s"."lakegate_migrations" SET milliseconds = 0 WHERE version = 2;
        Or undo it by hand, then run `lakegate bootstrap repair --again 2`, or:
          DELETE FROM "s"."lakegate_migrations" WHERE version = 2;
    "#]],
    );
    repairs(
        &open,
        &[A, B],
        Some(Verdict::Finished(2)),
        expect![[r#"
        mark 2_b.sql as done: UPDATE "s"."lakegate_migrations" SET milliseconds = 0 WHERE version = 2
    "#]],
    );
    repairs(
        &open,
        &[A, B],
        Some(Verdict::Undone(2)),
        expect![[r#"
        forget 2_b.sql, so that it runs again: DELETE FROM "s"."lakegate_migrations" WHERE version = 2
    "#]],
    );
    repairs(
        &open,
        &[CHANGED, B],
        Some(Verdict::Undone(2)),
        expect![[r#"
        forget 2_b.sql, so that it runs again: DELETE FROM "s"."lakegate_migrations" WHERE version = 2
        accept 1_renamed.sql as it is: UPDATE "s"."lakegate_migrations" SET name = '1_renamed.sql', sha256 = '0de8588cfec67887df9d16ca6b5244380a59d2303012bf787de08c6745dd2d55' WHERE version = 1
    "#]],
    );
    let finished = ("2_b.sql", "CREATE TABLE b (z int)");
    repairs(
        &open,
        &[A, finished],
        Some(Verdict::Finished(2)),
        expect![[r#"
        mark 2_b.sql as done: UPDATE "s"."lakegate_migrations" SET milliseconds = 0 WHERE version = 2
        accept 2_b.sql as it is: UPDATE "s"."lakegate_migrations" SET name = '2_b.sql', sha256 = '623be6c1aad1e13780699f6362e561f36fc989ac0eab88f104ee64bc004b2c09' WHERE version = 2
    "#]],
    );
    // On the wrong one.
    repairs(
        &open,
        &[A, B],
        Some(Verdict::Undone(1)),
        expect![[r#"
        the ledger does not say that version 1 was cut off
        Nothing was changed. Only a migration with the line `-- lakegate: no-transaction` can be, and `lakegate bootstrap plan` names it then.
    "#]],
    );
    repairs(
        &open,
        &[A, B],
        Some(Verdict::Finished(1)),
        expect![[r#"
        `2_b.sql` was started by app at 2026-01-01T12:00:00+00:00 and has not ended
        Nothing was changed. Another replica may be at it: try again later. If none is, it was cut off; its statements before that stay done. Finish it by hand, then run `lakegate bootstrap repair --finished 2`, or:
          UPDATE "s"."lakegate_migrations" SET milliseconds = 0 WHERE version = 2;
        Or undo it by hand, then run `lakegate bootstrap repair --again 2`, or:
          DELETE FROM "s"."lakegate_migrations" WHERE version = 2;
    "#]],
    );
    repairs(
        &open,
        &[A, B],
        Some(Verdict::Finished(7)),
        expect![[r#"
        the ledger does not say that version 7 was cut off
        Nothing was changed. Only a migration with the line `-- lakegate: no-transaction` can be, and `lakegate bootstrap plan` names it then.
    "#]],
    );
}

#[test]
fn a_repair_may_be_repeated() {
    let both = rows([Some(3), Some(0)]);
    repairs(&both, &[A, B], Some(Verdict::Finished(2)), expect![[""]]);
    repairs(&both[..1], &[A, B], Some(Verdict::Undone(2)), expect![[""]]);
    repairs(
        &both[..1],
        &[A],
        Some(Verdict::Undone(2)),
        expect![[r#"
        the ledger does not say that version 2 was cut off
        Nothing was changed. Only a migration with the line `-- lakegate: no-transaction` can be, and `lakegate bootstrap plan` names it then.
    "#]],
    );
}

#[test]
fn the_statement_has_the_guards_of_every_other() {
    let open = rows([Some(3), None]);
    let plan = repair(&seen(ledger(&open)), &desired(&[A, B]), Some(Verdict::Finished(2)));
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
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> '2912d2be3327955f1ac7c3ff851d7b789039019f60bf51ea3844b5ae79655c31' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          EXECUTE $lakegate$UPDATE "s"."lakegate_migrations" SET milliseconds = 0 WHERE version = 2$lakegate$;
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "s"."lakegate_migrations") <> 'a1cb262495413c958335fa077bb4c26a35b4f7172bff27eb3129935cc8810e76' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
        END
        $lakegate1$"#]].assert_eq(&plan.unwrap().statements[0].sql);
}
