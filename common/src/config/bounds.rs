//! What a file may hold, so that it cannot exhaust the stack or the memory of a program that runs. YAML's parser calls itself
//! for every level and copies whatever an alias names; its events, looked at one by one before, need neither.

use std::collections::HashMap;

use serde_json::{Map, Value};
use yaml_rust2::parser::{Event, Parser};

/// How many levels of values may lie within each other, as in JSON.
const LEVELS: usize = 128;

/// How many values and bytes of text there may be, each as often as aliases repeat it.
const SIZE: usize = 16 << 20;

/// A value, or what is known of it before it ends.
#[derive(Clone, Copy)]
struct Extent {
    levels: usize,
    size: usize,
}

/// A list or a table that has not ended.
struct Open {
    anchor: usize,
    extent: Extent,
}

/// Says which section goes too deep, if one does; each is a level within the file.
pub(super) fn check_levels(sections: &Map<String, Value>) -> Result<(), String> {
    match sections.iter().find(|(_, section)| levels(section) >= LEVELS) {
        Some((key, _)) => Err(format!("{key}: values lie within each other more than {LEVELS} levels deep")),
        None => Ok(()),
    }
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(levels).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Says which line of YAML goes too far, if one does. What is no YAML is for the parser to refuse.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut anchored: HashMap<usize, Extent> = HashMap::new();
    while let Ok((event, marker)) = parser.next_token() {
        let (anchor, ended) = match event {
            Event::StreamEnd => break,
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                open.push(Open { anchor, extent: Extent { levels: 1, size: 1 } });
                (0, Extent { levels: 0, size: 0 })
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open { anchor, extent }) => (anchor, extent),
                None => continue,
            },
            Event::Scalar(text, _, anchor, _) => (anchor, Extent { levels: 0, size: 1 + text.len() }),
            // an alias within what it names stands for nothing
            Event::Alias(anchor) => {
                (0, anchored.get(&anchor).copied().unwrap_or(Extent { levels: 0, size: 1 }))
            }
            _ => continue,
        };
        if anchor > 0 {
            anchored.insert(anchor, ended);
        }
        let line = marker.line();
        if open.len() + ended.levels > LEVELS {
            return Err(format!("line {line}: values lie within each other more than {LEVELS} levels deep"));
        }
        if let Some(around) = open.last_mut() {
            around.extent = around.extent.with(ended);
            if around.extent.size > SIZE {
                return Err(format!("line {line}: there is too much of it, as often as aliases repeat it"));
            }
        }
    }
    Ok(())
}

impl Extent {
    /// With another value inside.
    fn with(self, inner: Extent) -> Extent {
        let levels = self.levels.max(inner.levels + 1);
        Extent { levels, size: self.size.saturating_add(inner.size) }
    }
}
