//! When dead man's switches were heard of, and whether an alarm about one is open.

use jiff::Timestamp;
use modelwatch_receiver_core::occurrence::State;
use sqlx::{AssertSqlSafe, Row as _};

use super::transaction::timestamp;
use super::{Store, StoreError, Transaction};

/// The source of the receiver's own alarms about heartbeats; not a name that anybody gives a sender.
pub const HEARTBEAT_SOURCE: &str = "(heartbeat)";

/// The group of the alarms about one dead man's switch.
pub fn alarm_group(name: &str) -> String {
    format!("HeartbeatMissing/{name}")
}

/// An alarm that a dead man's switch stays away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenAlarm {
    /// Since when it counts as missing.
    pub since: Timestamp,
    /// When that was last reported.
    pub reported_at: Timestamp,
}

impl Store {
    /// When a dead man's switch was last heard of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_beat(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let last = sqlx::query("select last_at from heartbeats where name = $1")
            .bind(name)
            .fetch_optional(self.readers())
            .await?;
        last.map(|row| timestamp(row.try_get("last_at")?)).transpose()
    }

    /// The open alarm about a dead man's switch; `None` when none is open.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_alarm(&self, name: &str) -> Result<Option<OpenAlarm>, StoreError> {
        // the source is written out, since an index is of its occurrences only
        let select = format!(
            "select state, starts_at, seen_at from occurrences where source = '{HEARTBEAT_SOURCE}' and group_key = $1
             order by number desc limit 1"
        );
        let newest =
            sqlx::query(AssertSqlSafe(select)).bind(alarm_group(name)).fetch_optional(self.readers()).await?;
        let Some(newest) = newest else { return Ok(None) };
        let is_open = newest.try_get::<&str, _>("state")? != State::Resolved.as_str();
        let moment = |column: &str| timestamp(newest.try_get(column)?);
        is_open
            .then(|| Ok(OpenAlarm { since: moment("starts_at")?, reported_at: moment("seen_at")? }))
            .transpose()
    }
}

impl Transaction {
    /// Notes that a dead man's switch was heard of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_heartbeat(&mut self, name: &str, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "insert into heartbeats (name, last_at) values ($1, $2)
             on conflict (name) do update set last_at = excluded.last_at",
        )
        .bind(name)
        .bind(at.as_microsecond())
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
