//! Attempts: noted before the first byte goes out, and ended with what came of them.

use jiff::Timestamp;
use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::{MAX_RETRY_AFTER, Next};
use sqlx::AssertSqlSafe;

use super::transaction::new_id;
use super::wording::NEWEST;
use super::{Store, StoreError, Transaction};

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// What the destination said.
    pub outcome: &'a Outcome,
    /// What follows.
    pub next: Next,
    /// When.
    pub at: Timestamp,
}

/// How an attempt is remembered whose process ended before it knew the answer.
const LOST: &str = "the receiver ended before the answer was recorded";

impl Store {
    /// Gives back everything that was claimed by a process that is gone; what it had begun to send is ambiguous. Due
    /// times are brought to where they can have been meant, since that process may have had another idea of the time.
    pub(super) async fn release_leases(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "update attempts set finished_at = started_at, result = 'retryable', ambiguous = 1, detail = $1
             where finished_at is null",
        )
        .bind(LOST)
        .execute(transaction.connection())
        .await?;
        sqlx::query("update notifications set owner = null where owner is not null")
            .execute(transaction.connection())
            .await?;
        sqlx::query("update notifications set due_at = $1 where status = 'pending' and due_at > $1")
            .bind(self.steady.after(MAX_RETRY_AFTER).as_microsecond())
            .execute(transaction.connection())
            .await?;
        transaction.commit().await
    }

    /// Notes that an attempt begins and what it sends; on disk before the first byte goes out.
    ///
    /// # Errors
    /// When the database fails; then nothing may be sent.
    pub async fn begin_attempt(
        &self,
        notification: &str,
        content: &str,
        problem: Option<&str>,
        at: Timestamp,
    ) -> Result<String, StoreError> {
        let id = new_id();
        let mut transaction = self.begin().await?;
        sqlx::query("update notifications set content = $2, problem = $3 where id = $1")
            .bind(notification)
            .bind(content)
            .bind(problem)
            .execute(transaction.connection())
            .await?;
        sqlx::query(
            "insert into attempts (id, notification, started_at, ambiguous, detail) values ($1, $2, $3, 0, '')",
        )
        .bind(id.as_str())
        .bind(notification)
        .bind(at.as_microsecond())
        .execute(transaction.connection())
        .await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Notes how an attempt ended and what follows. A notification that would be tried again although a newer one
    /// about its group waits is superseded instead; then this returns `true`.
    ///
    /// # Errors
    /// When the database fails; then the attempt stays open, and is ambiguous after a restart.
    pub async fn end_attempt(
        &self,
        attempt: &str,
        notification: &str,
        ending: Ending<'_>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.note_outcome(attempt, ending).await?;
        let superseded = match ending.next {
            Next::Done => transaction.note_delivered(notification, ending.at).await.map(|()| false)?,
            Next::Dead => transaction.note_dead(notification, ending.at).await.map(|()| false)?,
            Next::Again(wait) => transaction.postpone(notification, self.steady.after(wait)).await?,
        };
        transaction.commit().await?;
        Ok(superseded)
    }
}

impl Transaction {
    async fn note_outcome(&mut self, attempt: &str, ending: Ending<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "update attempts set finished_at = $2, result = $3, reason = $4, ambiguous = $5, detail = $6
             where id = $1",
        )
        .bind(attempt)
        .bind(ending.at.as_microsecond())
        .bind(ending.outcome.as_str())
        .bind(ending.outcome.reason().map(Reason::as_str))
        .bind(i64::from(ending.outcome.is_ambiguous()))
        .bind(ending.outcome.detail())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn note_delivered(&mut self, notification: &str, at: Timestamp) -> Result<(), StoreError> {
        self.note_heard(notification, at).await?;
        self.finish(notification, "delivered").await
    }

    /// What some recipients have and others never will is a dead letter, so that it is seen; still the destination heard
    /// it, or the next message would tell those who have it the same as new.
    async fn note_dead(&mut self, notification: &str, at: Timestamp) -> Result<(), StoreError> {
        if self.is_held_by_anyone(notification).await? {
            self.note_heard(notification, at).await?;
        }
        self.finish(notification, "dead").await
    }

    /// The destination heard what was said of each occurrence, whichever notification was to tell it, and need not hear
    /// of older ones of the same alerts any more.
    async fn note_heard(&mut self, notification: &str, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "update transitions set told_at = $2
             where told_at is null and suppressed is null
               and channel = (select channel from notifications where id = $1)
               and occurrence in (select occurrence from mentions where notification = $1 and said is not null)
               and (status = 'firing' or occurrence in
                    (select occurrence from mentions where notification = $1 and said = 'resolved'))",
        )
        .bind(notification)
        .bind(at.as_microsecond())
        .execute(self.connection())
        .await?;
        let settle = format!(
            "update transitions set suppressed = $2
             where told_at is null and suppressed is null
               and channel = (select channel from notifications where id = $1)
               and occurrence in (select m.occurrence from mentions m join occurrences o on o.id = m.occurrence
                                  where m.notification = $1 and not ({NEWEST}))"
        );
        sqlx::query(AssertSqlSafe(settle))
            .bind(notification)
            .bind(Suppression::Superseded.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn postpone(&mut self, notification: &str, due: Timestamp) -> Result<bool, StoreError> {
        if let Some(newer) = self.newer_in_group(notification).await? {
            self.hand_over(notification, &newer).await?;
            return Ok(true);
        }
        sqlx::query("update notifications set due_at = $2, owner = null where id = $1")
            .bind(notification)
            .bind(due.as_microsecond())
            .execute(self.connection())
            .await?;
        Ok(false)
    }
}
