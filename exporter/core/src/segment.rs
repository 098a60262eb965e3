//! Segments: the values of listed columns by which a model's rows are sliced, and which of them are kept apart.
//!
//! A segment is named `SEX=2`, by its column (the key) and the canonical text of its value; all rows together have the empty
//! name. A key holds no `=`, so that a name has one meaning. Nothing here counts rows in windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of the slice of all rows.
pub const ALL_ROWS: &str = "";
/// Where values are counted together that have no segment of their own; a value of that name is one of them.
const OTHER: &str = "other";
/// Longest value that has a segment of its own, in bytes.
const MAX_VALUE: usize = 128;

/// The place of a segment in [`Segments`]: never given to another one, so that what waits for labels may keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SegmentIndex(u32);

/// The name of a value's own segment; `None` for a value (canonical text) that is counted with the others.
#[must_use]
pub fn own_name(key: &str, value: &str) -> Option<Box<str>> {
    has_own(value).then(|| name(key, value))
}

/// The key of a segment by its name; `None` for all rows and for values that are counted together.
#[must_use]
pub fn key_of_own(name: &str) -> Option<&str> {
    name.split_once('=').filter(|(_, value)| *value != OTHER).map(|(key, _)| key)
}

fn has_own(value: &str) -> bool {
    value != OTHER && value.len() <= MAX_VALUE
}

fn name(key: &str, value: &str) -> Box<str> {
    format!("{key}={value}").into()
}

/// The segments of a model, first come, first kept: up to a limit over all keys, and one for the rest of each key.
///
/// A segment that was admitted stays as long as its key is configured, however long it is empty: a series must not come and
/// go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Segments {
    keys: Vec<Key>,
    next: u32,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Key {
    name: Box<str>,
    values: BTreeMap<Box<str>, SegmentIndex>,
    other: SegmentIndex,
    other_rows: u64,
}

impl Segments {
    /// Fits to the keys that are configured: those that stay keep their segments.
    pub fn adopt(&mut self, keys: &[Box<str>]) {
        let mut known: BTreeMap<Box<str>, Key> =
            std::mem::take(&mut self.keys).into_iter().map(|key| (key.name.clone(), key)).collect();
        for name in keys {
            let key = known.remove(name).unwrap_or_else(|| Key {
                name: name.clone(),
                values: BTreeMap::new(),
                other: self.new_index(),
                other_rows: 0,
            });
            self.keys.push(key);
        }
    }

    /// Makes room for segments by their names, as far as there is any, before rows ask for it.
    pub fn reserve<'a>(&mut self, names: impl IntoIterator<Item = &'a str>, most: usize) {
        for (key, value) in names.into_iter().filter_map(|name| name.split_once('=')) {
            if let Some(at) = self.keys.iter().position(|known| *known.name == *key) {
                self.admit(at, value, most);
            }
        }
    }

    /// The segment of a row by the place of a key and the row's value (canonical text). Counts the row when it is one of
    /// the others'. `None` for a key that is not configured.
    pub fn of_row(&mut self, key: usize, value: &str, most: usize) -> Option<SegmentIndex> {
        if let Some(own) = self.admit(key, value, most) {
            return Some(own);
        }
        let key = self.keys.get_mut(key)?;
        key.other_rows += 1;
        Some(key.other)
    }

    /// The name of a segment; `None` when its key is no longer configured.
    #[must_use]
    pub fn name(&self, segment: SegmentIndex) -> Option<Box<str>> {
        self.keys.iter().find_map(|key| {
            let own = key.values.iter().find(|(_, index)| **index == segment).map(|(value, _)| &**value);
            let value = own.or_else(|| (key.other == segment).then_some(OTHER));
            value.map(|value| name(&key.name, value))
        })
    }

    /// Every key with the number of rows that were counted in its `other`.
    pub fn other_rows(&self) -> impl Iterator<Item = (&str, u64)> {
        self.keys.iter().map(|key| (&*key.name, key.other_rows))
    }

    /// A value's own segment; `None` when it has none and there is no room for one.
    fn admit(&mut self, key: usize, value: &str, most: usize) -> Option<SegmentIndex> {
        if let Some(known) = self.keys.get(key)?.values.get(value) {
            return Some(*known);
        }
        let admitted: usize = self.keys.iter().map(|key| key.values.len()).sum();
        if admitted >= most || !has_own(value) {
            return None;
        }
        let index = self.new_index();
        self.keys.get_mut(key)?.values.insert(value.into(), index);
        Some(index)
    }

    fn new_index(&mut self) -> SegmentIndex {
        self.next += 1;
        SegmentIndex(self.next)
    }
}

#[cfg(test)]
mod tests;
