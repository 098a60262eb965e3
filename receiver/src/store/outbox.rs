//! The outbox: what is due, and claiming it.
//!
//! A claim lasts until its owner has recorded what came of it, or is dead. Due times and gates are by a clock that only
//! goes forward. What a claim costs does not depend on how much waits: what is due stands in an index, in the order in
//! which it goes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::message::{Message, Post};
use modelwatch_receiver_core::outcome::Receipt;
use modelwatch_receiver_core::retry::Rate;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::gates::OPEN;
use super::spoken::Past;
use super::transaction::timestamp;
use super::{Store, StoreError, Transaction, Wording};

/// How many notifications that were postponed become ready with one claim at most.
const READY_AT_ONCE: i64 = 256;

/// Where a notification is claimed for.
#[derive(Debug, Clone, Copy)]
pub struct Outlet<'a> {
    /// The destination's name.
    pub channel: &'a str,
    /// How often it may be sent to; `None` for as often as there is something to say.
    pub rate: Option<Rate>,
    /// Whether it is known of each of its recipients what they have: then messages answer to the first that one of them has.
    pub has_recipients: bool,
    /// Whether its messages can be changed: then it is known where the one about each group stands.
    pub keeps_posts: bool,
}

/// A notification that is being claimed.
struct Leased {
    id: String,
    owner: Arc<str>,
    has_recipients: bool,
    keeps_posts: bool,
    past: Past,
}

/// A notification that is ours to send.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub id: String,
    /// Who claimed it.
    pub(super) owner: Arc<str>,
    /// What it says now.
    pub message: Arc<Message>,
    /// Since when its oldest news waits to be told.
    pub waiting_since: Timestamp,
    /// Since when it is tried, by the store's clock.
    pub patience_from: Timestamp,
    /// How many attempts were made before.
    pub attempts: u32,
    /// What they came to, by recipient, where the destination has several.
    pub receipts: Vec<Receipt>,
    /// Where the message about its group stands, in destinations that keep that.
    pub post: Option<Post>,
    /// How many alerts it does not tell after all, since they were over before its destination heard of them.
    pub never_told: usize,
}

/// What came of looking for something to send.
#[derive(Debug, Clone)]
pub enum Claim {
    /// Nothing is due, or only what has to wait for another of its group.
    Nothing,
    /// What was due is not to be sent after all.
    Suppressed(Suppression),
    /// Some recipients have what was due; what became of it since is told by something newer, to everybody.
    Told,
    /// What was due is damaged, and a dead letter now; says how.
    Dead(String),
    /// This is ours to send.
    Ours(Box<Claimed>),
}

/// Of the notifications `n` that wait, those that nothing has to be waited for: none about the same group is under way,
/// or about an alert of theirs, so that nothing overtakes and nothing is said twice. An `offset` keeps PostgreSQL from joining
/// all that waits, or was ever mentioned, where it has to look at the first few.
const FREE: &str = "n.status = 'pending' and not exists (
    select 1 from notifications o
    where o.channel = n.channel and o.owner is not null
      and (o.group_id = n.group_id
           or exists (select 1 from mentions theirs join mentions ours on ours.occurrence = theirs.occurrence
                      where theirs.notification = o.id and ours.notification = n.id limit 1 offset 0))
    limit 1 offset 0)";

impl Store {
    /// Claims the notification for `outlet` that is due and waits for longest, and puts it into its newest words. By its
    /// rate the destination is shut for others from then on.
    ///
    /// Nothing waits for the disk here: a claim that is lost with the power was no attempt yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(
        &self,
        outlet: Outlet<'_>,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let Outlet { channel, rate, has_recipients, keeps_posts } = outlet;
        let owner = self.owner().await?;
        let mut transaction = self.begin_unhurried().await?;
        let claim = match transaction.lease(channel, &owner, self.steady.now()).await? {
            Some(id) => {
                transaction.concerns(&id).await?;
                let past = transaction.past(&id).await?;
                match transaction.why_not_sent(&id, past).await? {
                    Some(ended) => ended,
                    None => {
                        let leased = Leased { id, owner, has_recipients, keeps_posts, past };
                        transaction.claim_leased(leased, wording, now).await?
                    }
                }
            }
            None => {
                transaction.concerns_nothing_else();
                Claim::Nothing
            }
        };
        if let (Claim::Ours(_), Some(rate)) = (&claim, rate) {
            transaction.shut_gate(channel, self.steady.after(rate.interval())).await?;
        }
        let committed = transaction.commit().await;
        if matches!(committed, Err(StoreError::Unreachable(_))) {
            // it may have been claimed all the same, and nobody sends it: then it is to be given back
            self.lease.leave();
        }
        committed.map(|()| claim)
    }

    /// How long it is until a notification of `channel` is due that may be claimed and sent then; `None` if there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_due(&self, channel: &str) -> Result<Option<Duration>, StoreError> {
        let selects = [
            format!(
                "select case when g.opens_at > 0 then g.opens_at else 0 end
                 from notifications n left join gates g on g.channel = n.channel
                 where n.channel = $1 and n.ready = 1 and {FREE} order by n.waiting_since limit 1"
            ),
            format!(
                "select case when g.opens_at > n.due_at then g.opens_at else n.due_at end
                 from notifications n left join gates g on g.channel = n.channel
                 where n.channel = $1 and n.ready = 0 and {FREE} order by n.due_at limit 1"
            ),
        ];
        for select in selects {
            let due: Option<i64> = sqlx::query_scalar(AssertSqlSafe(select))
                .bind(channel)
                .fetch_optional(self.readers())
                .await?;
            if let Some(due) = due {
                let wait = timestamp(due)?.duration_since(self.steady.now());
                return Ok(Some(Duration::try_from(wait).unwrap_or_default()));
            }
        }
        Ok(None)
    }
}

/// Gives the ready notification for `$1` that waits for longest to the owner `$3`, at `$2`.
pub(super) fn lease_sql() -> String {
    format!(
        "update notifications set owner = $3 where id = (
             select n.id from notifications n
             where n.channel = $1 and n.ready = 1 and {OPEN} and {FREE}
               and exists (select 1 from receivers where id = $3)
             order by n.waiting_since limit 1)
         returning id"
    )
}

impl Transaction {
    /// Nothing for an owner that was taken for dead: what it gets next, it gets under another name.
    async fn lease(
        &mut self,
        channel: &str,
        owner: &str,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        self.make_ready(channel, now).await?;
        let update = lease_sql();
        let row = sqlx::query(AssertSqlSafe(update))
            .bind(channel)
            .bind(now.as_microsecond())
            .bind(owner)
            .fetch_optional(self.connection())
            .await?;
        row.map(|row: AnyRow| Ok(row.try_get("id")?)).transpose()
    }

    /// What was postponed until `now` is ready.
    async fn make_ready(&mut self, channel: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "update notifications set ready = 1 where id in (
                 select n.id from notifications n
                 where n.channel = $1 and n.status = 'pending' and n.ready = 0 and n.due_at <= $2
                 order by n.due_at limit $3)",
        )
        .bind(channel)
        .bind(now.as_microsecond())
        .bind(READY_AT_ONCE)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn claim_leased(
        &mut self,
        leased: Leased,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let Leased { id, owner, has_recipients, keeps_posts, past } = leased;
        let never_told = self.settle_unheard(&id, now).await?;
        let said = if past.arrived {
            self.said_before(&id, past).await.map(Some)
        } else {
            let thread = if has_recipients { self.thread(&id).await? } else { None };
            self.word_answering(thread, &id, wording, now).await
        };
        match said {
            Ok(Some(message)) => {
                let post = if keeps_posts { self.post(&id).await? } else { None };
                let claimed = self.claimed(id, owner, message).await?;
                Ok(Claim::Ours(Box::new(Claimed { never_told, post, ..claimed })))
            }
            Ok(None) => {
                let reason = self.why_unsaid(&id).await?;
                self.suppress(&id, reason).await?;
                Ok(Claim::Suppressed(reason))
            }
            Err(StoreError::Damaged(what)) => {
                self.bury(&id, &what).await?;
                Ok(Claim::Dead(what))
            }
            Err(error) => Err(error),
        }
    }

    async fn claimed(
        &mut self,
        id: String,
        owner: Arc<str>,
        message: Message,
    ) -> Result<Claimed, StoreError> {
        let row = sqlx::query(
            "select waiting_since, patience_from,
                 (select count(*) from attempts a where a.notification = n.id) as attempts
             from notifications n where n.id = $1",
        )
        .bind(id.as_str())
        .fetch_one(self.connection())
        .await?;
        let attempts = u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX);
        // nobody has answered before the first attempt
        let receipts = if attempts == 0 { Vec::new() } else { self.receipts(&id).await? };
        Ok(Claimed {
            receipts,
            post: None,
            never_told: 0,
            owner,
            waiting_since: timestamp(row.try_get("waiting_since")?)?,
            patience_from: timestamp(row.try_get("patience_from")?)?,
            attempts,
            id,
            message: Arc::new(message),
        })
    }

    /// Why nothing is left to say: the end is not wanted or never had a beginning, or all of it was told meanwhile.
    pub(super) async fn why_unsaid(&mut self, id: &str) -> Result<Suppression, StoreError> {
        let settled: Vec<String> = sqlx::query_scalar(
            "select distinct t.suppressed from mentions m join notifications n on n.id = m.notification
                 join transitions t on t.channel = n.channel and t.occurrence = m.occurrence
             where m.notification = $1 and t.suppressed is not null",
        )
        .bind(id)
        .fetch_all(self.connection())
        .await?;
        let reasons = [Suppression::ResolvedOff, Suppression::NeverTold];
        let reason = reasons.into_iter().find(|reason| settled.iter().any(|one| one == reason.as_str()));
        Ok(reason.unwrap_or(Suppression::Duplicate))
    }

    /// Ends a notification that cannot be put into words, so that it does not stand in the way of others.
    async fn bury(&mut self, id: &str, what: &str) -> Result<(), StoreError> {
        sqlx::query("update notifications set problem = $2 where id = $1")
            .bind(id)
            .bind(what)
            .execute(self.connection())
            .await?;
        self.finish(id, "dead").await
    }

    /// Ends a notification that is not sent after all.
    pub(super) async fn suppress(&mut self, id: &str, reason: Suppression) -> Result<(), StoreError> {
        sqlx::query("update notifications set suppressed = $2 where id = $1")
            .bind(id)
            .bind(reason.as_str())
            .execute(self.connection())
            .await?;
        self.finish(id, "suppressed").await
    }

    pub(super) async fn finish(&mut self, id: &str, status: &str) -> Result<(), StoreError> {
        sqlx::query("update notifications set status = $2, owner = null where id = $1")
            .bind(id)
            .bind(status)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The newest notification that waits for the same destination about the same group, if it is a newer one.
    pub(super) async fn newer_in_group(&mut self, notification: &str) -> Result<Option<String>, StoreError> {
        let newer = sqlx::query_scalar(
            "select n.id from notifications n join notifications old on old.id = $1
             where n.channel = old.channel and n.group_id = old.group_id
               and n.status = 'pending' and n.number > old.number order by n.number desc limit 1",
        )
        .bind(notification)
        .fetch_optional(self.connection())
        .await?;
        Ok(newer)
    }
}
