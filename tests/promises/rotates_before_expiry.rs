//! Promise 3: a token is replaced after 50 of its 60 minutes, long before it ends.

use std::time::Duration;

use lakegate_tests::{Credential, House, Running};

const MINUTE: Duration = Duration::from_secs(60);

/// The next credential of a follower.
async fn next(follower: &mut Running) -> Credential {
    Credential(follower.json().await)
}

/// The second was issued when a refresh of the first was due, and not when the clock was put near
/// that: after 5/6 of its life, up to 1/50 earlier by chance, told in whole seconds.
#[track_caller]
fn check_age(first: &Credential, second: &Credential, life: i64) {
    let (age, due) = (second.issued_at() - first.issued_at(), life / 6 * 5);
    assert!(due - due / 50 <= age + 1, "replaced after {age} s");
}

#[tokio::test]
async fn after_fifty_of_sixty_minutes() {
    let house = House::open().await;
    house.set_up().await;
    house.forget().await;
    let mut follower = house.lakegate(["token", "--follow", "--json"]).start();
    let first = next(&mut follower).await;
    assert_eq!(first.generation(), 1);

    house.pass(48 * MINUTE);
    house.login(&first).await.unwrap();
    house.pass(2 * MINUTE);
    let second = next(&mut follower).await;
    assert_eq!(second.generation(), 2);
    check_age(&first, &second, 3_600);
    assert_ne!(first.token(), second.token());
    assert!(first.0["expires_at"].as_str() < second.0["expires_at"].as_str());
    assert_eq!(house.counts().await["credentials"], 2);
    house.login(&first).await.unwrap();

    house.pass(11 * MINUTE);
    house.login(&first).await.unwrap_err();
    house.login(&second).await.unwrap();
}

#[tokio::test]
async fn hour_after_hour() {
    let house = House::open().await;
    house.forget().await;
    let mut follower = house.lakegate(["token", "--follow", "--json"]).start();
    for generation in 1..=6 {
        let credential = next(&mut follower).await;
        assert_eq!(credential.generation(), generation);
        house.login_to("postgres", &credential).await.unwrap();
        house.pass(50 * MINUTE);
    }
    next(&mut follower).await;
    let counts = house.counts().await;
    assert_eq!(counts["credentials"], 7, "one mint a life: {counts}");
    assert_eq!(counts["refusals"], 0);
}

/// The life of a token is measured, so a wrong clock on this machine changes nothing.
async fn check_wrong_wall_clock(seconds: i64) {
    let house = House::open().await;
    house.wall_clock_off_by_seconds(seconds);
    house.forget().await;
    let mut follower = house.lakegate(["token", "--follow", "--json"]).start();
    let first = next(&mut follower).await;
    house.pass(48 * MINUTE);
    house.login_to("postgres", &first).await.unwrap();
    house.pass(2 * MINUTE);
    let second = next(&mut follower).await;
    check_age(&first, &second, 3_600);
    house.login_to("postgres", &second).await.unwrap();
    assert_eq!(house.counts().await["credentials"], 2);
}

#[tokio::test]
async fn though_the_wall_clock_is_an_hour_ahead() {
    check_wrong_wall_clock(3_600).await;
}

#[tokio::test]
async fn though_the_wall_clock_is_an_hour_behind() {
    check_wrong_wall_clock(-3_600).await;
}

/// A clock that somebody corrects while the token is held.
async fn check_jump(seconds: i64) {
    let house = House::open().await;
    house.forget().await;
    let mut follower = house.lakegate(["token", "--follow", "--json"]).start();
    next(&mut follower).await;
    house.wall_clock_off_by_seconds(seconds);
    house.pass(50 * MINUTE);
    let last = loop {
        let credential = next(&mut follower).await;
        if house.login_to("postgres", &credential).await.is_ok() {
            break credential;
        }
    };
    let mints = house.counts().await["credentials"].as_u64().unwrap();
    assert!((2..=3).contains(&mints), "{mints} mints, and token {}", last.generation());
}

#[tokio::test]
async fn though_the_wall_clock_jumps_ahead() {
    check_jump(3_600).await;
}

#[tokio::test]
async fn though_the_wall_clock_jumps_back() {
    check_jump(-3_600).await;
}

#[tokio::test]
async fn for_every_lifetime() {
    let house = House::with(&["--credential-lifetime", "600"]).await;
    house.forget().await;
    let mut follower = house.lakegate(["token", "--follow", "--json"]).start();
    let first = next(&mut follower).await;
    house.pass(Duration::from_secs(480));
    house.login_to("postgres", &first).await.unwrap();
    house.pass(Duration::from_secs(20));
    let second = next(&mut follower).await;
    check_age(&first, &second, 600);
    house.login_to("postgres", &second).await.unwrap();
    assert_eq!(house.counts().await["credentials"], 2);
}
