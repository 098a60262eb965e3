//! Who was told what, when, with what result: what the API, the page and the command line show.
//!
//! It reads and never changes anything. The shapes here are the API's; fields may be added and are never renamed.

use jiff::Timestamp;
use modelwatch_receiver_core::alert::Labels;
use modelwatch_receiver_core::message::{self, AlertView, Message};
use serde::Serialize;

use crate::store::{Slice, Store, StoreError, StoredAttempt, StoredNotification};

mod alerts;
mod api;
mod filter;
mod stats;

pub use alerts::{Alerts, RawWish, Timeline, Told, Wish, alerts, timeline};
pub use api::routes;
pub(crate) use api::unreadable;
pub(crate) use filter::moment;
pub use filter::{Filter, FilterError, RawFilter, State};
pub use stats::{RawSpan, Stats, stats};

/// One page of the history, newest first.
#[derive(Debug, Serialize)]
pub struct Page {
    /// Its notifications.
    pub notifications: Vec<Entry>,
    /// What `cursor` has to be for the next page; `None` at the end.
    pub next_cursor: Option<String>,
}

/// One notification to one channel, with what came of it.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// When the webhook that caused it was accepted.
    pub created_at: Timestamp,
    /// The channel's name.
    pub channel: String,
    /// `new`, `changed`, `resolved`, `repeat`, `heartbeat`, `digest` or `test`.
    pub kind: String,
    /// `pending`, `delivered`, `suppressed` or `dead`.
    pub status: String,
    /// When it is tried again, if it waits for that.
    pub next_attempt_at: Option<Timestamp>,
    /// Why it was not sent, if it was suppressed.
    pub suppressed: Option<String>,
    /// Alertmanager's group key.
    pub group: String,
    /// Its first line: `[FIRING:1][DEV] DataDriftDetected`.
    pub title: String,
    /// It said that it came late.
    pub late: bool,
    /// It said that an alert in it may be an old copy.
    pub unconfirmed: bool,
    /// What it was about, and what changed.
    pub alerts: Vec<AlertView>,
    /// The dead letter that it is sent instead of, to another channel, if it is.
    pub fallback_of: Option<String>,
    /// What another channel is sent instead of it, since it is a dead letter or was one.
    pub fallback: Option<String>,
    /// What was tried, oldest first.
    pub attempts: Vec<Attempt>,
    /// Why the plain layout was used instead of the channel's template, if it was.
    pub problem: Option<String>,
    /// What was sent last, exactly.
    pub content: Option<String>,
}

/// One attempt to send it.
#[derive(Debug, Serialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// When it ended; `null` while it is under way.
    pub finished_at: Option<Timestamp>,
    /// `delivered`, `retryable` or `permanent`; `null` while it is under way.
    pub result: Option<String>,
    /// What went wrong, one of a closed set.
    pub reason: Option<String>,
    /// The message may have arrived although no answer did, so a second copy may exist.
    pub ambiguous: bool,
    /// What the destination answered.
    pub detail: String,
}

impl Entry {
    /// Whether a second copy of it may exist.
    pub fn is_ambiguous(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.ambiguous)
    }

    /// Why it was not delivered, or was not at first: why it was suppressed, else what went wrong last.
    pub fn why(&self) -> Option<&str> {
        let failed = self.attempts.last().and_then(|attempt| attempt.reason.as_deref());
        self.suppressed.as_deref().or(failed)
    }

    /// Its alerts as a person wants to read them, the most urgent first.
    pub fn by_urgency(&self) -> Vec<&AlertView> {
        message::by_urgency(&self.alerts)
    }

    /// The labels and the annotations that all its alerts share.
    pub fn common(&self) -> (Labels, Labels) {
        let labels = message::shared(self.alerts.iter().map(|alert| &alert.labels));
        (labels, message::shared(self.alerts.iter().map(|alert| &alert.annotations)))
    }

    fn new(stored: StoredNotification, attempts: Vec<StoredAttempt>) -> Self {
        let message = stored.message;
        Self {
            id: stored.id,
            created_at: stored.created_at,
            channel: stored.channel,
            kind: stored.kind,
            status: stored.status,
            next_attempt_at: stored.next_attempt_at,
            suppressed: stored.suppressed,
            group: stored.group,
            title: message.as_ref().map(Message::title).unwrap_or_default(),
            late: stored.late,
            unconfirmed: message.as_ref().is_some_and(|message| message.unconfirmed),
            alerts: message.map(|message| message.alerts).unwrap_or_default(),
            attempts: attempts.into_iter().map(Attempt::from).collect(),
            fallback_of: stored.fallback_of,
            fallback: stored.fallback,
            problem: stored.problem,
            content: stored.content,
        }
    }
}

impl From<StoredAttempt> for Attempt {
    fn from(stored: StoredAttempt) -> Self {
        let StoredAttempt { at, finished_at, result, reason, ambiguous, detail } = stored;
        Self { at, finished_at, result, reason, ambiguous, detail }
    }
}

/// One page of the notifications that match.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &Store, filter: &Filter) -> Result<Page, StoreError> {
    let mut found = Vec::new();
    let mut before = filter.before();
    // one more than asked for tells whether there is a next page
    while found.len() <= filter.limit() {
        let slice = slice(filter, &before);
        let batch = store.notifications(&slice).await?;
        let Some(last) = batch.last() else { break };
        let is_last = batch.len() < usize::try_from(slice.limit).unwrap_or(usize::MAX);
        before = (last.created_at, last.id.clone());
        found.extend(batch.into_iter().filter(|stored| filter.accepts(stored.message.as_ref())));
        if is_last {
            break;
        }
    }
    let more = found.len() > filter.limit();
    found.truncate(filter.limit());
    let next_cursor = found.last().filter(|_| more).map(|last| filter::cursor(last.created_at, &last.id));
    let ids: Vec<&str> = found.iter().map(|stored| stored.id.as_str()).collect();
    let mut attempts = store.attempts(&ids).await?;
    let entry = |stored: StoredNotification| {
        let attempts = attempts.remove(&stored.id).unwrap_or_default();
        Entry::new(stored, attempts)
    };
    Ok(Page { notifications: found.into_iter().map(entry).collect(), next_cursor })
}

/// The notification with that id, if there is one.
///
/// # Errors
/// When the store fails.
pub async fn one(store: &Store, id: &str) -> Result<Option<Entry>, StoreError> {
    let Some(stored) = store.notification(id).await? else { return Ok(None) };
    let attempts = store.attempts(&[id]).await?.remove(id).unwrap_or_default();
    Ok(Some(Entry::new(stored, attempts)))
}

fn slice<'a>(filter: &'a Filter, before: &'a (Timestamp, String)) -> Slice<'a> {
    Slice {
        since: filter.since(),
        until: filter.until(),
        before: (before.0, &before.1),
        status: filter.status().map_or("", State::as_str),
        channel: filter.channel().unwrap_or_default(),
        labels: filter.labels(),
        limit: i64::try_from(filter.limit()).unwrap_or(i64::MAX).saturating_add(1),
    }
}

#[cfg(test)]
mod tests;
