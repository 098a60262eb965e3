//! What Alertmanager's API (version 2) says: which alerts are not over, and whether it would know of all.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};

use super::parse::{moment, pairs};
use super::{Fingerprint, Labels};
use crate::occurrence::{Listed, Testimony};

/// The alerts that are not over, as `GET /api/v2/alerts` lists them, by their fingerprints without ignored labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing(HashMap<Fingerprint, Vec<Listed>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawListed {
    labels: Labels,
    #[serde(deserialize_with = "moment")]
    starts_at: Timestamp,
    #[serde(deserialize_with = "moment")]
    ends_at: Timestamp,
}

/// Takes in one alert after the other: of a hundred thousand, no two have their labels in memory at once.
struct Reading<'a> {
    ignored: &'a BTreeSet<String>,
    listing: Listing,
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Listing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut alerts: A) -> Result<Listing, A::Error> {
        while let Some(raw) = alerts.next_element()? {
            self.listing.add(raw, self.ignored);
        }
        Ok(self.listing)
    }
}

impl Listing {
    /// Reads an answer's body; alerts that differ only in labels of `ignored` are one.
    ///
    /// # Errors
    /// When it is anything but a list of alerts.
    pub fn parse(body: &[u8], ignored: &BTreeSet<String>) -> Result<Listing, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let listing = reader.deserialize_seq(Reading { ignored, listing: Listing::default() })?;
        reader.end()?;
        Ok(listing)
    }

    fn add(&mut self, raw: RawListed, ignored: &BTreeSet<String>) {
        let RawListed { labels, starts_at, ends_at } = raw;
        let labels = pairs(Some(labels));
        let kept = Fingerprint::of(labels.iter().filter(|(name, _)| !ignored.contains(*name)));
        let member = Fingerprint::of(labels.iter());
        self.0.entry(kept).or_default().push(Listed { member, starts_at, ends_at });
    }

    /// Whether an alert is listed.
    pub fn has(&self, alert: Fingerprint) -> bool {
        self.0.contains_key(&alert)
    }

    /// What it says of an alert about which somebody asks since `asked`. That it is not listed counts only if whose list
    /// it is would know of it: `standing` is `None` where nobody asked that.
    pub fn testimony(&self, alert: Fingerprint, standing: Option<&Standing>, asked: Timestamp) -> Testimony {
        match self.0.get(&alert) {
            Some(listed) => Testimony::Fires(listed.clone()),
            None if standing.is_some_and(|standing| standing.knows_all_since(asked)) => Testimony::Gone,
            None => Testimony::Unknown,
        }
    }
}

/// How much an Alertmanager knows, as `GET /api/v2/status` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How many are in its cluster, itself among them; alerts are not handed on within it.
    members: usize,
    /// Since when it runs. It begins without alerts.
    since: Timestamp,
}

#[derive(Deserialize)]
struct RawStatus {
    #[serde(default)]
    cluster: RawCluster,
    #[serde(deserialize_with = "moment")]
    uptime: Timestamp,
}

#[derive(Default, Deserialize)]
struct RawCluster {
    #[serde(default)]
    peers: Option<Vec<serde::de::IgnoredAny>>,
}

impl Standing {
    /// Reads an answer's body.
    ///
    /// # Errors
    /// When it is no status.
    pub fn parse(body: &[u8]) -> Result<Standing, serde_json::Error> {
        let raw: RawStatus = serde_json::from_slice(body)?;
        Ok(Standing { members: raw.cluster.peers.map_or(0, |peers| peers.len()), since: raw.uptime })
    }

    /// Whether an alert of which a copy came at `asked` would be listed if it fired: not by one of several, whose alerts the
    /// others may not have been sent, nor by one that began anew since then.
    fn knows_all_since(&self, asked: Timestamp) -> bool {
        self.members <= 1 && self.since <= asked
    }
}

#[cfg(test)]
mod tests;
