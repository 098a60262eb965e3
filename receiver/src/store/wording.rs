//! What a notification says, read from the newest state of what it mentions.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use modelwatch_receiver_core::alert::{Change, Kind, Labels, Status};
use modelwatch_receiver_core::dedupe::{self, Heard};
use modelwatch_receiver_core::message::{AlertView, Flapping, Message, environments};
use modelwatch_receiver_core::occurrence::{self, Occurrence, State};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::known::status_of;
use super::transaction::{from_json, timestamp, to_json};
use super::{HEARTBEAT_SOURCE, StoreError, TEST_SOURCE, Transaction};

/// What messages say besides their alerts.
#[derive(Debug, Clone)]
pub struct Wording {
    /// After how long a message says that it is late.
    pub late_after: Duration,
    /// Where people reach this receiver; links to the history begin with it.
    pub external_url: Option<String>,
}

/// Whether occurrence `o`, mentioned as `m`, is the newest of its alert that the notification mentions: an alert has
/// one present state, and older occurrences are not spoken of. One that was over before its destination heard of it does not
/// count, or nobody would hear the end of the one before.
pub(super) const NEWEST: &str = "not exists (
    select 1 from occurrences newer
    where newer.source = o.source and newer.fingerprint = o.fingerprint and newer.number > o.number
      and exists (select 1 from mentions others
                  where others.notification = m.notification and others.occurrence = newer.id)
      and not exists (select 1 from transitions unheard
                      where unheard.channel = (select told.channel from notifications told where told.id = m.notification)
                        and unheard.occurrence = newer.id and unheard.status = 'resolved'
                        and unheard.suppressed = 'never_told'))";

/// The alerts that a notification has something to say about, and whether one of them is unconfirmed.
#[derive(Default)]
struct Said {
    alerts: Vec<AlertView>,
    unconfirmed: bool,
    /// The occurrences, each with its state and its stage of flapping.
    occurrences: Vec<(String, State, i64)>,
}

/// A message, and what it says of which occurrences.
struct Worded {
    message: Message,
    occurrences: Vec<(String, State, i64)>,
}

impl Transaction {
    /// Puts a notification that is sent now, and answers to an earlier one, into words, from the newest state of its alerts,
    /// stores them and notes what they say: delivered, that is what was heard. `None` if nothing is left to say.
    pub(super) async fn word_answering(
        &mut self,
        thread: Option<String>,
        notification: &str,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError> {
        let words = self.words(&[notification], wording, now).await?.pop();
        let Some((_, worded)) = words else { return Ok(None) };
        let Worded { message, occurrences } = worded?;
        let message = Message { thread, ..message };
        self.write_words(std::slice::from_ref(&message)).await?;
        self.note_said(notification, &occurrences).await?;
        Ok(Some(message))
    }

    /// Notes in which state and stage the occurrences are of which a message speaks, and that it speaks of no others.
    async fn note_said(
        &mut self,
        notification: &str,
        occurrences: &[(String, State, i64)],
    ) -> Result<(), StoreError> {
        sqlx::query("update mentions set said = null where notification = $1 and said is not null")
            .bind(notification)
            .execute(self.connection())
            .await?;
        let row = |(occurrence, state, stage): &(String, State, i64)| {
            json!([notification, occurrence, state.as_str(), stage])
        };
        let rows: Vec<Value> = occurrences.iter().map(row).collect();
        self.apply(
            "update mentions set said = r.value->>2, said_stage = cast(r.value->>3 as bigint) from {rows}
             where mentions.notification = r.value->>0 and mentions.occurrence = r.value->>1",
            &rows,
        )
        .await
    }

    /// Puts all of these into words. One that mentions a damaged alert has none: delivery makes a dead letter of it, and
    /// no webhook is refused for it. Returns which of them are to be sent, in words or not.
    pub(super) async fn word_all(
        &mut self,
        notifications: &[&str],
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let words = self.words(notifications, wording, now).await?;
        let ids = words.iter().map(|(id, _)| id.clone()).collect();
        let worded = words.into_iter().filter_map(|(_, worded)| worded.ok());
        let messages: Vec<Message> = worded.map(|worded| worded.message).collect();
        self.write_words(&messages).await?;
        Ok(ids)
    }

    /// The words of those that have something to say; an error stands for one that mentions something damaged.
    async fn words(
        &mut self,
        notifications: &[&str],
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Vec<(String, Result<Worded, StoreError>)>, StoreError> {
        let ids: Vec<Value> = notifications.iter().map(|id| json!([id])).collect();
        let mut said = self.said(&ids).await?;
        let select = "select n.id, n.channel, n.source, n.group_key, n.group_id, n.group_labels, n.external_url, n.truncated_alerts,
                 n.waiting_since, n.fallback_of, n.replayed
             from {rows} cross join notifications n where n.id = r.value->>0";
        let rows = self.select(select, &ids).await?;
        let mut words = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: String = row.try_get("id")?;
            let worded = match said.remove(&id) {
                Some(Ok(said)) if said.alerts.is_empty() => continue,
                Some(Ok(said)) => self.worded(row, said, wording, now).await?,
                Some(Err(damaged)) => Err(damaged),
                None => continue,
            };
            words.push((id, worded));
        }
        Ok(words)
    }

    /// The words of one that has something to say; the error within is of what is damaged.
    async fn worded(
        &mut self,
        row: &AnyRow,
        mut said: Said,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Result<Worded, StoreError>, StoreError> {
        let late = self.is_late(row, wording)?;
        let instead_of = self.substitute(row.try_get("fallback_of")?).await?;
        let occurrences = std::mem::take(&mut said.occurrences);
        let message = message(row, said, wording, now);
        Ok(message.map(|message| Worded { message: Message { late, instead_of, ..message }, occurrences }))
    }

    /// What each of these notifications has to say of what it mentions.
    async fn said(
        &mut self,
        notifications: &[Value],
    ) -> Result<HashMap<String, Result<Said, StoreError>>, StoreError> {
        let select = format!(
            "select n.id as notification, o.id, o.fingerprint, o.detail, o.labels, o.annotations, o.generator_url,
                 (select max(t.heard) from transitions t where t.channel = n.channel and t.occurrence = o.id) as heard_last,
                 (select count(*) from transitions t where t.channel = n.channel and t.occurrence = o.id
                      and t.status = 'firing' and t.told_at is not null) as heard_firing,
                 (select count(*) from transitions t where t.channel = n.channel and t.occurrence = o.id
                      and t.status = 'firing' and t.told_at is null and t.suppressed is null) as owes_firing,
                 (select count(*) from transitions t where t.channel = n.channel and t.occurrence = o.id
                      and t.status = 'resolved' and t.told_at is null and t.suppressed is null) as owes_resolved,
                 (select count(*) from transitions t where t.channel = n.channel and t.occurrence = o.id
                      and t.status = 'resolved' and (t.told_at is not null or t.suppressed is not null)) as settled,
                 (select count(*) from transitions t where t.channel = n.channel and t.occurrence = o.id
                      and t.status = 'flapping' and t.told_at is null and t.suppressed is null) as owes_flapping
             from {{rows}} cross join notifications n cross join mentions m cross join occurrences o
             where n.id = r.value->>0 and m.notification = n.id and o.id = m.occurrence and {NEWEST}
             order by o.id"
        );
        let mut found: HashMap<String, Result<Said, StoreError>> = HashMap::new();
        for row in self.select(&select, notifications).await? {
            let entry = found.entry(row.try_get("notification")?).or_insert_with(|| Ok(Said::default()));
            let added = entry.as_mut().map_or(Ok(()), |said| said.add(&row));
            if let Err(damaged) = added {
                *entry = Err(damaged);
            }
        }
        Ok(found)
    }

    /// Whether a notification is told late: it is sent again, or waits for too long by the store's clock.
    fn is_late(&self, row: &AnyRow, wording: &Wording) -> Result<bool, StoreError> {
        let late_after = SignedDuration::try_from(wording.late_after).unwrap_or(SignedDuration::MAX);
        let waited = self.now().duration_since(timestamp(row.try_get("waiting_since")?)?);
        Ok(row.try_get::<i64, _>("replayed")? != 0 || waited > late_after)
    }

    async fn write_words(&mut self, messages: &[Message]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(messages.len());
        for message in messages {
            rows.push(json!([message.id, to_json(message)?, message.kind.as_str(), i64::from(message.late)]));
        }
        self.apply(
            "update notifications set message = r.value->>1, kind = r.value->>2,
                 late = cast(r.value->>3 as bigint), labelled_as = ''
             from {rows} where notifications.id = r.value->>0",
            &rows,
        )
        .await
    }
}

impl Said {
    fn add(&mut self, row: &AnyRow) -> Result<(), StoreError> {
        let occurrence: Occurrence = from_json(row.try_get("detail")?)?;
        let is = |column: &str| row.try_get::<i64, _>(column).map(|rows| rows > 0);
        let heard = Heard {
            firing: is("heard_firing")?,
            last: row.try_get::<Option<&str>, _>("heard_last")?.map(status_of),
            owes_firing: is("owes_firing")?,
            owes_resolved: is("owes_resolved")?,
            settled: is("settled")?,
            owes_flapping: is("owes_flapping")?,
        };
        if let Some(change) = dedupe::change(occurrence.state, heard) {
            self.unconfirmed |= occurrence.unconfirmed;
            let flaps = occurrence.flapping();
            self.occurrences.push((row.try_get("id")?, occurrence.state, flaps.stage));
            let flapping = flapping(flaps, heard);
            self.alerts.push(AlertView { flapping, ..view(row, &occurrence, change)? });
        }
        Ok(())
    }
}

fn view(row: &AnyRow, occurrence: &Occurrence, change: Change) -> Result<AlertView, StoreError> {
    Ok(AlertView {
        fingerprint: row.try_get("fingerprint")?,
        status: occurrence.state.status(),
        change,
        starts_at: occurrence.starts_at,
        ends_at: occurrence.ends_at,
        labels: from_json(row.try_get("labels")?)?,
        annotations: from_json(row.try_get("annotations")?)?,
        generator_url: row.try_get("generator_url")?,
        flapping: None,
    })
}

/// That it flaps, or that it does no more, is said once, and that it flaps again when it is repeated that it fires; not when
/// there is only other news of its group.
fn flapping(flapping: occurrence::Flapping, heard: Heard) -> Option<Flapping> {
    let is_said = heard.owes_flapping || (flapping.is_now() && heard.owes_firing);
    let since = flapping.since.filter(|_| is_said)?;
    Some(Flapping { changes: flapping.changes, since, calm: !flapping.is_now() })
}

fn message(row: &AnyRow, said: Said, wording: &Wording, now: Timestamp) -> Result<Message, StoreError> {
    let Said { alerts, unconfirmed, .. } = said;
    let id: String = row.try_get("id")?;
    let fires = alerts.iter().any(|alert| alert.status == Status::Firing);
    Ok(Message {
        channel: row.try_get("channel")?,
        environment: environments(&alerts),
        kind: kind(row.try_get("source")?, &alerts),
        late: false,
        unconfirmed,
        status: if fires { Status::Firing } else { Status::Resolved },
        at: now,
        group: row.try_get("group_key")?,
        group_id: row.try_get("group_id")?,
        group_labels: from_json::<Labels>(row.try_get("group_labels")?)?,
        alerts,
        truncated_alerts: u64::try_from(row.try_get::<i64, _>("truncated_alerts")?).unwrap_or_default(),
        alertmanager_url: row.try_get("external_url")?,
        thread: None,
        instead_of: None,
        history_url: wording.external_url.as_ref().map(|url| format!("{url}/notifications/{id}")),
        id,
    })
}

fn kind(source: &str, alerts: &[AlertView]) -> Kind {
    match source {
        HEARTBEAT_SOURCE => Kind::Heartbeat,
        TEST_SOURCE => Kind::Test,
        _ => dedupe::kind(&alerts.iter().map(|alert| alert.change).collect::<Vec<_>>()),
    }
}
