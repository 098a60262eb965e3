//! What is known of the alerts of a batch, read at once however many they are.

use std::collections::{BTreeSet, HashMap};

use modelwatch_receiver_core::alert::{Fingerprint, Status};
use modelwatch_receiver_core::book::{AlertKey, Known};
use modelwatch_receiver_core::dedupe::{Phase, Told};
use modelwatch_receiver_core::occurrence::{Occurrence, State};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::transaction::{from_json, timestamp};
use super::unheard::ARRIVED;
use super::{StoreError, Transaction};

impl Transaction {
    /// The newest occurrence of each of these alerts, where there is one, and what every destination was told of it.
    ///
    /// A damaged one is left out and closed, so that a new one can open: a message too many, not one too few.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known(&mut self, alerts: &[AlertKey]) -> Result<HashMap<AlertKey, Known>, StoreError> {
        let keys: Vec<Value> =
            alerts.iter().map(|key| json!([key.source, key.fingerprint.to_string()])).collect();
        let rows = self
            .select(
                "select o.id, o.source, o.fingerprint, o.detail, o.seen_at, o.copy
                 from {rows} cross join occurrences o
                 where o.id = (select newest.id from occurrences newest
                               where newest.source = r.value->>0 and newest.fingerprint = r.value->>1
                               order by newest.number desc limit 1)",
                &keys,
            )
            .await?;
        let mut found = HashMap::with_capacity(rows.len());
        let mut keys = HashMap::with_capacity(rows.len());
        for row in &rows {
            match known(row) {
                Ok((key, known)) => {
                    keys.insert(known.id.clone(), key.clone());
                    found.insert(key, known);
                }
                Err(error) => self.close_damaged(row.try_get("id")?, &error).await?,
            }
        }
        self.add_told(&keys, &mut found).await?;
        Ok(found)
    }

    async fn add_told(
        &mut self,
        keys: &HashMap<String, AlertKey>,
        found: &mut HashMap<AlertKey, Known>,
    ) -> Result<(), StoreError> {
        let ids: Vec<Value> = keys.keys().map(|id| json!([id])).collect();
        let rows = self
            .select(
                "select t.occurrence, t.channel, t.status, max(t.repeat_number) as newest,
                     max(t.last_at) as last_at, max(t.told_at) as told_at, max(t.heard) as heard
                 from {rows} cross join transitions t where t.occurrence = r.value->>0
                 group by t.occurrence, t.channel, t.status",
                &ids,
            )
            .await?;
        let mut unheard = BTreeSet::new();
        for row in &rows {
            let (occurrence, channel): (String, String) =
                (row.try_get("occurrence")?, row.try_get("channel")?);
            let Some(known) = keys.get(&occurrence).and_then(|key| found.get_mut(key)) else { continue };
            add(known.told.entry(channel.clone()).or_default(), row)?;
            if is_unheard(row)? {
                unheard.insert((occurrence, channel));
            }
        }
        for (occurrence, channel) in self.perhaps_reached(unheard).await? {
            let known = keys.get(&occurrence).and_then(|key| found.get_mut(key));
            let told = known.and_then(|known| known.told.get_mut(&channel));
            told.into_iter().for_each(|told| told.reached = true);
        }
        Ok(())
    }

    /// Those of `unheard` of which a channel may have heard all the same, or hears while it is decided what it is told.
    async fn perhaps_reached(&mut self, unheard: BTreeSet<Place>) -> Result<Vec<Place>, StoreError> {
        let ids: BTreeSet<&str> = unheard.iter().map(|(occurrence, _)| occurrence.as_str()).collect();
        let ids: Vec<Value> = ids.into_iter().map(|id| json!([id])).collect();
        let select = format!(
            "select distinct m.occurrence, n.channel
             from {{rows}} cross join mentions m cross join notifications n
             where m.occurrence = r.value->>0 and n.id = m.notification and (n.owner is not null or {ARRIVED})"
        );
        let mut reached = Vec::new();
        for row in &self.select(&select, &ids).await? {
            reached.push((row.try_get("occurrence")?, row.try_get("channel")?));
        }
        reached.retain(|place| unheard.contains(place));
        Ok(reached)
    }

    async fn close_damaged(&mut self, id: &str, error: &StoreError) -> Result<(), StoreError> {
        tracing::error!(occurrence = id, %error, "an occurrence cannot be read and is closed");
        sqlx::query("update occurrences set state = $2, check_at = null, question = null where id = $1")
            .bind(id)
            .bind(State::Stale.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// An occurrence and a channel.
type Place = (String, String);

/// Whether it is that an occurrence fires, and its channel has not heard so yet.
fn is_unheard(row: &AnyRow) -> Result<bool, StoreError> {
    let fires = row.try_get::<&str, _>("status")? == Status::Firing.as_str();
    Ok(fires && row.try_get::<Option<i64>, _>("told_at")?.is_none())
}

/// What a column says that holds what was heard.
pub(super) fn status_of(heard: &str) -> Status {
    if heard == Status::Resolved.as_str() { Status::Resolved } else { Status::Firing }
}

/// Adds the transitions of one status to what was told.
fn add(told: &mut Told, row: &AnyRow) -> Result<(), StoreError> {
    let status: &str = row.try_get("status")?;
    if let Some(heard) = row.try_get::<Option<&str>, _>("heard")? {
        told.heard = Some(status_of(heard));
        told.reached = true;
    }
    if status == Status::Resolved.as_str() {
        told.resolved = true;
        told.end = told.end.max(row.try_get("newest")?);
    } else if status == Phase::Flapping.as_str() {
        told.stage = told.stage.max(row.try_get("newest")?);
    } else if status == Status::Firing.as_str() {
        told.firing = true;
        told.reached |= row.try_get::<Option<i64>, _>("told_at")?.is_some();
        told.repeats = told.repeats.max(row.try_get("newest")?);
        let last = row.try_get::<Option<i64>, _>("last_at")?.map(timestamp).transpose()?;
        told.last_at = told.last_at.max(last);
    }
    Ok(())
}

fn known(row: &AnyRow) -> Result<(AlertKey, Known), StoreError> {
    let fingerprint = Fingerprint::try_from(row.try_get::<String, _>("fingerprint")?)
        .map_err(|error| StoreError::Damaged(error.to_string()))?;
    let mut occurrence: Occurrence = from_json(row.try_get("detail")?)?;
    // copies that changed nothing moved only the column
    occurrence.seen_at = timestamp(row.try_get("seen_at")?)?;
    let known = Known {
        id: row.try_get("id")?,
        occurrence,
        copy: row.try_get("copy")?,
        told: std::collections::BTreeMap::new(),
    };
    Ok((AlertKey { source: row.try_get("source")?, fingerprint }, known))
}
