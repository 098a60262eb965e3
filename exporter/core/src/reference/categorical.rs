//! The cells of a categorical feature: one per category in the order of canonical texts, missing, unseen.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::schema::Kind;
use crate::value::{Value, canonical_number, canonical_text};

/// Categories by text and, where the text is a number's, by that number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CategoricalCells {
    by_text: HashMap<Box<str>, usize, FixedState>,
    /// Keyed by the bits of the number, so that a number is found without writing it out.
    by_number: HashMap<u64, usize, FixedState>,
}

impl CategoricalCells {
    /// Cells for categories that are already in the order of their texts.
    pub(super) fn new(categories: impl Iterator<Item = Box<str>>) -> Self {
        let by_text: HashMap<_, _, _> = categories.enumerate().map(|(cell, text)| (text, cell)).collect();
        let by_number =
            by_text.iter().filter_map(|(text, &cell)| Some((number_written(text)?, cell))).collect();
        CategoricalCells { by_text, by_number }
    }

    #[inline]
    pub(super) fn cell(&self, value: &Value) -> (usize, Kind) {
        let known = match value {
            Value::Text(text) => self.by_text.get(canonical_text(text)),
            Value::Number(number) => self.by_number.get(&(number + 0.0).to_bits()),
            Value::Bool(truth) => self.by_text.get(if *truth { "true" } else { "false" }),
            Value::Null | Value::Absent | Value::Other => None,
        };
        known.map_or_else(|| self.cell_of_unknown(value), |cell| (*cell, Kind::Valid))
    }

    /// The name of each cell.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = vec![String::new(); self.by_text.len()];
        for (text, &cell) in &self.by_text {
            names[cell] = text.to_string();
        }
        names.extend(["missing", "unseen"].map(str::to_owned));
        names
    }

    fn cell_of_unknown(&self, value: &Value) -> (usize, Kind) {
        let missing = self.by_text.len();
        match value.kind() {
            Kind::Valid => (missing + 1, Kind::Unseen),
            kind if kind.is_missing() => (missing, kind),
            kind => (missing + 1, kind),
        }
    }
}

/// The bits of the number whose canonical text this is.
fn number_written(text: &str) -> Option<u64> {
    let number: f64 = text.parse().ok()?;
    (canonical_number(number) == text).then(|| number.to_bits())
}
