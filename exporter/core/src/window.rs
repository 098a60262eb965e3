//! Windows as rings of panes: every window counts in its own panes, 1/48 of its length each.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// Panes in a window, at most.
const PANES: i64 = 48;
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// What a sliding window covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WindowSpec {
    /// So many milliseconds of event time.
    Span(i64),
    /// So many rows.
    Rows(i64),
}

impl WindowSpec {
    /// How many full panes make the window.
    #[must_use]
    pub fn panes(self) -> i64 {
        match self {
            WindowSpec::Span(length) => (length / MINUTE).min(PANES),
            WindowSpec::Rows(_) => PANES,
        }
    }

    /// The pane of a prediction: by its time, or by how many of its version came before it.
    #[must_use]
    pub fn pane_of(self, time: Time, ordinal: u64) -> i64 {
        let (position, length) = match self {
            WindowSpec::Span(length) => (i128::from(time.0), length),
            WindowSpec::Rows(length) => (i128::from(ordinal), length),
        };
        (position * i128::from(self.panes())).div_euclid(i128::from(length)) as i64
    }

    /// Where a pane of a window over time ends; `None` for windows over rows.
    #[must_use]
    pub fn pane_end(self, pane: i64) -> Option<Time> {
        match self {
            WindowSpec::Span(length) => {
                Some(Time(((i128::from(pane) + 1) * i128::from(length) / i128::from(self.panes())) as i64))
            }
            WindowSpec::Rows(_) => None,
        }
    }

    /// The period of a pane: drift is decided whenever one is complete.
    #[must_use]
    pub fn period_of(self, pane: i64) -> i64 {
        pane.div_euclid(self.panes())
    }

    /// The share of a day that a decision stands for, at most 1: the level is scaled by it, so that a window that is
    /// decided often does not cry wolf often. `spanned` is the event time that a window over rows took.
    #[must_use]
    pub fn share_of_day(self, spanned: Duration) -> f64 {
        let length = match self {
            WindowSpec::Span(length) => length,
            WindowSpec::Rows(_) => crate::time::millis(spanned).max(MINUTE),
        };
        (length as f64 / DAY as f64).min(1.0)
    }
}

/// Why a text is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a window: expected a length of whole minutes such as 1h, 1d or 7d, or at least 48 rows such as 1000rows"
)]
pub struct WindowError(String);

impl FromStr for WindowSpec {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<WindowSpec, WindowError> {
        let fault = || WindowError(text.to_owned());
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(fault)?;
        let (number, unit) = text.split_at(digits);
        let number: i64 = number.parse().map_err(|_| fault())?;
        let unit = match unit {
            "rows" if (PANES..=1_000_000_000).contains(&number) => return Ok(WindowSpec::Rows(number)),
            "m" => MINUTE,
            "h" => 60 * MINUTE,
            "d" => DAY,
            "w" => 7 * DAY,
            _ => return Err(fault()),
        };
        let length = number.checked_mul(unit).filter(|length| (1..=3660 * DAY).contains(length));
        length.map(WindowSpec::Span).ok_or_else(fault)
    }
}

impl TryFrom<String> for WindowSpec {
    type Error = WindowError;

    fn try_from(text: String) -> Result<WindowSpec, WindowError> {
        text.parse()
    }
}

impl From<WindowSpec> for String {
    fn from(window: WindowSpec) -> String {
        window.to_string()
    }
}

impl fmt::Display for WindowSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            WindowSpec::Rows(rows) => write!(out, "{rows}rows"),
            WindowSpec::Span(length) if length % DAY == 0 => write!(out, "{}d", length / DAY),
            WindowSpec::Span(length) if length % (60 * MINUTE) == 0 => {
                write!(out, "{}h", length / (60 * MINUTE))
            }
            WindowSpec::Span(length) => write!(out, "{}m", length / MINUTE),
        }
    }
}

#[cfg(test)]
mod tests;
