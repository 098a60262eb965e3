//! What waits in the outbox, for the gauges.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::transaction::timestamp;
use super::{Store, StoreError};

/// What waits for one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The destination's name.
    pub channel: String,
    /// How many notifications wait.
    pub waiting: i64,
    /// Since when the oldest news waits.
    pub oldest: Timestamp,
}

impl Store {
    /// What waits, for every destination for which something does.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlogs(&self) -> Result<Vec<Backlog>, StoreError> {
        let rows = sqlx::query(
            "select channel, count(*) as waiting, min(waiting_since) as oldest
             from notifications where status = 'pending' group by channel",
        )
        .fetch_all(self.readers())
        .await?;
        let backlog = |row: &AnyRow| {
            Ok(Backlog {
                channel: row.try_get("channel")?,
                waiting: row.try_get("waiting")?,
                oldest: timestamp(row.try_get("oldest")?)?,
            })
        };
        rows.iter().map(backlog).collect()
    }
}
