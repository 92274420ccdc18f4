//! How long a token lives: measured, not assumed.

use core::fmt;
use core::time::Duration;

use crate::date;

/// What an answer says about the expiry of its token, word for word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expiry<'a> {
    /// Seconds from now (`expires_in`), as a number or the text of one.
    In(&'a str),
    /// A moment (`expiration_time`, `expire_time`), in RFC 3339.
    At(&'a str),
    /// Nothing.
    Missing,
}

/// How long a token lives, counted from the moment its request was sent.
///
/// A moment is compared with the `Date` of the same answer, so a local clock that is wrong changes
/// nothing.
///
/// ```
/// use lakegate_core::token::{Expiry, Lifetime};
/// let date = Some("Sun, 22 Nov 2026 12:00:00 GMT");
/// let life = Lifetime::measure(Expiry::At("2026-11-22T13:00:00Z"), date, 0);
/// assert_eq!((life.valid.as_secs(), life.doubt), (3_600, None));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lifetime {
    /// How long it lives.
    pub valid: Duration,
    /// Why that is an assumption and not a measure: a warning for people.
    pub doubt: Option<Doubt>,
    /// How old it was when it was taken up from an earlier instance; `None` for a new token.
    pub age: Option<Duration>,
}

/// Why a lifetime is an assumption.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Doubt {
    /// The answer names no expiry.
    Missing,
    /// The expiry is not in a form we know.
    Unreadable,
    /// The expiry is over, or this very moment.
    Past,
    /// The expiry is more than a day away, and no such token lives that long.
    Absurd,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the answer with the token names no expiry",
            Self::Unreadable => "the expiry of the token is not in a known form",
            Self::Past => "the token is expired by its own account",
            Self::Absurd => "the token lives longer than a day by its own account",
        })?;
        write!(f, "; it is taken to live {} minutes", ASSUMED.as_secs() / 60)
    }
}

/// Documented is an hour, for the workspace token and the credential; five minutes are our margin.
const ASSUMED: Duration = Duration::from_secs(55 * 60);

/// What a local clock is believed at most: it may be an hour behind.
const DOCUMENTED: Duration = Duration::from_secs(60 * 60);

/// Longer lives are taken for a mistake, of milliseconds for seconds perhaps.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Lifetime {
    /// Measures a lifetime. `date` is the answer's `Date` header; the local clock, in milliseconds
    /// since 1970, is used only without one.
    pub fn measure(expiry: Expiry<'_>, date: Option<&str>, wall: u64) -> Self {
        let measured = match expiry {
            Expiry::Missing => Err(Doubt::Missing),
            Expiry::In(seconds) => from_seconds(seconds),
            Expiry::At(moment) => match date.and_then(date::http) {
                Some(date) => until(moment, date),
                None => until(moment, i64::try_from(wall).unwrap_or(i64::MAX))
                    .map(|valid| valid.min(DOCUMENTED)),
            },
        };
        let measured = match measured {
            Ok(valid) if valid.is_zero() => Err(Doubt::Past),
            Ok(valid) if valid > LONGEST => Err(Doubt::Absurd),
            other => other,
        };
        match measured {
            Ok(valid) => Self::known(valid),
            Err(doubt) => Self { doubt: Some(doubt), ..Self::known(ASSUMED) },
        }
    }

    /// The lifetime of a new token, known for sure.
    pub const fn known(valid: Duration) -> Self {
        Self { valid, doubt: None, age: None }
    }
}

/// Reads whole seconds; a fraction of one is no matter here.
fn from_seconds(text: &str) -> Result<Duration, Doubt> {
    let text = text.trim();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (seconds, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !(all_digits(seconds) && all_digits(fraction)) {
        return Err(Doubt::Unreadable);
    }
    // More digits than fit are an absurd number of seconds, and so is the greatest that does.
    match seconds.parse::<i64>().unwrap_or(i64::MAX) * sign {
        ..=0 => Err(Doubt::Past),
        seconds => Ok(Duration::from_secs(seconds.unsigned_abs())),
    }
}

/// From `now`, in milliseconds since 1970, until a moment in RFC 3339.
fn until(moment: &str, now: i64) -> Result<Duration, Doubt> {
    let moment = date::rfc3339(moment).ok_or(Doubt::Unreadable)?;
    let millis = moment.saturating_sub(now);
    u64::try_from(millis).map(Duration::from_millis).map_err(|_| Doubt::Past)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 22 Nov 2026 12:00:00 GMT";
    const NOON: u64 = 1_795_348_800_000;
    const HOUR_BEHIND: u64 = NOON - 3_600_000;

    #[track_caller]
    fn check(expiry: Expiry<'_>, date: Option<&str>, wall: u64, expected: Result<u64, Doubt>) {
        let life = Lifetime::measure(expiry, date, wall);
        match expected {
            Ok(seconds) => {
                assert_eq!(life, Lifetime::known(Duration::from_secs(seconds)));
            }
            Err(doubt) => {
                assert_eq!(life, Lifetime { doubt: Some(doubt), ..Lifetime::known(ASSUMED) });
            }
        }
    }

    #[test]
    fn seconds() {
        for (text, expected) in [
            ("3600", Ok(3_600)),
            (" 3600 ", Ok(3_600)),
            ("3600.0", Ok(3_600)),
            ("3599.9", Ok(3_599)),
            ("0.5", Err(Doubt::Past)),
            ("1", Ok(1)),
            ("86400", Ok(86_400)),
            ("0", Err(Doubt::Past)),
            ("-3600", Err(Doubt::Past)),
            ("3600000", Err(Doubt::Absurd)),
            ("99999999999999999999", Err(Doubt::Absurd)),
            ("-99999999999999999999", Err(Doubt::Past)),
            ("1e3", Err(Doubt::Unreadable)),
            ("3600.", Err(Doubt::Unreadable)),
            ("--1", Err(Doubt::Unreadable)),
            ("", Err(Doubt::Unreadable)),
            ("one hour", Err(Doubt::Unreadable)),
        ] {
            check(Expiry::In(text), Some(DATE), 0, expected);
        }
    }

    #[test]
    fn moments_against_the_date_of_the_answer() {
        for (text, expected) in [
            ("2026-11-22T13:00:00Z", Ok(3_600)),
            ("2026-11-22T12:59:00.000Z", Ok(3_540)),
            ("2026-11-22T14:00:00+01:00", Ok(3_600)),
            ("2026-11-22T12:00:00Z", Err(Doubt::Past)),
            ("2025-01-01T00:00:00Z", Err(Doubt::Past)),
            ("2999-12-31T00:00:00Z", Err(Doubt::Absurd)),
            ("2026-11-22 13 o'clock", Err(Doubt::Unreadable)),
            ("2026-11-22T13:00:00", Err(Doubt::Unreadable)), // Whose time would that be?
            ("", Err(Doubt::Unreadable)),
        ] {
            // The local clock is somewhere in 1970.
            check(Expiry::At(text), Some(DATE), 5_000, expected);
        }
    }

    #[test]
    fn without_a_date_the_local_clock_is_believed_an_hour_at_most() {
        let one = Expiry::At("2026-11-22T13:00:00Z");
        check(one, None, NOON, Ok(3_600));
        check(one, None, NOON + 600_000, Ok(3_000));
        check(one, None, HOUR_BEHIND, Ok(3_600));
        check(one, None, NOON + 3_600_000, Err(Doubt::Past));
        check(one, Some("yesterday"), HOUR_BEHIND, Ok(3_600));
    }

    #[test]
    fn nothing_said() {
        check(Expiry::Missing, Some(DATE), NOON, Err(Doubt::Missing));
        assert_eq!(
            alloc::string::ToString::to_string(&Doubt::Missing),
            "the answer with the token names no expiry; it is taken to live 55 minutes"
        );
    }
}
