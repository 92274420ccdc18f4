//! pgbench: no transaction fails, whatever it speaks, however many there are, and whatever becomes
//! of tokens meanwhile.

use std::time::{Duration, Instant};

use lakegate_tests::{DEADLINE, House, Operations, Program, Run, installed};
use rustix::process::Signal;

use crate::road::{Road, Way};

/// Longer than a token lives.
const PAST_EXPIRY: Duration = Duration::from_secs(61 * 60);

/// Logins at a time, at most.
const AT_ONCE: u64 = 8;

/// How long one run may take on a busy machine.
const LIMIT: Duration = DEADLINE.saturating_mul(3);

/// pgbench with arguments such as `-S -c 10`; its tables are in a schema of its own.
fn pgbench(house: &House, road: &Road, arguments: &str) -> Program {
    let program = house.program(installed("pgbench")).env("PGOPTIONS", "-csearch_path=pgbench");
    road.lead(house, arguments.split(' ').fold(program, Program::arg))
}

/// Makes the tables, with COPY.
async fn prepare(house: &House, road: &Road) {
    let psql = house.program(installed("psql")).arg("-c").arg("CREATE SCHEMA pgbench");
    road.lead(house, psql).run().await.exits(0);
    pgbench(house, road, "-i -q -s 2").run().await.exits(0);
}

/// All transactions were processed, and none failed.
#[track_caller]
fn check(run: &Run, what: &str, transactions: Option<u32>) {
    assert_eq!(run.code, Some(0), "{what}: {run:#?}");
    assert!(run.stdout.contains("number of failed transactions: 0 (0.000%)"), "{what}: {run:#?}");
    if let Some(all) = transactions {
        let processed = format!("number of transactions actually processed: {all}/{all}\n");
        assert!(run.stdout.contains(&processed), "{what}: {run:#?}");
    }
}

#[tokio::test]
async fn loses_no_transaction_whatever_it_speaks() {
    let house = House::open().await;
    house.set_up().await;
    prepare(&house, &Way::Direct.open(&house).await).await;
    for way in [Way::Session, Way::Transaction] {
        let road = way.open(&house).await;
        for script in ["select-only", "tpcb-like"] {
            for protocol in ["simple", "extended", "prepared"] {
                for (connect, each) in [("", 40), (" --connect", 4)] {
                    // A thread for each: one that waits for a connection, to prepare something,
                    // must not keep another from ending its transaction.
                    let load = format!("-b {script} -M {protocol} -c 16 -j 16 -t {each}{connect}");
                    let run = pgbench(&house, &road, &load).start().end_within(LIMIT).await;
                    check(&run, &format!("{way:?}, {load}"), Some(16 * each));
                }
            }
        }
        road.close().await;
    }
}

#[tokio::test]
async fn a_thousand_clients_share_twenty_connections() {
    let house = House::open().await;
    house.set_up().await;
    prepare(&house, &Way::Direct.open(&house).await).await;
    let arguments = ["--pool-size 20", "--max-clients 1000", "--operations 127.0.0.1:0"];
    let arguments: Vec<_> = arguments.iter().flat_map(|argument| argument.split(' ')).collect();
    for protocol in ["simple", "prepared"] {
        let mut road = Way::Transaction.open_with(&house, &arguments).await;
        let operations = Operations::of(&house, road.proxy()).await;
        let load = format!("-S -M {protocol} -c 1000 -j 2 -t 10");
        let run = pgbench(&house, &road, &load).start().end_within(LIMIT).await;
        check(&run, &load, Some(10_000));
        // Lakebase also counts logins that were given up because they took too long.
        let opened = operations.metric("lakegate_proxy_servers_opened_total").await;
        assert!((2.0..=20.0).contains(&opened), "{opened} connections to the database");
        road.close().await;
    }
}

/// Waits until there were more logins than can have been on their way.
async fn log_in_anew(house: &House) {
    let logins = async || house.counts().await["logins"].as_u64().unwrap();
    let (start, before) = (Instant::now(), logins().await);
    while logins().await <= before + AT_ONCE {
        assert!(start.elapsed() < DEADLINE, "nobody logs in any more");
    }
}

#[tokio::test]
async fn tokens_end_under_load() {
    let house = House::open().await;
    house.set_up().await;
    prepare(&house, &Way::Direct.open(&house).await).await;
    for (way, load) in [
        (Way::Session, "-S -c 8 -T 3600 -P 1 --connect"),
        (Way::Transaction, "-S -M prepared -c 40 -j 2 -T 3600 -P 1"),
    ] {
        // Connections are old after a second, so that there are logins all the time.
        let road = way.open_with(&house, &["--max-lifetime", "1"]).await;
        house.forget().await;
        let running = pgbench(&house, &road, load).start();
        for _ in 0..2 {
            log_in_anew(&house).await;
            house.pass(PAST_EXPIRY);
        }
        log_in_anew(&house).await;
        running.says("progress: ").await;
        // Its time is over, as its own timer tells it.
        running.signal(Signal::ALARM);
        let run = running.end_within(LIMIT).await;
        check(&run, &format!("{way:?}, {load}"), None);
        let counts = house.counts().await;
        let of = |name: &str| counts[name].as_u64().unwrap();
        assert!(2 <= of("credentials"), "one for each that ended: {counts}");
        // The hour passes at once: a login that is on its way comes with a token that was alive when
        // it left, is refused, and tried once more.
        assert!(of("refusals") <= 2 * AT_ONCE, "{counts}");
        road.close().await;
    }
}
