//! Environment variables over the file: `PREFIX__SECTION__KEY` wins over `section.key`.
//!
//! Only lower-case scalar keys can be set: a variable's name says nothing about the case of a feature or a header,
//! and a list has no names at all.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::faults::{Fault, Place};
use super::{Environment, Faults, wording};

/// Variables by the key that they set (`web.listen_address`).
#[derive(Debug)]
pub(super) struct Overlay(BTreeMap<String, Variable>);

#[derive(Debug)]
struct Variable {
    name: String,
    value: String,
}

impl Overlay {
    pub(super) fn of(env: &Environment, prefix: &str) -> Overlay {
        let variable = |(name, value): (&str, &str)| {
            let key = name.strip_prefix(prefix)?.strip_prefix("__")?.to_lowercase().replace("__", ".");
            Some((key, Variable { name: name.to_owned(), value: value.to_owned() }))
        };
        Overlay(env.iter().filter_map(variable).collect())
    }

    pub(super) fn lay_over(&self, sections: &mut Map<String, Value>, faults: &mut Faults) {
        for (key, variable) in &self.0 {
            let steps: Vec<&str> = key.split('.').collect();
            if let Err(what) = set(sections, &steps, &variable.value) {
                faults.add_elsewhere(&variable.name, what);
            }
        }
    }

    /// Reads the section `key`. A value from the environment is text first, and a number or a truth value where text
    /// does not fit.
    pub(super) fn deserialize<T: DeserializeOwned>(&self, key: &str, mut section: Value) -> Result<T, Fault> {
        loop {
            let error = match serde_path_to_error::deserialize(&section) {
                Ok(read) => return Ok(read),
                Err(error) => error,
            };
            let place = full_key(key, &error.path().to_string());
            let what = wording::plain(&error.inner().to_string());
            let Some(variable) = self.0.get(&place) else {
                return Err(Fault { place: Place::Key(place), what });
            };
            if !reread(&mut section, place.split('.').skip(1)) {
                let what = wording::without_found(&what);
                return Err(Fault { place: Place::Elsewhere(variable.name.clone()), what });
            }
        }
    }

    /// A variable that sets something in section `key`.
    pub(super) fn variable_in(&self, key: &str) -> Option<&str> {
        let inside = |set: &str| set.split('.').next() == Some(key);
        self.0.iter().find(|(set, _)| inside(set)).map(|(_, variable)| variable.name.as_str())
    }
}

/// Puts `text` where `steps` lead, making sections on the way.
fn set(fields: &mut Map<String, Value>, steps: &[&str], text: &str) -> Result<(), String> {
    const FILE_ONLY: &str = "lists and whole sections can be set in the file only";
    let [step, deeper @ ..] = steps else { return Ok(()) };
    if step.is_empty() || step.parse::<usize>().is_ok() {
        return Err(FILE_ONLY.to_owned());
    }
    let field = fields.entry(*step).or_insert(Value::Null);
    match (field, deeper) {
        (Value::Array(_), _) | (Value::Object(_), []) => Err(FILE_ONLY.to_owned()),
        (field, []) => {
            *field = text.into();
            Ok(())
        }
        (Value::Object(fields), deeper) => set(fields, deeper, text),
        (field @ Value::Null, deeper) => {
            let mut made = Map::new();
            set(&mut made, deeper, text)?;
            *field = made.into();
            Ok(())
        }
        _ => Err(format!("`{step}` is a single value, there is no key beneath it")),
    }
}

/// Turns the text where `steps` lead into the number or truth value that it spells. `false`: it spells none, or is none
/// any more.
fn reread<'a>(section: &mut Value, steps: impl Iterator<Item = &'a str>) -> bool {
    let mut value = section;
    for step in steps {
        let Some(field) = value.get_mut(step) else { return false };
        value = field;
    }
    let spelled = value.as_str().and_then(|text| serde_json::from_str::<Value>(text.trim()).ok());
    match spelled {
        Some(scalar @ (Value::Bool(_) | Value::Number(_))) => {
            *value = scalar;
            true
        }
        _ => false,
    }
}

fn full_key(section: &str, path: &str) -> String {
    // a name that cannot be had as a key of a map has no path of its own
    match path.trim_end_matches(".?") {
        "." | "?" => section.to_owned(),
        path if path.starts_with('[') => format!("{section}{path}"),
        path => format!("{section}.{path}"),
    }
}
