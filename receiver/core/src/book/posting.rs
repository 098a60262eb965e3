//! A webhook with everything about it that needs no store: who its alerts are and where they go.

use xxhash_rust::xxh3::Xxh3;

use super::AlertKey;
use crate::alert::{Alert, Group, Labels};
use crate::occurrence::{Report, Witness};

/// A webhook to be entered in the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The group it speaks of.
    pub group: Group,
    /// The sender says that it is a repeat.
    pub is_repeat: bool,
    /// Whose it is.
    pub origin: Origin,
    /// Who can say whether its alerts fire.
    pub witness: Witness,
    /// Its alerts; never empty.
    pub copies: Vec<AlertCopy>,
}

/// Where a webhook comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A sender, whose webhooks are noted and counted.
    Outside,
    /// The receiver itself, about a dead man's switch.
    Own,
    /// A fire drill, which is compared with nothing and never looked at again.
    Drill,
}

/// A copy of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertCopy {
    /// Which alert it is of.
    pub key: AlertKey,
    /// What it says about when it fires.
    pub report: Report,
    /// What it says, with the labels that the receiver gives it.
    pub alert: Alert,
    /// [`digest`](AlertCopy::digest) of it.
    pub digest: i64,
    /// Where it goes.
    pub bound: Bound,
}

/// Where an alert goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// To the dead man's switch of this name, and nowhere else.
    Heartbeat(String),
    /// To these destinations; to none if no route takes it.
    Channels(Vec<String>),
}

impl AlertCopy {
    /// What people see of a copy, as one number (XXH3): equal for copies that need not be written again. Where
    /// Alertmanager's own page is does not count, since that is what replicas always differ in.
    pub fn digest(alert: &Alert, group: &Group) -> i64 {
        let mut hasher = Xxh3::new();
        for pairs in [&alert.labels, &alert.annotations] {
            pairs_into(&mut hasher, pairs);
        }
        text_into(&mut hasher, &alert.generator_url);
        text_into(&mut hasher, &group.key);
        i64::from_ne_bytes(hasher.digest().to_ne_bytes())
    }
}

fn pairs_into(hasher: &mut Xxh3, pairs: &Labels) {
    hasher.update(&pairs.len().to_le_bytes());
    for (name, value) in pairs {
        text_into(hasher, name);
        text_into(hasher, value);
    }
}

/// With its length, so that no two sequences of texts look alike.
fn text_into(hasher: &mut Xxh3, text: &str) {
    hasher.update(&text.len().to_le_bytes());
    hasher.update(text.as_bytes());
}
