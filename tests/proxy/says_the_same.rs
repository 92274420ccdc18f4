//! Whatever a client says, it hears the same from the proxy as from Postgres itself: hundreds of
//! random scripts, in both modes, compared byte for byte.
//!
//! A seed makes a script. Four of them at a time share two server connections in transaction mode,
//! so that a script seldom finds the one it had. `LAKEGATE_SEED=17` plays one alone.
//!
//! One limit of transaction mode shows here. Postgres prepares nothing in a failed transaction, so
//! a statement that the client prepared in another connection cannot be brought there: its use is
//! refused as all is, by 25P02, but before Postgres has looked at it ([`refused_unseen`]).

mod script;
mod sql;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use lakegate_tests::{Credential, House, Proxy};

use self::script::{Place, Script, Step};
use crate::wire::{Message, Wire};

const SCHEMA: &str = "same";
/// Scripts at a time.
const SLOTS: usize = 4;
/// Of as many scripts.
const SEEDS: u64 = 300;

#[tokio::test]
async fn as_postgres_itself() {
    let house = House::open().await;
    let stage = Stage::open(&house).await;
    let session = Proxy::start(&house, &["--pool", "session"]).await;
    let transaction = Proxy::start(&house, &["--pool", "transaction", "--pool-size", "2"]).await;
    let played = stage
        .play_all(async |place, script| {
            let expected = stage.direct(place, script).await?;
            let heard = stage.through(&session, place, script).await?;
            compare("session", PartialEq::eq, script, &expected, &heard)?;
            let heard = stage.through(&transaction, place, script).await?;
            compare("transaction", alike, script, &expected, &heard)
        })
        .await;
    println!("{played} scripts heard the same in both modes");
    session.stop().await;
    transaction.stop().await;
}

/// Else a difference would tell nothing.
#[tokio::test]
async fn as_the_last_time() {
    let house = House::open().await;
    let stage = Stage::open(&house).await;
    let played = stage
        .play_all(async |place, script| {
            if place.seed % 5 != 0 {
                return Ok(());
            }
            let expected = stage.direct(place, script).await?;
            let heard = stage.direct(place, script).await?;
            compare("direct", PartialEq::eq, script, &expected, &heard)
        })
        .await;
    assert!(0 < played);
}

/// The database and what is in it.
struct Stage<'a> {
    house: &'a House,
    credential: Credential,
    keeper: tokio_postgres::Client,
}

/// What a client heard: at its login, at each step, and at its end.
struct Heard {
    parameters: BTreeSet<Bytes>,
    steps: Vec<Vec<Message>>,
    end: Vec<Message>,
}

impl<'a> Stage<'a> {
    /// A table for each slot.
    async fn open(house: &'a House) -> Self {
        house.set_up().await;
        let credential = house.credential().await;
        let keeper = house.login(&credential).await.unwrap();
        keeper.batch_execute(&format!("CREATE SCHEMA {SCHEMA}")).await.unwrap();
        for slot in 0..SLOTS {
            let table = sql::table(slot);
            let sql = format!("CREATE TABLE {table} (id int4 PRIMARY KEY, note text)");
            keeper.batch_execute(&sql).await.unwrap();
        }
        Self { house, credential, keeper }
    }

    /// Has every script played, and tells how many there were.
    async fn play_all(&self, play: impl AsyncFn(&Place, &Script) -> Result<(), String>) -> u64 {
        let only: Option<u64> =
            std::env::var("LAKEGATE_SEED").ok().map(|seed| seed.parse().unwrap());
        let next = AtomicU64::new(only.unwrap_or(0));
        let end = only.map_or(SEEDS, |seed| seed + 1);
        let slots = (0..SLOTS).map(async |slot| {
            let mut differences = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if end <= seed {
                    return differences;
                }
                let place = Place { seed, table: sql::table(slot) };
                if let Err(difference) = play(&place, &Script::new(&place)).await {
                    differences.push((seed, difference));
                }
            }
        });
        let differences = join_all(slots).await.concat();
        let seeds: Vec<_> = differences.iter().map(|(seed, _)| seed).collect();
        let first =
            differences.iter().min().map(|(seed, text)| format!("LAKEGATE_SEED={seed}: {text}"));
        assert!(
            first.is_none(),
            "{} scripts differ: {seeds:?}\n{}",
            seeds.len(),
            first.unwrap_or_default()
        );
        end - only.unwrap_or(0)
    }

    /// What Postgres itself says.
    async fn direct(&self, place: &Place, script: &Script) -> Result<Heard, String> {
        let wire = Wire::direct(self.house).await;
        self.play(wire, place, script, Some(&self.credential)).await
    }

    /// What the proxy says.
    async fn through(
        &self,
        proxy: &Proxy,
        place: &Place,
        script: &Script,
    ) -> Result<Heard, String> {
        let wire = Wire::plain(proxy.host(), proxy.port()).await;
        self.play(wire, place, script, None).await
    }

    async fn play(
        &self,
        mut wire: Wire,
        place: &Place,
        script: &Script,
        credential: Option<&Credential>,
    ) -> Result<Heard, String> {
        let table = &place.table;
        self.keeper.batch_execute(&format!("TRUNCATE {table}")).await.unwrap();
        let mut parameters =
            vec![("user", self.house.principal()), ("database", self.house.env("POSTGRES_DB"))];
        parameters.extend(&script.parameters);
        let login = wire.log_in(&parameters, credential).await;
        if login.last().is_none_or(|message| message.tag != b'Z') {
            return Err(format!("nothing is heard at login beyond {login:#?}"));
        }
        let reported = login.into_iter().filter(|message| message.tag == b'S');
        let parameters = reported.map(|message| message.body).collect();
        let mut steps = Vec::new();
        for Step { said, bytes, pieces, until: (count, tags), .. } in &script.steps {
            let mut count = *count;
            let heard = wire.talk(bytes, pieces, |message| {
                count -= usize::from(tags.contains(&message.tag));
                count == 0
            });
            let heard = heard.await;
            if !heard.last().is_some_and(|message| tags.contains(&message.tag)) {
                let before: Vec<_> =
                    script.steps[..steps.len()].iter().flat_map(|step| &step.said).collect();
                return Err(format!(
                    "after {before:#?}, to {said:#?}, nothing is heard beyond {heard:#?}"
                ));
            }
            steps.push(heard.into_iter().map(comparable).collect());
        }
        let end = wire.end().await.ok_or("the connection is not closed after its end")?;
        Ok(Heard { parameters, steps, end })
    }
}

/// A message without what differs by its nature.
fn comparable(message: Message) -> Message {
    match message.tag {
        // The process that notified.
        b'A' => Message { body: message.body.slice(4..), ..message },
        _ => message,
    }
}

/// Whether all is the same but what transaction mode cannot do.
fn alike(expected: &[Message], heard: &[Message]) -> bool {
    let mut expected = expected.iter().peekable();
    heard.iter().all(|heard| {
        if refuses_to_prepare(heard) {
            // Even then Postgres describes a statement that it has, if it brings no rows.
            while expected.next_if(|message| matches!(message.tag, b't' | b'n')).is_some() {}
        }
        expected.next().is_some_and(|expected| expected == heard || refused_unseen(expected, heard))
    }) && expected.next().is_none()
}

/// Whether a failed transaction refused a statement without having it, which it would have refused
/// as well with it: because it is failed, or for the number of its parameters.
fn refused_unseen(expected: &Message, heard: &Message) -> bool {
    let codes = has(expected, b"C25P02") || has(expected, b"C08P01");
    let by =
        has(expected, b"Rexec_bind_message") || has(expected, b"Rexec_describe_statement_message");
    refuses_to_prepare(heard) && codes && by
}

fn refuses_to_prepare(message: &Message) -> bool {
    has(message, b"C25P02") && has(message, b"Rexec_parse_message")
}

/// Whether it is an error with this field.
fn has(error: &Message, field: &[u8]) -> bool {
    error.tag == b'E' && error.body.split(|byte| *byte == 0).any(|part| part == field)
}

/// The first difference, in words.
fn compare(
    mode: &str,
    same: impl Fn(&[Message], &[Message]) -> bool,
    script: &Script,
    expected: &Heard,
    heard: &Heard,
) -> Result<(), String> {
    let differ = |when: &str, expected: &dyn Debug, heard: &dyn Debug| {
        Err(format!("{mode}: {when}\nPostgres says {expected:#?}\nand the proxy {heard:#?}"))
    };
    if heard.parameters != expected.parameters {
        return differ("at login", &expected.parameters, &heard.parameters);
    }
    for (number, step) in script.steps.iter().enumerate() {
        let (expected, heard) = (&expected.steps[number], &heard.steps[number]);
        if !same(expected, heard) {
            let before = script.steps[..number].iter().flat_map(|step| &step.said);
            let before: Vec<_> = before.collect();
            let when = format!("{:?}, after {before:#?}, to {:#?}", script.parameters, step.said);
            return differ(&when, expected, heard);
        }
    }
    if heard.end != expected.end {
        return differ("at the end", &expected.end, &heard.end);
    }
    Ok(())
}
