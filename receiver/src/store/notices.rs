//! Who is to be told of what a batch changed: transitions, notifications, what they mention, and which older ones they
//! take the place of.

use std::collections::HashMap;

use jiff::Timestamp;
use modelwatch_receiver_core::alert::Status;
use modelwatch_receiver_core::book::{Notice, Won};
use modelwatch_receiver_core::dedupe::Suppression;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::spoken::HELD;
use super::transaction::to_json;
use super::write::Unsent;
use super::{StoreError, Transaction};

/// A destination and the id of a group.
type Topic = (String, String);

impl Transaction {
    /// What is told because of webhooks that were accepted at `at`.
    pub(super) async fn write_won(&mut self, won: &[Won], at: Timestamp) -> Result<(), StoreError> {
        let row = |won: &Won| {
            let (status, repeat) = (won.transition.status.as_str(), won.transition.repeat);
            let is_first = status == Status::Firing.as_str() && repeat == 0 && won.suppressed.is_none();
            let told_last = is_first.then_some(at.as_microsecond());
            let suppressed = won.suppressed.map(Suppression::as_str);
            json!([won.channel, won.occurrence, status, repeat, suppressed, told_last])
        };
        let rows: Vec<Value> = won.iter().map(row).collect();
        self.apply(
            "insert into transitions (channel, occurrence, status, repeat_number, suppressed, last_at)
             select r.value->>0, r.value->>1, r.value->>2, cast(r.value->>3 as bigint), r.value->>4,
                 cast(r.value->>5 as bigint)
             from {rows} where true on conflict do nothing",
            &rows,
        )
        .await
    }

    /// Writes notifications that are due at once, without words yet. The last one about a group takes the place of the
    /// older ones of its destination that wait and are not being sent.
    pub(super) async fn queue(&mut self, notices: &[Notice]) -> Result<Unsent, StoreError> {
        if notices.is_empty() {
            return Ok(Unsent::new());
        }
        let newest: HashMap<Topic, &Notice> = notices.iter().map(|notice| (topic(notice), notice)).collect();
        let older = self.waiting(newest.keys()).await?;
        self.write_notices(notices).await?;
        self.write_mentions(notices).await?;
        let others = notices.iter().map(|notice| (topic(notice), notice.id.clone(), false));
        let mut superseded = Unsent::new();
        let mut pairs = Vec::new();
        for (topic, older, is_held) in older.into_iter().chain(others) {
            let Some(newer) = newest.get(&topic).filter(|newest| newest.id != older) else { continue };
            pairs.push(json!([older, newer.id]));
            if !is_held {
                *superseded.entry((topic.0, Suppression::Superseded)).or_default() += 1;
            }
        }
        self.hand_over_all(&pairs).await?;
        let ids: Vec<Value> = notices.iter().map(|notice| json!([notice.id])).collect();
        self.note_mentioned(&ids).await?;
        Ok(superseded)
    }

    /// What waits in these topics and is not being sent, and whether a recipient has it.
    async fn waiting(
        &mut self,
        topics: impl Iterator<Item = &Topic>,
    ) -> Result<Vec<(Topic, String, bool)>, StoreError> {
        let topics: Vec<Value> = topics.map(|(channel, group)| json!([channel, group])).collect();
        let rows = self
            .select(
                &format!(
                    "select n.id, n.channel, n.group_id, cast(case when {HELD} then 1 else 0 end as bigint) as held
                 from {{rows}} cross join notifications n
                 where n.channel = r.value->>0 and n.group_id = r.value->>1
                   and n.status = 'pending' and n.owner is null"
                ),
                &topics,
            )
            .await?;
        rows.iter()
            .map(|row| {
                let topic = (row.try_get("channel")?, row.try_get("group_id")?);
                Ok((topic, row.try_get("id")?, row.try_get::<i64, _>("held")? != 0))
            })
            .collect()
    }

    async fn write_notices(&mut self, notices: &[Notice]) -> Result<(), StoreError> {
        let mut nth: HashMap<Topic, i64> = HashMap::new();
        let mut rows = Vec::with_capacity(notices.len());
        let now = self.now().as_microsecond();
        for notice in notices {
            let Notice { id, channel, group, at, .. } = notice;
            let nth = nth.entry(topic(notice)).or_default();
            *nth += 1;
            let truncated = i64::try_from(group.truncated_alerts).unwrap_or(i64::MAX);
            let (at, labels, url) = (at.as_microsecond(), to_json(&group.labels)?, &group.external_url);
            rows.push(json!([
                id,
                channel,
                group.source,
                group.key,
                labels,
                url,
                truncated,
                at,
                group.id(),
                *nth,
                now
            ]));
        }
        self.apply(
            "insert into notifications (id, channel, source, group_key, group_labels, external_url,
                 truncated_alerts, created_at, waiting_since, patience_from, group_id, kind, late, status,
                 due_at, message, number)
             select r.value->>0, r.value->>1, r.value->>2, r.value->>3, r.value->>4, r.value->>5,
                 cast(r.value->>6 as bigint), cast(r.value->>7 as bigint), cast(r.value->>10 as bigint),
                 cast(r.value->>10 as bigint), r.value->>8, 'new', 0, 'pending', 0, '{}',
                 cast(r.value->>9 as bigint) +
                     (select coalesce(max(n.number), 0) from notifications n
                      where n.channel = r.value->>1 and n.group_id = r.value->>8 and n.status = 'pending')
             from {rows}",
            &rows,
        )
        .await
    }

    async fn write_mentions(&mut self, notices: &[Notice]) -> Result<(), StoreError> {
        let of = |notice: &Notice| {
            let id = notice.id.clone();
            notice.mentions.clone().into_iter().map(move |occurrence| json!([id, occurrence]))
        };
        let rows: Vec<Value> = notices.iter().flat_map(of).collect();
        self.apply(
            "insert into mentions (notification, occurrence) select r.value->>0, r.value->>1
             from {rows} where true on conflict do nothing",
            &rows,
        )
        .await
    }

    /// Notes for what these notifications mention that the webhook which caused them was the last that had it told.
    async fn note_mentioned(&mut self, notifications: &[Value]) -> Result<(), StoreError> {
        self.forget_mentioned(notifications).await?;
        self.apply(
            "update transitions set last_at = m.last_at
             from (select n.channel, m.occurrence, max(n.created_at) as last_at
                   from {rows} cross join notifications n cross join mentions m
                   where n.id = r.value->>0 and m.notification = n.id
                   group by n.channel, m.occurrence) as m
             where transitions.channel = m.channel and transitions.occurrence = m.occurrence
               and transitions.status = 'firing' and transitions.repeat_number = 0
               and (transitions.last_at is null or transitions.last_at < m.last_at)",
            notifications,
        )
        .await
    }

    /// Ends `older` as superseded, or as delivered if a recipient has it; `newer` takes over its mentions and its age.
    pub(super) async fn hand_over(&mut self, older: &str, newer: &str) -> Result<(), StoreError> {
        self.hand_over_all(&[json!([older, newer])]).await?;
        self.note_mentioned(&[json!([newer])]).await
    }

    /// The same for many, as pairs of an older one and a newer one; what is mentioned then is to be noted.
    async fn hand_over_all(&mut self, pairs: &[Value]) -> Result<(), StoreError> {
        const STEPS: [&str; 5] = [
            "insert into suppressions (channel, occurrence, reason, times, first_at, last_at)
             select o.channel, m.occurrence, 'superseded', count(*), min(n.created_at), max(n.created_at)
             from {rows} cross join notifications o cross join notifications n cross join mentions m
             where o.id = r.value->>0 and n.id = r.value->>1 and m.notification = o.id
               and not exists (select 1 from receipts p where p.notification = o.id and p.result = 'delivered')
             group by o.channel, m.occurrence
             on conflict (channel, occurrence, reason) do update set
                 times = suppressions.times + excluded.times, last_at = excluded.last_at",
            "insert into mentions (notification, occurrence)
             select distinct r.value->>1, m.occurrence from {rows} cross join mentions m
             where m.notification = r.value->>0 on conflict do nothing",
            "update notifications set
                 waiting_since = case when o.since < waiting_since then o.since else waiting_since end,
                 patience_from = case when o.patience < patience_from then o.patience else patience_from end
             from (select r.value->>1 as newer, min(n.waiting_since) as since, min(n.patience_from) as patience
                   from {rows} cross join notifications n where n.id = r.value->>0 group by r.value->>1) as o
             where notifications.id = o.newer",
            "update notifications set status = 'suppressed', suppressed = 'superseded', owner = null
             from {rows} where notifications.id = r.value->>0",
            "update notifications set status = 'delivered', suppressed = null
             from {rows} where notifications.id = r.value->>0
               and exists (select 1 from receipts p where p.notification = notifications.id and p.result = 'delivered')",
        ];
        for step in STEPS {
            self.apply(step, pairs).await?;
        }
        Ok(())
    }
}

fn topic(notice: &Notice) -> Topic {
    (notice.channel.clone(), notice.group.id())
}
