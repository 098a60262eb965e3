//! The process environment as a value, and `${NAME}` in configuration strings.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Faults;

/// A snapshot of environment variables: taken once in `main`, or given in tests.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process as it is now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Environment {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Environment(std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect())
    }

    /// An environment of just these variables.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Environment {
        Environment(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of `name`, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Replaces `${NAME}` in every string beneath `sections`; what cannot be replaced stays, and is noted.
pub(super) fn expand(sections: &mut Map<String, Value>, env: &Environment, faults: &mut Faults) {
    for (key, value) in sections {
        expand_value(key, value, env, faults);
    }
}

fn expand_value(key: &str, value: &mut Value, env: &Environment, faults: &mut Faults) {
    match value {
        Value::String(text) => match expanded(text, env) {
            Ok(expanded) => *text = expanded,
            Err(what) => faults.add(key, what),
        },
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                expand_value(&format!("{key}[{i}]"), item, env, faults);
            }
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                expand_value(&format!("{key}.{field}"), value, env, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn expanded(text: &str, env: &Environment) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after
            .split_once('}')
            .ok_or_else(|| "`${` without a closing brace, expected ${NAME}".to_owned())?;
        let value = env.get(name).ok_or_else(|| format!("the environment variable `{name}` is not set"))?;
        result += before;
        result += value;
        rest = behind;
    }
    Ok(result + rest)
}
