//! The outbox: what is due, and claiming it.

use std::time::Duration;

use jiff::Timestamp;
use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::message::Message;
use sqlx::Row as _;

use super::transaction::timestamp;
use super::{Store, StoreError, Transaction, Wording};

/// A notification that is ours to send until the lease ends.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub id: String,
    /// What it says now.
    pub message: Message,
    /// When the webhook that caused it was accepted.
    pub accepted_at: Timestamp,
    /// Since when its oldest news waits to be told.
    pub waiting_since: Timestamp,
    /// How many attempts were made before.
    pub attempts: u32,
}

/// What came of looking for something to send.
#[derive(Debug, Clone)]
pub enum Claim {
    /// Nothing is due, or only what has to wait for another of its group.
    Nothing,
    /// What was due is not to be sent after all.
    Suppressed(Suppression),
    /// This is ours to send.
    Ours(Box<Claimed>),
}

impl Store {
    /// Claims the notification of `channel` that is due for longest, puts it into its newest words, and leases it.
    ///
    /// A group with a notification under way is left alone, so that nothing overtakes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(
        &self,
        channel: &str,
        lease: Duration,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let mut transaction = self.begin().await?;
        let leased_until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let claim = match transaction.lease(channel, leased_until, now).await? {
            Some(id) => transaction.claim_leased(id, wording, now).await?,
            None => Claim::Nothing,
        };
        transaction.commit().await?;
        Ok(claim)
    }

    /// When the next notification of `channel` is due, or the lease of one ends, if any waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_due(&self, channel: &str) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = sqlx::query_scalar(
            "select min(coalesce(leased_until, due_at)) from notifications where channel = $1 and status = 'pending'",
        )
        .bind(channel)
        .fetch_one(self.readers())
        .await?;
        due.map(timestamp).transpose()
    }
}

impl Transaction {
    async fn lease(
        &mut self,
        channel: &str,
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let id = sqlx::query_scalar(
            "update notifications set leased_until = $1 where id = (
                 select n.id from notifications n
                 where n.channel = $2 and n.status = 'pending' and n.due_at <= $3
                   and (n.leased_until is null or n.leased_until < $3)
                   and not exists (
                       select 1 from notifications o
                       where o.channel = n.channel and o.source = n.source and o.group_key = n.group_key
                         and o.status = 'pending' and o.leased_until >= $3)
                 order by n.due_at, n.id limit 1)
             returning id",
        )
        .bind(leased_until.as_microsecond())
        .bind(channel)
        .bind(now.as_microsecond())
        .fetch_optional(self.connection())
        .await?;
        Ok(id)
    }

    async fn claim_leased(
        &mut self,
        id: String,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        if let Some(newer) = self.newer_in_group(&id).await? {
            // both wait only after a crash, when the older one had been under way as the newer one came
            self.hand_over(&id, &newer, now).await?;
            return Ok(Claim::Suppressed(Suppression::Superseded));
        }
        if let Some(message) = self.word(&id, wording, now).await? {
            self.note_said(&id).await?;
            return Ok(Claim::Ours(Box::new(self.claimed(id, message).await?)));
        }
        self.drop_unsaid(&id, now).await?;
        Ok(Claim::Suppressed(Suppression::Duplicate))
    }

    /// Notes in which state the occurrences are of which the message speaks: delivered, that is what was heard.
    async fn note_said(&mut self, id: &str) -> Result<(), StoreError> {
        sqlx::query(
            "update mentions set said = (select state from occurrences o where o.id = occurrence)
             where notification = $1",
        )
        .bind(id)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn claimed(&mut self, id: String, message: Message) -> Result<Claimed, StoreError> {
        let row = sqlx::query(
            "select created_at, waiting_since,
                 (select count(*) from attempts a where a.notification = n.id) as attempts
             from notifications n where n.id = $1",
        )
        .bind(id.as_str())
        .fetch_one(self.connection())
        .await?;
        Ok(Claimed {
            accepted_at: timestamp(row.try_get("created_at")?)?,
            waiting_since: timestamp(row.try_get("waiting_since")?)?,
            attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
            id,
            message,
        })
    }

    /// Ends a notification that has nothing left to say, because its news was told meanwhile.
    async fn drop_unsaid(&mut self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("update notifications set suppressed = $2 where id = $1")
            .bind(id)
            .bind(Suppression::Duplicate.as_str())
            .execute(self.connection())
            .await?;
        self.finish(id, "suppressed", now).await
    }

    pub(super) async fn finish(
        &mut self,
        notification: &str,
        status: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update notifications set status = $2, finished_at = $3, leased_until = null where id = $1",
        )
        .bind(notification)
        .bind(status)
        .bind(at.as_microsecond())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The newest notification that waits for the same destination about the same group, if it is a newer one.
    pub(super) async fn newer_in_group(&mut self, notification: &str) -> Result<Option<String>, StoreError> {
        let newer = sqlx::query_scalar(
            "select n.id from notifications n join notifications old on old.id = $1
             where n.channel = old.channel and n.source = old.source and n.group_key = old.group_key
               and n.status = 'pending' and n.number > old.number order by n.number desc limit 1",
        )
        .bind(notification)
        .fetch_optional(self.connection())
        .await?;
        Ok(newer)
    }
}
