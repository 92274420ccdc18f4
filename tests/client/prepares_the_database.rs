//! The database is made ready in process, and its tables are where connections look.

use lakegate_tests::House;

use crate::application::Application;

#[tokio::test]
async fn once() {
    let house = House::open().await;
    house.set_up().await;
    let application = Application::start(&house).await;
    let migrations = [("0001_orders.sql", "CREATE TABLE orders (id int);")];
    let report = application.lakebase.bootstrap(migrations).await.unwrap();
    assert!(report.done.iter().any(|step| step == "run 0001_orders.sql"), "{:?}", report.done);
    assert!(application.lakebase.bootstrap(migrations).await.unwrap().done.is_empty());
    for mut session in application.connect().await {
        assert_eq!(session.ask("SELECT count(*)::text FROM orders").await, "0");
    }
}

#[tokio::test]
async fn and_says_what_is_wrong_with_a_migration() {
    let house = House::open().await;
    house.set_up().await;
    let application = Application::start(&house).await;
    let migrations = [("0001_orders.sql", "CREATE TABEL orders (id int);")];
    let error = application.lakebase.bootstrap(migrations).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42601"), "{error}");
    assert!(error.to_string().contains("0001_orders.sql"), "{error}");
}
