//! The timeline of alerts: when each happened, who was told of it, and who was not and why.

use modelwatch_receiver_core::occurrence::Windows;
use serde::{Deserialize, Serialize};

use super::FilterError;
use super::filter;
use crate::store::{HeldCopy, Mentioned, Occurred, Settled, Store, StoreError, Untold};

/// The states that an occurrence may be asked for by.
const STATES: [&str; 4] = ["firing", "resolved", "stale", "test"];

/// The parameters of a request, as they come.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawWish {
    /// `firing`, `resolved`, `stale` or `test`.
    pub state: Option<String>,
    /// How many, 100 by default, 1 000 at most.
    pub limit: Option<String>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which occurrences somebody wants to see.
#[derive(Debug, Clone)]
pub struct Wish {
    state: String,
    limit: usize,
    before: String,
}

impl RawWish {
    /// The wish that these parameters describe; an empty parameter counts as none, as forms send it.
    ///
    /// # Errors
    /// The first parameter that cannot be used.
    pub fn validate(self) -> Result<Wish, FilterError> {
        let state = self.state.unwrap_or_default();
        if !state.is_empty() && !STATES.contains(&state.as_str()) {
            return Err(FilterError::State(state));
        }
        let limit = self.limit.filter(|limit| !limit.is_empty());
        Ok(Wish { state, limit: filter::limit(limit)?, before: self.cursor.unwrap_or_default() })
    }
}

/// One page of occurrences, newest first.
#[derive(Debug, Serialize)]
pub struct Alerts {
    /// Its occurrences.
    pub alerts: Vec<Occurred>,
    /// What `cursor` has to be for the next page; `None` at the end.
    pub next_cursor: Option<String>,
}

/// Everything that happened to one alert, newest first.
#[derive(Debug, Serialize)]
pub struct Timeline {
    /// Which alert.
    pub fingerprint: String,
    /// Its occurrences.
    pub occurrences: Vec<Told>,
}

/// One occurrence, and what became of it.
#[derive(Debug, Serialize)]
pub struct Told {
    /// When it happened.
    #[serde(flatten)]
    pub occurrence: Occurred,
    /// The firing copy that is held against it, if one is: it is told when its time comes, unless something newer refutes
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldCopy>,
    /// What each destination was told once, or is about to be, or is not.
    pub told: Vec<Settled>,
    /// What copies of it were not told, by channel and reason.
    pub suppressed: Vec<Untold>,
    /// The notifications that speak of it, newest first.
    pub notifications: Vec<Mentioned>,
}

/// One page of the occurrences that are wished for.
///
/// # Errors
/// When the store fails.
pub async fn alerts(store: &Store, wish: &Wish) -> Result<Alerts, StoreError> {
    // one more than asked for tells whether there is a next page
    let limit = i64::try_from(wish.limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = store.alerts(&wish.before, &wish.state, limit).await?;
    let more = found.len() > wish.limit;
    found.truncate(wish.limit);
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Alerts { alerts: found, next_cursor })
}

/// What happened to the alert with that fingerprint, if it was ever seen.
///
/// # Errors
/// When the store fails.
pub async fn timeline(
    store: &Store,
    fingerprint: &str,
    windows: Windows,
) -> Result<Option<Timeline>, StoreError> {
    let mut occurrences = Vec::new();
    for occurrence in store.occurrences_of(fingerprint).await? {
        occurrences.push(Told {
            told: store.settled(&occurrence.id).await?,
            suppressed: store.untold(&occurrence.id).await?,
            notifications: store.mentioning(&occurrence.id).await?,
            held: None,
            occurrence,
        });
    }
    // nothing is held against what another one followed
    if let Some(newest) = occurrences.first_mut() {
        newest.held = store.held(&newest.occurrence.id, windows).await?;
    }
    let was_seen = !occurrences.is_empty();
    Ok(was_seen.then(|| Timeline { fingerprint: fingerprint.to_owned(), occurrences }))
}

#[cfg(test)]
mod tests;
