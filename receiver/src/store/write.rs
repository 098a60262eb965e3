//! Writing what a batch of webhooks changed: a fixed number of statements, however large the batch is.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Alert, Group};
use modelwatch_receiver_core::book::{AlertKey, Changes, Receipt, Written};
use modelwatch_receiver_core::dedupe::Suppression;
use serde_json::{Value, json};

use super::transaction::{count, new_id, to_json};
use super::{StoreError, Transaction, Wording};

/// How many notifications are not sent after all, by destination and why.
pub type Unsent = BTreeMap<(String, Suppression), usize>;

impl Transaction {
    /// Writes everything that a batch of webhooks changed, and puts its notifications into words.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(
        &mut self,
        changes: &Changes,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Unsent, StoreError> {
        self.forget(changes);
        self.write_receipts(&changes.receipts).await?;
        self.write_beats(&changes.beats).await?;
        // what is over first: at most one occurrence of an alert is open
        self.write_states(&changes.occurrences).await?;
        self.write_new(&changes.occurrences).await?;
        self.write_copies(&changes.occurrences).await?;
        self.write_won(&changes.won, now).await?;
        let mut unsent = self.queue(&changes.notices).await?;
        let ids: Vec<&str> = changes.notices.iter().map(|notice| notice.id.as_str()).collect();
        self.word_all(&ids, wording, now).await?;
        unsent.extend(self.end_unheard(&changes.won, wording, now).await?);
        Ok(unsent)
    }

    /// What is known of these alerts is not so any more.
    fn forget(&mut self, changes: &Changes) {
        self.concerns_nothing_else();
        let memory = self.memory();
        changes.occurrences.iter().for_each(|written| memory.forget_alert(&written.key));
        changes.won.iter().for_each(|won| memory.forget(&won.occurrence));
    }

    async fn write_receipts(&mut self, receipts: &[Receipt]) -> Result<(), StoreError> {
        let row = |receipt: &Receipt| {
            let Receipt { group, at, firing, resolved } = receipt;
            let truncated = i64::try_from(group.truncated_alerts).unwrap_or(i64::MAX);
            let at = at.as_microsecond();
            json!([new_id(), at, group.source, group.key, count(*firing), count(*resolved), truncated])
        };
        let rows: Vec<Value> = receipts.iter().map(row).collect();
        self.apply(
            "insert into webhooks (id, accepted_at, source, group_key, firing, resolved, truncated_alerts)
             select r.value->>0, cast(r.value->>1 as bigint), r.value->>2, r.value->>3,
                 cast(r.value->>4 as bigint), cast(r.value->>5 as bigint), cast(r.value->>6 as bigint)
             from {rows}",
            &rows,
        )
        .await
    }

    async fn write_beats(&mut self, beats: &BTreeMap<String, Timestamp>) -> Result<(), StoreError> {
        let rows: Vec<Value> = beats.iter().map(|(name, at)| json!([name, at.as_microsecond()])).collect();
        self.apply(
            "insert into heartbeats (name, last_at) select r.value->>0, cast(r.value->>1 as bigint)
             from {rows} where true
             on conflict (name) do update set last_at = excluded.last_at
             where heartbeats.last_at < excluded.last_at",
            &rows,
        )
        .await
    }

    /// What became of occurrences that are in the store already.
    async fn write_states(&mut self, occurrences: &[Written]) -> Result<(), StoreError> {
        let known = occurrences.iter().filter(|written| !written.is_new);
        let rows: Vec<[Value; 10]> = known.map(state).collect::<Result<_, _>>()?;
        self.apply(
            "update occurrences set state = r.value->>1, starts_at = cast(r.value->>2 as bigint),
                 ends_at = cast(r.value->>3 as bigint), seen_at = cast(r.value->>4 as bigint),
                 check_at = cast(r.value->>5 as bigint), unconfirmed = cast(r.value->>6 as bigint),
                 detail = r.value->>7, flapping = cast(r.value->>8 as bigint),
                 question = cast(r.value->>9 as bigint)
             from {rows} where occurrences.id = r.value->>0",
            &rows,
        )
        .await
    }

    /// Occurrences that are not in the store yet, with what their copies say.
    async fn write_new(&mut self, occurrences: &[Written]) -> Result<(), StoreError> {
        let mut nth: HashMap<&AlertKey, i64> = HashMap::new();
        let mut rows = Vec::new();
        for written in occurrences.iter().filter(|written| written.is_new) {
            let nth = nth.entry(&written.key).or_default();
            *nth += 1;
            let identity = [json!(written.key.source), json!(written.key.fingerprint), json!(*nth)];
            rows.push([state(written)?.as_slice(), &identity, &said(written.copy.as_ref())?].concat());
        }
        self.apply(
            "insert into occurrences (id, state, starts_at, ends_at, seen_at, check_at, unconfirmed, detail,
                 flapping, question, source, fingerprint, labels, annotations, generator_url, group_key,
                 group_labels, external_url, copy, number)
             select r.value->>0, r.value->>1, cast(r.value->>2 as bigint), cast(r.value->>3 as bigint),
                 cast(r.value->>4 as bigint), cast(r.value->>5 as bigint), cast(r.value->>6 as bigint),
                 r.value->>7, cast(r.value->>8 as bigint), cast(r.value->>9 as bigint),
                 r.value->>10, r.value->>11, r.value->>13, r.value->>14, r.value->>15, r.value->>16,
                 r.value->>17, r.value->>18, cast(r.value->>19 as bigint),
                 cast(r.value->>12 as bigint) +
                     (select coalesce(max(o.number), 0) from occurrences o
                      where o.source = r.value->>10 and o.fingerprint = r.value->>11)
             from {rows}",
            &rows,
        )
        .await
    }

    /// What newer copies say of alerts that are in the store already.
    async fn write_copies(&mut self, occurrences: &[Written]) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        for written in occurrences.iter().filter(|written| !written.is_new) {
            if written.copy.is_some() {
                rows.push([[json!(written.id)].as_slice(), &said(written.copy.as_ref())?].concat());
            }
        }
        self.apply(
            "update occurrences set labels = r.value->>1, annotations = r.value->>2,
                 generator_url = r.value->>3, group_key = r.value->>4, group_labels = r.value->>5,
                 external_url = r.value->>6, copy = cast(r.value->>7 as bigint)
             from {rows} where occurrences.id = r.value->>0",
            &rows,
        )
        .await
    }
}

/// Labels, annotations, where the graph is, the group, its labels and page, and the digest of a copy.
fn said(copy: Option<&(Alert, Group, i64)>) -> Result<[Value; 7], StoreError> {
    let Some((alert, group, digest)) = copy else {
        return Ok(["{}", "{}", "", "", "{}", "", "0"].map(Value::from));
    };
    Ok([
        to_json(&alert.labels)?.into(),
        to_json(&alert.annotations)?.into(),
        alert.generator_url.as_str().into(),
        group.key.as_str().into(),
        to_json(&group.labels)?.into(),
        group.external_url.as_str().into(),
        (*digest).into(),
    ])
}

fn state(written: &Written) -> Result<[Value; 10], StoreError> {
    let occurrence = &written.occurrence;
    Ok([
        written.id.as_str().into(),
        occurrence.state.as_str().into(),
        occurrence.starts_at.as_microsecond().into(),
        occurrence.ends_at.map(Timestamp::as_microsecond).into(),
        occurrence.seen_at.as_microsecond().into(),
        written.check_at.map(Timestamp::as_microsecond).into(),
        i64::from(occurrence.unconfirmed).into(),
        to_json(occurrence)?.into(),
        i64::from(occurrence.flapping().is_now()).into(),
        occurrence.question().map(Timestamp::as_microsecond).into(),
    ])
}
