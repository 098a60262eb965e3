//! Dead letters that are to be sent again, and what waits for nobody any more.

use std::collections::BTreeSet;

use jiff::Timestamp;
use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::Next;
use sqlx::{AssertSqlSafe, Row as _};

use super::spoken::Past;
use super::transaction::{count, new_id};
use super::unheard::{ARRIVED, unheard};
use super::{Ending, Store, StoreError, Transaction};

/// What became of a notification that was to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// It waits to be sent, in its newest words.
    Queued,
    /// A newer one about its group waits and tells its news too: this one.
    Joined(String),
    /// There is nothing left to tell, and why.
    Suppressed(Suppression),
    /// It is no dead letter, but stands there.
    NotDead(String),
    /// The configuration has no such channel.
    NoChannel(String),
    /// There is no such notification.
    Unknown,
}

/// Which dead letters are meant.
#[derive(Debug, Clone, Copy)]
pub struct Dead<'a> {
    /// Only of this channel; of all if it is empty.
    pub channel: &'a str,
    /// Only accepted then or later.
    pub since: Timestamp,
    /// At most so many, the newest.
    pub limit: usize,
}

/// How many are replayed, or die, in one transaction, so that nobody waits for long.
const BATCH: usize = 50;

/// How a notification is remembered whose channel the configuration lost.
const GONE: &str = "nothing was sent: the configuration has no such channel any more";

/// Whether mention `m`, of occurrence `o`, is of an alert that something newer is known of, or that was forgotten.
const OUTDATED: &str = "(o.state = 'stale' or exists (
    select 1 from occurrences newer
    where newer.source = o.source and newer.fingerprint = o.fingerprint and newer.number > o.number))";

impl Store {
    /// The dead letters of that kind, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_letters(&self, dead: Dead<'_>) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "select id from notifications where status = 'dead' and ($1 = '' or channel = $1) and created_at >= $2
             order by created_at desc, id desc limit $3",
        )
        .bind(dead.channel)
        .bind(dead.since.as_microsecond())
        .bind(count(dead.limit))
        .fetch_all(&self.history)
        .await?)
    }

    /// Queues dead letters again, for as far as they have something left to tell and `channels` has where they go. Of one
    /// group the first takes over the others.
    ///
    /// # Errors
    /// When the database fails; those before may be queued already.
    pub async fn replay(
        &self,
        ids: &[String],
        channels: &BTreeSet<String>,
    ) -> Result<Vec<Replayed>, StoreError> {
        let mut all = Vec::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            let mut transaction = self.begin().await?;
            for id in batch {
                all.push(transaction.replay(id, channels, self.steady.now()).await?);
            }
            transaction.commit().await?;
        }
        Ok(all)
    }

    /// Makes dead letters of some of what waits since before `before` for channels that are none of `channels`. Returns for
    /// which; for none when there are no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bury_orphans(
        &self,
        channels: &BTreeSet<String>,
        before: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        const SELECT: &str = "select id, channel from notifications
             where status = 'pending' and owner is null and patience_from < $1";
        let waiting = sqlx::query(SELECT).bind(before.as_microsecond()).fetch_all(self.readers()).await?;
        let mut orphans: Vec<(String, String)> = Vec::new();
        for row in &waiting {
            let channel: String = row.try_get("channel")?;
            if !channels.contains(&channel) && orphans.len() < BATCH {
                orphans.push((row.try_get("id")?, channel));
            }
        }
        let mut buried = Vec::new();
        if orphans.is_empty() {
            return Ok(buried);
        }
        let mut transaction = self.begin().await?;
        for (id, channel) in orphans {
            if transaction.bury_orphan(&id, at).await? {
                buried.push(channel);
            }
        }
        transaction.commit().await?;
        Ok(buried)
    }
}

impl Transaction {
    async fn replay(
        &mut self,
        id: &str,
        channels: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Replayed, StoreError> {
        let row = sqlx::query("select channel, status from notifications where id = $1")
            .bind(id)
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(Replayed::Unknown) };
        let (channel, status): (String, String) = (row.try_get("channel")?, row.try_get("status")?);
        if status != "dead" {
            return Ok(Replayed::NotDead(status));
        }
        if !channels.contains(&channel) {
            return Ok(Replayed::NoChannel(channel));
        }
        let past = self.past(id).await?;
        if let Some(reason) = self.nothing_left(id, past).await? {
            self.close(id, reason, past).await?;
            return Ok(Replayed::Suppressed(reason));
        }
        if past.arrived && !self.still_holds(id).await? {
            let successor = self.succeed(id).await?;
            return Ok(match self.revive(&successor, now).await? {
                Replayed::Queued => Replayed::Joined(successor),
                joined => joined,
            });
        }
        self.revive(id, now).await
    }

    /// Why a replayed notification has nothing left to tell, if so: its alerts were over or forgotten before its destination
    /// heard of them, or it was told by others. Somebody among several recipients who has not got it is told, as long as
    /// what it says is so.
    pub(super) async fn nothing_left(
        &mut self,
        id: &str,
        past: Past,
    ) -> Result<Option<Suppression>, StoreError> {
        let ended = self.settle_unheard_ends(id).await?;
        if past.held && self.still_holds(id).await? {
            return Ok(None);
        }
        let select = format!(
            "select 1 from mentions m join notifications n on n.id = m.notification
                 join occurrences o on o.id = m.occurrence
                 join transitions t on t.channel = n.channel and t.occurrence = m.occurrence
             where m.notification = $1 and t.told_at is null and t.suppressed is null and not {OUTDATED} limit 1"
        );
        let left = sqlx::query(AssertSqlSafe(select)).bind(id).fetch_optional(self.connection()).await?;
        Ok(match left {
            Some(_) => None,
            None if ended => Some(Suppression::NeverTold),
            None => Some(Suppression::Superseded),
        })
    }

    /// Settles the ends of what a notification mentions and its destination never heard the beginning of. Returns whether
    /// there is such an end, or an alert of which nothing is known any more.
    async fn settle_unheard_ends(&mut self, id: &str) -> Result<bool, StoreError> {
        let unheard = format!(
            "from mentions m join notifications ours on ours.id = m.notification
                 join occurrences o on o.id = m.occurrence
             where m.notification = $1 and {}",
            unheard()
        );
        let settle = [
            format!(
                "update transitions set suppressed = $2 where told_at is null and suppressed is null
                   and channel = (select channel from notifications where id = $1)
                   and occurrence in (select m.occurrence {unheard} and o.state = 'resolved')"
            ),
            format!(
                "insert into transitions (channel, occurrence, status, repeat_number, suppressed)
                 select ours.channel, o.id, 'resolved', 0, $2 {unheard} and o.state = 'resolved'
                 on conflict do nothing"
            ),
        ];
        for step in settle {
            sqlx::query(AssertSqlSafe(step))
                .bind(id)
                .bind(Suppression::NeverTold.as_str())
                .execute(self.connection())
                .await?;
        }
        let select = format!("select 1 {unheard} and o.state in ('resolved', 'stale') limit 1");
        let found = sqlx::query(AssertSqlSafe(select)).bind(id).fetch_optional(self.connection()).await?;
        Ok(found.is_some())
    }

    /// Lets a dead letter wait again, or what waits about its group tell its news.
    async fn revive(&mut self, id: &str, now: Timestamp) -> Result<Replayed, StoreError> {
        let outdated = format!(
            "delete from mentions where notification = $1 and occurrence in
                 (select o.id from mentions m join occurrences o on o.id = m.occurrence
                  where m.notification = $1 and {OUTDATED})"
        );
        sqlx::query(AssertSqlSafe(outdated)).bind(id).execute(self.connection()).await?;
        sqlx::query("delete from receipts where notification = $1 and result <> 'delivered'")
            .bind(id)
            .execute(self.connection())
            .await?;
        sqlx::query("update notifications set patience_from = $2 where id = $1")
            .bind(id)
            .bind(now.as_microsecond())
            .execute(self.connection())
            .await?;
        if let Some(waits) = self.waiting_in_group(id).await? {
            self.hand_over(id, &waits).await?;
            return Ok(Replayed::Joined(waits));
        }
        sqlx::query(
            "update notifications set status = 'pending', due_at = 0, ready = 1, late = 1, replayed = 1, owner = null,
                 problem = null, number =
                 (select coalesce(max(o.number), 0) + 1 from notifications o
                  where o.channel = notifications.channel and o.group_id = notifications.group_id
                    and o.status = 'pending')
             where id = $1",
        )
        .bind(id)
        .execute(self.connection())
        .await?;
        Ok(Replayed::Queued)
    }

    /// The newest notification that waits for the same destination about the same group, is not under way and not worded for good.
    async fn waiting_in_group(&mut self, id: &str) -> Result<Option<String>, StoreError> {
        let waits = sqlx::query_scalar(AssertSqlSafe(format!(
            "select n.id from notifications n join notifications dead on dead.id = $1
             where n.channel = dead.channel and n.group_id = dead.group_id and n.id <> dead.id
               and n.status = 'pending' and n.owner is null and not {ARRIVED} order by n.number desc limit 1"
        )))
        .bind(id)
        .fetch_optional(self.connection())
        .await?;
        Ok(waits)
    }

    /// Makes a dead letter of it, unless it does not wait any more.
    async fn bury_orphan(&mut self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        let waits =
            sqlx::query("select 1 from notifications where id = $1 and status = 'pending' and owner is null")
                .bind(id)
                .fetch_optional(self.connection())
                .await?;
        if waits.is_none() {
            return Ok(false);
        }
        let attempt = new_id();
        self.note_attempt(&attempt, id, at).await?;
        let outcome = Outcome::Permanent { reason: Reason::NotFound, detail: GONE.to_owned() };
        let ending = Ending { outcome: &outcome, next: Next::Dead, at, fallback: None };
        self.note_outcome(&attempt, id, ending, false).await?;
        self.note_dead(id, at).await?;
        Ok(true)
    }
}
