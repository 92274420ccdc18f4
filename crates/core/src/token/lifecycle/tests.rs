//! The rules of a token's life, as tables of `(second, event, action)`. Tokens live an hour unless
//! said otherwise, and chance draws nothing: refresh after 3,000 s, dead after 3,560 s.

use alloc::string::String;

use Event::{Denied, Failed, Minted, MintedFor, Poll, Refused, Resumed, Throttled};

use super::*;
use crate::secret::Secret;

#[derive(Clone, Copy, Debug)]
enum Event {
    Poll,
    /// A token of an hour.
    Minted(u64),
    /// A token of so many seconds.
    MintedFor(u64, u64),
    /// A token of an hour that was left so many seconds after its own request.
    Resumed(u64, u64),
    Failed(u64),
    /// A failure that asks for so many seconds.
    Throttled(u64, u64),
    Denied(u64),
    /// A login was refused with the token of this generation.
    Refused(u64),
}

/// A mint whose token may be one that was left.
const fn mint(generation: u64) -> Action {
    Action::Mint { generation, resume: true }
}

/// A mint after a refused login.
const fn mint_new(generation: u64) -> Action {
    Action::Mint { generation, resume: false }
}

const MINT_1: Action = mint(1);
const MINT_2: Action = mint(2);
const MINT_3: Action = mint(3);

fn at(second: f64) -> Timestamp {
    Timestamp::from_millis((second * 1_000.0) as u64)
}

fn serve(generation: u64, second: f64) -> Action {
    Action::Serve { generation, poll_at: at(second) }
}

fn wait(second: f64) -> Action {
    Action::Wait(at(second))
}

fn denied(second: f64) -> Action {
    Action::Fail { reason: Reason::Denied, retry_at: at(second) }
}

fn fresh_refused(second: f64) -> Action {
    Action::Fail { reason: Reason::FreshTokenRefused, retry_at: at(second) }
}

fn print(generation: u64) -> Fingerprint {
    Fingerprint::of(&Secret::new(String::from_utf8_lossy(&generation.to_le_bytes())))
}

#[track_caller]
fn check(rows: &[(f64, Event, Action)]) -> TokenLifecycle {
    let mut life = TokenLifecycle::new(Policy::default());
    for (row, &(second, event, expected)) in rows.iter().enumerate() {
        let now = at(second);
        let hour = Lifetime::known(Duration::from_secs(3_600));
        let actual = match event {
            Poll => life.poll(now),
            Minted(generation) => life.minted(now, generation, print(generation), &hour, 0),
            MintedFor(generation, seconds) => {
                let life_time = Lifetime::known(Duration::from_secs(seconds));
                life.minted(now, generation, print(generation), &life_time, 0)
            }
            Resumed(generation, seconds) => {
                let left = Lifetime { age: Some(Duration::from_secs(seconds)), ..hour };
                life.minted(now, generation, print(generation), &left, 0)
            }
            Failed(generation) => {
                life.failed(now, generation, Failure::Transient { retry_after: None }, 0)
            }
            Throttled(generation, seconds) => {
                let retry_after = Some(Duration::from_secs(seconds));
                life.failed(now, generation, Failure::Transient { retry_after }, 0)
            }
            Denied(generation) => life.failed(now, generation, Failure::Permanent, 0),
            Refused(generation) => life.refused(now, print(generation)),
        };
        assert_eq!(actual, expected, "row {row}: {event:?} at {second} s");
    }
    life
}

#[test]
fn refreshes_after_50_minutes_and_serves_meanwhile() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.2, Minted(1), serve(1, 3_000.0)),
        (2_999.0, Poll, serve(1, 3_000.0)),
        (3_000.0, Poll, MINT_2),
        (3_000.0, Poll, serve(1, 3_060.0)), // The deadline of the mint.
        (3_000.5, Minted(2), serve(2, 6_000.0)),
    ]);
}

#[test]
fn counts_a_life_from_the_moment_its_request_was_sent() {
    check(&[
        (100.0, Poll, MINT_1),
        (130.0, Minted(1), serve(1, 3_100.0)),
        (3_200.0, Poll, MINT_2),
        (3_200.0, Failed(2), serve(1, 3_201.0)),
        (3_659.9, Throttled(2, 9), MINT_3), // The end of an old mint; the next one is due.
        (3_660.0, Poll, wait(3_719.9)),     // Dead 40 s before the hour is over.
    ]);
}

#[test]
fn asks_for_one_token_at_a_time() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Poll, wait(60.0)),
        (30.0, Poll, wait(60.0)),
        (59.9, Poll, wait(60.0)),
    ]);
}

#[test]
fn gives_a_mint_a_minute_and_drops_its_late_answer() {
    let life = check(&[
        (0.0, Poll, MINT_1),
        (60.0, Poll, wait(60.999)),
        (60.5, Minted(1), wait(60.999)), // Too late, though nothing else is under way.
        (61.0, Poll, MINT_2),
        (61.5, Denied(1), wait(121.0)),
        (62.0, Minted(2), serve(2, 3_061.0)),
        (62.0, Minted(1), serve(2, 3_061.0)),
    ]);
    assert_eq!(life.status(at(62.0)).counts.dropped, 3);
}

#[test]
fn tries_again_with_pauses_that_double() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.5, Failed(1), wait(1.25)),
        (1.25, Poll, MINT_2),
        (1.25, Failed(2), wait(2.75)),
        (2.75, Poll, MINT_3),
        (2.75, Failed(3), wait(5.75)),
    ]);
}

#[test]
fn never_mints_twice_within_a_second() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Failed(1), wait(1.0)), // Not 0.75, as chance would have it.
        (0.99, Poll, wait(1.0)),
        (1.0, Poll, MINT_2),
        (0.0, Poll, wait(61.0)), // Time going back is no time at all.
    ]);
}

#[test]
fn a_token_dead_on_arrival_is_a_failure() {
    let life = check(&[
        (0.0, Poll, MINT_1),
        (0.0, MintedFor(1, 0), wait(1.0)),
        (1.0, Poll, MINT_2),
        (11.0, MintedFor(2, 10), wait(12.5)),
        (12.5, Poll, MINT_3),
        (12.5, MintedFor(3, 60), serve(3, 62.5)),
    ]);
    assert_eq!(life.status(at(12.5)).counts.failures, 2);
}

#[test]
fn a_failed_refresh_fails_no_caller() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Minted(1), serve(1, 3_000.0)),
        (3_000.0, Poll, MINT_2),
        (3_000.2, Denied(2), serve(1, 3_060.2)),
        (3_060.2, Poll, MINT_3),
        (3_070.0, Throttled(3, 600), serve(1, 3_370.0)), // Five minutes of the ten.
        (3_370.0, Poll, mint(4)),
        (3_370.0, Throttled(4, 300), serve(1, 3_560.0)), // It dies before.
        (3_560.0, Poll, wait(3_670.0)),
    ]);
}

#[test]
fn a_permanent_refusal_ends_the_wait_at_once() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.3, Denied(1), denied(60.3)),
        (5.0, Poll, denied(60.3)),
        (60.3, Poll, MINT_2), // Secrets get rotated.
        (60.3, Poll, wait(120.3)),
        (60.5, Minted(2), serve(2, 3_060.3)),
    ]);
}

#[test]
fn a_refused_login_costs_exactly_one_mint() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Minted(1), serve(1, 3_000.0)),
        (100.0, Refused(1), mint_new(2)),
        (100.0, Refused(1), wait(160.0)),
        (100.4, Minted(2), serve(2, 3_100.0)),
        (100.5, Refused(1), serve(2, 3_100.0)), // Someone who comes late with the old one.
        (100.6, Refused(2), fresh_refused(400.6)),
        (250.0, Refused(2), fresh_refused(400.6)),
        (250.0, Poll, serve(2, 3_100.0)), // It may be good for another database.
        (400.6, Refused(2), mint_new(3)),
    ]);
}

#[test]
fn a_refresh_under_way_replaces_a_refused_token() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Minted(1), serve(1, 3_000.0)),
        (3_000.0, Poll, MINT_2),
        (3_000.1, Refused(1), wait(3_060.0)),
        (3_000.2, Minted(2), serve(2, 6_000.0)),
    ]);
}

#[test]
fn a_suspend_of_hours_costs_one_mint() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Minted(1), serve(1, 3_000.0)),
        (50_000.0, Poll, MINT_2),
        (50_000.0, Poll, wait(50_060.0)),
        (90_000.0, Minted(2), wait(90_000.999)), // The answer slept, too.
        (90_001.0, Poll, MINT_3),
    ]);
}

#[test]
fn shows_failures_while_it_serves() {
    let life = check(&[
        (0.0, Poll, MINT_1),
        (0.0, Minted(1), serve(1, 3_000.0)),
        (3_000.0, Poll, MINT_2),
        (3_001.0, Failed(2), serve(1, 3_001.75)),
    ]);
    let status = life.status(at(3_001.5));
    assert_eq!(status.state, State::Struggling);
    assert_eq!(status.generation, Some(1));
    assert_eq!(status.age, Some(Duration::from_millis(3_001_500)));
    assert_eq!(status.expires_in, Some(Duration::from_millis(598_500)));
    assert_eq!(status.next_mint_in, Some(Duration::from_millis(250)));
    assert_eq!(status.failures, 1);
    let ago = Duration::from_millis(500);
    let last_failure = LastFailure { generation: 2, cause: Cause::Transient, ago };
    assert_eq!(status.last_failure, Some(last_failure));
    let counts = Counts { tries: 2, minted: 1, failures: 1, ..Counts::default() };
    assert_eq!(status.counts, counts);
    assert_eq!(life.status(at(3_560.0)).state, State::Waiting);
}

#[test]
fn a_token_that_was_left_goes_on_where_it_was() {
    let life = check(&[
        (0.0, Poll, MINT_1),
        (0.1, Resumed(1, 2_000), serve(1, 1_000.0)),
        (1_000.0, Poll, MINT_2),
        (1_000.0, Failed(2), serve(1, 1_001.0)),
        (1_559.9, Throttled(2, 9), MINT_3),
        (1_560.0, Poll, wait(1_619.9)), // Dead, 3,560 s after its request.
    ]);
    let counts = Counts { tries: 3, resumed: 1, failures: 1, dropped: 1, ..Counts::default() };
    assert_eq!(life.status(at(1_560.0)).counts, counts);
    let status = check(&[(0.0, Poll, MINT_1), (0.0, Resumed(1, 2_000), serve(1, 1_000.0))])
        .status(at(100.0));
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    assert_eq!(seconds(status.age), Some(2_100));
    assert_eq!(seconds(status.next_mint_in), Some(900));
    assert_eq!(seconds(status.serves_for), Some(1_460));
    assert_eq!(seconds(status.expires_in), Some(1_500));
}

#[test]
fn a_token_that_was_left_late_serves_while_its_refresh_runs() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.1, Resumed(1, 3_100), MINT_2), // Nobody was asked for the first: no second to wait.
        (0.1, Poll, serve(1, 60.1)),
        (0.4, Resumed(2, 3_100), serve(2, 1.1)), // A loop it cannot become.
        (1.1, Poll, MINT_3),
        (1.1, Minted(3), serve(3, 3_001.1)),
    ]);
}

#[test]
fn a_token_that_was_left_dead_is_a_failure() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Resumed(1, 3_560), wait(1.0)),
        (1.0, Poll, MINT_2),
        (1.0, Resumed(2, 9_000), wait(2.5)),
    ]);
}

#[test]
fn a_refused_token_that_was_left_costs_exactly_one_mint() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Resumed(1, 0), serve(1, 3_000.0)),
        (0.1, Refused(1), mint_new(2)), // Young, yet not fresh.
        (0.1, Refused(1), wait(60.1)),
        (0.5, Minted(2), serve(2, 3_000.1)),
        (0.6, Refused(2), fresh_refused(300.6)),
    ]);
}

#[test]
fn after_a_refused_login_no_other_token_that_was_left_will_do() {
    check(&[
        (0.0, Poll, MINT_1),
        (0.0, Minted(1), serve(1, 3_000.0)),
        (3_000.0, Poll, MINT_2),
        (3_000.2, Refused(1), wait(3_060.0)),
        (3_000.4, Resumed(2, 9), wait(3_001.0)), // It was on its way.
        (3_001.0, Poll, mint_new(3)),
        (3_001.0, Failed(3), wait(3_002.0)),
        (3_002.0, Poll, mint_new(4)),
        (3_002.0, Minted(4), serve(4, 6_002.0)),
        (6_002.0, Poll, mint(5)),
    ]);
}
