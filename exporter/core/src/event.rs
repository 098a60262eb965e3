//! Events as users send them: one JSON object each, checked field by field.
//!
//! Parsing is a pure function of the bytes and the catalogue of models. What depends on the moment of arrival (a missing
//! time, a time too far ahead) is decided later, by [`crate::model`].

mod features;
mod python;
mod raw;
mod score;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Time;
use crate::value::Value;
pub use features::{FeatureNames, SegmentValues};
pub(crate) use python::quote_not_finite;

/// Longest accepted event, in bytes.
pub const MAX_LINE: usize = 1 << 20;

/// What names an item for joining: 128 bits of its id's text (xxh3), so that a waiting prediction costs little memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id(pub u128);

impl Id {
    /// The id of a text.
    #[must_use]
    pub fn of(text: &str) -> Id {
        Id(xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }
}

/// The place of a model in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelIndex(pub usize);

/// One accepted event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A model said something.
    Prediction(Prediction),
    /// The truth about an earlier prediction.
    Label(Label),
}

/// A prediction with the features it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Which model said it.
    pub model: ModelIndex,
    /// Which version of the model; empty when the event names none.
    pub version: Box<str>,
    /// What a label will name it by. Without one, no label can join.
    pub id: Option<Id>,
    /// When it was made; `None` means on arrival.
    pub time: Option<Time>,
    /// The monitored features that it carries, by their places in [`FeatureNames`]: what it lacks costs nothing. Places beyond
    /// the features' are of columns that only slice rows.
    pub features: Vec<(u32, Value)>,
    /// The segments it belongs to besides all rows; at most one of each key.
    pub segments: SegmentValues,
    /// Canonical text of the predicted class; `None` only for a failed request.
    pub class: Option<Box<str>>,
    /// Probability of the positive class, in [0, 1].
    pub score: Option<f64>,
    /// How long the model took, in seconds.
    pub latency: Option<f64>,
    /// What became of the request; `success` unless the event says otherwise.
    pub status: Box<str>,
}

/// The truth about one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Which model it belongs to.
    pub model: ModelIndex,
    /// Only this version's prediction is meant; `None` means every version's.
    pub version: Option<Box<str>>,
    /// Which prediction it is about.
    pub id: Id,
    /// Canonical text of the true class.
    pub class: Box<str>,
    /// When the truth was known; `None` means on arrival.
    pub time: Option<Time>,
}

/// Why an event cannot be counted; the text is the `reason` label of `data_rejected_rows_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// Not a JSON object.
    InvalidJson,
    /// `event` names no kind that is known.
    UnknownEvent,
    /// `model` names no configured model.
    UnknownModel,
    /// A field that events of this kind do not have.
    UnknownField,
    /// A known field with a value that it cannot have, or a needed one that is missing.
    InvalidField,
    /// No usable prediction.
    NoPrediction,
    /// Before 1990, or not a time.
    InvalidTime,
    /// Further ahead of now than `limits.max_future`.
    Future,
    /// Longer than 1 MiB.
    TooLong,
    /// The same prediction was counted before; nothing is lost.
    Duplicate,
}

impl Reason {
    /// Every reason, for metrics that exist from the start.
    pub const ALL: [Reason; 10] = [
        Reason::InvalidJson,
        Reason::UnknownEvent,
        Reason::UnknownModel,
        Reason::UnknownField,
        Reason::InvalidField,
        Reason::NoPrediction,
        Reason::InvalidTime,
        Reason::Future,
        Reason::TooLong,
        Reason::Duplicate,
    ];

    /// The value of the `reason` label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::InvalidJson => "invalid_json",
            Reason::UnknownEvent => "unknown_event",
            Reason::UnknownModel => "unknown_model",
            Reason::UnknownField => "unknown_field",
            Reason::InvalidField => "invalid_field",
            Reason::NoPrediction => "no_prediction",
            Reason::InvalidTime => "invalid_time",
            Reason::Future => "future",
            Reason::TooLong => "too_long",
            Reason::Duplicate => "duplicate",
        }
    }
}

/// An event that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// The class of fault.
    pub reason: Reason,
    /// A sentence for whoever sent it.
    pub message: String,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Rejection {
        Rejection { reason, message: message.into() }
    }
}

/// The models that events may name, each with its monitored features.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    models: HashMap<Box<str>, (ModelIndex, Arc<FeatureNames>)>,
}

impl Catalog {
    /// A catalogue of models in the order of the configuration.
    pub fn new(models: impl IntoIterator<Item = (Box<str>, Arc<FeatureNames>)>) -> Catalog {
        let entries = models.into_iter().enumerate();
        Catalog { models: entries.map(|(at, (name, features))| (name, (ModelIndex(at), features))).collect() }
    }

    fn find(&self, name: &str) -> Result<(ModelIndex, &FeatureNames), Rejection> {
        match self.models.get(name) {
            Some((index, features)) => Ok((*index, features)),
            None => Err(Rejection::new(Reason::UnknownModel, format!("no model `{name}` is configured"))),
        }
    }
}

/// Reads one event.
///
/// # Errors
/// A [`Rejection`] with the reason and a sentence that names the field.
pub fn parse(text: &[u8], catalog: &Catalog) -> Result<Event, Rejection> {
    if text.len() > MAX_LINE {
        return Err(Rejection::new(Reason::TooLong, "the event is longer than 1 MiB"));
    }
    let fault = match raw::RawEvent::read(text) {
        Ok(event) => return event.validate(catalog),
        Err(fault) => fault,
    };
    let quoted = if fault.reason == Reason::InvalidJson { quote_not_finite(text) } else { None };
    match quoted {
        Some(quoted) => raw::RawEvent::read(&quoted)?.validate(catalog),
        _ => Err(fault),
    }
}

#[cfg(test)]
mod tests;
