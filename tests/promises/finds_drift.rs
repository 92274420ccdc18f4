//! `verify` finds what is no longer as `apply` left it, and `plan` what would mend it; neither
//! changes anything, and what is right is left alone.

use expect_test::{Expect, expect};
use lakegate_tests::{House, Program};
use tokio_postgres::Client;

/// A house in which everything is as it should be, and somebody who changes things.
struct Site {
    house: House,
    session: Client,
}

impl Site {
    async fn ready() -> Self {
        let house = House::open().await;
        house.set_up().await;
        let admin = house.admin_session("app_ontos").await;
        let roles = format!(
            r#"CREATE ROLE reader; CREATE ROLE stranger; GRANT stranger TO "{}";
               GRANT CREATE ON DATABASE app_ontos TO stranger"#,
            house.principal()
        );
        admin.batch_execute(&roles).await.unwrap();
        house.write("migrations/0001_a.sql", "CREATE TABLE a (id serial);\n");
        house.write("migrations/0002_b.sql", "CREATE TABLE b (id int);\n");
        let session = house.login(&house.credential().await).await.unwrap();
        let site = Self { house, session };
        site.bootstrap("apply").run().await.exits(0);
        site
    }

    fn bootstrap(&self, verb: &str) -> Program {
        self.house.lakegate(["bootstrap", verb, "--reader", "reader"])
    }

    /// What `verify` finds, which must end with this code, as must `plan`.
    async fn check(&self, [verify, plan]: [i32; 2], expected: Expect) {
        let run = self.bootstrap("verify").run().await.exits(verify).complains("");
        // Of the database as a whole, and the same in every case.
        let own = run.stdout.lines().filter(|line| !line.starts_with("note: every role may"));
        let own: String = own.flat_map(|line| [line, "\n"]).collect();
        expected.assert_eq(&self.house.told(&own));
        let planned = self.bootstrap("plan").run().await.exits(plan);
        if ![0, 3].contains(&plan) {
            // It waits for another replica that may be at it, and says so unless it is to be quiet.
            let apply = self.bootstrap("apply").arg("--quiet").start();
            let applied = self.house.hurry(apply).await.exits(plan);
            assert_eq!((applied.stdout, applied.stderr), (planned.stdout, planned.stderr));
        }
    }

    /// Changes something in the database and looks, then changes it back.
    async fn check_change(&self, sql: &str, undo: &str, codes: [i32; 2], expected: Expect) {
        self.session.batch_execute(sql).await.unwrap();
        self.check(codes, expected).await;
        self.session.batch_execute(undo).await.unwrap();
    }

    /// Everything is right again.
    async fn is_right(&self) {
        self.check([0, 0], expect!["everything is as it should be\n"]).await;
    }
}

/// `plan` and `verify` tell of it, and `apply` can mend it.
const MENDABLE: [i32; 2] = [3, 3];

/// `verify` tells of it, and for `plan` it is an error: `apply` cannot mend it.
const REFUSED: [i32; 2] = [3, 1];

#[tokio::test]
async fn in_privileges() {
    let site = Site::ready().await;
    site.is_right().await;
    let own = site.house.principal();
    for (sql, undo, expected) in [
        (
            format!(
                r#"ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos REVOKE DELETE ON TABLES FROM "{own}""#
            ),
            format!(
                r#"ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos GRANT ALL ON TABLES TO "{own}""#
            ),
            expect![[r#"
                differs: to do: default privileges on future tables for "$SP"
            "#]],
        ),
        (
            format!(
                r#"ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos REVOKE USAGE ON SEQUENCES FROM "{own}""#
            ),
            format!(
                r#"ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos GRANT ALL ON SEQUENCES TO "{own}""#
            ),
            expect![[r#"
                differs: to do: default privileges on future sequences for "$SP"
            "#]],
        ),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos REVOKE SELECT ON TABLES FROM reader"
                .to_owned(),
            "ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos GRANT SELECT ON TABLES TO reader"
                .to_owned(),
            expect![[r#"
                differs: to do: default privileges on future tables for "reader"
            "#]],
        ),
        (
            "REVOKE USAGE ON SCHEMA app_ontos FROM reader".to_owned(),
            "GRANT USAGE ON SCHEMA app_ontos TO reader".to_owned(),
            expect![[r#"
                differs: to do: let "reader" use schema "app_ontos"
            "#]],
        ),
        (
            "REVOKE SELECT ON app_ontos.b FROM reader".to_owned(),
            "GRANT SELECT ON app_ontos.b TO reader".to_owned(),
            expect![[r#"
                differs: to do: privileges on 1 tables for "reader"
            "#]],
        ),
        (
            "REVOKE SELECT ON SEQUENCE app_ontos.a_id_seq FROM reader".to_owned(),
            "GRANT SELECT ON SEQUENCE app_ontos.a_id_seq TO reader".to_owned(),
            expect![[r#"
                differs: to do: privileges on 1 sequences for "reader"
            "#]],
        ),
    ] {
        site.check_change(&sql, &undo, MENDABLE, expected).await;
    }
    // And it is mended by what was planned.
    site.session
        .batch_execute("REVOKE SELECT ON app_ontos.a, app_ontos.b FROM reader")
        .await
        .unwrap();
    let run = site.bootstrap("apply").run().await.exits(0);
    expect![[r#"
        done: privileges on 2 tables for "reader"
        note: every role may create schemas in database "app_ontos"; `lakegate tighten` ends that
        service principal: $SP
        an admin may now run: lakegate tighten --grant-to '$SP'
    "#]]
    .assert_eq(&site.house.told(&run.stdout));
    site.is_right().await;
}

#[tokio::test]
async fn in_owners_and_roles() {
    let site = Site::ready().await;
    let own = site.house.principal();
    site.check_change(
        "ALTER SCHEMA app_ontos OWNER TO stranger",
        &format!(r#"ALTER SCHEMA app_ontos OWNER TO "{own}""#),
        REFUSED,
        expect![[r#"
            differs: schema "app_ontos" belongs to "stranger", not to "$SP"
        "#]],
    )
    .await;
    site.is_right().await;
    let admin = site.house.admin_session("app_ontos").await;
    site.session.batch_execute("DROP OWNED BY reader").await.unwrap_err();
    let drop = "ALTER ROLE reader RENAME TO gone";
    admin.batch_execute(drop).await.unwrap();
    site.check(
        [3, 2],
        expect![[r#"
        differs: there is no role "reader" to grant anything to
    "#]],
    )
    .await;
    admin.batch_execute("ALTER ROLE gone RENAME TO reader").await.unwrap();
    site.is_right().await;
    site.check_change(
        "ALTER SCHEMA app_ontos RENAME TO elsewhere",
        "DROP SCHEMA IF EXISTS app_ontos CASCADE; ALTER SCHEMA elsewhere RENAME TO app_ontos",
        MENDABLE,
        expect![[r#"
            differs: to do: create schema "app_ontos"
            differs: to do: create the ledger of migrations
            differs: to do: default privileges on future tables for "$SP"
            differs: to do: default privileges on future sequences for "$SP"
            differs: to do: default privileges on future tables for "reader"
            differs: to do: default privileges on future sequences for "reader"
            differs: to do: let "reader" use schema "app_ontos"
            differs: to do: run 0001_a.sql
            differs: to do: run 0002_b.sql
        "#]],
    )
    .await;
    site.is_right().await;
}

#[tokio::test]
async fn in_the_ledger() {
    let site = Site::ready().await;
    let own = site.house.principal();
    let ledger = "app_ontos.lakegate_migrations";
    let keep = format!("CREATE TEMP TABLE kept AS SELECT * FROM {ledger}");
    site.session.batch_execute(&keep).await.unwrap();
    let back = format!("DELETE FROM {ledger}; INSERT INTO {ledger} SELECT * FROM kept");
    for (sql, codes, expected) in [
        (
            format!("DELETE FROM {ledger} WHERE version = 2"),
            MENDABLE,
            expect![[r#"
            differs: to do: run 0002_b.sql
        "#]],
        ),
        (
            format!("DELETE FROM {ledger} WHERE version = 1"),
            REFUSED,
            expect![[r#"
            differs: `0001_a.sql` has not run, but the later `0002_b.sql` has
        "#]],
        ),
        (
            format!("DELETE FROM {ledger}"),
            MENDABLE,
            expect![[r#"
            differs: to do: run 0001_a.sql
            differs: to do: run 0002_b.sql
        "#]],
        ),
        (
            format!("UPDATE {ledger} SET sha256 = repeat('0', 64) WHERE version = 1"),
            REFUSED,
            expect![[r#"
                differs: `0001_a.sql` was changed after it ran: it was $NUMBER, it is b44ab9be23e18e2a045b3fc01c198425d9020b5819340edceb3ef1d98e678ccd
            "#]],
        ),
        (
            format!(
                "UPDATE {ledger} SET milliseconds = NULL, applied_at = '2026-01-02 03:04:05+00' WHERE version = 2"
            ),
            REFUSED,
            expect![[r#"
                differs: `0002_b.sql` was started by $SP at 2026-01-02T03:04:05+00:00 and has not ended
            "#]],
        ),
    ] {
        site.check_change(&sql, &back, codes, expected).await;
    }
    site.is_right().await;
    site.check_change(
        &format!("ALTER TABLE {ledger} RENAME TO lost"),
        "ALTER TABLE app_ontos.lost RENAME TO lakegate_migrations",
        MENDABLE,
        expect![[r#"
            differs: to do: create the ledger of migrations
            differs: to do: privileges on 1 tables for "reader"
            differs: to do: run 0001_a.sql
            differs: to do: run 0002_b.sql
        "#]],
    )
    .await;
    site.check_change(
        &format!(r#"REVOKE SELECT ON {ledger} FROM "{own}""#),
        &format!(r#"GRANT SELECT ON {ledger} TO "{own}""#),
        REFUSED,
        expect![[r#"
            differs: role "$SP" may not read the ledger of migrations, which belongs to "$SP"
        "#]],
    )
    .await;
    site.is_right().await;
}

#[tokio::test]
async fn in_files() {
    let site = Site::ready().await;
    let house = &site.house;
    let first = "CREATE TABLE a (id serial);\n";
    for (name, text, codes, expected) in [
        (
            "0001_a.sql",
            "CREATE TABLE a (id serial) ;\n",
            REFUSED,
            expect![[r#"
            differs: `0001_a.sql` was changed after it ran: it was b44ab9be23e18e2a045b3fc01c198425d9020b5819340edceb3ef1d98e678ccd, it is 89d7803dafd2b125a792783cd85befd6a27557069e72f27d82ba3eeb5f656637
        "#]],
        ),
        (
            "0000_late.sql",
            "SELECT 1;",
            REFUSED,
            expect![[r#"
            differs: `0000_late.sql` has not run, but the later `0002_b.sql` has
        "#]],
        ),
        (
            "0003_new.sql",
            "SELECT 1;",
            MENDABLE,
            expect![[r#"
            differs: to do: run 0003_new.sql
        "#]],
        ),
    ] {
        let path = house.write(&format!("migrations/{name}"), text);
        site.check(codes, expected).await;
        std::fs::remove_file(path).unwrap();
        house.write("migrations/0001_a.sql", first);
    }
    site.is_right().await;
    // An older release: it is told, and nothing is to be done.
    std::fs::remove_file(house.folder().join("migrations/0002_b.sql")).unwrap();
    site.check([0, 0], expect![[r#"
        everything is as it should be
        note: 1 of the applied migrations are not among the files, the last is `0002_b.sql`: is this an older release?
    "#]]).await;
    // Line endings are no change, nor is a mark of the encoding.
    house.write("migrations/0002_b.sql", "\u{feff}CREATE TABLE b (id int);\r\n");
    site.is_right().await;
}
