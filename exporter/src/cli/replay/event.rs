//! Events as they go over the wire, written straight from the cells of a row.

use modelwatch_exporter_core::time::Time;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::table::{Batch, Cell};

/// A prediction event.
#[derive(Debug, serde::Serialize)]
#[serde(tag = "event", rename = "prediction")]
pub(super) struct Prediction<'a> {
    pub(super) model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(serialize_with = "in_words")]
    pub(super) time: Time,
    pub(super) features: Features<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prediction: Option<Cell<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<Cell<'a>>,
}

/// A label event.
#[derive(Debug, serde::Serialize)]
#[serde(tag = "event", rename = "label")]
pub(super) struct Label<'a> {
    pub(super) model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'a str>,
    pub(super) id: &'a str,
    pub(super) label: &'a RawValue,
    #[serde(serialize_with = "in_words")]
    pub(super) time: Time,
}

/// The features of one row: the first columns of a batch, by name.
#[derive(Debug)]
pub(super) struct Features<'a> {
    pub(super) names: &'a [Box<str>],
    pub(super) batch: &'a Batch,
    pub(super) row: usize,
}

impl Serialize for Features<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.names.len()))?;
        for (column, name) in self.names.iter().enumerate() {
            map.serialize_entry(&**name, &self.batch.cell(column, self.row))?;
        }
        map.end()
    }
}

/// The cell, unless it says nothing: a missing class or probability is left out, never sent as a class called "NaN".
pub(super) fn said(cell: Cell<'_>) -> Option<Cell<'_>> {
    match cell {
        Cell::Null => None,
        Cell::Float(number) if !number.is_finite() => None,
        cell => Some(cell),
    }
}

fn in_words<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
