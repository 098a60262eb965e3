//! How sure a model was: the probability of the positive class, or an object of classes and probabilities.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Reason, Rejection};
use crate::value::{Value, canonical_text};

/// The probability of the positive class (canonical text), in [0, 1].
pub(super) fn read(raw: &RawValue, positive: &str) -> Result<f64, Rejection> {
    let text = raw.get();
    let by_class = text.starts_with('{');
    let score = if by_class { of_class(text, positive) } else { serde_json::from_str(text).ok() };
    score.filter(|score| (0.0..=1.0).contains(score)).ok_or_else(|| {
        let message = match by_class {
            true => format!("`score` must hold a number from 0 to 1 for the positive class `{positive}`"),
            false => "`score` must be a number from 0 to 1".to_owned(),
        };
        Rejection::new(Reason::InvalidField, message)
    })
}

fn of_class(text: &str, positive: &str) -> Option<f64> {
    serde_json::Deserializer::from_str(text).deserialize_map(OfClass(positive)).ok()?
}

/// Looks one class up without copying the others.
struct OfClass<'a>(&'a str);

impl<'de> Visitor<'de> for OfClass<'_> {
    type Value = Option<f64>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of classes and probabilities")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<f64>, A::Error> {
        let mut found = None;
        while let Some(is_positive) = map.next_key_seed(Is(self.0))? {
            match map.next_value()? {
                Value::Number(number) if is_positive => found = Some(number),
                _ => {}
            }
        }
        Ok(found)
    }
}

/// Whether a key is this class.
struct Is<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<bool, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a class")
    }

    fn visit_str<E>(self, class: &str) -> Result<bool, E> {
        Ok(canonical_text(class) == self.0)
    }
}
