//! The features of one event, put in the order of the model's schema while they are read.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::FixedState;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reason, Rejection};
use crate::value::Value;

/// The monitored features of a model, each with its place, and the class that its scores are about.
#[derive(Debug, Clone)]
pub struct FeatureNames {
    places: HashMap<Box<str>, u32, FixedState>,
    positive: Box<str>,
}

impl FeatureNames {
    /// Features in the order of their places.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> FeatureNames {
        let places = names.into_iter().zip(0..).map(|(name, at)| (name.into(), at)).collect();
        FeatureNames { places, positive: "1".into() }
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
        self.places.len()
    }

    /// Whether nothing is monitored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The values that are monitored; the others are passed over.
    pub(super) fn read(&self, features: Option<&RawValue>) -> Result<Vec<(u32, Value)>, Rejection> {
        let Some(features) = features else { return Ok(Vec::new()) };
        let mut reader = serde_json::Deserializer::from_str(features.get());
        match reader.deserialize_map(IntoPlaces(self)) {
            Ok(values) => Ok(values),
            Err(_) => self.read_one_by_one(features),
        }
    }

    /// For objects that hold something that no value can be, such as 1e999 or half a character: it is a bad value, and
    /// the others are good.
    fn read_one_by_one(&self, features: &RawValue) -> Result<Vec<(u32, Value)>, Rejection> {
        let message = "`features` must be an object of feature names and values";
        let raw: HashMap<String, &RawValue> = serde_json::from_str(features.get())
            .map_err(|_| Rejection::new(Reason::InvalidField, message))?;
        let known = raw.into_iter().filter_map(|(name, raw)| Some((*self.places.get(name.as_str())?, raw)));
        Ok(known.map(|(at, raw)| (at, not_finite(read_value(raw.get())))).collect())
    }
}

/// A number beyond all floating-point numbers is infinite; what else cannot be read is of no usable type.
fn read_value(text: &str) -> Value {
    let beyond = if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    serde_json::from_str(text).unwrap_or(if is_number { Value::Number(beyond) } else { Value::Other })
}

struct IntoPlaces<'a>(&'a FeatureNames);

impl<'de> Visitor<'de> for IntoPlaces<'_> {
    type Value = Vec<(u32, Value)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of feature names and values")
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

/// Looks a feature's name up without copying it.
struct Place<'a>(&'a FeatureNames);

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<u32>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Option<u32>, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<u32>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a feature")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<u32>, E> {
        Ok(self.0.places.get(name).copied())
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
