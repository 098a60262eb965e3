//! What a notification says, read from the newest state of what it mentions.

use std::time::Duration;

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Change, Kind, Labels, Status};
use modelwatch_receiver_core::dedupe::{self, Heard};
use modelwatch_receiver_core::message::{AlertView, Message};
use modelwatch_receiver_core::occurrence::Occurrence;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

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
/// one present state, and older occurrences are not spoken of.
pub(super) const NEWEST: &str = "not exists (
    select 1 from occurrences newer
    where newer.source = o.source and newer.fingerprint = o.fingerprint and newer.number > o.number
      and exists (select 1 from mentions others
                  where others.notification = m.notification and others.occurrence = newer.id))";

/// Whether a notification that waits was a dead letter and is sent again.
pub(super) const REPLAYED: &str = "late = 1 and patience_from > waiting_since and fallback_of is null";

impl Transaction {
    /// Puts a notification into words, from the newest state of its alerts, and stores them; `None` if nothing is
    /// left to say.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn word(
        &mut self,
        notification: &str,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError> {
        self.word_answering(None, notification, wording, now).await
    }

    /// As [`Transaction::word`], for a notification that is sent now and answers to an earlier one.
    pub(super) async fn word_answering(
        &mut self,
        thread: Option<String>,
        notification: &str,
        wording: &Wording,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError> {
        let (alerts, unconfirmed) = self.alerts_of(notification).await?;
        if alerts.is_empty() {
            return Ok(None);
        }
        let select = format!(
            "select id, channel, source, group_key, group_labels, external_url, truncated_alerts, waiting_since,
                 fallback_of, cast(case when {REPLAYED} then 1 else 0 end as bigint) as replayed
             from notifications where id = $1"
        );
        let row = sqlx::query(AssertSqlSafe(select)).bind(notification).fetch_one(self.connection()).await?;
        let message = message(&row, alerts, unconfirmed, wording, now)?;
        let instead_of = self.substitute(row.try_get("fallback_of")?).await?;
        let message = Message { thread, instead_of, ..message };
        sqlx::query("update notifications set message = $2, kind = $3, late = $4 where id = $1")
            .bind(notification)
            .bind(to_json(&message)?)
            .bind(message.kind.as_str())
            .bind(i64::from(message.late))
            .execute(self.connection())
            .await?;
        Ok(Some(message))
    }

    /// The alerts that a notification has something to say about, and whether one of them is unconfirmed.
    async fn alerts_of(&mut self, notification: &str) -> Result<(Vec<AlertView>, bool), StoreError> {
        let select = format!(
            "select o.fingerprint, o.detail, o.labels, o.annotations, o.generator_url,
                 (select count(*) from transitions t where t.channel = n.channel and t.occurrence = o.id
                      and t.status = 'firing' and t.told_at is not null) as heard_firing,
                 (select count(*) from transitions t where t.channel = n.channel and t.occurrence = o.id
                      and t.status = 'resolved' and t.told_at is null and t.suppressed is null) as owes_resolved,
                 (select count(*) from transitions t where t.channel = n.channel and t.occurrence = o.id
                      and t.status = 'resolved' and (t.told_at is not null or t.suppressed is not null)) as settled
             from mentions m join occurrences o on o.id = m.occurrence
                 join notifications n on n.id = m.notification
             where m.notification = $1 and {NEWEST} order by o.id"
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(notification).fetch_all(self.connection()).await?;
        let mut views = Vec::with_capacity(rows.len());
        let mut unconfirmed = false;
        for row in &rows {
            let occurrence: Occurrence = from_json(row.try_get("detail")?)?;
            let is = |column: &str| row.try_get::<i64, _>(column).map(|rows| rows > 0);
            let heard = Heard {
                firing: is("heard_firing")?,
                owes_resolved: is("owes_resolved")?,
                settled: is("settled")?,
            };
            if let Some(change) = dedupe::change(occurrence.state, heard) {
                unconfirmed |= occurrence.unconfirmed;
                views.push(view(row, &occurrence, change)?);
            }
        }
        Ok((views, unconfirmed))
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
    })
}

fn message(
    row: &AnyRow,
    alerts: Vec<AlertView>,
    unconfirmed: bool,
    wording: &Wording,
    now: Timestamp,
) -> Result<Message, StoreError> {
    let id: String = row.try_get("id")?;
    let waiting_since = timestamp(row.try_get("waiting_since")?)?;
    let fires = alerts.iter().any(|alert| alert.status == Status::Firing);
    Ok(Message {
        channel: row.try_get("channel")?,
        environment: environment(&alerts),
        kind: kind(row.try_get("source")?, &alerts),
        late: row.try_get::<i64, _>("replayed")? != 0
            || now.duration_since(waiting_since) > late_after(wording),
        unconfirmed,
        status: if fires { Status::Firing } else { Status::Resolved },
        at: now,
        group: row.try_get("group_key")?,
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

fn late_after(wording: &Wording) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(wording.late_after).unwrap_or(jiff::SignedDuration::MAX)
}

/// The environments of the alerts; one, where routes and groups keep them apart as they should.
fn environment(alerts: &[AlertView]) -> String {
    let mut names: Vec<&str> =
        alerts.iter().filter_map(|alert| Some(alert.labels.get("environment")?.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
