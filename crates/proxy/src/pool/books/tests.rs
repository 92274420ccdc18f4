//! Who gets which connection, as tables.

use std::fmt::Write;

use super::*;

mod walk;

const IDLE_TIMEOUT: u64 = 60_000;
const LIFETIME: u64 = 600_000;

/// What happens; origins are letters, connections are numbers, who waits is a letter.
enum Event {
    Take(char),
    Wait(char, char),
    Leave(char),
    Put(char, u32),
    Lost(char),
    Needed(char),
    Opened(char, u32),
    Failed(char),
    Troubled(char),
    Warm(char),
    Age,
    Size(usize),
    Drain,
}
use Event::*;

fn origin(name: char) -> Arc<Origin> {
    Arc::new(Origin::new(Some(name.to_string()), Vec::new()))
}

fn trouble() -> Failure {
    Failure { code: "57P03".into(), message: "asleep".into(), hint: None, passes: true }
}

fn limits(size: usize, keep_warm: usize) -> Limits {
    Limits { size, idle_timeout: Duration::from_millis(IDLE_TIMEOUT), keep_warm }
}

/// Carries out an event at a time in milliseconds, and writes down what comes of it.
fn happen(
    books: &mut Books<u32, char>,
    tickets: &mut HashMap<char, Ticket>,
    start: Instant,
    at: u64,
    event: &Event,
) -> String {
    let now = start + Duration::from_millis(at);
    let retire_at = start + Duration::from_millis(LIFETIME);
    let says = |said: bool, yes: &str, no: &str| if said { yes } else { no }.to_owned();
    let (mut text, orders) = match event {
        Take(o) => {
            let taken = books.take(&origin(*o)).map_or("none".into(), |server| server.to_string());
            (taken, Orders::default())
        }
        Wait(o, waiter) => {
            let (ticket, orders) = books.wait(&origin(*o), *waiter, now);
            tickets.insert(*waiter, ticket);
            (String::new(), orders)
        }
        Leave(waiter) => {
            let trouble = books.leave(tickets[waiter]);
            (trouble.map_or(String::new(), |trouble| trouble.message), Orders::default())
        }
        Put(o, server) => (String::new(), books.put(&origin(*o), *server, now, retire_at)),
        Lost(o) => (String::new(), books.lost(&origin(*o))),
        Needed(o) => {
            let (needed, orders) = books.needed(&origin(*o));
            (says(needed, "go", "stop"), orders)
        }
        Opened(o, server) => (String::new(), books.opened(&origin(*o), *server, now, retire_at)),
        Failed(o) => {
            let (refused, orders) = books.failed(&origin(*o));
            (format!("refuse {}", refused.iter().collect::<String>()), orders)
        }
        Troubled(o) => {
            let (goes_on, orders) = books.troubled(&origin(*o), trouble());
            (says(goes_on, "go", "stop"), orders)
        }
        Warm(o) => (String::new(), books.warm(&origin(*o))),
        Age => {
            let (due, orders) = books.age(now);
            let due = due.map(|due| due.duration_since(start).as_millis());
            (due.map_or("due never".into(), |due| format!("due {due}")), orders)
        }
        Size(size) => (String::new(), books.limit(limits(*size, books.limits.keep_warm))),
        Drain => (String::new(), books.drain()),
    };
    if let Some((waiter, server)) = orders.give {
        let _ = write!(text, " give {waiter} {server}");
    }
    for server in orders.close {
        let _ = write!(text, " close {server}");
    }
    for origin in orders.open {
        let _ = write!(text, " open {}", origin.database().unwrap());
    }
    text.trim_start().to_owned()
}

#[track_caller]
fn check_warm(size: usize, keep_warm: usize, rows: &[(u64, Event, &str)]) {
    let mut books = Books::new(limits(size, keep_warm));
    let mut tickets = HashMap::new();
    let start = Instant::now();
    for (row, (at, event, expected)) in rows.iter().enumerate() {
        let found = happen(&mut books, &mut tickets, start, *at, event);
        assert_eq!(found, *expected, "row {row}");
        balance(&books);
    }
}

#[track_caller]
fn check(size: usize, rows: &[(u64, Event, &str)]) {
    check_warm(size, 0, rows);
}

/// What the books say of themselves is true.
#[track_caller]
fn balance(books: &Books<u32, char>) {
    let sum = |of: fn(&Place<u32>) -> usize| books.places.values().map(of).sum::<usize>();
    assert_eq!(books.open, sum(|place| place.open), "open");
    assert_eq!(books.opening, sum(|place| place.opening), "opening");
    assert_eq!(books.idle, sum(|place| place.idle.len()), "idle");
    assert_eq!(books.queue.len(), sum(|place| place.waiting.len()), "waiting");
    assert!(books.places.values().all(|place| !place.is_empty()), "an empty place is kept");
}

#[test]
fn the_one_that_was_used_last_is_used_first() {
    check(
        2,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Wait('A', 'y'), "open A"),
            (1, Opened('A', 1), "give x 1"),
            (1, Opened('A', 2), "give y 2"),
            (2, Put('A', 2), ""),
            (3, Put('A', 1), ""),
            (4, Take('A'), "1"),
            (4, Take('A'), "2"),
            (4, Take('A'), "none"),
        ],
    );
}

#[test]
fn who_came_first_is_served_first() {
    check(
        1,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Wait('A', 'y'), ""),
            (0, Wait('A', 'z'), ""),
            (5, Opened('A', 1), "give x 1"),
            (6, Put('A', 1), "give y 1"),
            (7, Put('A', 1), "give z 1"),
            (8, Put('A', 1), ""),
        ],
    );
}

#[test]
fn a_connection_that_comes_back_serves_who_waits_for_a_new_one() {
    check(
        2,
        &[
            (0, Wait('A', 'x'), "open A"),
            (1, Needed('A'), "go"),
            (1, Opened('A', 1), "give x 1"),
            (2, Wait('A', 'y'), "open A"),
            (3, Put('A', 1), "give y 1"),
            // Not begun yet: nobody needs it.
            (4, Needed('A'), "stop"),
            (5, Put('A', 1), ""),
        ],
    );
}

#[test]
fn one_that_was_opened_too_late_rests() {
    check(
        2,
        &[
            (0, Wait('A', 'x'), "open A"),
            (1, Needed('A'), "go"),
            (2, Leave('x'), ""),
            (3, Opened('A', 1), ""),
            (4, Take('A'), "1"),
        ],
    );
}

#[test]
fn a_full_pool_closes_what_rests_for_another_origin() {
    check(
        2,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Wait('B', 'y'), "open B"),
            (1, Opened('A', 1), "give x 1"),
            (1, Opened('B', 2), "give y 2"),
            (2, Put('A', 1), ""),
            (3, Put('B', 2), ""),
            // The one that has rested longest.
            (4, Wait('C', 'z'), "close 1 open C"),
            (5, Wait('C', 'w'), "close 2 open C"),
            (6, Wait('A', 'x'), ""),
        ],
    );
}

#[test]
fn the_own_origin_is_never_closed_for_itself() {
    check(
        1,
        &[
            (0, Wait('A', 'x'), "open A"),
            (1, Opened('A', 1), "give x 1"),
            (2, Wait('A', 'y'), ""),
            (3, Lost('A'), "open A"),
            (4, Opened('A', 2), "give y 2"),
        ],
    );
}

#[test]
fn nobody_starves_while_another_origin_is_busy() {
    check(
        1,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Opened('A', 1), "give x 1"),
            (0, Wait('B', 'y'), ""),
            (1, Wait('A', 'z'), ""),
            (499, Put('A', 1), "give z 1"),
            (499, Wait('A', 'w'), ""),
            (500, Put('A', 1), "close 1 open B"),
            (501, Opened('B', 2), "give y 2"),
            // Nobody waits for B any more.
            (502, Put('B', 2), "close 2 open A"),
            (503, Opened('A', 3), "give w 3"),
        ],
    );
}

#[test]
fn who_is_being_served_does_not_starve() {
    check(
        2,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Opened('A', 1), "give x 1"),
            (0, Wait('B', 'y'), "open B"),
            (1, Wait('A', 'z'), ""),
            (900, Put('A', 1), "give z 1"),
            (901, Put('A', 1), ""),
        ],
    );
}

#[test]
fn a_failure_for_good_is_told_to_all_who_wait_for_that_origin() {
    check(
        4,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Wait('B', 'y'), "open B"),
            (0, Wait('A', 'z'), "open A"),
            (1, Failed('A'), "refuse xz"),
            (2, Needed('A'), "stop"),
            (3, Opened('B', 1), "give y 1"),
            // Whoever comes next finds out anew.
            (4, Wait('A', 'x'), "open A"),
        ],
    );
}

#[test]
fn in_trouble_one_tries_for_all() {
    check(
        4,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Wait('A', 'y'), "open A"),
            (1, Troubled('A'), "stop"),
            (1, Troubled('A'), "go"),
            (2, Wait('A', 'z'), ""),
            (3, Leave('x'), "asleep"),
            (4, Needed('A'), "go"),
            // Awake: the others are helped, too.
            (5, Opened('A', 1), "give y 1 open A"),
            (6, Opened('A', 2), "give z 2"),
        ],
    );
}

#[test]
fn nobody_tries_when_nobody_waits() {
    check(
        1,
        &[
            (0, Wait('A', 'x'), "open A"),
            (1, Troubled('A'), "go"),
            (2, Leave('x'), "asleep"),
            (3, Needed('A'), "stop"),
            (4, Wait('A', 'y'), "open A"),
            (5, Leave('y'), ""),
            (6, Troubled('A'), "stop"),
        ],
    );
}

#[test]
fn a_place_that_comes_free_goes_to_who_waits() {
    check(
        1,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Wait('B', 'y'), ""),
            (1, Failed('A'), "refuse x open B"),
            (2, Opened('B', 1), "give y 1"),
        ],
    );
}

#[test]
fn what_rests_or_lives_too_long_is_closed() {
    check(
        2,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Wait('A', 'y'), "open A"),
            (0, Opened('A', 1), "give x 1"),
            (0, Opened('A', 2), "give y 2"),
            (0, Age, "due never"),
            (10, Put('A', 1), ""),
            (20, Put('A', 2), ""),
            (30, Age, "due 60010"),
            (60_010, Age, "due 60020 close 1"),
            (60_020, Age, "due never close 2"),
            (60_021, Wait('A', 'x'), "open A"),
            (60_021, Opened('A', 3), "give x 3"),
            (599_999, Put('A', 3), ""),
            (599_999, Age, "due 600000"),
            (600_000, Age, "due never close 3"),
        ],
    );
}

#[test]
fn one_that_is_too_old_does_not_come_back() {
    check(
        1,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Opened('A', 1), "give x 1"),
            (1, Wait('A', 'y'), ""),
            (LIFETIME, Put('A', 1), "close 1 open A"),
        ],
    );
}

#[test]
fn some_are_kept_warm() {
    check_warm(
        4,
        2,
        &[
            (0, Warm('A'), "open A open A"),
            (0, Warm('A'), ""),
            (0, Needed('A'), "go"),
            (0, Needed('A'), "go"),
            (0, Opened('A', 1), ""),
            (0, Opened('A', 2), ""),
            (1, Take('A'), "2"),
            (1, Take('A'), "1"),
            (1, Wait('A', 'x'), "open A"),
            (1, Opened('A', 3), "give x 3"),
            (10, Put('A', 1), ""),
            (20, Put('A', 2), ""),
            (30, Put('A', 3), ""),
            (70_000, Age, "due 600000 close 1"),
            (600_000, Age, "due never close 2 close 3"),
            (600_000, Warm('A'), "open A open A"),
            (600_001, Failed('A'), "refuse "),
        ],
    );
}

#[test]
fn a_smaller_pool_lets_go_of_what_is_too_much() {
    check(
        3,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Wait('A', 'y'), "open A"),
            (0, Wait('A', 'z'), "open A"),
            (0, Opened('A', 1), "give x 1"),
            (0, Opened('A', 2), "give y 2"),
            (0, Opened('A', 3), "give z 3"),
            (1, Put('A', 1), ""),
            (2, Size(1), "close 1"),
            (3, Put('A', 2), "close 2"),
            (4, Put('A', 3), ""),
            (5, Wait('B', 'x'), "close 3 open B"),
            (6, Wait('B', 'y'), ""),
            (7, Size(2), "open B"),
        ],
    );
}

#[test]
fn a_pool_that_drains_keeps_nothing() {
    check(
        2,
        &[
            (0, Wait('A', 'x'), "open A"),
            (0, Opened('A', 1), "give x 1"),
            (0, Wait('A', 'y'), "open A"),
            (0, Opened('A', 2), "give y 2"),
            (1, Put('A', 1), ""),
            (2, Drain, "close 1"),
            (3, Put('A', 2), "close 2"),
        ],
    );
}
