//! The end of a proxy.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use lakegate_proxy::{Answer, Drained, Login, Logins, Metrics, Proxy, ServerError};
use tokio::time::timeout;

use super::knock::{Knock, PATIENCE, startup};
use super::{House, IN, options, start, start_in};

/// A free port of a test's own address: one of 127.0.0.1 that is free again may be anybody's, and
/// only Linux has more addresses from the start.
fn own(host: u8) -> Vec<SocketAddr> {
    let host = if cfg!(target_os = "linux") { [127, 0, 77, host] } else { [127, 0, 0, 1] };
    vec![SocketAddr::from((host, 0))]
}

#[tokio::test]
async fn a_drain_tells_who_is_here_and_frees_the_address() {
    let proxy = start_in(House::Late, Metrics::default(), |options| options.listen = own(1));
    let mut inside = Knock::at(&proxy);
    inside.say(&startup());
    while proxy.counts().clients == 0 {
        tokio::task::yield_now().await;
    }
    let drained = proxy.drain(PATIENCE).await;
    assert_eq!(drained, Drained { cut: 0 });
    assert_eq!(inside.code(), "57P01");
    inside.ends();
    TcpListener::bind(proxy.addresses()[0]).unwrap();
}

/// Holds up the thread that asks it, until the test lets it go.
struct Stuck {
    asked: mpsc::Sender<()>,
    goes_on: Mutex<mpsc::Receiver<()>>,
}

impl Logins for Stuck {
    fn current(&self) -> Answer<'_> {
        self.asked.send(()).unwrap();
        let _told = self.goes_on.lock().unwrap().recv();
        Box::pin(std::future::pending())
    }

    fn refused<'a>(&'a self, login: &'a Login, _: &'a ServerError) -> Answer<'a> {
        panic!("nobody logged in as {login:?}")
    }
}

/// On a busy machine it comes late, and is no less done.
#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_a_thread_that_is_held_up() {
    let ((asked, is_asked), (go_on, goes_on)) = (mpsc::channel(), mpsc::channel());
    let logins = Stuck { asked, goes_on: Mutex::new(goes_on) };
    let mut options = options();
    options.listen = own(2);
    let proxy = Proxy::start(options, Arc::new(logins), Metrics::default()).unwrap();
    // Dropped before the proxy, should this fail: its end waits for the thread.
    let go_on = go_on;
    let mut inside = Knock::at(&proxy);
    inside.say(&startup());
    is_asked.recv().unwrap();
    let mut drain = std::pin::pin!(proxy.drain(PATIENCE));
    let hour = Duration::from_secs(3600);
    assert!(timeout(hour, &mut drain).await.is_err(), "nobody can have left");
    go_on.send(()).unwrap();
    assert_eq!(drain.await, Drained { cut: 0 });
    assert_eq!(inside.code(), "57P01");
    inside.ends();
    TcpListener::bind(proxy.addresses()[0]).unwrap();
}

#[tokio::test]
async fn who_is_not_let_in_yet_does_not_hold_up_the_end() {
    let proxy = start(|_| ());
    let mut silent = Knock::at(&proxy);
    assert_eq!(Knock::at(&proxy).say(&startup()).code(), IN); // So the silent one is inside too.
    assert_eq!(proxy.drain(PATIENCE).await, Drained { cut: 0 });
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
        let proxy = start_in(House::Late, Metrics::default(), |options| {
            options.threads = threads;
            options.listen = own(3);
        });
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
