//! Occurrences about which somebody is to be asked, as long as they are.

use jiff::Timestamp;
use modelwatch_receiver_core::alert::Fingerprint;
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::occurrences::{DueOccurrence, fingerprint};
use super::transaction::{count, timestamp};
use super::{Store, StoreError, Transaction};

/// What somebody is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The occurrence's id.
    pub occurrence: String,
    /// Whose alert it is.
    pub source: String,
    /// The alert's identity within its source.
    pub fingerprint: Fingerprint,
    /// Since when it is to be asked; another time is another question.
    pub since: Timestamp,
}

impl Store {
    /// What is to be asked since `until` or before, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn questions(&self, until: Timestamp, limit: usize) -> Result<Vec<Question>, StoreError> {
        let rows = sqlx::query(
            "select id, source, fingerprint, question from occurrences
             where question is not null and question <= $1 order by question limit $2",
        )
        .bind(until.as_microsecond())
        .bind(count(limit))
        .fetch_all(self.readers())
        .await?;
        Ok(rows.iter().filter_map(question).collect())
    }
}

/// The question in a row; who looks at a damaged occurrence finds that out.
fn question(row: &AnyRow) -> Option<Question> {
    Some(Question {
        occurrence: row.try_get("id").ok()?,
        source: row.try_get("source").ok()?,
        fingerprint: fingerprint(row).ok()?,
        since: timestamp(row.try_get("question").ok()?).ok()?,
    })
}

impl Transaction {
    /// The occurrences of these questions that still are open, by id and since when.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn questioned(
        &mut self,
        questions: impl Iterator<Item = (&str, Timestamp)>,
    ) -> Result<Vec<DueOccurrence>, StoreError> {
        let asked: Vec<Value> = questions.map(|(id, since)| json!([id, since.as_microsecond()])).collect();
        let rows = self
            .select(
                "select o.id, o.detail, o.source, o.fingerprint, o.labels, o.annotations, o.generator_url,
                     o.group_key, o.group_labels, o.external_url
                 from {rows} cross join occurrences o
                 where o.id = r.value->>0 and o.question = cast(r.value->>1 as bigint)",
                &asked,
            )
            .await?;
        self.readable(&rows).await
    }
}
