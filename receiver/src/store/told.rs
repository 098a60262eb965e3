//! What each destination was told and is to be told: transitions, notifications and what they mention.

use jiff::Timestamp;
use modelwatch_receiver_core::alert::Status;
use modelwatch_receiver_core::dedupe::{Suppression, Told, Transition};
use sqlx::Row as _;

use modelwatch_receiver_core::alert::Group;

use super::transaction::{timestamp, to_json};
use super::{StoreError, Transaction};

/// A notification to be: who is to be told about which group, because of a webhook accepted when.
#[derive(Debug, Clone, Copy)]
pub struct Intent<'a> {
    /// The notification's id.
    pub id: &'a str,
    /// The destination's name.
    pub channel: &'a str,
    /// What it is about.
    pub group: &'a Group,
    /// When the webhook that caused it was accepted.
    pub at: Timestamp,
}

impl Transaction {
    /// What `channel` was told, or is about to be, of an occurrence.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn told(&mut self, channel: &str, occurrence: &str) -> Result<Told, StoreError> {
        let mut told = Told::default();
        let rows = sqlx::query(
            "select status, repeat_number from transitions where channel = $1 and occurrence = $2",
        )
        .bind(channel)
        .bind(occurrence)
        .fetch_all(self.connection())
        .await?;
        for row in rows {
            if row.try_get::<&str, _>("status")? == Status::Resolved.as_str() {
                told.resolved = true;
            } else {
                told.firing = true;
                told.repeats = told.repeats.max(row.try_get("repeat_number")?);
            }
        }
        if told.firing {
            told.last_at = self.last_mention(channel, occurrence).await?;
        }
        Ok(told)
    }

    async fn last_mention(
        &mut self,
        channel: &str,
        occurrence: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let last: Option<i64> = sqlx::query_scalar(
            "select max(n.created_at) from mentions m join notifications n on n.id = m.notification
             where m.occurrence = $1 and n.channel = $2",
        )
        .bind(occurrence)
        .bind(channel)
        .fetch_one(self.connection())
        .await?;
        last.map(timestamp).transpose()
    }

    /// Writes the one row of a transition, and why nobody is told of it, if so; `false` when it was there already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn win(
        &mut self,
        channel: &str,
        occurrence: &str,
        transition: Transition,
        suppressed: Option<Suppression>,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "insert into transitions (channel, occurrence, status, repeat_number, suppressed)
             values ($1, $2, $3, $4, $5) on conflict do nothing",
        )
        .bind(channel)
        .bind(occurrence)
        .bind(transition.status.as_str())
        .bind(transition.repeat)
        .bind(suppressed.map(Suppression::as_str))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes a notification that mentions these occurrences and is due at once; what it says follows with [`Transaction::word`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue(&mut self, intent: Intent<'_>, occurrences: &[&str]) -> Result<(), StoreError> {
        let Intent { id, channel, group, at } = intent;
        sqlx::query(
            "insert into notifications (id, channel, source, group_key, group_labels, external_url,
                 truncated_alerts, created_at, waiting_since, kind, late, status, due_at, message, group_id, patience_from, number)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $10, 'new', 0, 'pending', 0, '{}', $9, $10,
                 (select coalesce(max(number), 0) + 1 from notifications
                  where channel = $2 and group_id = $9 and status = 'pending'))",
        )
        .bind(id)
        .bind(channel)
        .bind(group.source.as_str())
        .bind(group.key.as_str())
        .bind(to_json(&group.labels)?)
        .bind(group.external_url.as_str())
        .bind(i64::try_from(group.truncated_alerts).unwrap_or(i64::MAX))
        .bind(at.as_microsecond())
        .bind(group.id())
        .bind(self.now().as_microsecond())
        .execute(self.connection())
        .await?;
        for occurrence in occurrences {
            self.mention(id, occurrence).await?;
        }
        Ok(())
    }

    async fn mention(&mut self, notification: &str, occurrence: &str) -> Result<(), StoreError> {
        sqlx::query("insert into mentions (notification, occurrence) values ($1, $2) on conflict do nothing")
            .bind(notification)
            .bind(occurrence)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Lets a notification take the place of the older ones about the same group that still wait and are not being
    /// sent; it takes over what they mention. Returns how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn supersede(&mut self, intent: Intent<'_>) -> Result<usize, StoreError> {
        let older: Vec<String> = sqlx::query_scalar(
            "select id from notifications
             where channel = $1 and group_id = $2 and status = 'pending' and owner is null and id <> $3",
        )
        .bind(intent.channel)
        .bind(intent.group.id())
        .bind(intent.id)
        .fetch_all(self.connection())
        .await?;
        for id in &older {
            self.hand_over(id, intent.id).await?;
        }
        Ok(older.len())
    }
}
