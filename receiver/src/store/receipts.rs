//! What single recipients of a notification came to, for destinations that have several: who has it is never sent it
//! again, whatever becomes of the process.

use modelwatch_receiver_core::outcome::{Outcome, Reason, Receipt};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::transaction::{from_json, storable};
use super::{Store, StoreError, Transaction};

impl Store {
    /// Keeps what a recipient of a notification came to; on disk when it returns. Whoever has it has it, whatever others
    /// noted meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_receipt(&self, notification: &str, receipt: &Receipt) -> Result<(), StoreError> {
        let mut transaction = self.begin_about(notification).await?;
        sqlx::query(
            "insert into receipts (notification, recipient, result, reason, ambiguous, detail, tries)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (notification, recipient) do update set result = excluded.result,
                 reason = excluded.reason, ambiguous = excluded.ambiguous, detail = excluded.detail,
                 tries = excluded.tries
             where receipts.result <> 'delivered'",
        )
        .bind(notification)
        .bind(receipt.recipient.as_str())
        .bind(receipt.outcome.as_str())
        .bind(receipt.outcome.reason().map(Reason::as_str))
        .bind(i64::from(receipt.outcome.is_ambiguous()))
        .bind(storable(receipt.outcome.detail()))
        .bind(i64::from(receipt.tries))
        .execute(transaction.connection())
        .await?;
        transaction.commit().await
    }
}

impl Transaction {
    /// What is kept of the recipients of a notification.
    pub(super) async fn receipts(&mut self, notification: &str) -> Result<Vec<Receipt>, StoreError> {
        let rows = sqlx::query(
            "select recipient, result, reason, ambiguous, detail, tries from receipts
             where notification = $1 order by recipient",
        )
        .bind(notification)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(receipt).collect()
    }

    /// Whether any recipient has a notification.
    pub(super) async fn is_held_by_anyone(&mut self, notification: &str) -> Result<bool, StoreError> {
        let held =
            sqlx::query("select 1 from receipts where notification = $1 and result = 'delivered' limit 1")
                .bind(notification)
                .fetch_optional(self.connection())
                .await?;
        Ok(held.is_some())
    }

    /// The notification that others of its destination about one of the same alerts answer to: one that a recipient has, or
    /// what that one answered to itself. Thus it is always the first of them, whatever a clock says.
    pub(super) async fn thread(&mut self, notification: &str) -> Result<Option<String>, StoreError> {
        let held = sqlx::query(
            "select n.id, n.message from mentions ours join mentions theirs on theirs.occurrence = ours.occurrence
                 join notifications n on n.id = theirs.notification
             where ours.notification = $1 and n.id <> $1
               and n.channel = (select channel from notifications where id = $1)
               and exists (select 1 from receipts r where r.notification = n.id and r.result = 'delivered')
             limit 1",
        )
        .bind(notification)
        .fetch_optional(self.connection())
        .await?;
        let Some(held) = held else { return Ok(None) };
        let answering: Option<Answering> = from_json(held.try_get("message")?).ok();
        match answering.and_then(|answering| answering.thread) {
            Some(first) => Ok(Some(first)),
            None => Ok(Some(held.try_get("id")?)),
        }
    }
}

/// What a message answers to; its alerts are not read.
#[derive(serde::Deserialize)]
struct Answering {
    #[serde(default)]
    thread: Option<String>,
}

fn receipt(row: &AnyRow) -> Result<Receipt, StoreError> {
    let detail: String = row.try_get("detail")?;
    let reason: Option<String> = row.try_get("reason")?;
    let reason = reason.as_deref().and_then(Reason::of);
    let outcome = match (row.try_get::<&str, _>("result")?, reason) {
        ("delivered", _) => Outcome::Delivered { detail },
        ("permanent", Some(reason)) => Outcome::Permanent { reason, detail },
        ("retryable", Some(reason)) => {
            let ambiguous = row.try_get::<i64, _>("ambiguous")? != 0;
            Outcome::Retryable { reason, retry_after: None, ambiguous, detail }
        }
        (other, _) => return Err(StoreError::Damaged(format!("the result `{other}` of a recipient"))),
    };
    let tries = u32::try_from(row.try_get::<i64, _>("tries")?).unwrap_or(u32::MAX);
    Ok(Receipt { recipient: row.try_get("recipient")?, outcome, tries })
}
