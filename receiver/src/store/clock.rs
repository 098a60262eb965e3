//! That the store's clock was set back: over a restart that of the machine, or at any time that of the database.
//!
//! The store remembers the latest time it saw. When its clock stands before that, what is meant for a time is meant for the
//! clock as it was, and is moved back with it, all at once and before anything else is read or written: so a pause, a wait
//! and a lease last at most as long as they were meant to, and by as much longer as passed since the time was last noted.

use jiff::Timestamp;

use super::{StoreError, Transaction};

/// What is meant for a time: `$1` is by how much the clock went back.
const MOVED: [&str; 3] = [
    "update gates set opens_at = opens_at - $1",
    "update receivers set alive_until = alive_until - $1",
    "update notifications set waiting_since = waiting_since - $1, patience_from = patience_from - $1,
         due_at = case when due_at > 0 then due_at - $1 else 0 end
     where status = 'pending'",
];

impl Transaction {
    /// Remembers what time it is.
    pub(super) async fn note_time(&mut self) -> Result<(), StoreError> {
        let now = self.now().as_microsecond();
        sqlx::query(
            "insert into clock (id, latest) values (1, $1) on conflict (id) do update set latest = excluded.latest",
        )
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Follows a clock that was set back since the time was last noted.
    pub(super) async fn follow_clock(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        let latest: Option<i64> =
            sqlx::query_scalar("select latest from clock").fetch_optional(self.connection()).await?;
        let back = latest.map_or(0, |latest| latest.saturating_sub(now.as_microsecond()));
        if back > 0 {
            tracing::warn!(seconds = back / 1_000_000, "the clock was set back, and all that waits with it");
            self.move_back(back, now).await?;
        }
        self.note_time().await
    }

    async fn move_back(&mut self, by: i64, now: Timestamp) -> Result<(), StoreError> {
        for update in MOVED {
            sqlx::query(update).bind(by).execute(self.connection()).await?;
        }
        // what is to be asked is asked at once
        sqlx::query("update occurrences set question = $1 where question > $1")
            .bind(now.as_microsecond())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
