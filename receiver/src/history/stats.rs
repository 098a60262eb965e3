//! Alerts by their name, summed up: how often they happened, for how long, and how much people were told of them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::FilterError;
use super::filter::moment;
use crate::store::{Happened, Store, StoreError};

/// From when on is counted when nobody says: a week.
const DEFAULT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The parameters of a request, as they come.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSpan {
    /// RFC 3339, or a length of time before now such as `24h`; a week by default.
    pub since: Option<String>,
}

impl RawSpan {
    /// From when on is to be counted; an empty parameter counts as none, as forms send it.
    ///
    /// # Errors
    /// The parameter that cannot be used.
    pub fn validate(self, now: Timestamp) -> Result<Timestamp, FilterError> {
        match self.since.filter(|since| !since.is_empty()) {
            Some(since) => moment("since", since, now),
            None => Ok(now.saturating_sub(DEFAULT).unwrap_or(Timestamp::MIN)),
        }
    }
}

/// What happened since some moment.
#[derive(Debug, Serialize)]
pub struct Stats {
    /// From when on is counted: later than was asked for if more happened than is looked at.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// By name, what happened most often first.
    pub alerts: Vec<Summary>,
}

/// What happened of the alerts of one name. Fire drills do not count.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// The label `alertname`; `null` for alerts without one.
    pub alertname: Option<String>,
    /// How many occurrences fire or were heard of.
    pub occurrences: i64,
    /// How long they fired within that time, together; of one that nobody speaks of any more, until it was last heard of.
    pub firing_seconds: f64,
    /// How long those took on average that are over; `null` if none is. Neither stale nor unconfirmed ones count.
    pub mean_seconds_to_resolve: Option<f64>,
    /// How often one of them began to flap.
    pub flaps: i64,
    /// What people were told.
    pub notifications: Notified,
}

/// How often people were told of alerts, and how often not.
#[derive(Debug, Default, Serialize)]
pub struct Notified {
    /// Delivered notifications that speak of them.
    pub sent: i64,
    /// How often they were not told to a channel, by reason.
    pub suppressed: BTreeMap<String, i64>,
}

/// What happened since then, until `now`.
///
/// # Errors
/// When the store fails.
pub async fn stats(store: &Store, since: Timestamp, now: Timestamp) -> Result<Stats, StoreError> {
    let since = store.countable_since(since).await?;
    let mut found: BTreeMap<Option<String>, Summary> = BTreeMap::new();
    for happened in store.happened(since, now).await? {
        let summary = summary(&happened);
        found.insert(happened.alertname, summary);
    }
    for counted in store.sent(since).await? {
        found.entry(counted.alertname).or_default().notifications.sent = counted.times;
    }
    for counted in store.unsaid(since).await? {
        let suppressed = &mut found.entry(counted.alertname).or_default().notifications.suppressed;
        suppressed.insert(counted.reason, counted.times);
    }
    let mut alerts: Vec<Summary> =
        found.into_iter().map(|(alertname, summary)| Summary { alertname, ..summary }).collect();
    // of equally many, by name
    alerts.sort_by_key(|summary| std::cmp::Reverse(summary.occurrences));
    Ok(Stats { since, until: now, alerts })
}

fn summary(happened: &Happened) -> Summary {
    let Happened { occurrences, firing, resolved, until_resolved, flaps, .. } = happened;
    Summary {
        occurrences: *occurrences,
        firing_seconds: seconds(*firing),
        mean_seconds_to_resolve: (*resolved > 0).then(|| seconds(*until_resolved) / *resolved as f64),
        flaps: *flaps,
        ..Summary::default()
    }
}

fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}

#[cfg(test)]
mod tests;
