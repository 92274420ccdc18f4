//! The queue against a model of Postgres: whatever the order in which bytes move, the client sees
//! what it would see without a proxy in between.

mod subjects;

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// A message of the client, and what comes of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sent {
    Query,
    FailingQuery,
    Function,
    Parse,
    FailingParse,
    /// A `Parse` that the proxy answers itself.
    KnownParse,
    /// A `Parse` that the proxy sends, of which the client knows nothing.
    OwnParse,
    Bind,
    FailingBind,
    Describe,
    Close,
    KnownClose,
    Execute,
    FailingExecute,
    Suspended,
    /// `Execute` of a `COPY` from the client.
    Copy,
    /// The same, failing before it reads anything.
    FailingCopy,
    QueryCopy,
    Data,
    BadData,
    Done,
    Fail,
    Flush,
    Sync,
    /// The client waits until it may send the data of its `COPY`.
    WaitForCopy,
    /// The client waits until it has heard everything.
    WaitForAll,
    /// The client waits until it has heard once more that the server is ready.
    WaitForOne,
    /// The empty query that the proxy sends to learn what is owed.
    Probe,
}

/// Postgres, as far as it answers.
#[derive(Default)]
struct Postgres {
    copy: bool,
    simple_copy: bool,
    skipping: bool,
    answers: VecDeque<u8>,
}

impl Postgres {
    fn read(&mut self, sent: Sent) {
        match sent {
            _ if self.copy => self.read_copy(sent),
            Sent::Sync => {
                self.skipping = false;
                self.say(b"Z");
            }
            _ if self.skipping => {}
            Sent::Query => self.say(b"TDDCDCZ"),
            Sent::FailingQuery => self.say(b"TDEZ"),
            Sent::Function => self.say(b"VZ"),
            Sent::Parse | Sent::KnownParse | Sent::OwnParse => self.say(b"1"),
            Sent::Bind => self.say(b"2"),
            Sent::Describe => self.say(b"tT"),
            Sent::Close | Sent::KnownClose => self.say(b"3"),
            Sent::Execute => self.say(b"DDC"),
            Sent::Suspended => self.say(b"Ds"),
            Sent::FailingParse | Sent::FailingBind => self.fail(b""),
            Sent::FailingExecute => self.fail(b"D"),
            Sent::FailingCopy => self.fail(b"G"),
            Sent::Copy | Sent::QueryCopy => {
                self.say(b"G");
                self.copy = true;
                self.simple_copy = sent == Sent::QueryCopy;
            }
            Sent::Probe => self.say(b"IZ"),
            Sent::Data | Sent::BadData | Sent::Done | Sent::Fail | Sent::Flush => {}
            Sent::WaitForCopy | Sent::WaitForAll | Sent::WaitForOne => {}
        }
    }

    fn read_copy(&mut self, sent: Sent) {
        match sent {
            Sent::Data | Sent::Sync | Sent::Flush => return,
            Sent::WaitForCopy | Sent::WaitForAll | Sent::WaitForOne => return,
            Sent::Done => self.say(b"C"),
            _ if self.simple_copy => self.say(b"E"),
            _ => self.fail(b""),
        }
        self.copy = false;
        if self.simple_copy {
            self.say(b"Z");
        }
    }

    fn say(&mut self, tags: &[u8]) {
        self.answers.extend(tags);
    }

    fn fail(&mut self, tags: &[u8]) {
        self.say(tags);
        self.say(b"E");
        self.skipping = true;
    }
}

/// What the client sees without a proxy.
fn directly(script: &[Sent]) -> Vec<u8> {
    let mut postgres = Postgres::default();
    script.iter().filter(|sent| **sent != Sent::OwnParse).for_each(|sent| postgres.read(*sent));
    postgres.answers.into()
}

/// What the client sees with the queue in between; `order` says whose turn it is.
fn through_a_proxy(script: &[Sent], order: &[u8]) -> (Vec<u8>, Outstanding) {
    let mut owed = Outstanding::ready();
    let mut postgres = Postgres::default();
    let (mut wire, mut seen) = (VecDeque::new(), Vec::new());
    let count = |tags: &[u8], of: u8| tags.iter().filter(|tag| **tag == of).count();
    let ready = |tags: &[u8]| count(tags, b'Z');
    let mut waited = 0;
    let mut rest = script;
    let mut order = order.iter().copied().cycle();
    let mut idle = 0;
    while idle < 100 {
        idle += 1;
        match order.next() {
            Some(0) => {
                let Some((&sent, behind)) = rest.split_first() else { continue };
                let before = &script[..script.len() - rest.len()];
                match sent {
                    Sent::WaitForCopy if count(&seen, b'G') < count(&directly(before), b'G') => {
                        continue;
                    }
                    Sent::WaitForOne if ready(&seen) <= waited => continue,
                    Sent::WaitForAll => {
                        waited = ready(&directly(before));
                        if ready(&seen) < waited {
                            continue;
                        }
                    }
                    _ if asks(sent) && owed.is_in_doubt() => continue,
                    _ => {}
                }
                rest = behind;
                ask(&mut owed, sent);
                if !matches!(sent, Sent::KnownParse | Sent::KnownClose) {
                    wire.push_back(sent);
                }
            }
            Some(1) => {
                let Some(sent) = wire.pop_front() else { continue };
                postgres.read(sent);
            }
            _ => {
                let Some(tag) = postgres.answers.pop_front() else { continue };
                match owed.answer(tag, &mut Vec::new()) {
                    Verdict::Pass => seen.push(tag),
                    Verdict::LeaveOut => {}
                    Verdict::Broken => panic!("nothing of ours fails here"),
                }
                if tag == b'Z' {
                    owed.set_status(b'I');
                }
            }
        }
        while let Some(entry) = owed.known() {
            seen.push(if entry.ask == Ask::Parse { b'1' } else { b'3' });
        }
        if owed.asks_something() {
            wire.push_back(Sent::Probe);
        }
        idle = 0;
    }
    (seen, owed)
}

/// Whether the proxy keeps it back while it is in doubt what is owed.
fn asks(sent: Sent) -> bool {
    use Sent::*;
    let waits = matches!(sent, WaitForCopy | WaitForAll | WaitForOne);
    !waits && !matches!(sent, Sync | Flush | Data | BadData | Done | Fail)
}

fn ask(owed: &mut Outstanding, sent: Sent) {
    let (ask, who) = match sent {
        Sent::Query | Sent::FailingQuery | Sent::QueryCopy => (Ask::Query, Who::Client),
        Sent::Function => (Ask::Function, Who::Client),
        Sent::Parse | Sent::FailingParse => (Ask::Parse, Who::Client),
        Sent::KnownParse => (Ask::Parse, Who::Known),
        Sent::OwnParse => (Ask::Parse, Who::Proxy),
        Sent::Bind | Sent::FailingBind => (Ask::Bind, Who::Client),
        Sent::Describe => (Ask::Describe, Who::Client),
        Sent::Close => (Ask::Close, Who::Client),
        Sent::KnownClose => (Ask::Close, Who::Known),
        Sent::Execute | Sent::FailingExecute | Sent::Suspended | Sent::Copy | Sent::FailingCopy => {
            (Ask::Execute, Who::Client)
        }
        Sent::Sync => (Ask::Sync, Who::Client),
        Sent::Done | Sent::Fail => return owed.copy_is_over(),
        Sent::Data | Sent::BadData | Sent::Flush => return,
        Sent::WaitForCopy | Sent::WaitForAll | Sent::WaitForOne => return,
        Sent::Probe => unreachable!("the client sends none"),
    };
    owed.ask(ask, who, Belief::Nothing);
}

/// A part of a conversation that ends with the server being ready.
fn part() -> impl Strategy<Value = Vec<Sent>> {
    use Sent::*;
    let step = prop::sample::select(vec![
        Parse,
        FailingParse,
        KnownParse,
        OwnParse,
        Bind,
        FailingBind,
        Describe,
        Close,
        KnownClose,
        Execute,
        FailingExecute,
        Suspended,
        Flush,
        Data,
    ]);
    let batch = prop::collection::vec(step, 0..8).prop_map(|mut batch| {
        batch.push(Sync);
        batch
    });
    let copy = (
        prop::sample::select(vec![Copy, FailingCopy]),
        prop::sample::select(vec![vec![], vec![Sync]]),
        prop::collection::vec(prop::sample::select(vec![Data, Data, Data, BadData]), 0..4),
        prop::sample::select(vec![Done, Fail]),
        any::<bool>(),
    );
    // Who sends data blindly waits for the end; who goes on before the end has seen the beginning.
    let copy = copy.prop_map(|(copy, early, data, end, hasty)| {
        let (begun, ended) =
            if hasty { (vec![WaitForCopy], vec![]) } else { (vec![], vec![WaitForOne]) };
        let begin = [vec![WaitForAll, Parse, Bind, copy], early, begun].concat();
        [begin, data, vec![end, Sync], ended].concat()
    });
    let simple_copy = prop::collection::vec(prop::sample::select(vec![Data, BadData]), 0..3)
        .prop_map(|data| [vec![QueryCopy], data, vec![Done]].concat());
    let simple = prop::sample::select(vec![vec![Query], vec![FailingQuery], vec![Function]]);
    prop_oneof![batch, copy, simple_copy, simple]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_client_sees_what_the_server_says(
        parts in prop::collection::vec(part(), 1..6),
        order in prop::collection::vec(0_u8..3, 1..40),
    ) {
        let script = parts.concat();
        let order = [order, vec![0, 1, 2]].concat();
        let (seen, owed) = through_a_proxy(&script, &order);
        let text = |tags: Vec<u8>| String::from_utf8(tags).unwrap();
        prop_assert_eq!(text(seen), text(directly(&script)));
        prop_assert!(owed.is_idle(), "{:?}", owed);
    }
}
