//! The profile of one column: everything a reference needs, gathered in one pass and mergeable.
//!
//! Nothing in it depends on the order of the rows or on how they were split: merging the profiles of parts gives the profile of
//! the whole, to the last bit. It chooses no bin edges, because a part cannot know those of the whole.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{buckets::Buckets, categories::Categories};
use crate::schema::{FeatureType, Kind};
use crate::value::{Value, canonical, canonical_number};

/// An integer column with at most this many distinct values is categorical.
const FEW_INTEGERS: usize = 10;

/// How the column was stored where it was read: what its type is inferred from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Whole numbers, given as [`Value::Number`].
    Integer,
    /// Floating-point numbers, even if all of them are whole.
    Float,
    /// Texts.
    Text,
    /// Truth values.
    Bool,
}

/// Two profiles that are not of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a column of {left:?} values cannot be merged with a column of {right:?} values")]
pub struct MergeError {
    left: ColumnKind,
    right: ColumnKind,
}

/// The mergeable summary of one reference column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    column: ColumnKind,
    kinds: [u64; Kind::COUNT],
    negative_infinities: u64,
    range: Option<(f64, f64)>,
    numbers: Buckets,
    texts: Categories,
}

impl Profile {
    /// The profile of no rows.
    pub fn new(column: ColumnKind) -> Self {
        Profile {
            column,
            kinds: [0; Kind::COUNT],
            negative_infinities: 0,
            range: None,
            numbers: Buckets::default(),
            texts: Categories::default(),
        }
    }

    /// Counts the value of one row. In a column of numbers a text or truth value is counted as a bad type.
    pub fn observe(&mut self, value: &Value) {
        let kind = match value.kind() {
            Kind::Valid => self.observe_valid(value),
            kind => kind,
        };
        self.kinds[kind.index()] += 1;
        self.negative_infinities += u64::from(*value == Value::Number(f64::NEG_INFINITY));
    }

    /// Adds the rows of another part of the same column. An integer part and a float part make a float column.
    ///
    /// # Errors
    /// If one part holds numbers and the other does not, or one texts and the other truth values.
    pub fn merge(&mut self, other: &Profile) -> Result<(), MergeError> {
        self.column = match (self.column, other.column) {
            (left, right) if left == right => left,
            (ColumnKind::Integer, ColumnKind::Float) | (ColumnKind::Float, ColumnKind::Integer) => {
                ColumnKind::Float
            }
            (left, right) => return Err(MergeError { left, right }),
        };
        for (count, more) in self.kinds.iter_mut().zip(other.kinds) {
            *count += more;
        }
        self.negative_infinities += other.negative_infinities;
        if let Some((least, greatest)) = other.range {
            self.extend_range(least, greatest);
        }
        self.numbers.merge(&other.numbers);
        self.texts.merge(&other.texts);
        Ok(())
    }

    /// Rows seen.
    pub fn rows(&self) -> u64 {
        self.kinds.iter().sum()
    }

    /// Rows by [`Kind::index`]. A column by itself knows nothing unseen or out of range.
    pub fn kinds(&self) -> &[u64; Kind::COUNT] {
        &self.kinds
    }

    /// The least and the greatest finite number.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.range
    }

    /// The type a feature has when the configuration does not say: float columns are numeric; integer columns are categorical
    /// with up to 10 distinct values, else numeric; texts and truth values are categorical, unless every text is another (or
    /// there are more texts than can be compared), which makes an identifier.
    pub fn inferred_type(&self) -> FeatureType {
        match self.column {
            ColumnKind::Integer if self.numbers.distinct().is_some_and(|n| n <= FEW_INTEGERS) => {
                FeatureType::Categorical
            }
            ColumnKind::Integer | ColumnKind::Float => FeatureType::Numeric,
            ColumnKind::Text if self.identifies_rows() => FeatureType::Identifier,
            ColumnKind::Text | ColumnKind::Bool => FeatureType::Categorical,
        }
    }

    /// Whether the column was stored as numbers.
    pub(super) fn holds_numbers(&self) -> bool {
        matches!(self.column, ColumnKind::Integer | ColumnKind::Float)
    }

    /// The numbers by bucket, and how many were minus and plus infinity.
    pub(super) fn numbers(&self) -> (&Buckets, u64, u64) {
        let infinities = self.kinds[Kind::Infinite.index()];
        (&self.numbers, self.negative_infinities, infinities - self.negative_infinities)
    }

    /// Every category in the order of its canonical text, unless there were too many to keep them apart.
    pub(super) fn categories(&self) -> Option<Vec<(Box<str>, u64)>> {
        if !self.holds_numbers() {
            return self.texts.ascending();
        }
        self.numbers.distinct()?;
        let numbers = self.numbers.ascending().into_iter();
        let mut texts: Vec<_> =
            numbers.map(|(number, count)| (canonical_number(number).into(), count)).collect();
        texts.sort_unstable();
        Some(texts)
    }

    fn observe_valid(&mut self, value: &Value) -> Kind {
        match value {
            Value::Number(number) if self.holds_numbers() => {
                self.numbers.observe(*number);
                self.extend_range(*number, *number);
            }
            _ if self.holds_numbers() => return Kind::BadType,
            _ => {
                if let Some(text) = canonical(value) {
                    self.texts.observe(&text);
                }
            }
        }
        Kind::Valid
    }

    fn extend_range(&mut self, least: f64, greatest: f64) {
        let (lowest, highest) = self.range.unwrap_or((least, greatest));
        // Adding zero makes minus zero zero, so that the order of rows does not show.
        self.range = Some((lowest.min(least) + 0.0, highest.max(greatest) + 0.0));
    }

    fn identifies_rows(&self) -> bool {
        let valid = self.kinds[Kind::Valid.index()];
        self.texts.distinct().is_none_or(|distinct| valid > 1 && distinct as u64 == valid)
    }
}

#[cfg(test)]
mod tests;
