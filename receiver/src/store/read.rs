//! What the history asks of the store: notifications from the newest to the oldest, and their attempts. It has connections
//! of its own, so that nobody who looks makes a webhook or a delivery wait.

use std::collections::BTreeMap;

use jiff::Timestamp;
use modelwatch_receiver_core::message::Message;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::transaction::{from_json, timestamp, to_json};
use super::{Store, StoreError};

mod select;

use select::{Label, Lead, Select};

/// Which notifications to read; what is empty matches all.
#[derive(Debug, Clone)]
pub struct Slice<'a> {
    /// Accepted then or later.
    pub since: Timestamp,
    /// Accepted then or earlier.
    pub until: Timestamp,
    /// Older than this one: its time and id.
    pub before: (Timestamp, &'a str),
    /// Where it stands: `pending`, `delivered`, `suppressed`, `dead`.
    pub status: &'a str,
    /// The destination.
    pub channel: &'a str,
    /// Labels that one of its alerts may have; the reader still has to look, this only skips most others.
    pub labels: [Option<(&'a str, &'a str)>; 2],
    /// At most so many.
    pub limit: i64,
}

/// A notification as the store knows it.
#[derive(Debug, Clone)]
pub struct StoredNotification {
    /// Its id.
    pub id: String,
    /// The destination.
    pub channel: String,
    /// Alertmanager's group key.
    pub group: String,
    /// When the webhook that caused it was accepted.
    pub created_at: Timestamp,
    /// Why it exists: `new`, `changed`, `resolved`, `repeat`, …
    pub kind: String,
    /// It was, or will be, sent late.
    pub late: bool,
    /// Where it stands.
    pub status: String,
    /// When it is tried again; `None` unless it waits for that.
    pub next_attempt_at: Option<Timestamp>,
    /// Why it was not sent, if it was suppressed.
    pub suppressed: Option<String>,
    /// The dead letter that it stands in for.
    pub fallback_of: Option<String>,
    /// What stands in for it.
    pub fallback: Option<String>,
    /// What it says; `None` when it was over before it was put into words.
    pub message: Option<Message>,
    /// What was sent last, exactly.
    pub content: Option<String>,
    /// Why the plain layout was used, if it was.
    pub problem: Option<String>,
}

/// One attempt to send a notification.
#[derive(Debug, Clone)]
pub struct StoredAttempt {
    /// When it began.
    pub at: Timestamp,
    /// When it ended; `None` while it is under way.
    pub finished_at: Option<Timestamp>,
    /// `delivered`, `retryable` or `permanent`; `None` while it is under way.
    pub result: Option<String>,
    /// What went wrong.
    pub reason: Option<String>,
    /// The message may have arrived although no answer did.
    pub ambiguous: bool,
    /// What the destination said.
    pub detail: String,
}

/// The columns of a [`StoredNotification`], of notifications `n`, but for its time.
const COLUMNS: &str =
    "n.id as id, n.channel, n.group_key, n.kind, n.late, n.status, n.suppressed, n.message, n.content, n.problem,
     case when n.status = 'pending' and n.owner is null and n.due_at > 0 then n.due_at end as next_attempt_at,
     n.fallback_of, (select min(f.id) from notifications f where f.fallback_of = n.id) as fallback";

/// The attempts of notifications, oldest first.
const ATTEMPTS: &str =
    "select {list}notification, started_at, finished_at, result, reason, ambiguous, detail{/list}
     from (select a.* from {rows} cross join attempts a where a.notification = r.value->>0
           order by a.number, a.started_at, a.id) as a";

/// The columns of [`ATTEMPTS`].
type AttemptRow = (String, i64, Option<i64>, Option<String>, Option<String>, i64, String);

impl Store {
    /// The notifications of a slice, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notifications(&self, slice: &Slice<'_>) -> Result<Vec<StoredNotification>, StoreError> {
        let labels = self.rarest_first(slice).await?;
        let Some(&label) = labels.first() else { return self.led(slice, Lead::Rows).await };
        if self.are_few_rows(slice).await? {
            return self.led(slice, Lead::Rows).await;
        }
        // in this order one whose labels are written meanwhile is found twice, and none is missed
        let mut found = self.led(slice, Lead::Unlabelled).await?;
        found.extend(self.led(slice, Lead::Label(label, labels.get(1).copied())).await?);
        found.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        found.dedup_by(|a, b| a.id == b.id);
        found.truncate(usize::try_from(slice.limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn led(&self, slice: &Slice<'_>, lead: Lead<'_>) -> Result<Vec<StoredNotification>, StoreError> {
        let rows = Select::notifications(slice, lead).rows(&self.history).await?;
        rows.iter().map(notification).collect()
    }

    /// The labels that are looked for.
    async fn rarest_first<'a>(&self, slice: &Slice<'a>) -> Result<Vec<Label<'a>>, StoreError> {
        let labels: Vec<Label<'a>> = slice.labels.into_iter().flatten().collect();
        if labels.len() < 2 {
            return Ok(labels);
        }
        let mut counted = Vec::with_capacity(labels.len());
        for label in labels {
            counted.push((Select::count_of_label(slice, label).number(&self.history).await?, label));
        }
        counted.sort_unstable();
        Ok(counted.into_iter().map(|(_, label)| label).collect())
    }

    /// Whether the state and the destination leave so few that each can be looked at.
    async fn are_few_rows(&self, slice: &Slice<'_>) -> Result<bool, StoreError> {
        let count = Select::count_of_rows(slice).number(&self.history).await?;
        Ok(select::are_few(count))
    }

    /// The notification with that id, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notification(&self, id: &str) -> Result<Option<StoredNotification>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "select n.created_at, {COLUMNS} from notifications n where n.id = $1"
        )))
        .bind(id)
        .fetch_optional(&self.history)
        .await?;
        row.as_ref().map(notification).transpose()
    }

    /// The attempts to send these notifications, by notification, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempts(
        &self,
        notifications: &[&str],
    ) -> Result<BTreeMap<String, Vec<StoredAttempt>>, StoreError> {
        if notifications.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<[&str; 1]> = notifications.iter().map(|id| [*id]).collect();
        let select = self.dialect.sql(ATTEMPTS);
        let rows: String = sqlx::query_scalar(select).bind(to_json(&ids)?).fetch_one(&self.history).await?;
        let mut found: BTreeMap<String, Vec<StoredAttempt>> = BTreeMap::new();
        for row in from_json::<Vec<AttemptRow>>(&rows)? {
            let (notification, attempt) = attempt(row)?;
            found.entry(notification).or_default().push(attempt);
        }
        Ok(found)
    }
}

fn notification(row: &AnyRow) -> Result<StoredNotification, StoreError> {
    Ok(StoredNotification {
        id: row.try_get("id")?,
        channel: row.try_get("channel")?,
        group: row.try_get("group_key")?,
        created_at: timestamp(row.try_get("created_at")?)?,
        kind: row.try_get("kind")?,
        late: row.try_get::<i64, _>("late")? != 0,
        status: row.try_get("status")?,
        next_attempt_at: optional(row, "next_attempt_at")?,
        suppressed: row.try_get("suppressed")?,
        fallback_of: row.try_get("fallback_of")?,
        fallback: row.try_get("fallback")?,
        message: serde_json::from_str(row.try_get("message")?).ok(),
        content: row.try_get("content")?,
        problem: row.try_get("problem")?,
    })
}

fn attempt(row: AttemptRow) -> Result<(String, StoredAttempt), StoreError> {
    let (notification, started_at, finished_at, result, reason, ambiguous, detail) = row;
    let (at, finished_at) = (timestamp(started_at)?, finished_at.map(timestamp).transpose()?);
    let attempt = StoredAttempt { at, finished_at, result, reason, ambiguous: ambiguous != 0, detail };
    Ok((notification, attempt))
}

fn optional(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    row.try_get::<Option<i64>, _>(column)?.map(timestamp).transpose()
}

#[cfg(test)]
pub(crate) mod fixtures;
