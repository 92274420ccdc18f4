//! Whether a statement's fate is open is found without a search, and is what a search would find.

use std::sync::Arc;

use super::*;
use crate::wire::statements::{Registry, Statement};
use crate::wire::text::Effect;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A `Parse` of a statement by this name, answered by the server or by us.
    Parse(usize, Who),
    /// We prepare it.
    Prepare(usize),
    /// A `Close` by this name, which we answer.
    Close(usize),
    Spoken,
    Sync,
    Query,
    /// The oldest that is owed is answered.
    Answer,
    /// It failed.
    Fail,
}

const NAMES: [&[u8]; 3] = [b"a", b"b", b"c"];

fn concerns(belief: &Belief, name: &[u8], statement: &Statement) -> bool {
    match belief {
        Belief::Prepared(other) => other.id == statement.id,
        Belief::Named { name: other, statement: known, .. } => {
            **other == *name || known.id == statement.id
        }
        Belief::Dropped(other, _) => **other == *name,
        _ => false,
    }
}

/// The same by a search of everything that is owed.
fn is_open_by_search(owed: &Outstanding, name: &[u8], statement: &Statement) -> bool {
    let unsure = owed.queue.iter().skip_while(|entry| entry.who == Who::Known);
    let unsure: Vec<_> = unsure.collect();
    let end = unsure.iter().rposition(|entry| entry.ask.ends_in_ready());
    let ended = &unsure[..end.map_or(0, |end| end + 1)];
    ended.iter().any(|entry| concerns(&entry.belief, name, statement))
}

fn happen(owed: &mut Outstanding, event: Event, statements: &[Arc<Statement>]) {
    let named = |at: usize| (Name::from(NAMES[at]), Arc::clone(&statements[at]));
    let is_free =
        |owed: &Outstanding, at: usize| !is_open_by_search(owed, NAMES[at], &statements[at]);
    match event {
        // Nobody asks about what is open.
        Event::Parse(at, who) if is_free(owed, at) => {
            let (name, statement) = named(at);
            owed.ask(Ask::Parse, who, Belief::Named { name, statement, prepared: true });
        }
        Event::Prepare(at) if is_free(owed, at) => {
            owed.ask(Ask::Parse, Who::Proxy, Belief::Prepared(named(at).1));
        }
        Event::Close(at) if is_free(owed, at) => {
            let (name, statement) = named(at);
            owed.ask(Ask::Close, Who::Known, Belief::Dropped(name, statement));
        }
        Event::Parse(..) | Event::Prepare(_) | Event::Close(_) => {}
        Event::Spoken => owed.ask(Ask::Bind, Who::Client, Belief::Spoken(named(0).0)),
        Event::Sync => owed.ask(Ask::Sync, Who::Client, Belief::Nothing),
        Event::Query => owed.ask(Ask::Query, Who::Client, Belief::Nothing),
        Event::Answer | Event::Fail => answer(owed, matches!(event, Event::Fail)),
    }
}

fn answer(owed: &mut Outstanding, fails: bool) {
    if owed.known().is_some() {
        return;
    }
    let tag = match owed.queue.front().map(|entry| entry.ask) {
        Some(Ask::Sync) => b'Z',
        None => return,
        Some(_) if fails => b'E',
        Some(Ask::Parse) => b'1',
        Some(Ask::Bind) => b'2',
        Some(Ask::Close) => b'3',
        Some(_) => b'Z',
    };
    owed.answer(tag, &mut Vec::new());
}

fn event() -> impl Strategy<Value = Event> {
    let at = 0..NAMES.len();
    prop_oneof![
        (at.clone(), prop::sample::select(vec![Who::Client, Who::Known]))
            .prop_map(|(at, who)| Event::Parse(at, who)),
        at.clone().prop_map(Event::Prepare),
        at.prop_map(Event::Close),
        Just(Event::Spoken),
        Just(Event::Sync),
        Just(Event::Query),
        Just(Event::Answer),
        Just(Event::Answer),
        Just(Event::Fail),
    ]
}

proptest! {
    #[test]
    fn what_is_open_is_found(events in prop::collection::vec(event(), 0..60)) {
        let registry = Registry::default();
        // Two names stand for one text.
        let texts = [&b"select 1\0\0\0"[..], b"select 1\0\0\0", b"select 2\0\0\0"];
        let statements = texts.map(|text| registry.statement(text, Effect::default));
        let mut owed = Outstanding::ready();
        for event in events {
            happen(&mut owed, event, &statements);
            for (name, statement) in NAMES.iter().zip(&statements) {
                let about = |belief: &Belief| concerns(belief, name, statement);
                let found = owed.is_open_about(name, Some(statement.id), about);
                prop_assert_eq!(found, is_open_by_search(&owed, name, statement));
            }
        }
    }
}

#[test]
fn of_a_long_pipeline_little_is_kept() {
    let registry = Registry::default();
    let mut owed = Outstanding::ready();
    for number in 0..10_000 {
        let name = Name::from(format!("{number}").as_bytes());
        let statement =
            registry.statement(format!("select {number}\0\0\0").as_bytes(), Effect::default);
        owed.ask(Ask::Parse, Who::Client, Belief::Named { name, statement, prepared: true });
        owed.ask(Ask::Sync, Who::Client, Belief::Nothing);
        if 10 <= number {
            owed.answer(b'1', &mut Vec::new());
            owed.answer(b'Z', &mut Vec::new());
        }
    }
    assert!(owed.subjects.len() < 200, "{}", owed.subjects.len());
}
