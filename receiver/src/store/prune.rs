//! Forgetting what is older than the retention, in small batches so that nobody waits long.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_common::shutdown::Shutdown;
use modelwatch_common::time::Clock;
use sqlx::AssertSqlSafe;

use super::{Store, StoreError};

/// How many rows of one table one batch may forget.
const BATCH: i64 = 500;

/// Rows that are forgotten together with everything that belongs to them. What waits to be told and what is not over
/// is kept, whatever its age.
struct Step {
    /// The ids of one batch: older than `$1`, at most `$2`.
    select: &'static str,
    /// Tables and the column, or columns, in which they hold such an id; the rows themselves last.
    tables: &'static [(&'static str, &'static str)],
}

const STEPS: [Step; 5] = [
    Step {
        select: "select id from webhooks where accepted_at < $1 order by accepted_at limit $2",
        tables: &[("webhooks", "id")],
    },
    Step {
        select: "select id from notifications where created_at < $1 and status <> 'pending'
                 order by created_at, id limit $2",
        tables: &[
            ("attempts", "notification"),
            ("receipts", "notification"),
            ("posts", "notification"),
            ("mentions", "notification"),
            ("notifications", "id"),
        ],
    },
    Step {
        select: "select pair, state, created_at from labels where created_at < $1 order by created_at limit $2",
        tables: &[("labels", "(pair, state, created_at)")],
    },
    Step {
        select:
            "select id from occurrences o where o.seen_at < $1 and o.state <> 'firing' and o.check_at is null
                 and not exists (select 1 from mentions m where m.occurrence = o.id)
                 order by o.seen_at limit $2",
        tables: &[("transitions", "occurrence"), ("suppressions", "occurrence"), ("occurrences", "id")],
    },
    // of what is no occurrence: copies that fed dead man's switches
    Step {
        select: "select s.occurrence from suppressions s
                 where s.channel = '' and s.reason = 'heartbeat' and s.last_at < $1 limit $2",
        tables: &[("suppressions", "occurrence")],
    },
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
        for step in &STEPS {
            more |= self.forget(step, before).await? > 0;
        }
        Ok(more)
    }

    async fn forget(&self, step: &Step, before: Timestamp) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        let mut transaction = self.begin().await?;
        for (table, column) in step.tables {
            let delete = format!("delete from {table} where {column} in ({})", step.select);
            let done = sqlx::query(AssertSqlSafe(delete))
                .bind(before.as_microsecond())
                .bind(BATCH)
                .execute(transaction.connection())
                .await?;
            forgotten = done.rows_affected();
        }
        transaction.commit().await?;
        Ok(forgotten)
    }
}
