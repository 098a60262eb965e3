//! What a feature is compared with: its type, its cells and how many reference rows fall into each.
//!
//! A [`Profile`] gathers a column in one pass; a [`FeatureReference`] fixes the cells from it. Cells are the reference's alone, so
//! counts of any rows on them can be added, subtracted and compared. Nothing here changes after it was built.

mod buckets;
mod categorical;
mod categories;
mod numeric;
mod profile;

use thiserror::Error;
use xxhash_rust::xxh3::Xxh3Default;

pub use profile::{ColumnKind, MergeError, Profile};

use self::{categorical::CategoricalCells, numeric::NumericCells};
use crate::schema::{FeatureType, Kind};
use crate::value::Value;

/// Why a column cannot be a reference of the wanted type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// An identifier has no distribution.
    #[error("an identifier is not monitored")]
    Identifier,
    /// A column of texts or truth values was to be numeric.
    #[error("the column does not hold numbers, so it cannot be numeric")]
    NotNumeric,
    /// A column of more distinct values than are kept apart was to be categorical.
    #[error("the column has too many distinct values to be categorical")]
    TooManyCategories,
}

/// The reference of one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureReference {
    cells: Cells,
    counts: Box<[u64]>,
    kinds: [u64; Kind::COUNT],
}

#[derive(Clone, Debug, PartialEq)]
enum Cells {
    Numeric(NumericCells),
    Categorical(CategoricalCells),
}

impl FeatureReference {
    /// Fixes the cells for a feature of the given type ([`Profile::inferred_type`] unless the configuration says another).
    ///
    /// Numeric: below the reference's least value, up to 10 bins of about equal reference counts, above its greatest value,
    /// missing, bad type; infinities are below and above. Categorical: one cell per category in the order of the canonical
    /// texts, missing, unseen; what is not finite or a list or object is unseen.
    ///
    /// # Errors
    /// If the type is identifier, or the column cannot be of that type.
    pub fn new(profile: &Profile, feature_type: FeatureType) -> Result<Self, ReferenceError> {
        let (cells, counts) = match feature_type {
            FeatureType::Identifier => return Err(ReferenceError::Identifier),
            FeatureType::Numeric if !profile.holds_numbers() => return Err(ReferenceError::NotNumeric),
            FeatureType::Numeric => {
                let (cells, counts) = NumericCells::new(profile);
                (Cells::Numeric(cells), counts)
            }
            FeatureType::Categorical => categorical(profile)?,
        };
        Ok(FeatureReference { cells, counts, kinds: *profile.kinds() })
    }

    /// Numeric or categorical.
    pub fn feature_type(&self) -> FeatureType {
        match self.cells {
            Cells::Numeric(_) => FeatureType::Numeric,
            Cells::Categorical(_) => FeatureType::Categorical,
        }
    }

    /// The cell of a value, less than `counts().len()`, and what the value is beside this reference.
    #[inline]
    pub fn cell(&self, value: &Value) -> (usize, Kind) {
        match &self.cells {
            Cells::Numeric(cells) => cells.cell(value),
            Cells::Categorical(cells) => cells.cell(value),
        }
    }

    /// Reference rows per cell.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Reference rows.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Reference rows by [`Kind::index`]. The reference itself has nothing unseen or out of range.
    pub fn kinds(&self) -> &[u64; Kind::COUNT] {
        &self.kinds
    }

    /// What each cell is, for people: `(18, 25]`, `below`, a category's text, `missing`.
    pub fn cell_names(&self) -> Vec<String> {
        match &self.cells {
            Cells::Numeric(cells) => cells.names(),
            Cells::Categorical(cells) => cells.names(),
        }
    }

    /// A number that two references share only if their cells and counts are the same: saved window counts belong to it.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Xxh3Default::new();
        for (name, count) in self.cell_names().iter().zip(&self.counts) {
            hash.update(&(name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update(&count.to_le_bytes());
        }
        hash.digest()
    }
}

fn categorical(profile: &Profile) -> Result<(Cells, Box<[u64]>), ReferenceError> {
    let categories = profile.categories().ok_or(ReferenceError::TooManyCategories)?;
    let kinds = profile.kinds();
    let of = |wanted: fn(&Kind) -> bool| -> u64 {
        Kind::ALL.iter().filter(|kind| wanted(kind)).map(|kind| kinds[kind.index()]).sum()
    };
    let missing = of(|kind| kind.is_missing());
    let unseen = of(|kind| matches!(kind, Kind::Infinite | Kind::BadType));
    let counts = categories.iter().map(|(_, count)| *count).chain([missing, unseen]).collect();
    let cells = CategoricalCells::new(categories.into_iter().map(|(text, _)| text));
    Ok((Cells::Categorical(cells), counts))
}

#[cfg(test)]
mod tests;
