//! Durations and sizes as people write them: `1h30m`, `16MiB`.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, SpanRelativeTo};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time that is not negative: `250ms`, `30s`, `15m`, `24h`, `7d`, `2w`, `1h30m`. A day has 24 hours.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span(Duration);

/// A number of bytes: `512`, `64KiB`, `16MiB`, `1GiB`, `10MB` (1 MB is 10⁶ bytes, 1 MiB is 2²⁰).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ByteSize(u64);

/// A quantity that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuantityError {
    /// Not a length of time.
    #[error("`{0}` is not a duration, expected one such as 30s, 15m, 1h30m or 7d")]
    Span(String),
    /// Not a size.
    #[error("`{0}` is not a size, expected one such as 512, 64KiB or 16MiB")]
    ByteSize(String),
}

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }

    /// As the standard library's type.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        span.0
    }
}

impl FromStr for Span {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Span, QuantityError> {
        let wrong = || QuantityError::Span(text.to_owned());
        let span: jiff::Span = text.parse().map_err(|_| wrong())?;
        let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
        Duration::try_from(duration).map(Span).map_err(|_| wrong())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX);
        write!(f, "{duration:#}")
    }
}

impl ByteSize {
    /// So many times 2²⁰ bytes.
    #[must_use]
    pub const fn mebibytes(count: u64) -> ByteSize {
        ByteSize(count << 20)
    }

    /// As a number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<ByteSize, QuantityError> {
        let wrong = || QuantityError::ByteSize(text.to_owned());
        let text = text.trim();
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(unit_at);
        let factor = factor(unit.trim()).ok_or_else(wrong)?;
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        count.checked_mul(factor).map(ByteSize).ok_or_else(wrong)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fitting = BINARY.iter().rev().find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor));
        match fitting {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

const BINARY: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const DECIMAL: [(&str, u64); 6] =
    [("", 1), ("B", 1), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

fn factor(unit: &str) -> Option<u64> {
    BINARY.iter().chain(&DECIMAL).find(|(name, _)| *name == unit).map(|(_, factor)| *factor)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        deserializer.deserialize_any(Written("a duration such as 30s, 15m, 1h30m or 7d", PhantomData))
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ByteSize, D::Error> {
        deserializer.deserialize_any(Written("a size such as 512, 64KiB or 16MiB", PhantomData))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a quantity from text; a number is read as if it were written in quotes.
struct Written<T>(&'static str, PhantomData<T>);

impl<T: FromStr<Err = QuantityError>> Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests;
