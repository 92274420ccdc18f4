//! A role that may connect and create schemas can do everything that a first start needs; one whose
//! schema is complete needs not even that.

use expect_test::expect;
use lakegate_tests::House;
use tokio_postgres::Client;

/// A database in which the application may connect and create schemas, and has no other right:
/// nothing as everybody either.
async fn least() -> (House, Client) {
    let house = House::open().await;
    let sp = house.principal();
    house.admin(["setup", "--grant-to", sp]).run().await.exits(0);
    let admin = house.admin_session("app_ontos").await;
    let narrow = "REVOKE ALL ON DATABASE app_ontos FROM PUBLIC;
                  CREATE ROLE reader; GRANT CONNECT ON DATABASE app_ontos TO reader";
    admin.batch_execute(narrow).await.unwrap();
    let rights =
        "SELECT concat_ws(' ', rolname = current_user, rolsuper, rolcreaterole, rolcreatedb,
                           rolbypassrls, rolreplication,
                           (SELECT count(*) FROM pg_auth_members WHERE member = r.oid),
                           (SELECT string_agg(privilege_type, ',' ORDER BY privilege_type)
                            FROM pg_database, aclexplode(datacl)
                            WHERE datname = 'app_ontos' AND grantee IN (0, r.oid)))
                  FROM pg_roles r WHERE rolname = $1";
    let found: String = admin.query_one(rights, &[&sp]).await.unwrap().get(0);
    assert_eq!(found, "f f f f f f 0 CONNECT,CREATE");
    (house, admin)
}

fn write_migrations(house: &House) {
    house.write(
        "migrations/0001_orders.sql",
        "CREATE TYPE state AS ENUM ('open', 'paid');
         CREATE TABLE orders (id bigserial, state state, at date) PARTITION BY RANGE (at);
         CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         CREATE FUNCTION total() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM orders; END;
         CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';",
    );
    house.write(
        "migrations/0002_index.sql",
        "-- lakegate: no-transaction\nCREATE INDEX CONCURRENTLY by_state ON orders_2026 (state);",
    );
}

#[tokio::test]
async fn to_do_everything() {
    let (house, _) = least().await;
    write_migrations(&house);
    let apply = ["bootstrap", "apply", "--reader", "reader"];
    house.lakegate(apply).run().await.exits(0);
    house.lakegate(["bootstrap", "verify", "--reader", "reader"]).run().await.exits(0);
    let session = house.login(&house.credential().await).await.unwrap();
    let fill = "INSERT INTO app_ontos.orders (state, at) VALUES ('paid', '2026-11-22')";
    session.batch_execute(fill).await.unwrap();
    let total: i64 = session.query_one("SELECT app_ontos.total()", &[]).await.unwrap().get(0);
    assert_eq!(total, 1);
}

#[tokio::test]
async fn to_start_again_with_none_to_create() {
    let (house, admin) = least().await;
    write_migrations(&house);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    let revoke = format!(r#"REVOKE CREATE ON DATABASE app_ontos FROM "{}""#, house.principal());
    admin.batch_execute(&revoke).await.unwrap();
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
    // The schema is its own: what comes later is made too.
    house.write("migrations/0003_later.sql", "CREATE TABLE later (id int);");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    let run = house.lakegate(["bootstrap", "apply", "--schema", "another"]).run().await.exits(1);
    expect![[r#"
        lakegate: error: role "$SP" may not create a schema in database "app_ontos"
          Nothing was changed. An administrator has to run:
            GRANT CREATE ON DATABASE "app_ontos" TO "$SP";
          `lakegate setup` does that.
    "#]]
    .assert_eq(&house.told(&run.stderr));
}

#[tokio::test]
async fn and_no_more_after_tighten() {
    let house = House::open().await;
    house.set_up().await;
    write_migrations(&house);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.admin(["tighten", "--grant-to", house.principal()]).run().await.exits(0);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.lakegate(["bootstrap", "apply", "--schema", "another"]).run().await.exits(0);
}

#[tokio::test]
async fn and_says_so_when_it_may_not_even_connect() {
    let (house, admin) = least().await;
    let revoke = format!(r#"REVOKE CONNECT ON DATABASE app_ontos FROM "{}""#, house.principal());
    admin.batch_execute(&revoke).await.unwrap();
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(1);
    expect![[r#"
        lakegate: error: localhost refused the login of "$SP" to database "app_ontos": permission denied for database "app_ontos" (SQLSTATE 42501)
          As an admin of the database:
          GRANT CONNECT ON DATABASE "app_ontos" TO "$SP";
    "#]].assert_eq(&house.told(&run.stderr));
    // The admin's commands see it from outside, and mend it.
    house.admin(["setup", "--grant-to", house.principal()]).run().await.exits(0);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
}
