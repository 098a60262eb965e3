//! Forgetting what is older than the retention, in small batches so that nobody waits long.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_common::shutdown::Shutdown;
use modelwatch_common::time::Clock;

use super::{Store, StoreError};

/// How many rows of one table one batch may forget.
const BATCH: i64 = 500;

/// What is forgotten, in an order that never leaves a row pointing at nothing that is still needed: what waits to be
/// told and what is not over is kept, whatever its age.
const STEPS: [&str; 6] = [
    "delete from webhooks where id in (select id from webhooks where accepted_at < $1 limit $2)",
    "delete from notifications where id in (
         select id from notifications where created_at < $1 and status <> 'pending' limit $2)",
    "delete from attempts where id in (
         select id from attempts where started_at < $1
           and notification not in (select id from notifications) limit $2)",
    "delete from occurrences where id in (
         select id from occurrences o where o.seen_at < $1 and o.state = 'resolved' and o.check_at is null
           and not exists (select 1 from mentions m join notifications n on n.id = m.notification
                           where m.occurrence = o.id) limit $2)",
    "delete from mentions where notification in (
         select m.notification from mentions m
         where m.notification not in (select id from notifications) limit $2) and $1 > 0",
    "delete from transitions where occurrence in (
         select t.occurrence from transitions t where t.accepted_at < $1
           and t.occurrence not in (select id from occurrences) limit $2)",
];

/// How often there is something to forget.
const EVERY: Duration = Duration::from_secs(3600);

/// How long others go first between two batches.
const PAUSE: Duration = Duration::from_millis(50);

impl Store {
    /// Forgets what is older than `retention`, now and every hour, until `shutdown`.
    pub async fn keep_pruned(self, retention: Duration, clock: Arc<dyn Clock>, shutdown: Shutdown) {
        while !shutdown.is_cancelled() {
            let before = clock.now().saturating_sub(retention).unwrap_or(Timestamp::MIN);
            let wait = match self.prune(before).await {
                Ok(true) => PAUSE,
                Ok(false) => EVERY,
                Err(error) => {
                    tracing::error!(%error, "the history could not be pruned");
                    EVERY
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Forgets one batch of what is older than `before`; `true` when there may be more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune(&self, before: Timestamp) -> Result<bool, StoreError> {
        let mut more = false;
        for step in STEPS {
            let mut transaction = self.begin().await?;
            let done = sqlx::query(step)
                .bind(before.as_microsecond())
                .bind(BATCH)
                .execute(transaction.connection())
                .await?;
            transaction.commit().await?;
            more |= done.rows_affected() > 0;
        }
        Ok(more)
    }
}
