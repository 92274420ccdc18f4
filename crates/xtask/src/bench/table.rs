//! The result of a benchmark: for people as a table, for programs as JSON.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};

use super::measured::Measured;
use crate::component::write_if_changed;

/// What a number counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Shown as ns, µs, ms or s.
    Nanoseconds,
    /// Shown as bytes.
    Bytes,
    /// Times that clients of the database waited for it.
    RoundTrips,
    /// Requests answered in a second.
    PerSecond,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Bytes => format!("{value:.0} B"),
            Self::RoundTrips => format!("{value:.0}"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Nanoseconds if value < 1e3 => format!("{value:.1} ns"),
            Self::Nanoseconds if value < 1e6 => format!("{:.2} µs", value / 1e3),
            Self::Nanoseconds if value < 1e9 => format!("{:.2} ms", value / 1e6),
            Self::Nanoseconds => format!("{:.2} s", value / 1e9),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Bytes => "bytes",
            Self::RoundTrips => "round trips",
            Self::PerSecond => "a second",
        }
    }
}

/// What the median shall be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// At most this many of the row's unit.
    AtMost(f64),
    /// At most this multiple of what it stands beside.
    Times(f64),
    /// At least this multiple of what it stands beside: for what shall be much.
    AtLeastTimes(f64),
}

/// One figure, and mostly one it stands beside.
#[derive(Debug)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// Of both figures.
    pub(crate) unit: Unit,
    /// Our figure.
    pub(crate) ours: Measured,
    /// What it is compared with; none if the figure stands for itself.
    pub(crate) beside: Option<Measured>,
    /// None if it is only to be known.
    pub(crate) aims: &'static [Aim],
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        Some(self.ours.median() / self.beside.as_ref()?.median())
    }

    fn meets(&self, aim: Aim) -> bool {
        match aim {
            Aim::AtMost(most) => self.ours.median() <= most,
            Aim::Times(most) => self.ratio().is_some_and(|ratio| ratio <= most),
            Aim::AtLeastTimes(least) => self.ratio().is_some_and(|ratio| ratio >= least),
        }
    }

    fn verdict(&self, aim: Aim) -> String {
        let aim_text = match aim {
            Aim::AtMost(most) => format!("≤ {}", self.unit.show(most)),
            Aim::Times(most) => format!("≤ {most}×"),
            Aim::AtLeastTimes(least) => format!("≥ {least}×"),
        };
        format!("{aim_text} {}", if self.meets(aim) { "met" } else { "MISSED" })
    }

    fn cells(&self) -> [String; 6] {
        let verdicts: Vec<_> = self.aims.iter().map(|&aim| self.verdict(aim)).collect();
        [
            self.what.clone(),
            self.unit.show(self.ours.median()),
            self.unit.show(self.ours.percentile(99)),
            self.beside.as_ref().map_or(String::new(), |beside| self.unit.show(beside.median())),
            self.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}×")),
            verdicts.join(", "),
        ]
    }

    fn json(&self) -> Value {
        let figures = |measured: &Measured| {
            json!({
                "median": measured.median(),
                "p90": measured.percentile(90),
                "p99": measured.percentile(99),
                "samples": measured.len(),
            })
        };
        json!({
            "what": self.what,
            "unit": self.unit.name(),
            "ours": figures(&self.ours),
            "beside": self.beside.as_ref().map(figures),
            "ratio": self.ratio(),
            "met": self.aims.iter().all(|&aim| self.meets(aim)),
        })
    }
}

/// All rows of one benchmark.
#[derive(Debug)]
pub(crate) struct Table {
    /// What our figures stand beside, in a few words.
    pub(crate) beside: &'static str,
    /// In the order they are shown.
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Writes the figures, with the folder if need be.
    pub(crate) fn write_json(&self, path: &Path) -> anyhow::Result<()> {
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        let text = format!("{:#}\n", json!({ "beside": self.beside, "rows": rows }));
        write_if_changed(path, text.as_bytes())?;
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["", "median", "p99", self.beside, "ratio", "aim"].map(str::to_owned);
        let lines: Vec<_> = std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect();
        let mut widths = [0; 6];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        for [what, median, p99, beside, ratio, aim] in &lines {
            let [w0, w1, w2, w3, w4, _] = widths;
            let line = format!(
                "{what:<w0$}  {median:>w1$}  {p99:>w2$}  {beside:>w3$}  {ratio:>w4$}  {aim}"
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let measured = |samples: &[f64]| Measured::new(samples.to_vec());
        Table {
            beside: "nothing",
            rows: vec![
                Row {
                    what: "start".into(),
                    unit: Unit::Nanoseconds,
                    ours: measured(&[30_000.0, 20_000.0, 9_000_000.0]),
                    beside: Some(measured(&[12_000.0])),
                    aims: &[Aim::AtMost(30_000.0), Aim::Times(1.5)],
                },
                Row {
                    what: "size".into(),
                    unit: Unit::Bytes,
                    ours: measured(&[600.0]),
                    beside: None,
                    aims: &[],
                },
                Row {
                    what: "rate".into(),
                    unit: Unit::PerSecond,
                    ours: measured(&[900.0]),
                    beside: Some(measured(&[1_000.0])),
                    aims: &[Aim::AtLeastTimes(0.8), Aim::AtLeastTimes(0.95)],
                },
            ],
        }
    }

    #[test]
    fn for_people() {
        assert_eq!(
            table().to_string(),
            "         median      p99   nothing  ratio  aim\n\
             start  30.00 µs  9.00 ms  12.00 µs  2.50×  ≤ 30.00 µs met, ≤ 1.5× MISSED\n\
             size      600 B    600 B\n\
             rate      900/s    900/s    1000/s  0.90×  ≥ 0.8× met, ≥ 0.95× MISSED\n"
        );
    }

    #[test]
    fn for_programs() {
        let folder = std::env::temp_dir().join(format!("xtask-table-{}", std::process::id()));
        let path = folder.join("bench/start.json");
        table().write_json(&path).unwrap();
        let read: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let figures = |median: f64, p: f64, samples: u32| json!({ "median": median, "p90": p, "p99": p, "samples": samples });
        assert_eq!(
            read,
            json!({ "beside": "nothing", "rows": [
                {
                    "what": "start", "unit": "ns", "ratio": 2.5, "met": false,
                    "ours": figures(30_000.0, 9_000_000.0, 3),
                    "beside": figures(12_000.0, 12_000.0, 1),
                },
                {
                    "what": "size", "unit": "bytes", "ratio": null, "met": true,
                    "ours": figures(600.0, 600.0, 1),
                    "beside": null,
                },
                {
                    "what": "rate", "unit": "a second", "ratio": 0.9, "met": false,
                    "ours": figures(900.0, 900.0, 1),
                    "beside": figures(1_000.0, 1_000.0, 1),
                },
            ]})
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        let shown = [1.25, 999.0, 1_500.0, 2_500_000.0, 3e9].map(|ns| Unit::Nanoseconds.show(ns));
        assert_eq!(shown, ["1.2 ns", "999.0 ns", "1.50 µs", "2.50 ms", "3.00 s"]);
    }
}
