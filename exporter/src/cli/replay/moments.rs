//! When each row happened.

use anyhow::bail;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use modelwatch_exporter_core::time::Time;

use crate::table::{Cell, Table};

/// What a text must be to be a time.
pub(super) const EXPECTED: &str = "RFC 3339 such as 2016-01-01T00:00:00Z, or Unix seconds";

/// The times of all rows of a file.
#[derive(Debug)]
pub(super) enum Moments {
    /// Each row's own.
    Each(Vec<Time>),
    /// Evenly over [from, to).
    Spread { from: Time, to: Time, rows: u64 },
    /// All at once.
    At(Time),
}

impl Moments {
    /// Reads one column of a file to its end.
    pub(super) fn of_column(table: &Table, column: usize) -> anyhow::Result<Moments> {
        let mut times = Vec::with_capacity(usize::try_from(table.row_count())?);
        for batch in table.batches(&[column])? {
            let batch = batch?;
            for row in 0..batch.rows() {
                let cell = batch.cell(0, row);
                let Some(time) = of_cell(cell) else {
                    let (file, name) = (table.path().display(), &table.columns()[column].name);
                    bail!("{file}: row {}: `{name}` is `{cell}`, expected {EXPECTED}", times.len() + 1);
                };
                times.push(time);
            }
        }
        Ok(Moments::Each(times))
    }

    /// When the row of this number, counted from 0 in the order of the file, happened.
    pub(super) fn at(&self, row: usize) -> Time {
        match self {
            Moments::Each(times) => times[row],
            Moments::Spread { from, to, rows } => {
                let passed = i128::from(to.0 - from.0) * row as i128 / i128::from((*rows).max(1));
                Time(from.0 + passed as i64)
            }
            Moments::At(time) => *time,
        }
    }

    /// Whether the order of the file is the order of time.
    pub(super) fn in_order(&self) -> bool {
        match self {
            Moments::Each(times) => times.is_sorted(),
            Moments::Spread { .. } | Moments::At(_) => true,
        }
    }
}

/// A moment as a person or a file writes it; without an offset it is in UTC.
pub(super) fn read(text: &str) -> Option<Time> {
    let text = text.trim();
    let with_offset = || text.parse::<Timestamp>().ok();
    let in_utc =
        || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp());
    let moment = with_offset().or_else(in_utc).map(Time::from);
    moment.or_else(|| Time::from_seconds(text.parse().ok()?))
}

fn of_cell(cell: Cell<'_>) -> Option<Time> {
    match cell {
        Cell::Integer(seconds) => Time::from_seconds(seconds as f64),
        Cell::Float(seconds) => Time::from_seconds(seconds),
        Cell::Text(text) => read(text),
        Cell::Null | Cell::Bool(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<Time> {
        text.parse::<Timestamp>().ok().map(Time::from)
    }

    #[test]
    fn a_moment_is_rfc_3339_or_unix_seconds_and_in_utc_without_an_offset() {
        let expected = utc("2018-10-30T18:08:43.152Z");
        assert!(expected.is_some());
        for text in [
            "2018-10-30T18:08:43.152Z",
            "2018-10-30T20:08:43.152+02:00",
            "2018-10-30 18:08:43.152",
            "1540922923.152",
            " 1540922923.152 ",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("2018-10-30"), utc("2018-10-30T00:00:00Z"));
        for text in ["", "yesterday", "NaN", "1e300", "2018-13-01"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn spread_rows_start_at_from_and_end_before_to() {
        let (from, to) = (Time(1_000), Time(2_000));
        let moments = Moments::Spread { from, to, rows: 4 };
        let times: Vec<i64> = (0..4).map(|row| moments.at(row).0).collect();
        assert_eq!(times, [1_000, 1_250, 1_500, 1_750]);
        assert!(moments.in_order());
    }
}
