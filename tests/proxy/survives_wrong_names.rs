//! Who asks for a database that is not there, again and again, costs it little; and finds it as
//! soon as an application has made it.

use lakegate_tests::{House, Proxy, refusal};
use tokio_postgres::{Client, Error, NoTls};

use crate::loud;

#[tokio::test]
async fn until_somebody_makes_it() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let grant = format!("ALTER ROLE \"{}\" CREATEDB", house.principal());
        house.admin_session("postgres").await.batch_execute(&grant).await.unwrap();
        let proxy = loud(&house, &["--pool", mode]).await;
        let maker = proxy.connect().await.unwrap();
        for _ in 0..3 {
            let Err(error) = later(&proxy).await else { panic!("{mode}: there is none yet") };
            assert_eq!(refusal(&error), ("3D000", "database \"later\" does not exist"), "{mode}");
        }
        maker.batch_execute("CREATE DATABASE later").await.unwrap();
        let client = later(&proxy).await.unwrap();
        let name: String =
            client.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
        assert_eq!(name, "later");
        proxy.stop().await;
    }
}

/// A session in the database of that name.
async fn later(proxy: &Proxy) -> Result<Client, Error> {
    let (client, connection) = proxy.server().dbname("later").connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
