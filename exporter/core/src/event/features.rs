//! The features of one event, put in the order of the model's schema while they are read.

use std::collections::HashMap;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reason, Rejection};
use crate::value::Value;

/// The monitored features of a model, each with its place.
#[derive(Debug, Clone, Default)]
pub struct FeatureNames {
    places: HashMap<Box<str>, usize>,
}

impl FeatureNames {
    /// Features in the order of their places.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> FeatureNames {
        FeatureNames { places: names.into_iter().enumerate().map(|(at, name)| (name.into(), at)).collect() }
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

    /// Values in the order of the places; what the event lacks is [`Value::Absent`], what is not monitored is passed over.
    pub(super) fn read(&self, features: Option<&RawValue>) -> Result<Vec<Value>, Rejection> {
        let Some(features) = features else { return Ok(vec![Value::Absent; self.len()]) };
        let mut reader = serde_json::Deserializer::from_str(features.get());
        reader.deserialize_map(IntoPlaces(self)).map_err(|_| {
            Rejection::new(Reason::InvalidField, "`features` must be an object of feature names and values")
        })
    }
}

struct IntoPlaces<'a>(&'a FeatureNames);

impl<'de> Visitor<'de> for IntoPlaces<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of feature names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Value>, A::Error> {
        let mut values = vec![Value::Absent; self.0.len()];
        while let Some(place) = map.next_key_seed(Place(self.0))? {
            match place {
                Some(at) => values[at] = not_finite(map.next_value()?),
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
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Option<usize>, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a feature")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
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
