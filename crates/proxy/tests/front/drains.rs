//! The end of a proxy.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use lakegate_proxy::{Drained, Metrics};

use super::knock::{Knock, startup};
use super::{House, IN, start, start_in};

#[tokio::test]
async fn a_drain_tells_who_is_here_and_frees_the_address() {
    let proxy = start_in(House::Late, Metrics::default(), |_| ());
    let mut inside = Knock::at(&proxy);
    inside.say(&startup());
    while proxy.counts().clients == 0 {
        tokio::task::yield_now().await;
    }
    let drained = proxy.drain(Duration::from_secs(20)).await;
    assert_eq!(drained, Drained { cut: 0 });
    assert_eq!(inside.code(), "57P01");
    inside.ends();
    TcpListener::bind(proxy.addresses()[0]).unwrap();
}

#[tokio::test]
async fn who_is_not_let_in_yet_does_not_hold_up_the_end() {
    let proxy = start(|_| ());
    let mut silent = Knock::at(&proxy);
    assert_eq!(Knock::at(&proxy).say(&startup()).code(), IN); // So the silent one is inside too.
    assert_eq!(proxy.drain(Duration::from_secs(20)).await, Drained { cut: 0 });
    drop(proxy);
    drop(silent.0.read(&mut [0]));
}

#[tokio::test]
async fn a_probe_says_what_an_application_would_be_told() {
    let proxy = start(|_| ());
    assert_eq!(proxy.probe().await.unwrap_err().code, IN);
    proxy.drain(Duration::ZERO).await;
    assert_eq!(proxy.probe().await.unwrap_err().code, "57P01");
}

#[test]
fn dropped_it_ends_at_once() {
    for threads in [1, 2] {
        let proxy = start_in(House::Late, Metrics::default(), |options| options.threads = threads);
        let address = proxy.addresses()[0];
        let mut inside = Knock::at(&proxy);
        inside.say(&startup());
        while proxy.counts().clients == 0 {
            std::thread::yield_now();
        }
        drop(proxy);
        TcpListener::bind(address).unwrap();
        // Cut in the middle of something, by an end or by a reset.
        drop(inside.0.read_to_end(&mut Vec::new()));
    }
}
