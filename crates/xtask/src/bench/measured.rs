//! Repeated measurements, and two of them taken in turns.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The results of measuring one thing again and again; never empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// In ascending order.
    samples: Vec<f64>,
}

impl Measured {
    /// Takes the samples in any order.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) fn new(mut samples: Vec<f64>) -> Self {
        assert!(!samples.is_empty(), "nothing was measured");
        samples.sort_by(f64::total_cmp);
        Self { samples }
    }

    /// The sample that `percent` of all samples do not exceed (nearest rank: always one that was
    /// seen, never a mean of two).
    pub(crate) fn percentile(&self, percent: u32) -> f64 {
        let rank = (self.samples.len() * percent as usize).div_ceil(100);
        self.samples[rank.clamp(1, self.samples.len()) - 1]
    }

    /// What half of the samples do not exceed.
    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// How many samples there are.
    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }
}

/// Measures two things in [`turns`].
///
/// # Errors
///
/// The first failure of either.
pub(crate) fn in_turns(
    rounds: usize,
    mut ours: impl FnMut() -> anyhow::Result<f64>,
    mut beside: impl FnMut() -> anyhow::Result<f64>,
) -> anyhow::Result<(Measured, Measured)> {
    let [ours, beside] = turns(rounds, [&mut ours, &mut beside])?;
    Ok((Measured::new(ours), Measured::new(beside)))
}

/// Measures things in turns, so that whatever slows the machine slows all: one round of each
/// unmeasured, then `rounds` of each. Which goes first changes, for each may find the caches as
/// another left them.
///
/// # Errors
///
/// The first failure of any.
pub(crate) fn turns<T, const N: usize>(
    rounds: usize,
    mut things: [&mut dyn FnMut() -> anyhow::Result<T>; N],
) -> anyhow::Result<[Vec<T>; N]> {
    let mut seen = [const { Vec::new() }; N];
    for thing in &mut things {
        thing()?;
    }
    for round in 0..rounds {
        for turn in 0..N {
            let at = (round + turn) % N;
            seen[at].push(things[at]()?);
        }
    }
    Ok(seen)
}

/// The nanoseconds one call takes, as the mean of `calls` in a row: a single one may be shorter
/// than the clock can tell.
///
/// # Errors
///
/// The first failure of the work.
pub(crate) fn nanoseconds<T>(
    calls: u32,
    mut work: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<f64> {
    nanoseconds_of(calls, || {
        for _ in 0..calls {
            black_box(work()?);
        }
        Ok(())
    })
}

/// As [`nanoseconds`], of work that makes all the calls itself.
///
/// # Errors
///
/// The failure of the work.
pub(crate) fn nanoseconds_of(
    calls: u32,
    all: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let started = Instant::now();
    all()?;
    Ok(per_call(started.elapsed(), calls))
}

fn per_call(elapsed: Duration, calls: u32) -> f64 {
    elapsed.as_secs_f64() * 1e9 / f64::from(calls)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn percentiles_are_samples() {
        check(&[7.0], &[(0, 7.0), (50, 7.0), (99, 7.0), (100, 7.0)]);
        check(&[3.0, 1.0, 2.0], &[(0, 1.0), (33, 1.0), (34, 2.0), (50, 2.0), (100, 3.0)]);
        check(&[4.0, 3.0, 2.0, 1.0], &[(25, 1.0), (50, 2.0), (75, 3.0), (76, 4.0)]);
    }

    #[track_caller]
    fn check(samples: &[f64], expected: &[(u32, f64)]) {
        let measured = Measured::new(samples.to_vec());
        for &(percent, value) in expected {
            assert_eq!(measured.percentile(percent), value, "percentile {percent}");
        }
    }

    #[test]
    fn turns_alternate_after_one_unmeasured_round() {
        let seen = RefCell::new(String::new());
        let note = |name, value| {
            seen.borrow_mut().push(name);
            Ok(value)
        };
        let (ours, beside) = in_turns(3, || note('o', 1.0), || note('b', 2.0)).unwrap();
        assert_eq!(seen.take(), "ob obboob".replace(' ', ""));
        assert_eq!((ours, beside), (Measured::new(vec![1.0; 3]), Measured::new(vec![2.0; 3])));
    }

    #[test]
    fn a_failure_ends_the_measuring() {
        let mut calls = 0;
        let failing = || {
            calls += 1;
            if calls == 2 { anyhow::bail!("broken") } else { Ok(1.0) }
        };
        let error = in_turns(5, failing, || Ok(1.0)).unwrap_err();
        assert_eq!((error.to_string().as_str(), calls), ("broken", 2));
    }

    #[test]
    fn time_is_shared_among_the_calls() {
        assert_eq!(per_call(Duration::from_micros(3), 2), 1_500.0);
        let mut calls = 0;
        nanoseconds(7, || {
            calls += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(calls, 7);
    }
}
