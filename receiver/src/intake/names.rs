//! The names that routes and heartbeats may use.

use std::collections::BTreeSet;

use modelwatch_common::config::Faults;

/// The names of the configured channels.
#[derive(Debug, Clone)]
pub struct ChannelNames(Option<BTreeSet<String>>);

impl ChannelNames {
    /// Exactly these.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> ChannelNames {
        ChannelNames(Some(names.into_iter().map(str::to_owned).collect()))
    }

    /// Any, since the channels could not be read: one fault is not to be reported as many.
    pub fn unknown() -> ChannelNames {
        ChannelNames(None)
    }

    /// Notes every one of `names` that no channel has, and an empty list.
    pub fn check(&self, names: &[String], key: &str, faults: &mut Faults) {
        if names.is_empty() {
            faults.add(key, "expected the name of at least one channel");
        }
        let Some(known) = &self.0 else { return };
        let expected = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        for name in names.iter().filter(|name| !known.contains(*name)) {
            faults.add(key, format!("there is no channel `{name}`, expected one of {expected}"));
        }
    }
}
