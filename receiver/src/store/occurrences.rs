//! Occurrences as rows: the core's value as JSON, and beside it what queries look for.

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Alert, Fingerprint, Group, Status};
use modelwatch_receiver_core::occurrence::Occurrence;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::transaction::{from_json, new_id, to_json};
use super::{Store, StoreError, Transaction};

/// An occurrence as the store knows it.
#[derive(Debug, Clone)]
pub struct StoredOccurrence {
    /// Its id.
    pub id: String,
    /// Its value.
    pub occurrence: Occurrence,
}

/// An occurrence to be written, with the newest copy of its alert and the group that copy came in.
#[derive(Debug, Clone, Copy)]
pub struct OccurrenceRow<'a> {
    /// Its value.
    pub occurrence: &'a Occurrence,
    /// The alert's identity within its source.
    pub fingerprint: Fingerprint,
    /// The newest copy.
    pub alert: &'a Alert,
    /// The group of that copy.
    pub group: &'a Group,
    /// When it is to be looked at again without a webhook.
    pub check_at: Option<Timestamp>,
}

/// An occurrence whose time to be looked at has come.
#[derive(Debug, Clone)]
pub struct DueOccurrence {
    /// What it is.
    pub stored: StoredOccurrence,
    /// The alert's identity within its source.
    pub fingerprint: Fingerprint,
    /// The newest copy of its alert, as a firing one.
    pub alert: Alert,
    /// The group of that copy.
    pub group: Group,
}

impl Store {
    /// Whether an occurrence is to be looked at by `now` although no webhook came.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_due_occurrences(&self, now: Timestamp) -> Result<bool, StoreError> {
        let found = sqlx::query("select id from occurrences where check_at <= $1 limit 1")
            .bind(now.as_microsecond())
            .fetch_optional(self.readers())
            .await?;
        Ok(found.is_some())
    }
}

impl Transaction {
    /// The newest occurrence of an alert.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_occurrence(
        &mut self,
        source: &str,
        fingerprint: Fingerprint,
    ) -> Result<Option<StoredOccurrence>, StoreError> {
        let row = sqlx::query(
            "select id, detail from occurrences where source = $1 and fingerprint = $2 order by number desc limit 1",
        )
        .bind(source)
        .bind(fingerprint.to_string())
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(stored).transpose()
    }

    /// Writes a new occurrence and returns its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_occurrence(&mut self, row: OccurrenceRow<'_>) -> Result<String, StoreError> {
        let id = new_id();
        let OccurrenceRow { occurrence, fingerprint, alert, group, check_at } = row;
        sqlx::query(
            "insert into occurrences (id, source, fingerprint, state, starts_at, ends_at, seen_at,
                 check_at, unconfirmed, detail, labels, annotations, generator_url, group_key, group_labels,
                 external_url, number)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                 (select coalesce(max(number), 0) + 1 from occurrences where source = $2 and fingerprint = $3))",
        )
        .bind(id.as_str())
        .bind(group.source.as_str())
        .bind(fingerprint.to_string())
        .bind(occurrence.state.as_str())
        .bind(occurrence.starts_at.as_microsecond())
        .bind(occurrence.ends_at.map(Timestamp::as_microsecond))
        .bind(occurrence.seen_at.as_microsecond())
        .bind(check_at.map(Timestamp::as_microsecond))
        .bind(i64::from(occurrence.unconfirmed))
        .bind(to_json(occurrence)?)
        .bind(to_json(&alert.labels)?)
        .bind(to_json(&alert.annotations)?)
        .bind(alert.generator_url.as_str())
        .bind(group.key.as_str())
        .bind(to_json(&group.labels)?)
        .bind(group.external_url.as_str())
        .execute(self.connection())
        .await?;
        Ok(id)
    }

    /// Writes what became of an occurrence, and the newest copy of its alert.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_occurrence(&mut self, id: &str, row: OccurrenceRow<'_>) -> Result<(), StoreError> {
        self.update_state(id, row.occurrence, row.check_at).await?;
        sqlx::query(
            "update occurrences set labels = $2, annotations = $3, generator_url = $4, group_key = $5,
                 group_labels = $6, external_url = $7
             where id = $1",
        )
        .bind(id)
        .bind(to_json(&row.alert.labels)?)
        .bind(to_json(&row.alert.annotations)?)
        .bind(row.alert.generator_url.as_str())
        .bind(row.group.key.as_str())
        .bind(to_json(&row.group.labels)?)
        .bind(row.group.external_url.as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes what became of an occurrence without a newer copy of its alert.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_state(
        &mut self,
        id: &str,
        occurrence: &Occurrence,
        check_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update occurrences set state = $2, starts_at = $3, ends_at = $4, seen_at = $5, check_at = $6,
                 unconfirmed = $7, detail = $8
             where id = $1",
        )
        .bind(id)
        .bind(occurrence.state.as_str())
        .bind(occurrence.starts_at.as_microsecond())
        .bind(occurrence.ends_at.map(Timestamp::as_microsecond))
        .bind(occurrence.seen_at.as_microsecond())
        .bind(check_at.map(Timestamp::as_microsecond))
        .bind(i64::from(occurrence.unconfirmed))
        .bind(to_json(occurrence)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The occurrences that are to be looked at by `now` although no webhook came, at most `limit`. A damaged one is left
    /// out and never looked at again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_occurrences(
        &mut self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueOccurrence>, StoreError> {
        let rows = sqlx::query(
            "select id, detail, source, fingerprint, labels, annotations, generator_url, group_key, group_labels, external_url
             from occurrences where check_at <= $1 order by check_at limit $2",
        )
        .bind(now.as_microsecond())
        .bind(super::transaction::count(limit))
        .fetch_all(self.connection())
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            match due(row) {
                Ok(occurrence) => found.push(occurrence),
                Err(error) => self.leave(row.try_get("id")?, &error).await?,
            }
        }
        Ok(found)
    }

    async fn leave(&mut self, id: &str, error: &StoreError) -> Result<(), StoreError> {
        tracing::error!(occurrence = id, %error, "an occurrence cannot be read and is left as it is");
        sqlx::query("update occurrences set check_at = null where id = $1")
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn stored(row: &AnyRow) -> Result<StoredOccurrence, StoreError> {
    Ok(StoredOccurrence { id: row.try_get("id")?, occurrence: from_json(row.try_get("detail")?)? })
}

fn fingerprint(row: &AnyRow) -> Result<Fingerprint, StoreError> {
    let text: String = row.try_get("fingerprint")?;
    Fingerprint::try_from(text).map_err(|error| StoreError::Damaged(error.to_string()))
}

fn due(row: &AnyRow) -> Result<DueOccurrence, StoreError> {
    let stored = stored(row)?;
    let alert = Alert {
        status: Status::Firing,
        labels: from_json(row.try_get("labels")?)?,
        annotations: from_json(row.try_get("annotations")?)?,
        starts_at: stored.occurrence.starts_at,
        ends_at: None,
        generator_url: row.try_get("generator_url")?,
    };
    let group = Group {
        source: row.try_get("source")?,
        key: row.try_get("group_key")?,
        labels: from_json(row.try_get("group_labels")?)?,
        external_url: row.try_get("external_url")?,
        truncated_alerts: 0,
    };
    Ok(DueOccurrence { stored, fingerprint: fingerprint(row)?, alert, group })
}
