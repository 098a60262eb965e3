//! What may have been heard keeps its words: a notification that arrived somewhere, or may have, is sent again as it was or
//! not at all. What became of its alerts since is told by another one, which has an identity of its own, so that no
//! destination takes it for a copy.

use jiff::Timestamp;
use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::message::Message;
use sqlx::{AssertSqlSafe, Row as _};

use super::transaction::{from_json, new_id};
use super::unheard::ARRIVED;
use super::wording::NEWEST;
use super::{Claim, StoreError, Transaction};

/// Whether a recipient has notification `n`.
pub(super) const HELD: &str =
    "exists (select 1 from receipts p where p.notification = n.id and p.result = 'delivered')";

/// Whether occurrence `o` is not any more what mention `m` says of it, or `m` is to tell what was not said yet.
const CHANGED: &str = "case when m.said is not null
    then (o.state = 'resolved') <> (m.said = 'resolved')
         or exists (select 1 from occurrences newer where newer.source = o.source
                    and newer.fingerprint = o.fingerprint and newer.number > o.number)
    else {NEWEST} and exists (
         select 1 from transitions t join notifications n on n.id = m.notification
         where t.channel = n.channel and t.occurrence = o.id and t.told_at is null and t.suppressed is null
           and not (t.status = 'firing' and o.state = 'resolved')) end";

/// What happened to a notification before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    /// It was a dead letter.
    pub(super) replayed: bool,
    /// It stands in for one of another destination.
    pub(super) stands_in: bool,
    /// It arrived somewhere, or may have.
    pub(super) arrived: bool,
    /// A recipient has it.
    pub(super) held: bool,
}

impl Transaction {
    /// What happened to a notification before.
    pub(super) async fn past(&mut self, id: &str) -> Result<Past, StoreError> {
        let is = |what: &str| format!("cast(case when {what} then 1 else 0 end as bigint)");
        let select = format!(
            "select n.replayed, {} as stands_in, {} as arrived, {} as held from notifications n where n.id = $1",
            is("n.fallback_of is not null"),
            is(ARRIVED),
            is(HELD),
        );
        let row = sqlx::query(AssertSqlSafe(select)).bind(id).fetch_one(self.connection()).await?;
        let is = |column: &str| row.try_get::<i64, _>(column).map(|set| set != 0);
        Ok(Past {
            replayed: is("replayed")?,
            stands_in: is("stands_in")?,
            arrived: is("arrived")?,
            held: is("held")?,
        })
    }

    /// Why what was leased is not sent after all, and ends: a newer one of its group waits, all it had to tell was told
    /// meanwhile, or what it said, and may have been heard, is true no more.
    pub(super) async fn why_not_sent(&mut self, id: &str, past: Past) -> Result<Option<Claim>, StoreError> {
        if let Some(newer) = self.newer_in_group(id).await? {
            // both wait only after a crash, when the older one had been under way as the newer one came
            self.hand_over(id, &newer).await?;
            return Ok(Some(past.ends(Suppression::Superseded)));
        }
        let left = if past.replayed {
            self.nothing_left(id, past).await?
        } else if past.held || !(past.stands_in || past.arrived) || self.owes(id).await? {
            None
        } else {
            Some(self.why_unsaid(id).await?)
        };
        if let Some(reason) = left {
            self.close(id, reason, past).await?;
            return Ok(Some(past.ends(reason)));
        }
        if !past.arrived || self.still_holds(id).await? {
            return Ok(None);
        }
        if self.owes(id).await? {
            self.succeed(id).await?;
        } else {
            self.close(id, Suppression::Superseded, past).await?;
        }
        Ok(Some(past.ends(Suppression::Superseded)))
    }

    /// Ends a notification that is not sent any more: whoever has it was told.
    pub(super) async fn close(
        &mut self,
        id: &str,
        reason: Suppression,
        past: Past,
    ) -> Result<(), StoreError> {
        if past.held { self.finish(id, "delivered").await } else { self.suppress(id, reason).await }
    }

    /// Whether what a notification said is still so, and all that it has to say.
    pub(super) async fn still_holds(&mut self, id: &str) -> Result<bool, StoreError> {
        let changed = CHANGED.replace("{NEWEST}", NEWEST);
        let select = format!(
            "select 1 from mentions m join occurrences o on o.id = m.occurrence
             where m.notification = $1 and {changed} limit 1"
        );
        let changed = sqlx::query(AssertSqlSafe(select)).bind(id).fetch_optional(self.connection()).await?;
        Ok(changed.is_none())
    }

    /// Whether anything that a notification mentions is still to be told to its destination.
    async fn owes(&mut self, id: &str) -> Result<bool, StoreError> {
        let owed = sqlx::query(
            "select 1 from mentions m join notifications n on n.id = m.notification
                 join transitions t on t.channel = n.channel and t.occurrence = m.occurrence
             where m.notification = $1 and t.told_at is null and t.suppressed is null limit 1",
        )
        .bind(id)
        .fetch_optional(self.connection())
        .await?;
        Ok(owed.is_some())
    }

    /// Queues another notification in the place of one that may have been heard and has something else to say now; returns
    /// its id.
    pub(super) async fn succeed(&mut self, id: &str) -> Result<String, StoreError> {
        let successor = new_id();
        sqlx::query(
            "insert into notifications (id, channel, source, group_key, group_labels, external_url,
                 truncated_alerts, created_at, waiting_since, kind, late, status, due_at, message, group_id,
                 patience_from, fallback_of, replayed, number)
             select $2, channel, source, group_key, group_labels, external_url,
                 truncated_alerts, created_at, waiting_since, kind, late, 'pending', 0, message, group_id,
                 patience_from, fallback_of, replayed,
                 (select coalesce(max(o.number), 0) + 1 from notifications o
                  where o.channel = n.channel and o.group_id = n.group_id and o.status = 'pending')
             from notifications n where n.id = $1",
        )
        .bind(id)
        .bind(successor.as_str())
        .execute(self.connection())
        .await?;
        self.hand_over(id, &successor).await?;
        Ok(successor)
    }

    /// What a notification that may have been heard says: what it said.
    pub(super) async fn said_before(&mut self, id: &str, past: Past) -> Result<Message, StoreError> {
        let stored: String = sqlx::query_scalar("select message from notifications where id = $1")
            .bind(id)
            .fetch_one(self.connection())
            .await?;
        let message: Message = from_json(&stored)?;
        Ok(Message { late: message.late || past.replayed, ..message })
    }

    /// The destination heard what some of its recipients have.
    pub(super) async fn note_held(&mut self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        if self.is_held_by_anyone(id).await? {
            self.note_heard(id, at).await?;
        }
        Ok(())
    }
}

impl Past {
    /// What claiming it comes to when it ends for that reason.
    fn ends(self, reason: Suppression) -> Claim {
        if self.held { Claim::Told } else { Claim::Suppressed(reason) }
    }
}
