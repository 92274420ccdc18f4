//! What an administrator has to do in the database.

use super::*;

#[tokio::test]
async fn that_is_not_there() {
    let house = House::open().await;
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["login", "no-database"], expect![[r#"
          failed   login (no-database): localhost refused the login of "$SP" to database "app_ontos": database "app_ontos" does not exist (SQLSTATE 3D000)
                   → Run `lakegate setup` as an admin, or:
                   → CREATE DATABASE "app_ontos";
    "#]]).await;
}

#[tokio::test]
async fn that_the_role_may_not_connect_to() {
    let house = ready(&[]).await;
    let admin = house.admin_session("app_ontos").await;
    let revoke = "REVOKE ALL ON DATABASE app_ontos FROM PUBLIC";
    admin.batch_execute(revoke).await.unwrap();
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["login", "no-connect"], expect![[r#"
          failed   login (no-connect): localhost refused the login of "$SP" to database "app_ontos": permission denied for database "app_ontos" (SQLSTATE 42501)
                   → As an admin of the database:
                   → GRANT CONNECT ON DATABASE "app_ontos" TO "$SP";
    "#]]).await;
    let grant = format!("GRANT CONNECT, CREATE ON DATABASE app_ontos TO \"{}\"", house.principal());
    admin.batch_execute(&grant).await.unwrap();
    check(&house, doctor, 0, ["privileges", "public-connect-revoked"], expect![[r#"
          warning  privileges (public-connect-revoked): nobody may connect to database "app_ontos" who was not named
                   → Lakebase's own roles (databricks_writer_…, databricks_reader_…) need that right. If it was not taken on purpose, as an admin of the database:
                   → GRANT CONNECT ON DATABASE "app_ontos" TO PUBLIC;
    "#]]).await;
}

#[tokio::test]
async fn in_which_the_role_may_not_create() {
    let house = ready(&[]).await;
    let admin = house.admin_session("app_ontos").await;
    let revoke = "REVOKE CREATE ON DATABASE app_ontos FROM PUBLIC";
    admin.batch_execute(revoke).await.unwrap();
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["privileges", "no-create"], expect![[r#"
          failed   privileges (no-create): role "$SP" may not create a schema in database "app_ontos"
                   → Nothing was changed. An administrator has to run:
                   →   GRANT CREATE ON DATABASE "app_ontos" TO "$SP";
                   → `lakegate setup` does that.
    "#]]).await;
}

#[tokio::test]
async fn in_which_the_schema_is_somebody_elses() {
    let house = ready(&[]).await;
    let admin = house.admin_session("app_ontos").await;
    admin.batch_execute("CREATE SCHEMA app_ontos").await.unwrap();
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["privileges", "foreign-schema"], expect![[r#"
          failed   privileges (foreign-schema): schema "app_ontos" belongs to "admin@example.com", not to "$SP"
                   → Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act for both roles hand it over:
                   →   ALTER SCHEMA "app_ontos" OWNER TO "$SP";
                   → Tables in it stay with "admin@example.com" until each is handed over too.
    "#]]).await;
}
