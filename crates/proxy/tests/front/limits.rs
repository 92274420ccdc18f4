//! How many are let in.

use lakegate_proxy::Metrics;

use super::knock::{Knock, PATIENCE, startup};
use super::{House, IN, options, start_in};

#[test]
fn one_too_many_is_told_so() {
    let metrics = Metrics::default();
    let proxy = start_in(House::Late, metrics.clone(), |options| options.tuning.max_clients = 2);
    let inside: Vec<_> = (0..2)
        .map(|_| {
            let mut knock = Knock::at(&proxy);
            knock.say(&startup());
            knock
        })
        .collect();
    until(|| proxy.counts().clients == 2);
    let mut third = Knock::at(&proxy);
    assert_eq!(third.say(&startup()).code(), "53300");
    third.ends();
    assert_eq!((metrics.clients.get(), metrics.clients_admitted.get()), (2, 2));
    assert_eq!(metrics.clients_refused.get(), 1);

    let mut tuning = options().tuning;
    tuning.max_clients = 3;
    proxy.retune(&tuning).unwrap();
    Knock::at(&proxy).say(&startup());
    until(|| metrics.clients_admitted.get() == 3);
    drop(inside);
}

#[test]
fn who_says_nothing_takes_no_place_from_others() {
    let proxy = start_in(House::Empty, Metrics::default(), |options| {
        options.tuning.max_clients = 1;
    });
    let _silent: Vec<_> = (0..30).map(|_| Knock::at(&proxy)).collect();
    assert_eq!(Knock::at(&proxy).say(&startup()).code(), IN);
}

#[test]
fn a_flood_at_the_door_is_turned_away_at_once() {
    let proxy = start_in(House::Empty, Metrics::default(), |options| {
        options.tuning.max_clients = 1;
    });
    let mut flood: Vec<_> = (0..66).map(|_| Knock::at(&proxy)).collect();
    assert_eq!(flood.pop().unwrap().code(), "53300");
    drop(flood);
    // As soon as they are gone, there is room.
    until(|| Knock::at(&proxy).say(&startup()).code() == IN);
}

/// Waits for what another thread is about to do.
#[track_caller]
fn until(mut done: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "it did not come to that");
        std::thread::yield_now();
    }
}
