//! Every reason not to have a plan, in the words that a person reads.

use alloc::vec::Vec;

use expect_test::{Expect, expect};

use crate::bootstrap::fixture::{self, A, B, desired, ledger, row};
use crate::bootstrap::{Access, Desired, Grant, Observed, plan::plan};

fn observed(changes: serde_json::Value) -> Observed {
    Observed::read(Some(&fixture::empty(changes))).unwrap()
}

fn complete(changes: serde_json::Value) -> Observed {
    Observed::read(Some(&fixture::complete(changes))).unwrap()
}

#[track_caller]
fn check_refusal(observed: &Observed, desired: &Desired, expected: Expect) {
    let problem = plan(observed, desired).unwrap_err().problem();
    expected.assert_eq(&alloc::format!("{}\n{}", problem.message, problem.advice));
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

    missing.grants = Vec::from([Grant { role: "Public".parse().unwrap(), access: Access::Read }]);
    check_refusal(
        &empty(),
        &missing,
        expect![[r#"
            "Public" means everybody, and nothing is granted to everybody
            Nothing was changed. Whoever can log in to the database would have it, on every table there will ever be. Name the roles that need it; a group role can stand for many."#]],
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
            Nothing was changed. Put the old content back and write the change as a new migration. If the change means nothing to the database, accept it with `lakegate bootstrap repair`, or:
              UPDATE "s"."lakegate_migrations" SET name = '1_a.sql', sha256 = '0de8588cfec67887df9d16ca6b5244380a59d2303012bf787de08c6745dd2d55' WHERE version = 1;"#]],
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
            Nothing was changed. Another replica may be at it: try again later. If none is, it was cut off; its statements before that stay done. Finish it by hand, then run `lakegate bootstrap repair --finished 1`, or:
              UPDATE "s"."lakegate_migrations" SET milliseconds = 0 WHERE version = 1;
            Or undo it by hand, then run `lakegate bootstrap repair --again 1`, or:
              DELETE FROM "s"."lakegate_migrations" WHERE version = 1;"#]],
    );
}

#[test]
fn public_needs_the_right_to_create_in_it() {
    let mut public = desired(&[A]);
    public.schema = "public".parse().unwrap();
    let seen = serde_json::json!({
        "schema": {"owner": "pg_database_owner", "usage": true, "create": false},
    });
    check_refusal(
        &observed(seen),
        &public,
        expect![[r#"
        role "app" may not create tables in schema "public"
        Nothing was changed. The owner of the schema or an administrator has to run:
          GRANT USAGE, CREATE ON SCHEMA "public" TO "app";"#]],
    );
}
