//! The labels of what was told, as rows to find notifications by, each with the state that the notification is in. They are
//! written after the fact and a few at a time, so that neither a webhook nor a delivery waits for them; until then readers
//! look at the messages themselves.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use modelwatch_common::shutdown::Shutdown;
use modelwatch_receiver_core::message::{Message, Pair};
use serde_json::{Value, json};
use sqlx::Row as _;

use super::transaction::count;
use super::{Store, StoreError, Transaction};

/// The states of notifications. A row of a label has the place of its state among them.
pub const STATES: [&str; 4] = ["pending", "delivered", "suppressed", "dead"];

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
    /// Writes the labels of notifications that have none yet, were put into words again or changed their state, until
    /// `shutdown`.
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
        let open = sqlx::query("select 1 from notifications where labelled_as <> status limit 1");
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
        let select = "select id, created_at, status, message from notifications
             where labelled_as <> status order by created_at, id limit $1";
        let rows = sqlx::query(select).bind(BATCH).fetch_all(self.connection()).await?;
        let mut labels: BTreeSet<(Pair, i64, i64)> = BTreeSet::new();
        let mut times: BTreeSet<i64> = BTreeSet::new();
        let mut states: Vec<Value> = Vec::with_capacity(rows.len());
        for row in &rows {
            let (status, created_at) = (row.try_get::<&str, _>("status")?, row.try_get("created_at")?);
            states.push(json!([row.try_get::<&str, _>("id")?, status]));
            times.insert(created_at);
            // what has no words yet, or damaged ones, has no labels that anybody could see
            let message: Option<Message> = serde_json::from_str(row.try_get("message")?).ok();
            let pairs = message.iter().flat_map(Message::pairs);
            labels.extend(pairs.map(|pair| (pair, number(status), created_at)));
        }
        self.write_labels(&labels).await?;
        self.apply(
            "update notifications set labelled_as = r.value->>1 from {rows} where notifications.id = r.value->>0",
            &states,
        )
        .await?;
        self.forget_states(&times).await?;
        Ok(i64::try_from(rows.len()).unwrap_or(BATCH) == BATCH)
    }

    async fn write_labels(&mut self, labels: &BTreeSet<(Pair, i64, i64)>) -> Result<(), StoreError> {
        let rows: Vec<Value> =
            labels.iter().map(|(pair, state, at)| json!([pair.number(), state, at])).collect();
        self.apply(
            "insert into labels (pair, state, created_at)
             select cast(r.value->>0 as bigint), cast(r.value->>1 as bigint), cast(r.value->>2 as bigint)
             from {rows} where true on conflict do nothing",
            &rows,
        )
        .await
    }

    /// Deletes the labels of states in which nothing is any more that was accepted at one of these times. Where something
    /// is, some may be left of what is not: readers look at the notifications themselves.
    async fn forget_states(&mut self, times: &BTreeSet<i64>) -> Result<(), StoreError> {
        let of = |at: &i64| STATES.map(|status| json!([at, status, number(status)]));
        let rows: Vec<Value> = times.iter().flat_map(of).collect();
        self.apply(
            "delete from labels where (created_at, state) in
                 (select cast(r.value->>0 as bigint), cast(r.value->>2 as bigint) from {rows}
                  where not exists (select 1 from notifications n
                                    where n.status = r.value->>1 and n.created_at = cast(r.value->>0 as bigint)))",
            &rows,
        )
        .await
    }
}

/// The number of a state in the rows of labels.
pub(super) fn number(status: &str) -> i64 {
    count(STATES.iter().take_while(|state| **state != status).count())
}
