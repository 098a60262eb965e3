//! Replacing by regular expressions that take time in proportion to the text, and little memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{Call, MAX_TEXT, text, too_long};

/// Patterns and replacements are no longer, in bytes.
const MAX_PATTERN: usize = 1_000;

/// What is searched is no longer, in bytes: all that can stand in a label or an annotation by the time a template sees it.
const MAX_SEARCHED: usize = 17_000;

/// What a pattern may take in memory, in bytes.
const MAX_COMPILED: usize = 1024 * 1024;

/// So many patterns of a piece are kept compiled.
const MAX_KEPT: usize = 64;

/// `{{replace labels.instance ":\\d+$" ""}}`: every match of a regular expression by a text, in which `$1` and `${name}` are what
/// its groups matched.
pub(super) fn replace(call: &Call<'_>) -> Result<Value, String> {
    let (searched, pattern, by) = (text(call.argument(0)?), text(call.argument(1)?), text(call.argument(2)?));
    for (what, length, most) in [
        ("first", searched.len(), MAX_SEARCHED),
        ("second", pattern.len(), MAX_PATTERN),
        ("third", by.len(), MAX_PATTERN),
    ] {
        if length > most {
            return Err(format!("the {what} argument of replace is longer than {most} bytes"));
        }
    }
    let regex = call.means.patterns.get(&pattern)?;
    replaced(&regex, &searched, &by).map(Value::String).ok_or_else(too_long)
}

/// `None` when it would be too long.
fn replaced(regex: &Regex, searched: &str, by: &str) -> Option<String> {
    let (mut whole, mut end) = (String::new(), 0);
    for found in regex.captures_iter(searched) {
        let matched = found.get_match();
        whole.push_str(searched.get(end..matched.start())?);
        found.expand(by, &mut whole);
        end = matched.end();
        if whole.len() > MAX_TEXT {
            return None;
        }
    }
    whole.push_str(searched.get(end..)?);
    Some(whole)
}

/// Patterns that were compiled, since one in an `each` is used again and again.
#[derive(Default)]
pub(super) struct Patterns(Mutex<BTreeMap<String, Regex>>);

impl Patterns {
    fn get(&self, pattern: &str) -> Result<Regex, String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = kept.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = RegexBuilder::new(pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
        let regex = regex.map_err(|error| {
            let words = error.to_string();
            let why = words.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("`{pattern}` is no regular expression that can be used: {why}")
        })?;
        if kept.len() < MAX_KEPT {
            kept.insert(pattern.to_owned(), regex.clone());
        }
        Ok(regex)
    }
}
