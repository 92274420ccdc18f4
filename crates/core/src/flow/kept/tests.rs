//! Instances that come one after the other, or stand side by side, with one store.

mod claims;

use alloc::borrow::ToOwned;
use alloc::string::ToString;

use super::*;
use crate::edge::ServerError;
use crate::flow::connector::Connector;
use crate::flow::fake::chain::{buy, buy_answer, grant, local, me, oauth, person};
use crate::flow::fake::{FakeEdge, Turn};
use crate::token::Counts;

/// Of the world that [`oauth`] makes.
const OWNER: &str = r#"{"workspace":"https://w.example","endpoint":null,"instance":"demo","host":"h.example","app":null,"identity":"client","client":"me","secret":null}"#;

/// What the first instance leaves: its second request was sent after 10 ms.
const ENTRY: &str = r#"{"version":1,"token":"P1","user":"me","instance":"demo","endpoint":null,"host":"h.example","sent":10,"valid":3600000,"doubt":null}"#;

/// The world after so many seconds, with a store that holds this for its owner.
fn world(entry: &str, second: u64) -> FakeEdge {
    let edge = oauth();
    edge.keep([(OWNER.to_owned(), entry.to_owned())]);
    if second > 0 {
        edge.pass(second);
    }
    edge
}

/// A cold instance serves this credential after these requests.
#[track_caller]
fn cold<const N: usize>(edge: &FakeEdge, turns: [Turn; N], token: &str) -> Connector<FakeEdge> {
    let connector = Connector::new(edge.clone());
    edge.expect(turns);
    check(edge, &connector, 1, token);
    connector
}

/// An instance serves this credential with this generation.
#[track_caller]
fn check(edge: &FakeEdge, connector: &Connector<FakeEdge>, generation: u64, token: &str) {
    let ticket = edge.run(connector.current()).unwrap();
    let secret = edge.run(connector.reveal(ticket.generation)).unwrap();
    assert_eq!((ticket.generation, secret.expose()), (generation, token));
    edge.end();
}

fn counts(connector: &Connector<FakeEdge>) -> Counts {
    connector.health().unwrap().life.counts
}

fn dead() -> ServerError {
    ServerError { code: "28P01".into(), ..ServerError::default() }
}

#[test]
fn what_is_bought_is_left() {
    let edge = oauth();
    edge.keep([]);
    cold(&edge, [grant("W1"), buy("W1", "P1")], "P1");
    assert_eq!(edge.kept(), [(OWNER.to_owned(), ENTRY.to_owned())]);
}

#[test]
fn a_cold_instance_asks_nobody_and_goes_on_where_it_was() {
    let edge = world(ENTRY, 100);
    let connector = cold(&edge, [], "P1");
    let ticket = edge.run(connector.current()).unwrap();
    assert_eq!((ticket.user.as_str(), ticket.server.host.as_str()), ("me", "h.example"));
    assert_eq!(ticket.validity.unwrap().left.as_millis(), 3_560_010 - 100_000);
    assert_eq!(counts(&connector), Counts { tries: 1, resumed: 1, ..Counts::default() });
    // Its refresh is due 50 minutes after the request of the first.
    edge.expect([grant("W2"), buy("W2", "P2")]);
    assert_eq!(edge.run(connector.renewed(1)).unwrap().generation, 2);
    assert_eq!(edge.seconds(), 3_000);
    check(&edge, &connector, 2, "P2");
}

#[test]
fn one_that_is_due_is_served_while_its_refresh_runs() {
    let edge = world(ENTRY, 3_100);
    let connector = cold(&edge, [], "P1");
    assert_eq!(edge.seconds(), 3_100);
    edge.expect([grant("W2"), buy("W2", "P2")]);
    edge.pass(1);
    check(&edge, &connector, 2, "P2");
    let expected = Counts { tries: 2, resumed: 1, minted: 1, ..Counts::default() };
    assert_eq!(counts(&connector), expected);
    cold(&edge, [], "P2");
}

#[test]
fn a_dead_one_is_not_taken_up() {
    cold(&world(ENTRY, 3_559), [], "P1");
    cold(&world(ENTRY, 3_561), [grant("W2"), buy("W2", "P2")], "P2");
}

#[test]
fn a_refused_one_costs_exactly_one_mint() {
    let edge = world(ENTRY, 100);
    let connector = cold(&edge, [], "P1");
    edge.expect([grant("W2"), buy("W2", "P2")]);
    assert_eq!(edge.run(connector.refused(1, &dead())).unwrap().generation, 2);
    check(&edge, &connector, 2, "P2");
    // That one is fresh, and nobody buys a third.
    assert!(edge.run(connector.refused(2, &dead())).is_err());
    check(&edge, &connector, 2, "P2");
    // Whoever comes next has the new one, and of a stale store the refused one is not taken again.
    cold(&edge, [], "P2");
    edge.keep([(OWNER.to_owned(), ENTRY.to_owned())]);
    edge.pass(600);
    edge.expect([buy("W2", "P3")]);
    assert_eq!(edge.run(connector.refused(2, &dead())).unwrap().generation, 3);
    check(&edge, &connector, 3, "P3");
}

#[test]
fn a_refusal_does_not_end_with_what_another_instance_left() {
    let edge = world(ENTRY, 100);
    let (one, other) = (cold(&edge, [], "P1"), cold(&edge, [], "P1"));
    for (instance, workspace, token) in [(&one, "W1", "P2"), (&other, "W2", "P3")] {
        edge.expect([grant(workspace), buy(workspace, token)]);
        assert_eq!(edge.run(instance.refused(1, &dead())).unwrap().generation, 2);
        check(&edge, instance, 2, token);
    }
}

#[test]
fn two_instances_mint_once_a_life() {
    let edge = world("", 0);
    let one = cold(&edge, [grant("W1"), buy("W1", "P1")], "P1");
    edge.pass(10);
    let other = cold(&edge, [], "P1");
    // The first finds that its workspace token is due as well, and the second takes what comes.
    edge.expect([buy("W1", "P2"), grant("W2")]);
    assert_eq!(edge.run(one.renewed(1)).unwrap().generation, 2);
    assert_eq!(edge.run(other.renewed(1)).unwrap().generation, 2);
    check(&edge, &other, 2, "P2");
    assert_eq!(edge.seconds(), 3_000);
    // Now the second: it has bought nothing so far.
    edge.expect([grant("W3"), buy("W3", "P3")]);
    assert_eq!(edge.run(other.renewed(2)).unwrap().generation, 3);
    assert_eq!(edge.run(one.renewed(2)).unwrap().generation, 3);
    check(&edge, &one, 3, "P3");
    let expected = Counts { tries: 3, minted: 1, resumed: 2, ..Counts::default() };
    assert_eq!(counts(&other), expected);
}

#[test]
fn clocks_may_differ_by_a_minute() {
    // Of the reader, against that of the writer 100 seconds ago.
    for (ahead, resumed) in
        [(0, true), (-100, true), (-159, true), (-161, false), (3_400, true), (3_461, false)]
    {
        let edge = world(&ENTRY.replace("10,", "7200010,"), 7_300);
        edge.set_clock(ahead);
        let connector = Connector::new(edge.clone());
        assert_eq!(edge.run(connector.kept()).is_some(), resumed, "{ahead}");
        match (resumed, ahead) {
            (true, 3_400) => edge.expect([grant("W2"), buy("W2", "P2")]), // Its refresh.
            (true, _) => {}
            (false, _) => edge.expect([grant("W2"), buy("W2", "P2")]),
        }
        edge.run(connector.current()).unwrap();
        edge.pass(1);
        assert_eq!(counts(&connector).resumed, u64::from(resumed), "{ahead}");
        edge.end();
    }
}

#[test]
fn what_does_not_fit_is_nothing() {
    let endpoint = ENTRY.replace("\"endpoint\":null", "\"endpoint\":\"projects/p\"");
    for damaged in [
        "",
        "P1",
        "[]",
        "{}",
        &ENTRY[1..],
        &ENTRY.replace("\"version\":1", "\"version\":2"),
        &ENTRY.replace("\"version\":1,", ""),
        &ENTRY.replace("\"P1\"", "null"),
        &ENTRY.replace("\"me\"", "7"),
        &ENTRY.replace("\"demo\"", "null"),
        &endpoint,
        &endpoint.replace("\"demo\"", "null"),
        &ENTRY.replace("\"h.example\"", "null"),
        &ENTRY.replace("10,", "-10,"),
        &ENTRY.replace("10,", "1e400,"),
        &ENTRY.replace("3600000", "\"3600000\""),
        &ENTRY.replace("3600000", "0"),
        &ENTRY.replace("\"doubt\":null", "\"doubt\":\"new\""),
    ] {
        assert_ne!(damaged, ENTRY);
        let edge = world(damaged, 100);
        assert_eq!(edge.run(Connector::new(edge.clone()).kept()), None, "{damaged}");
        cold(&edge, [grant("W1"), buy("W1", "P2")], "P2");
    }
}

#[test]
fn reads_what_it_writes() {
    for doubt in [None, Some(Doubt::Missing), Some(Doubt::Absurd)] {
        let path = EndpointPath::parse("projects/p/branches/b/endpoints/e").unwrap();
        let target = Target::Endpoint { path, host: "e.example".to_owned() };
        let credential = Credential {
            token: Secret::new("\"p\\1\n"),
            user: "a \"b\"".to_owned(),
            target: target.clone(),
        };
        let valid = Duration::from_secs(900);
        let lifetime = crate::token::Lifetime { doubt, ..crate::token::Lifetime::known(valid) };
        let fingerprint = Fingerprint::of(&credential.token);
        let minted = Minted { token: credential, fingerprint, lifetime };
        let Entry { credential, left } = Entry::read(&text(&minted, u64::MAX)).unwrap();
        assert_eq!(credential.token.expose(), "\"p\\1\n");
        assert_eq!((credential.user.as_str(), credential.target), ("a \"b\"", target));
        assert_eq!(left, Left { fingerprint, sent: u64::MAX, valid, doubt });
    }
}

#[test]
fn a_doubt_is_told_once() {
    let edge = oauth();
    edge.keep([]);
    let connector = Connector::new(edge.clone());
    edge.expect([grant("W1"), buy_answer("W1", "demo", 200, r#"{"token":"P1"}"#)]);
    assert_eq!(edge.run(connector.current()).unwrap().generation, 1);
    assert_eq!(edge.notices(), [Doubt::Missing.to_string()]);
    cold(&edge, [], "P1");
    let seconds = edge.run(connector.kept()).unwrap().expires_in.as_secs();
    assert_eq!(seconds, 55 * 60 - 1);
}

#[test]
fn nobody_takes_up_what_somebody_else_left() {
    let edge = person("dapi1");
    edge.keep([]);
    let connector = cold(&edge, [me("dapi1", "a@b.example"), buy("dapi1", "P1")], "P1");
    edge.pass(35); // It is no longer fresh.
    edge.set("DATABRICKS_TOKEN", "dapi2");
    // The old token is still held for a moment: what it buys is its owner's, not the new one's.
    edge.expect([buy("dapi1", "P2")]);
    assert_eq!(edge.run(connector.refused(1, &dead())).unwrap().user, "a@b.example");
    let other = cold(&edge, [me("dapi2", "c@d.example"), buy("dapi2", "P3")], "P3");
    assert_eq!(edge.run(other.current()).unwrap().user, "c@d.example");
    assert_eq!(edge.kept().len(), 2);
    edge.set("DATABRICKS_TOKEN", "dapi1");
    cold(&edge, [], "P2");
}

#[test]
fn looking_at_what_is_kept_starts_nothing() {
    let edge = world(ENTRY, 100);
    let connector = Connector::new(edge.clone());
    let expected = Kept {
        age: Duration::from_millis(99_990),
        expires_in: Duration::from_millis(3_500_010),
        serves_for: Duration::from_millis(3_460_010),
    };
    assert_eq!(edge.run(connector.kept()), Some(expected));
    assert_eq!(counts(&connector), Counts::default());
    edge.pass(3_461);
    assert_eq!(edge.run(connector.kept()), None);
    let edge = local();
    edge.keep([(OWNER.to_owned(), ENTRY.to_owned())]);
    assert_eq!(edge.run(Connector::new(edge.clone()).kept()), None);
}
