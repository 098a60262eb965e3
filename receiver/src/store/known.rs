//! What is known of the alerts of a batch, read at once however many they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use modelwatch_receiver_core::alert::{Fingerprint, Status};
use modelwatch_receiver_core::book::{AlertKey, Known};
use modelwatch_receiver_core::dedupe::{Phase, Told};
use modelwatch_receiver_core::occurrence::{Occurrence, State};
use serde::Deserialize;
use sqlx::Row as _;

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
        let mut found = HashMap::with_capacity(alerts.len());
        let mut others = Vec::new();
        for alert in alerts {
            match self.memory().of(alert) {
                Some(known) => {
                    found.insert(alert.clone(), known.clone());
                }
                None => others.push(alert),
            }
        }
        #[cfg(test)]
        self.assert_remembered_rightly(&found).await;
        let read = self.read_known(&others).await?;
        self.memory().keep(&read);
        found.extend(read);
        Ok(found)
    }

    /// What is remembered is what the database says, in every test in which anything is remembered.
    #[cfg(test)]
    async fn assert_remembered_rightly(&mut self, remembered: &HashMap<AlertKey, Known>) {
        let statements = self.statements;
        let alerts: Vec<&AlertKey> = remembered.keys().collect();
        assert_eq!(self.read_known(&alerts).await.unwrap(), *remembered);
        self.statements = statements;
    }

    async fn read_known(&mut self, alerts: &[&AlertKey]) -> Result<HashMap<AlertKey, Known>, StoreError> {
        let keys: Vec<(&str, Fingerprint)> =
            alerts.iter().map(|key| (key.source.as_str(), key.fingerprint)).collect();
        let stored: Vec<Stored> = self
            .list(
                "select {list}o.id, o.source, o.fingerprint, o.detail, o.seen_at, o.copy{/list}
                 from {rows} cross join occurrences o
                 where o.id = (select newest.id from occurrences newest
                               where newest.source = r.value->>0 and newest.fingerprint = r.value->>1
                               order by newest.number desc limit 1)",
                &keys,
            )
            .await?;
        let mut found = HashMap::with_capacity(stored.len());
        let mut keys = HashMap::with_capacity(stored.len());
        for stored in stored {
            match known(&stored) {
                Ok((key, known)) => {
                    keys.insert(stored.id, key.clone());
                    found.insert(key, known);
                }
                Err(error) => self.close_damaged(&stored.id, &error).await?,
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
        let ids: Vec<(&str,)> = keys.keys().map(|id| (id.as_str(),)).collect();
        let transitions: Vec<Won> = self
            .list(
                "select {list}t.occurrence, t.channel, t.status, t.newest, t.last_at, t.is_told, t.heard{/list}
                 from (select t.occurrence, t.channel, t.status, max(t.repeat_number) as newest,
                           max(t.last_at) as last_at, max(t.heard) as heard,
                           case when max(t.told_at) is null then 0 else 1 end as is_told
                       from {rows} cross join transitions t where t.occurrence = r.value->>0
                       group by t.occurrence, t.channel, t.status) as t",
                &ids,
            )
            .await?;
        let mut unheard = BTreeSet::new();
        for won in transitions {
            let Some(known) = keys.get(&won.occurrence).and_then(|key| found.get_mut(key)) else { continue };
            match known.told.get_mut(&won.channel) {
                Some(told) => add(told, &won)?,
                None => add(known.told.entry(won.channel.clone()).or_default(), &won)?,
            }
            if won.is_unheard() {
                unheard.insert((won.occurrence, won.channel));
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
        let ids: Vec<(&str,)> = ids.into_iter().map(|id| (id,)).collect();
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

/// The newest occurrence of an alert as it is stored.
#[derive(Deserialize)]
struct Stored {
    id: String,
    source: String,
    fingerprint: String,
    detail: String,
    seen_at: i64,
    copy: i64,
}

/// The transitions of one status that a channel was told of an occurrence, or is about to be.
#[derive(Deserialize)]
struct Won {
    occurrence: String,
    channel: String,
    status: String,
    newest: i64,
    last_at: Option<i64>,
    is_told: i64,
    heard: Option<String>,
}

impl Won {
    /// Whether it is that an occurrence fires, and its channel has not heard so yet.
    fn is_unheard(&self) -> bool {
        self.status == Status::Firing.as_str() && self.is_told == 0
    }
}

/// What a column says that holds what was heard.
pub(super) fn status_of(heard: &str) -> Status {
    if heard == Status::Resolved.as_str() { Status::Resolved } else { Status::Firing }
}

/// Adds the transitions of one status to what was told.
fn add(told: &mut Told, won: &Won) -> Result<(), StoreError> {
    if let Some(heard) = &won.heard {
        told.heard = Some(status_of(heard));
        told.reached = true;
    }
    if won.status == Status::Resolved.as_str() {
        told.resolved = true;
        told.end = told.end.max(won.newest);
    } else if won.status == Phase::Flapping.as_str() {
        told.stage = told.stage.max(won.newest);
    } else if won.status == Status::Firing.as_str() {
        told.firing = true;
        told.reached |= won.is_told != 0;
        told.repeats = told.repeats.max(won.newest);
        told.last_at = told.last_at.max(won.last_at.map(timestamp).transpose()?);
    }
    Ok(())
}

fn known(stored: &Stored) -> Result<(AlertKey, Known), StoreError> {
    let fingerprint = Fingerprint::try_from(stored.fingerprint.clone())
        .map_err(|error| StoreError::Damaged(error.to_string()))?;
    let mut occurrence: Occurrence = from_json(&stored.detail)?;
    // copies that changed nothing moved only the column
    occurrence.seen_at = timestamp(stored.seen_at)?;
    let known = Known { id: stored.id.clone(), occurrence, copy: stored.copy, told: BTreeMap::new() };
    Ok((AlertKey { source: stored.source.clone(), fingerprint }, known))
}
