//! The token is renewed after 50 of its 60 minutes, and every pool opens connections with the new
//! one while those that are open live on.

use std::time::{Duration, SystemTime};

use lakegate_tests::House;

use crate::application::Application;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn and_no_pool_notices() {
    let house = House::open().await;
    house.set_up().await;
    let application = Application::start(&house).await;
    house.forget().await;
    let first = application.lakebase.credential().await.unwrap();
    let (mut open, login) = (application.connect().await, application.login_of_sqlx());

    house.pass(50 * MINUTE);
    let second = application.lakebase.renewed(&first).await.unwrap();
    assert_eq!((first.generation(), second.generation()), (1, 2));
    assert!(first.password() != second.password() && first.expires_at() < second.expires_at());
    assert_eq!(house.counts().await["credentials"], 1);

    application.sqlx_is_told(&login).await;

    // Lakebase takes the first one no more.
    house.pass(11 * MINUTE);
    let mut next = application.connect().await;
    for (open, next) in open.iter_mut().zip(&mut next) {
        assert_ne!(open.process().await, next.process().await);
    }
    let counts = house.counts().await;
    assert_eq!((&counts["credentials"], &counts["refusals"]), (&1.into(), &0.into()), "{counts}");
}

#[tokio::test]
async fn and_says_until_when() {
    let house = House::open().await;
    let application = Application::start(&house).await;
    let until = application.lakebase.credential().await.unwrap().expires_at().unwrap();
    let claimed = SystemTime::now() + 61 * MINUTE;
    assert!(until < claimed, "{until:?}");
    let status = application.lakebase.status().await.unwrap().unwrap();
    assert!(status.life.state.serves() && status.problem.is_none(), "{status:?}");
    let next = status.life.next_mint_in.unwrap();
    assert!((48 * MINUTE..=50 * MINUTE).contains(&next), "{next:?}");
}
