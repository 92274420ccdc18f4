//! What an administrator has to do in the database.

use super::*;

#[tokio::test]
async fn that_is_not_there() {
    let house = House::open().await;
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["login", "no-database"], expect![[""]]).await;
}

#[tokio::test]
async fn that_the_role_may_not_connect_to() {
    let house = ready(&[]).await;
    let admin = house.admin_session("app_ontos").await;
    let revoke = "REVOKE ALL ON DATABASE app_ontos FROM PUBLIC";
    admin.batch_execute(revoke).await.unwrap();
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["login", "no-connect"], expect![[""]]).await;
    let grant = format!("GRANT CONNECT, CREATE ON DATABASE app_ontos TO \"{}\"", house.principal());
    admin.batch_execute(&grant).await.unwrap();
    check(&house, doctor, 0, ["privileges", "public-connect-revoked"], expect![[""]]).await;
}

#[tokio::test]
async fn in_which_the_role_may_not_create() {
    let house = ready(&[]).await;
    let admin = house.admin_session("app_ontos").await;
    let revoke = "REVOKE CREATE ON DATABASE app_ontos FROM PUBLIC";
    admin.batch_execute(revoke).await.unwrap();
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["privileges", "no-create"], expect![[""]]).await;
}

#[tokio::test]
async fn in_which_the_schema_is_somebody_elses() {
    let house = ready(&[]).await;
    let admin = house.admin_session("app_ontos").await;
    admin.batch_execute("CREATE SCHEMA app_ontos").await.unwrap();
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["privileges", "foreign-schema"], expect![[""]]).await;
}
