//! A random walk on which nobody is forgotten and nothing is lost.

use super::*;

/// Numbers that are the same at each run (xorshift).
fn draw(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % below as u64).unwrap()
}

/// Takes, gives back, gives up, fails, at random; then lets everything end well.
#[test]
fn nobody_is_forgotten_and_the_size_is_kept() {
    const SIZE: usize = 3;
    let origins = [origin('A'), origin('B'), origin('C')];
    let mut state = 0x9e37_79b9_7f4a_7c15;
    // A connection is no more than its origin here, and who waits no more than a ticket.
    let mut books: Books<Arc<Origin>, Ticket> = Books::new(limits(SIZE, 0));
    let (mut loans, mut opening, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    let start = Instant::now();
    for step in 0..200_000_u64 {
        let now = start + Duration::from_millis(step);
        let retire_at = start + Duration::from_millis((step / 1_000 + 1) * 1_000);
        let ends_well = 5_000 <= step % 10_000;
        let any = &origins[draw(&mut state, 3)];
        let orders = match draw(&mut state, 8) {
            0 | 1 if !ends_well => match books.take(any) {
                Some(server) => {
                    loans.push(server);
                    Orders::default()
                }
                None => {
                    let (ticket, orders) = books.wait(any, books.next, now);
                    waiting.push(ticket);
                    orders
                }
            },
            2 | 3 if !loans.is_empty() => {
                let server: Arc<Origin> = loans.swap_remove(draw(&mut state, loans.len()));
                books.put(&Arc::clone(&server), server, now, retire_at)
            }
            4 if !loans.is_empty() => {
                let server = loans.swap_remove(draw(&mut state, loans.len()));
                books.lost(&server)
            }
            5 | 6 if !opening.is_empty() => {
                let origin: Arc<Origin> = opening.swap_remove(draw(&mut state, opening.len()));
                match (books.needed(&origin), draw(&mut state, 6)) {
                    ((false, orders), _) => orders,
                    (_, 0) if !ends_well => {
                        let (goes_on, orders) = books.troubled(&origin, trouble());
                        opening.extend(goes_on.then_some(origin));
                        orders
                    }
                    (_, 1) if !ends_well => {
                        let (refused, orders) = books.failed(&origin);
                        waiting.retain(|ticket| !refused.contains(ticket));
                        orders
                    }
                    _ => books.opened(&origin, Arc::clone(&origin), now, retire_at),
                }
            }
            7 if !waiting.is_empty() && !ends_well => {
                books.leave(waiting.swap_remove(draw(&mut state, waiting.len())));
                Orders::default()
            }
            _ => books.age(now).1,
        };
        if let Some((ticket, server)) = orders.give {
            waiting.retain(|waiting| *waiting != ticket);
            loans.push(server);
        }
        opening.extend(orders.open);
        assert!(books.open + books.opening <= SIZE, "step {step}: too many");
        assert_eq!(books.opening, opening.len(), "step {step}: a place is lost");
        assert_eq!(books.open, loans.len() + books.idle, "step {step}: a connection is lost");
        assert_eq!(books.waiting(), waiting.len(), "step {step}: somebody is lost");
        assert!(!ends_well || step % 10_000 < 9_999 || waiting.is_empty(), "{step}: forgotten");
    }
}
