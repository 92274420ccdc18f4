//! The life of a token in ten thousand bad worlds.
//!
//! A world is its seed: `LAKEGATE_SEED=17 cargo test -p lakegate-core --test simulation -- --nocapture`
//! lives through world 17 again and prints all that happens.

mod bench;
mod gate;
mod machine;
mod mutants;
mod random;
mod rules;
mod world;

use machine::Real;
use world::{Tally, World};

const SEEDS: u64 = 10_000;

fn chosen_seed() -> Option<u64> {
    let seed = std::env::var("LAKEGATE_SEED").ok()?;
    Some(seed.parse().expect("LAKEGATE_SEED is a number"))
}

/// The seed that was asked for, or the first so many.
fn seeds(count: u64) -> std::ops::Range<u64> {
    chosen_seed().map_or(0..count, |seed| seed..seed + 1)
}

#[test]
fn the_machine_keeps_every_rule() {
    let chosen = chosen_seed();
    let mut total = Tally::default();
    for seed in seeds(SEEDS) {
        match World::new(seed, Real::boxed, chosen.is_some()).run() {
            Ok(tally) => total.add(&tally),
            Err(violation) => panic!(
                "world {seed} broke rule {}: {}\nto see it: LAKEGATE_SEED={seed} cargo test -p \
                 lakegate-core --test simulation the_machine -- --nocapture",
                violation.rule, violation.text
            ),
        }
    }
    println!("{SEEDS} worlds: {total:?}");
    if chosen.is_none() {
        // A world in which nothing happens proves nothing.
        assert!(total.mints > SEEDS && total.denied > SEEDS && total.refused > SEEDS / 2);
        assert!(total.resumed > SEEDS / 2, "too few tokens taken up");
        assert!(total.outages > 100, "too few outages in which tries were counted");
    }
}

#[test]
fn every_broken_machine_is_caught() {
    for mutant in mutants::ALL {
        let caught = (0..SEEDS).find_map(|seed| {
            let violation = World::new(seed, mutant.make, false).run().err()?;
            (violation.rule == mutant.rule).then_some((seed, violation))
        });
        let Some((seed, violation)) = caught else {
            panic!("nobody notices a machine that {}", mutant.name);
        };
        println!("{}: world {seed}, rule {}: {}", mutant.name, violation.rule, violation.text);
    }
}
