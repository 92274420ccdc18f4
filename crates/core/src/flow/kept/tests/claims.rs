//! Instances that start at the same moment: one buys, and the others take that.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::*;
use crate::edge::Claim;
use crate::flow::fake::chain::grant_answer;

/// Each instance that got its answer: when, in milliseconds, and the token or why there is none.
type Answers = Rc<RefCell<Vec<(u64, String)>>>;

/// A world with an empty store.
fn empty() -> FakeEdge {
    let edge = oauth();
    edge.keep([]);
    edge
}

/// Another instance says that it is about to buy, and is not heard of again.
fn claim(edge: &FakeEdge) {
    assert_eq!(edge.run(edge.claim(OWNER)), Claim::Ours);
}

/// So many cold instances, each asked for a credential now.
fn start(edge: &FakeEdge, count: usize) -> Answers {
    let answers = Answers::default();
    for _ in 0..count {
        let (world, answers) = (edge.clone(), Rc::clone(&answers));
        edge.spawn(Box::pin(async move {
            let connector = Connector::new(world.clone());
            let answer = match connector.current().await {
                Ok(ticket) => {
                    let token = connector.reveal(ticket.generation).await;
                    token.unwrap().expose().to_owned()
                }
                Err(problem) => problem.message,
            };
            answers.borrow_mut().push((world.clocks().monotonic, answer));
        }));
    }
    answers
}

/// Within ten seconds these are the answers, after these requests, and no claim is left behind.
#[track_caller]
fn check<const N: usize>(
    edge: &FakeEdge,
    answers: Answers,
    turns: [Turn; N],
    expected: &[(u64, &str)],
) {
    edge.expect(turns);
    edge.pass(10);
    let answers = answers.borrow();
    let answers: Vec<_> = answers.iter().map(|(at, answer)| (*at, answer.as_str())).collect();
    assert_eq!(answers, expected);
    assert_eq!(edge.claimed(), [""; 0]);
    edge.end();
}

#[test]
fn of_many_one_buys() {
    let edge = empty();
    let mut expected = [(100, "P1"); 64];
    expected[0].0 = 20;
    check(&edge, start(&edge, 64), [grant("W1"), buy("W1", "P1")], &expected);
}

#[test]
fn without_a_store_nobody_waits() {
    let edge = oauth();
    let turns = [grant("W1"), grant("W2"), buy("W1", "P1"), buy("W2", "P2")];
    check(&edge, start(&edge, 2), turns, &[(20, "P1"), (20, "P2")]);
}

#[test]
fn the_next_one_buys_when_the_first_one_failed() {
    let edge = empty();
    let turns = [grant_answer(503, ""), grant("W2"), buy("W2", "P2")];
    // The first one waits a second before it tries again, and need not.
    check(&edge, start(&edge, 3), turns, &[(120, "P2"), (200, "P2"), (1_000, "P2")]);
}

#[test]
fn nobody_waits_to_hear_that_it_is_refused_for_good() {
    let edge = empty();
    let denied = "the workspace token for client `me` was denied (401)";
    let turns = [(); 3].map(|()| grant_answer(401, ""));
    check(&edge, start(&edge, 3), turns, &[(10, denied), (110, denied), (110, denied)]);
}

#[test]
fn one_of_them_buys_when_the_first_one_vanished() {
    let edge = empty();
    claim(&edge);
    let turns = [grant("W1"), buy("W1", "P1")];
    check(&edge, start(&edge, 3), turns, &[(3_020, "P1"), (3_100, "P1"), (3_100, "P1")]);
}

#[test]
fn nobody_waits_for_ever() {
    let edge = empty();
    claim(&edge);
    let other = edge.clone();
    edge.spawn(Box::pin(async move {
        for _ in 0..8 {
            other.sleep(Duration::from_secs(1)).await;
            other.disclaim(OWNER, false).await;
            assert_eq!(other.claim(OWNER).await, Claim::Ours);
        }
        other.disclaim(OWNER, false).await;
    }));
    let turns = [grant("W1"), grant("W2"), buy("W1", "P1"), buy("W2", "P2")];
    check(&edge, start(&edge, 2), turns, &[(5_020, "P1"), (5_020, "P2")]);
}

#[test]
fn a_purchase_that_ended_before_the_claim_is_seen() {
    let edge = empty();
    let answers = start(&edge, 1);
    let other = edge.clone();
    // Between the look of the first and the answer to its claim.
    edge.spawn(Box::pin(async move {
        core::future::poll_fn(|_| match other.claimed().is_empty() {
            true => core::task::Poll::Pending,
            false => core::task::Poll::Ready(()),
        })
        .await;
        other.remember(OWNER, &Secret::new(ENTRY)).await;
    }));
    check(&edge, answers, [], &[(0, "P1")]);
}

#[test]
fn a_refused_login_does_not_wait() {
    let edge = world(ENTRY, 100);
    let connector = cold(&edge, [], "P1");
    claim(&edge);
    edge.expect([grant("W2"), buy("W2", "P2")]);
    assert_eq!(edge.run(connector.refused(1, &dead())).unwrap().generation, 2);
    assert_eq!(edge.clocks().monotonic, 100_020);
    assert_eq!(edge.claimed(), [OWNER], "the other one's");
    edge.end();
}

#[test]
fn whoever_waits_for_a_renewal_serves_meanwhile() {
    let edge = world(ENTRY, 100);
    let connector = cold(&edge, [], "P1");
    edge.pass(2_900); // Its refresh is due.
    claim(&edge);
    super::check(&edge, &connector, 1, "P1");
    edge.pass(2);
    super::check(&edge, &connector, 1, "P1");
    edge.expect([grant("W2"), buy("W2", "P2")]);
    edge.pass(2);
    super::check(&edge, &connector, 2, "P2");
}
