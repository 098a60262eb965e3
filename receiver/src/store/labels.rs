//! The labels of what was told, as rows to find notifications by. They are written after the fact and a few at a time, so
//! that neither a webhook nor a delivery waits for them; until then readers look at the messages themselves.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use modelwatch_common::shutdown::Shutdown;
use modelwatch_receiver_core::message::{Message, Pair};
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{Store, StoreError, Transaction};

/// How many notifications are looked at in one transaction.
const BATCH: i64 = 100;

/// How often there is something to do.
const EVERY: Duration = Duration::from_secs(1);

/// Who waits longer for the store than this is not alone with it.
const BUSY: Duration = Duration::from_millis(5);

/// How long others go first between two batches when they need the store too: it is theirs for most of the time.
const YIELD: Duration = Duration::from_millis(200);

/// The same when nobody seems to be there.
const PAUSE: Duration = Duration::from_millis(1);

/// What came of looking for notifications without labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labelled {
    /// All have theirs.
    All,
    /// There may be more, and nobody else needs the store.
    Some,
    /// There may be more, but others wait for the store.
    SomeWhileBusy,
}

impl Store {
    /// Writes the labels of notifications that have none yet or were put into words again, until `shutdown`.
    pub async fn keep_labelled(self, shutdown: Shutdown) {
        while !shutdown.is_cancelled() {
            let wait = match self.label().await {
                Ok(Labelled::All) => EVERY,
                Ok(Labelled::Some) => PAUSE,
                Ok(Labelled::SomeWhileBusy) => YIELD,
                Err(error) => {
                    tracing::error!(%error, "the labels of notifications could not be written");
                    EVERY
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Writes the labels of one batch.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn label(&self) -> Result<Labelled, StoreError> {
        let open = sqlx::query("select 1 from notifications where labelled = 0 limit 1");
        if open.fetch_optional(&self.history).await?.is_none() {
            return Ok(Labelled::All);
        }
        let asked = Instant::now();
        let mut transaction = self.begin().await?;
        let waited = asked.elapsed();
        transaction.concerns_nothing_else();
        let more = transaction.label_some().await?;
        transaction.commit().await?;
        Ok(match (more, waited > BUSY) {
            (false, _) => Labelled::All,
            (true, false) => Labelled::Some,
            (true, true) => Labelled::SomeWhileBusy,
        })
    }
}

impl Transaction {
    /// Writes the labels of the oldest notifications without; `true` when there may be more.
    async fn label_some(&mut self) -> Result<bool, StoreError> {
        let select = "select id, created_at, message from notifications
             where labelled = 0 order by created_at limit $1";
        let rows = sqlx::query(select).bind(BATCH).fetch_all(self.connection()).await?;
        let mut pairs: BTreeSet<(Pair, i64)> = BTreeSet::new();
        let mut ids: Vec<Value> = Vec::with_capacity(rows.len());
        for row in &rows {
            let created_at = row.try_get("created_at")?;
            ids.push(json!([row.try_get::<&str, _>("id")?]));
            // what has no words yet, or damaged ones, has no labels that anybody could see
            let message: Option<Message> = serde_json::from_str(row.try_get("message")?).ok();
            pairs.extend(message.iter().flat_map(Message::pairs).map(|pair| (pair, created_at)));
        }
        self.write_labels(&pairs).await?;
        self.apply(
            "update notifications set labelled = 1 from {rows} where notifications.id = r.value->>0",
            &ids,
        )
        .await?;
        Ok(i64::try_from(rows.len()).unwrap_or(BATCH) == BATCH)
    }

    async fn write_labels(&mut self, pairs: &BTreeSet<(Pair, i64)>) -> Result<(), StoreError> {
        let rows: Vec<Value> = pairs.iter().map(|(pair, at)| json!([pair.number(), at])).collect();
        self.apply(
            "insert into labels (pair, created_at)
             select cast(r.value->>0 as bigint), cast(r.value->>1 as bigint)
             from {rows} where true on conflict do nothing",
            &rows,
        )
        .await
    }
}
