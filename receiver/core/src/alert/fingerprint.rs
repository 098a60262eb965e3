//! Alertmanager's fingerprint of a label set.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The FNV-1a hash (64 bit) of sorted label names and values, each followed by the byte 255, as
/// `prometheus/common/model.LabelSet.Fingerprint` computes it; sixteen hexadecimal digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint(u64);

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
const SEPARATOR: u8 = 255;

impl Fingerprint {
    /// The fingerprint of labels given in the order of their names.
    pub fn of<'a>(labels: impl Iterator<Item = (&'a String, &'a String)>) -> Fingerprint {
        let parts = labels.flat_map(|(name, value)| [name, value]);
        let bytes = parts.flat_map(|part| part.bytes().chain([SEPARATOR]));
        Fingerprint(bytes.fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Fingerprint, Self::Error> {
        u64::from_str_radix(&text, 16).map(Fingerprint)
    }
}
