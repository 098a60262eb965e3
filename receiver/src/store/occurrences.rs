//! Occurrences as rows: the core's value as JSON, and beside it what queries look for.

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Alert, Fingerprint, Group, Status};
use modelwatch_receiver_core::occurrence::Occurrence;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::transaction::from_json;
use super::{Store, StoreError, Transaction};

/// An occurrence as the store knows it.
#[derive(Debug, Clone)]
pub struct StoredOccurrence {
    /// Its id.
    pub id: String,
    /// Its value.
    pub occurrence: Occurrence,
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
        self.readable(&rows).await
    }

    /// Those of these rows that can be read.
    pub(super) async fn readable(&mut self, rows: &[AnyRow]) -> Result<Vec<DueOccurrence>, StoreError> {
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            match due(row) {
                Ok(occurrence) => found.push(occurrence),
                Err(error) => self.leave(row.try_get("id")?, &error).await?,
            }
        }
        Ok(found)
    }

    async fn leave(&mut self, id: &str, error: &StoreError) -> Result<(), StoreError> {
        tracing::error!(occurrence = id, %error, "an occurrence cannot be read and is left as it is");
        sqlx::query("update occurrences set check_at = null, question = null where id = $1")
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn stored(row: &AnyRow) -> Result<StoredOccurrence, StoreError> {
    Ok(StoredOccurrence { id: row.try_get("id")?, occurrence: from_json(row.try_get("detail")?)? })
}

pub(super) fn fingerprint(row: &AnyRow) -> Result<Fingerprint, StoreError> {
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
