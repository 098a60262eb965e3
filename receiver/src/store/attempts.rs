//! Attempts: noted before the first byte goes out, and ended with what came of them.

use jiff::Timestamp;
use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::{MAX_RETRY_AFTER, Next};
use sqlx::{AssertSqlSafe, Row as _};

use super::transaction::storable;
use super::wording::NEWEST;
use super::{Claimed, Fallback, Store, StoreError, Transaction};

/// An attempt that is about to be made. Its id is the caller's, who may have to note it twice.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it sends.
    pub content: &'a str,
    /// Why the plain layout is used, if it is.
    pub problem: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}
/// What mention `m` says: `firing` or `resolved`.
const SAID: &str = "case when m.said = 'resolved' then 'resolved' else 'firing' end";

/// Whether a message that says what mention `m` says tells a transition: also one that was given up since it was not to be
/// told any more.
const TELLS: &str = "(told_at is null and case status
    when 'firing' then m.said <> 'resolved' and coalesce(suppressed, 'superseded') = 'superseded'
    when 'resolved' then m.said = 'resolved' and repeat_number <= m.said_stage
                         and coalesce(suppressed, 'never_told') = 'never_told'
    else repeat_number <= m.said_stage and suppressed is null end)";

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// What the destination said.
    pub outcome: &'a Outcome,
    /// What follows.
    pub next: Next,
    /// When.
    pub at: Timestamp,
    /// Who gets it instead if it is a dead letter.
    pub fallback: Option<&'a Fallback>,
}

/// What became of a notification by the end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// What was to follow follows.
    AsMeant,
    /// It would have been tried again, but a newer one about its group waits and takes its place.
    Superseded,
    /// The same, but some recipients have it: those were told.
    Told,
    /// Others take care of it, since this receiver was taken for dead; what it was answered is noted.
    Lost,
}

/// Whose a notification is when an attempt of it ends.
enum Whose {
    /// Whose it was when it began.
    Ours,
    /// Nobody's, since its owner was taken for dead, and it still waits.
    Nobodys,
    /// Another's, or it is over.
    Anothers,
}

impl Store {
    /// Notes that an attempt begins and what it sends; on disk before the first byte goes out. `false` if others took
    /// what was claimed: then nothing may be sent.
    ///
    /// # Errors
    /// When the database fails; then nothing may be sent either. It may be noted all the same: noted again, it is still one.
    pub async fn begin_attempt(
        &self,
        claimed: &Claimed,
        beginning: Beginning<'_>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin_about(&claimed.id).await?;
        let ours =
            sqlx::query("update notifications set content = $2, problem = $3 where id = $1 and owner = $4")
                .bind(claimed.id.as_str())
                .bind(storable(beginning.content))
                .bind(beginning.problem.map(storable))
                .bind(&*claimed.owner)
                .execute(transaction.connection())
                .await?;
        if ours.rows_affected() == 0 {
            transaction.commit().await?;
            return Ok(false);
        }
        transaction.note_attempt(beginning.id, &claimed.id, beginning.at).await?;
        let refreshed = self.refresh(&mut transaction).await?;
        transaction.commit().await?;
        self.refreshed(refreshed);
        Ok(true)
    }

    /// Notes how an attempt ended and what follows, for as far as the notification is still the claimer's. A pause that
    /// the destination asked for is for all that goes there.
    ///
    /// # Errors
    /// When the database fails; then the attempt stays open, and is ambiguous should this receiver end. It may be noted all
    /// the same: what is noted, and noted again, is done.
    pub async fn end_attempt(
        &self,
        attempt: &str,
        claimed: &Claimed,
        ending: Ending<'_>,
    ) -> Result<Ended, StoreError> {
        let mut transaction = self.begin_about(&claimed.id).await?;
        if transaction.is_noted(attempt, ending.outcome).await? {
            let ended = transaction.ended(&claimed.id, ending.next).await?;
            transaction.commit().await?;
            return Ok(ended);
        }
        if let Outcome::Retryable { retry_after: Some(pause), .. } = ending.outcome {
            let until = self.steady.after((*pause).min(MAX_RETRY_AFTER));
            transaction.shut_gate(&claimed.message.channel, until).await?;
        }
        let whose = transaction.whose(claimed).await?;
        let others_went_on = matches!(whose, Whose::Anothers) || transaction.was_tried_since(claimed).await?;
        transaction.note_outcome(attempt, &claimed.id, ending, others_went_on).await?;
        if !matches!(whose, Whose::Anothers) {
            transaction.note_held(&claimed.id, ending.at).await?;
        }
        let ended = match (whose, ending.next) {
            (Whose::Ours | Whose::Nobodys, Next::Done) => {
                transaction.note_delivered(&claimed.id, ending.at).await?;
                Ended::AsMeant
            }
            (Whose::Ours, Next::Dead) => {
                transaction.fall_back(&claimed.id, ending, self.steady.now()).await?;
                transaction.note_dead(&claimed.id, ending.at).await?;
                Ended::AsMeant
            }
            (Whose::Ours, Next::Again(wait)) => {
                transaction.postpone(&claimed.id, self.steady.after(wait)).await?
            }
            _ => Ended::Lost,
        };
        transaction.commit().await?;
        Ok(ended)
    }
}

impl Transaction {
    /// Notes that an attempt with that id begins, unless it is noted.
    pub(super) async fn note_attempt(
        &mut self,
        id: &str,
        notification: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into attempts (id, notification, started_at, ambiguous, detail, number)
             select $1, $2, $3, 0, '', 1 + count(*) from attempts where notification = $2
             on conflict (id) do nothing",
        )
        .bind(id)
        .bind(notification)
        .bind(at.as_microsecond())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Whether it is noted that an attempt came to this.
    async fn is_noted(&mut self, attempt: &str, outcome: &Outcome) -> Result<bool, StoreError> {
        let noted = sqlx::query(
            "select 1 from attempts
             where id = $1 and finished_at is not null and result = $2 and coalesce(reason, '') = $3 and detail = $4",
        )
        .bind(attempt)
        .bind(outcome.as_str())
        .bind(outcome.reason().map_or("", Reason::as_str))
        .bind(storable(outcome.detail()))
        .fetch_optional(self.connection())
        .await?;
        Ok(noted.is_some())
    }

    /// What became of a notification by an attempt that was noted before, and that `next` was to follow.
    async fn ended(&mut self, notification: &str, next: Next) -> Result<Ended, StoreError> {
        let row = sqlx::query("select status, suppressed from notifications where id = $1")
            .bind(notification)
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(Ended::Lost) };
        let superseded =
            row.try_get::<Option<&str>, _>("suppressed")? == Some(Suppression::Superseded.as_str());
        Ok(match (next, row.try_get("status")?) {
            (Next::Done, "delivered") | (Next::Dead, "dead") | (Next::Again(_), "pending") => Ended::AsMeant,
            (Next::Again(_), "suppressed") if superseded => Ended::Superseded,
            (Next::Again(_), "delivered") => Ended::Told,
            _ => Ended::Lost,
        })
    }

    async fn whose(&mut self, claimed: &Claimed) -> Result<Whose, StoreError> {
        let row = sqlx::query("select owner, status from notifications where id = $1")
            .bind(claimed.id.as_str())
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(Whose::Anothers) };
        let (owner, status): (Option<String>, String) = (row.try_get("owner")?, row.try_get("status")?);
        Ok(match owner {
            Some(owner) if *owner == *claimed.owner => Whose::Ours,
            None if status == "pending" => Whose::Nobodys,
            _ => Whose::Anothers,
        })
    }

    /// Whether others tried it after this claimer.
    async fn was_tried_since(&mut self, claimed: &Claimed) -> Result<bool, StoreError> {
        let tried: i64 = sqlx::query_scalar("select count(*) from attempts where notification = $1")
            .bind(claimed.id.as_str())
            .fetch_one(self.connection())
            .await?;
        Ok(tried > i64::from(claimed.attempts) + 1)
    }

    /// What an attempt came to. One that others took for lost, so that they went on, is ambiguous unless it turns out that it
    /// reached nobody: there may be a second copy.
    pub(super) async fn note_outcome(
        &mut self,
        attempt: &str,
        notification: &str,
        ending: Ending<'_>,
        others_went_on: bool,
    ) -> Result<(), StoreError> {
        let arrived = matches!(ending.outcome, Outcome::Delivered { .. });
        let second = others_went_on && (arrived || self.is_held_by_anyone(notification).await?);
        let ambiguous = ending.outcome.is_ambiguous() || second;
        sqlx::query(
            "update attempts set finished_at = $2, result = $3, reason = $4, ambiguous = $5, detail = $6
             where id = $1",
        )
        .bind(attempt)
        .bind(ending.at.as_microsecond())
        .bind(ending.outcome.as_str())
        .bind(ending.outcome.reason().map(Reason::as_str))
        .bind(i64::from(ambiguous))
        .bind(storable(ending.outcome.detail()))
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
    pub(super) async fn note_dead(&mut self, notification: &str, at: Timestamp) -> Result<(), StoreError> {
        self.note_held(notification, at).await?;
        self.finish(notification, "dead").await
    }

    /// The destination heard what was said of each occurrence, whichever notification was to tell it, and need not hear
    /// of older ones of the same alerts any more. Only that is told of which the message spoke: not what became of an alert
    /// while it was under way, and not that an alert began of which it said that it is over.
    pub(super) async fn note_heard(&mut self, notification: &str, at: Timestamp) -> Result<(), StoreError> {
        let heard = format!(
            "update transitions set heard = {SAID},
                 told_at = case when {TELLS} then $2 else told_at end,
                 suppressed = case when {TELLS} then null
                     when status = 'firing' and told_at is null then coalesce(suppressed, 'superseded')
                     else suppressed end
             from mentions m
             where m.notification = $1 and m.said is not null and transitions.occurrence = m.occurrence
               and transitions.channel = (select channel from notifications where id = $1)
               and (told_at is null or heard is null or heard <> {SAID})"
        );
        sqlx::query(AssertSqlSafe(heard))
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

    async fn postpone(&mut self, notification: &str, due: Timestamp) -> Result<Ended, StoreError> {
        if let Some(newer) = self.newer_in_group(notification).await? {
            self.hand_over(notification, &newer).await?;
            let held = self.is_held_by_anyone(notification).await?;
            return Ok(if held { Ended::Told } else { Ended::Superseded });
        }
        sqlx::query("update notifications set due_at = $2, ready = 0, owner = null where id = $1")
            .bind(notification)
            .bind(due.as_microsecond())
            .execute(self.connection())
            .await?;
        Ok(Ended::AsMeant)
    }
}
