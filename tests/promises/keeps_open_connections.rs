//! Promise 4: every new connection gets a fresh token, and open connections live on.

use std::time::Duration;

use lakegate_tests::{Credential, House, refusal};

#[tokio::test]
async fn while_tokens_come_and_go() {
    let house = House::open().await;
    house.set_up().await;
    let mut follower = house.lakegate(["token", "--follow", "--json"]).start();
    let mut connections = Vec::new();
    let mut tokens = Vec::new();
    for _ in 0..5 {
        let credential = Credential(follower.json().await);
        connections.push(house.login(&credential).await.unwrap());
        tokens.push(credential);
        house.pass(Duration::from_secs(50 * 60));
    }
    let fresh = Credential(follower.json().await);
    for connection in &connections {
        let row = connection.query_one("SELECT current_user::text", &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), house.principal());
    }
    // All but the last are over, so what kept the connections was not their tokens.
    for old in &tokens[..4] {
        let refused = house.login(old).await.unwrap_err();
        let words = "Invalid authorization for databricks identity login";
        assert_eq!(refusal(&refused), ("28P01", words));
    }
    house.login(&fresh).await.unwrap();
}
