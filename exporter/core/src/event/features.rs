//! The features and segments of one event, put in the order of the model's configuration while they are read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use foldhash::fast::FixedState;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reason, Rejection};
use crate::value::{Value, canonical};

/// The monitored features of a model and the columns that slice its rows (the keys of its segments), each with its place, and
/// the class that its scores are about.
#[derive(Debug, Clone)]
pub struct FeatureNames {
    features: usize,
    /// Features first; places behind them are of keys that are no features.
    in_features: Places,
    in_segment: Places,
    /// By the place of a key: where it stands among the features.
    keys: Vec<u32>,
    positive: Box<str>,
}

/// What an event says of its segments: the place of a key and the canonical text of its value.
pub type SegmentValues = Vec<(u16, Box<str>)>;

impl FeatureNames {
    /// Features and keys in the order of their places.
    pub fn new<'a>(
        features: impl IntoIterator<Item = &'a str>,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> FeatureNames {
        let mut in_features = Places::new(features);
        let (features, in_segment) = (in_features.0.len(), Places::new(keys));
        let mut keys = vec![0; in_segment.0.len()];
        for (key, at) in &in_segment.0 {
            let next = in_features.0.len() as u32;
            keys[*at as usize] = *in_features.0.entry(key.clone()).or_insert(next);
        }
        FeatureNames { features, in_features, in_segment, keys, positive: "1".into() }
    }

    /// The same for a model whose scores are about this class (canonical text), which is `1` unless said.
    #[must_use]
    pub fn scored_by(self, positive: &str) -> FeatureNames {
        FeatureNames { positive: positive.into(), ..self }
    }

    /// The class that scores are about.
    pub(super) fn positive(&self) -> &str {
        &self.positive
    }

    /// How many features there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features
    }

    /// Whether nothing is monitored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features == 0
    }

    /// The values that are monitored or slice the rows; the others are passed over.
    pub(super) fn read(&self, features: Option<&RawValue>) -> Result<Vec<(u32, Value)>, Rejection> {
        self.in_features.read("features", features)
    }

    /// The segments of an event: each key is looked up in `segment`, then among the features that were read. A value that
    /// is no category there (null, empty, not finite, a list, an object) is as good as none, and a row without a value is in
    /// no segment of that key.
    pub(super) fn segments(
        &self,
        segment: Option<&RawValue>,
        features: &[(u32, Value)],
    ) -> Result<SegmentValues, Rejection> {
        if self.keys.is_empty() {
            return Ok(SegmentValues::new());
        }
        let own = self.in_segment.read("segment", segment)?;
        let found = self.keys.iter().enumerate().filter_map(|(key, among_features)| {
            let text =
                last_category(&own, key as u32).or_else(|| last_category(features, *among_features))?;
            Some((key as u16, text.into()))
        });
        Ok(found.collect())
    }
}

/// The canonical text of what stands at a place. Of fields that an object has twice the last one counts, as everywhere.
fn last_category(values: &[(u32, Value)], place: u32) -> Option<Cow<'_, str>> {
    values.iter().rev().find(|(at, _)| *at == place).and_then(|(_, value)| canonical(value))
}

/// Names with their places, for picking values out of an object.
#[derive(Debug, Clone, Default)]
struct Places(HashMap<Box<str>, u32, FixedState>);

impl Places {
    fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Places {
        Places(names.into_iter().zip(0..).map(|(name, at)| (name.into(), at)).collect())
    }

    fn read(&self, field: &str, object: Option<&RawValue>) -> Result<Vec<(u32, Value)>, Rejection> {
        let Some(object) = object else { return Ok(Vec::new()) };
        let mut reader = serde_json::Deserializer::from_str(object.get());
        match reader.deserialize_map(IntoPlaces(self)) {
            Ok(values) => Ok(values),
            Err(_) => self.read_one_by_one(field, object),
        }
    }

    /// For objects that hold something that no value can be, such as 1e999 or half a character: it is a bad value, and
    /// the others are good.
    fn read_one_by_one(&self, field: &str, object: &RawValue) -> Result<Vec<(u32, Value)>, Rejection> {
        let message = || format!("`{field}` must be an object of names and values");
        let raw: HashMap<String, &RawValue> = serde_json::from_str(object.get())
            .map_err(|_| Rejection::new(Reason::InvalidField, message()))?;
        let known = raw.into_iter().filter_map(|(name, raw)| Some((*self.0.get(name.as_str())?, raw)));
        Ok(known.map(|(at, raw)| (at, not_finite(read_value(raw.get())))).collect())
    }
}

/// A number beyond all floating-point numbers is infinite; what else cannot be read is of no usable type.
fn read_value(text: &str) -> Value {
    let beyond = if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    serde_json::from_str(text).unwrap_or(if is_number { Value::Number(beyond) } else { Value::Other })
}

struct IntoPlaces<'a>(&'a Places);

impl<'de> Visitor<'de> for IntoPlaces<'_> {
    type Value = Vec<(u32, Value)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<(u32, Value)>, A::Error> {
        let mut values = Vec::new();
        while let Some(place) = map.next_key_seed(Place(self.0))? {
            match place {
                Some(at) => values.push((at, not_finite(map.next_value()?))),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// Looks a name up without copying it.
struct Place<'a>(&'a Places);

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<u32>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Option<u32>, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<u32>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<u32>, E> {
        Ok(self.0.0.get(name).copied())
    }
}

/// JSON has no NaN and no infinity; their usual spellings as text mean them.
fn not_finite(value: Value) -> Value {
    let Value::Text(text) = &value else { return value };
    match text.as_ref() {
        "NaN" => Value::Number(f64::NAN),
        "Infinity" => Value::Number(f64::INFINITY),
        "-Infinity" => Value::Number(f64::NEG_INFINITY),
        _ => value,
    }
}
