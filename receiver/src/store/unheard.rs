//! What certainly nobody heard: the end of an alert of whose beginning a destination never heard is not told there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use modelwatch_receiver_core::book::Won;
use modelwatch_receiver_core::dedupe::Suppression;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row as _};

use super::write::Unsent;
use super::{StoreError, Transaction, Wording};

/// Whether notification `n` arrived somewhere, or may have: a recipient has it, or an attempt was answered yes or not at all.
pub(super) const ARRIVED: &str = "(
    exists (select 1 from attempts a where a.notification = n.id
            and (a.result is null or a.ambiguous = 1 or a.result = 'delivered'))
    or exists (select 1 from receipts p where p.notification = n.id
               and (p.ambiguous = 1 or p.result = 'delivered')))";

/// Whether the destination of notification `ours` certainly heard nothing of occurrence `o`; nor did the one that it stands
/// in for.
pub(super) fn unheard() -> String {
    format!(
        "(not exists (select 1 from transitions t where t.channel = ours.channel and t.occurrence = o.id
                      and (t.heard is not null or (t.status = 'firing' and t.told_at is not null)))
          and not exists (select 1 from mentions theirs join notifications n on n.id = theirs.notification
                          where theirs.occurrence = o.id and (n.channel = ours.channel or n.id = ours.fallback_of)
                            and {ARRIVED}))"
    )
}

/// The occurrences that notification `$1` mentions, is still to speak of, and that are over, while its destination certainly
/// heard nothing of them. Whoever is to hear that an alert flaps hears that.
const OVER_UNHEARD: &str = "select m.occurrence
    from mentions m join notifications ours on ours.id = m.notification join occurrences o on o.id = m.occurrence
    where m.notification = $1 and o.state = 'resolved'
      and exists (select 1 from transitions t where t.channel = ours.channel and t.occurrence = o.id
                  and t.status = 'firing')
      and exists (select 1 from transitions t where t.channel = ours.channel and t.occurrence = o.id
                  and t.told_at is null and t.suppressed is null)
      and not exists (select 1 from transitions t where t.channel = ours.channel and t.occurrence = o.id
                      and t.status = 'flapping' and t.told_at is null and t.suppressed is null)
      and {UNHEARD}";

impl Transaction {
    /// Settles what a notification that was just claimed need not tell, since nobody heard of it before it was over: it may
    /// have ended while an attempt was under way that then failed. Returns how many occurrences that is.
    pub(super) async fn settle_unheard(&mut self, id: &str, now: Timestamp) -> Result<usize, StoreError> {
        let select = OVER_UNHEARD.replace("{UNHEARD}", &unheard());
        let over: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(select)).bind(id).fetch_all(self.connection()).await?;
        let (now, never_told) = (now.as_microsecond(), Suppression::NeverTold.as_str());
        let rows: Vec<Value> = over.iter().map(|one| json!([id, one, never_told, now])).collect();
        const STEPS: [&str; 2] = [
            "update transitions set suppressed = case when status = 'resolved' then r.value->>2 else 'superseded' end
             from {rows}
             where transitions.channel = (select channel from notifications where id = r.value->>0)
               and transitions.occurrence = r.value->>1
               and transitions.told_at is null and transitions.suppressed is null",
            "insert into suppressions (channel, occurrence, reason, times, first_at, last_at)
             select n.channel, r.value->>1, r.value->>2, 1, cast(r.value->>3 as bigint), cast(r.value->>3 as bigint)
             from {rows} cross join notifications n where n.id = r.value->>0
             on conflict (channel, occurrence, reason) do update set
                 times = suppressions.times + excluded.times, last_at = excluded.last_at",
        ];
        for step in STEPS {
            self.apply(step, &rows).await?;
        }
        Ok(over.len())
    }

    /// Ends what was to be told of the beginnings of what is over, and nobody heard of: the transitions, and notifications
    /// that have nothing else to tell. Others get words without it. What is under way is left to whoever sends it.
    pub(super) async fn end_unheard(
        &mut self,
        won: &[Won],
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Unsent, StoreError> {
        let never_told = won.iter().filter(|won| won.suppressed == Some(Suppression::NeverTold));
        let places: Vec<Value> = never_told.map(|won| json!([won.channel, won.occurrence])).collect();
        self.apply(
            "update transitions set suppressed = 'superseded' from {rows}
             where transitions.channel = r.value->>0 and transitions.occurrence = r.value->>1
               and transitions.status = 'firing' and transitions.told_at is null and transitions.suppressed is null",
            &places,
        )
        .await?;
        let mut waiting = self.waiting_to_tell(&places).await?;
        let ids: Vec<String> = waiting.keys().cloned().collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        for sayable in self.word_all(&ids, wording, now).await? {
            waiting.remove(&sayable);
        }
        let rows: Vec<Value> =
            waiting.keys().map(|id| json!([id, Suppression::NeverTold.as_str()])).collect();
        self.apply(
            "update notifications set status = 'suppressed', suppressed = r.value->>1
             from {rows} where notifications.id = r.value->>0",
            &rows,
        )
        .await?;
        let mut unsent = Unsent::new();
        for channel in waiting.into_values() {
            *unsent.entry((channel, Suppression::NeverTold)).or_default() += 1;
        }
        Ok(unsent)
    }

    /// The notifications that wait to tell one of these destinations of one of these occurrences, with the destination. What may
    /// have been heard keeps its words.
    async fn waiting_to_tell(&mut self, places: &[Value]) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = self
            .select(
                &format!(
                    "select n.id, n.channel from {{rows}} cross join mentions m cross join notifications n
                     where m.occurrence = r.value->>1 and n.id = m.notification and n.channel = r.value->>0
                       and n.status = 'pending' and n.owner is null and not {ARRIVED}"
                ),
                places,
            )
            .await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("channel")?))).collect()
    }
}
