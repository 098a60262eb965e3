//! How often a destination may be sent to, as `1/s`, `30/m` or `100/h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// At most so many sends in a second, a minute or an hour, evenly spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

/// Why a text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate, expected one such as 1/s, 30/m or 100/h")]
pub struct RateError(String);

impl Rate {
    /// What Slack allows a channel: one message a second.
    pub const ONE_PER_SECOND: Rate = Rate { count: 1, unit: Unit::Second };

    /// The time from one send to the next.
    pub fn interval(self) -> Duration {
        self.unit.length() / self.count
    }
}

impl Unit {
    fn length(self) -> Duration {
        match self {
            Unit::Second => Duration::from_secs(1),
            Unit::Minute => Duration::from_secs(60),
            Unit::Hour => Duration::from_secs(3600),
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Rate, RateError> {
        let wrong = || RateError(text.to_owned());
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let count = count.trim().parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
        let unit = match unit.trim() {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return Err(wrong()),
        };
        Ok(Rate { count, unit })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => 's',
            Unit::Minute => 'm',
            Unit::Hour => 'h',
        };
        write!(f, "{}/{unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_written() {
        for (text, milliseconds) in [("1/s", 1000), ("4/s", 250), ("30/m", 2000), ("100/h", 36_000)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.interval(), Duration::from_millis(milliseconds));
            assert_eq!(rate.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_rate_is_refused_by_name() {
        for text in ["", "1", "0/s", "-1/s", "1/d", "x/s", "1/s/s"] {
            let refused = text.parse::<Rate>().unwrap_err();
            assert!(refused.to_string().starts_with(&format!("`{text}` is not a rate")), "{refused}");
        }
    }
}
