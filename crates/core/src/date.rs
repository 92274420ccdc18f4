//! Dates as servers write them: RFC 3339 in a body, an HTTP date in a header.
//!
//! Two fixed forms of the proleptic Gregorian calendar, and nothing of time zones but offsets: a
//! library for dates would be a quarter of the whole component.

/// Milliseconds since 1970-01-01T00:00:00Z of a moment such as `2026-11-22T13:00:00.5+01:00`
/// (RFC 3339). `None` for all that is not exactly that; a moment without an offset is nobody's.
pub(crate) fn rfc3339(text: &str) -> Option<i64> {
    let mut text = Text(text.trim().as_bytes());
    let year = text.number(4)?;
    text.one_of(b"-")?;
    let month = text.number(2)?;
    text.one_of(b"-")?;
    let day = text.number(2)?;
    text.one_of(b"Tt ")?;
    let seconds = text.clock()?;
    let millis = if text.one_of(b".").is_some() { text.fraction()? } else { 0 };
    let offset = match text.one_of(b"Zz") {
        Some(_) => 0,
        None => {
            let sign = text.sign()?;
            let hours = text.number(2)?;
            text.one_of(b":")?;
            sign * offset(hours, text.number(2)?)?
        }
    };
    text.end()?;
    Some((days(year, month, day)? * 86_400 + seconds - offset) * 1000 + millis)
}

/// Milliseconds since 1970-01-01T00:00:00Z of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`: the
/// one form that senders may use (RFC 9110, 5.6.7). An offset for `GMT` is read too, as in mail.
pub(crate) fn http(text: &str) -> Option<i64> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

    // The name of the day says nothing that the date does not.
    let text = text.split_once(',').map_or(text, |(_, date)| date);
    let mut words = text.split_ascii_whitespace();
    let mut field = || words.next().map(|word| Text(word.as_bytes()));

    let mut day = field()?;
    let day = day.number(day.0.len().clamp(1, 2)).filter(|_| day.0.is_empty())?;
    let name = field()?.0;
    let month = MONTHS.chunks(3).position(|month| month.eq_ignore_ascii_case(name))? as i64 + 1;
    let mut year = field()?;
    let year = year.number(4).filter(|_| year.0.is_empty())?;
    let mut time = field()?;
    let seconds = time.clock().filter(|_| time.0.is_empty())?;
    let mut zone = field()?;
    let offset = match zone.0 {
        b"GMT" | b"UTC" | b"UT" | b"Z" => 0,
        _ => {
            let sign = zone.sign()?;
            let offset = sign * offset(zone.number(2)?, zone.number(2)?)?;
            zone.end()?;
            offset
        }
    };
    if words.next().is_some() {
        return None;
    }
    Some((days(year, month, day)? * 86_400 + seconds - offset) * 1000)
}

/// Seconds east of Greenwich.
fn offset(hours: i64, minutes: i64) -> Option<i64> {
    (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)
}

/// Days from 1970-01-01 until a date; `None` when there is no such date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years that begin in March have their odd day at their end, and 153 days in any five months
    // from there: no table. 719,468 days lie between 0000-03-01 and 1970-01-01. Year 0 begins
    // before 0000-03-01, so one cycle of 400 years (146,097 days) is added and taken off again.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let year = year + 400;
    let before = 365 * year + year / 4 - year / 100 + year / 400;
    Some(before + (153 * month + 2) / 5 + day - 1 - 146_097 - 719_468)
}

/// What is left to read.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn one_of(&mut self, accepted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        accepted.contains(first).then(|| self.0 = rest)?;
        Some(*first)
    }

    fn digit(&mut self) -> Option<i64> {
        self.one_of(b"0123456789").map(|digit| i64::from(digit - b'0'))
    }

    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        (0..digits).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// `HH:MM:SS` in seconds. A leap second is the first of the next minute.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.one_of(b":")?;
        let minute = self.number(2)?;
        self.one_of(b":")?;
        let second = self.number(2)?;
        let exists = hour < 24 && minute < 60 && second <= 60;
        exists.then_some(hour * 3600 + minute * 60 + second)
    }

    /// The digits after a point in milliseconds: at least one, all after the third are cut.
    fn fraction(&mut self) -> Option<i64> {
        let mut millis = self.digit()? * 100;
        for weight in [10, 1] {
            millis += self.digit().unwrap_or(0) * weight;
        }
        while self.digit().is_some() {}
        Some(millis)
    }

    fn sign(&mut self) -> Option<i64> {
        self.one_of(b"+-").map(|sign| if sign == b'-' { -1 } else { 1 })
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(read: fn(&str) -> Option<i64>, rows: &[(&str, Option<i64>)]) {
        for (text, expected) in rows {
            assert_eq!(read(text), *expected, "{text}");
        }
    }

    #[test]
    fn moments() {
        check(
            rfc3339,
            &[
                ("1970-01-01T00:00:00Z", Some(0)),
                (" 2026-11-22T12:00:00Z ", Some(1_795_348_800_000)),
                ("2026-11-22t12:00:00z", Some(1_795_348_800_000)),
                ("2026-11-22 12:00:00Z", Some(1_795_348_800_000)),
                ("2026-11-22T12:00:00+00:00", Some(1_795_348_800_000)),
                ("2026-11-22T13:30:00+01:30", Some(1_795_348_800_000)),
                ("2026-11-21T18:00:00-18:00", Some(1_795_348_800_000)),
                ("2026-11-22T12:00:00.5Z", Some(1_795_348_800_500)),
                ("2026-11-22T12:00:00.123456789Z", Some(1_795_348_800_123)),
                ("1969-12-31T23:59:59.999Z", Some(-1)),
                ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
                ("2000-03-01T00:00:00Z", Some(951_868_800_000)),
                ("2016-12-31T23:59:60Z", Some(1_483_228_800_000)),
                ("0000-01-01T00:00:00Z", Some(-62_167_219_200_000)),
                ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
                ("1900-02-29T00:00:00Z", None),
                ("2026-02-29T00:00:00Z", None),
                ("2026-00-10T00:00:00Z", None),
                ("2026-13-10T00:00:00Z", None),
                ("2026-11-31T00:00:00Z", None),
                ("2026-11-00T00:00:00Z", None),
                ("2026-11-22T24:00:00Z", None),
                ("2026-11-22T12:60:00Z", None),
                ("2026-11-22T12:00:61Z", None),
                ("2026-11-22T12:00:00", None),
                ("2026-11-22T12:00:00.Z", None),
                ("2026-11-22T12:00:00+24:00", None),
                ("2026-11-22T12:00:00+01:60", None),
                ("2026-11-22T12:00:00Zulu", None),
                ("2026-11-22T12:00Z", None),
                ("+2026-11-22T12:00:00Z", None),
                ("", None),
            ],
        );
    }

    #[test]
    fn dates() {
        check(
            http,
            &[
                ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777_000)),
                (" Sun,  6 Nov 1994 08:49:37 GMT ", Some(784_111_777_000)),
                ("06 nov 1994 08:49:37 UTC", Some(784_111_777_000)),
                ("Sun, 06 Nov 1994 09:49:37 +0100", Some(784_111_777_000)),
                ("Sun, 06 Nov 1994 07:19:37 -0130", Some(784_111_777_000)),
                ("Thu, 29 Feb 2024 00:00:00 GMT", Some(1_709_164_800_000)),
                ("Sun, 31 Nov 1994 08:49:37 GMT", None),
                ("Sun, 006 Nov 1994 08:49:37 GMT", None),
                ("Sun, 06 Nou 1994 08:49:37 GMT", None),
                ("Sun, 06 Nov 94 08:49:37 GMT", None),
                ("Sun, 06 Nov 1994 08:49:37 PST", None),
                ("Sun, 06 Nov 1994 08:49:37", None),
                ("Sun, 06 Nov 1994 08:49:37 GMT again", None),
                ("Sunday, 06-Nov-94 08:49:37 GMT", None),
                ("noon", None),
                ("", None),
            ],
        );
    }

    /// Every day of two cycles of the calendar, against a count of them.
    #[test]
    fn days_follow_each_other() {
        let mut count = days(1900, 1, 1).unwrap();
        for year in 1900..2700 {
            for month in 1..=12 {
                for day in (1..=31).take_while(|day| days(year, month, *day).is_some()) {
                    assert_eq!(days(year, month, day), Some(count), "{year}-{month}-{day}");
                    count += 1;
                }
            }
        }
        assert_eq!(count - days(1900, 1, 1).unwrap(), 2 * 146_097);
    }
}
