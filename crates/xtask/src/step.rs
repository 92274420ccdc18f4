//! Steps with a heading and the time they took.

use std::time::Instant;

use anyhow::Context as _;

/// Runs one step under its heading, and says how long it took.
///
/// # Errors
///
/// The step's own, below `advice`: what to do about it.
pub(crate) fn step<T>(
    heading: &str,
    advice: &str,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    eprintln!("\n== {heading}");
    let started = Instant::now();
    let done = work().with_context(|| format!("{heading} failed; {advice}"))?;
    eprintln!("== {heading}: {:.1} s", started.elapsed().as_secs_f64());
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_the_advice_and_its_cause() {
        let error = step("looking", "look elsewhere", || -> anyhow::Result<()> {
            anyhow::bail!("nothing here")
        })
        .unwrap_err();
        assert_eq!(format!("{error:#}"), "looking failed; look elsewhere: nothing here");
        assert_eq!(step("looking", "look elsewhere", || Ok(7)).unwrap(), 7);
    }
}
