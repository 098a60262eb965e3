//! Who serves this store: every receiver that runs says so every few seconds, and what the dead had claimed is given back.
//!
//! A receiver that was taken for dead comes back under another name, so that what it had begun before is nobody's any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use modelwatch_receiver_core::retry::MAX_RETRY_AFTER;

use super::transaction::new_id;
use super::trouble::TOO_SLOW;
use super::{Claimed, Store, StoreError, Transaction};

/// How long a receiver counts as alive that does not say so again.
const LIFE: Duration = Duration::from_secs(12);

/// How often a receiver says that it is alive. What it had claimed is given back after at most this and [`LIFE`].
pub const RENEW_EVERY: Duration = Duration::from_secs(3);

/// How an attempt is remembered whose receiver ended before it knew the answer.
const LOST: &str = "the receiver ended before the answer was recorded";

/// The name under which this receiver claims, and how long it surely is its own.
#[derive(Clone)]
pub(super) struct Lease(Arc<Mutex<Held>>);

struct Held {
    owner: Arc<str>,
    until: Instant,
}

/// That a receiver is alive, noted in a transaction that is not on disk yet.
#[must_use]
pub(super) struct Refreshed(Option<(Arc<str>, Instant)>);

impl Lease {
    /// A name of its own, which nobody knows yet.
    pub(super) fn new() -> Lease {
        Lease(Arc::new(Mutex::new(Held { owner: Arc::from(new_id()), until: Instant::now() })))
    }

    pub(super) fn owner(&self) -> Arc<str> {
        Arc::clone(&self.held().owner)
    }

    /// How long it is known to be alive, by a clock that nobody sets.
    fn left(&self) -> Duration {
        self.held().until.saturating_duration_since(Instant::now())
    }

    /// Takes another name: what the one before had claimed is given back when that has not been heard of for a while.
    pub(super) fn leave(&self) {
        self.hold(Arc::from(new_id()), Instant::now());
    }

    fn hold(&self, owner: Arc<str>, until: Instant) {
        *self.held() = Held { owner, until };
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Begins to serve. `alone` says that nobody else can, so that whoever is named there is dead; due times are then
    /// brought to where they can have been meant, since those before may have had another idea of the time.
    pub(super) async fn join(&self, alone: bool) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        transaction.follow_clock().await?;
        if alone {
            transaction.bury_everyone(self.steady.after(MAX_RETRY_AFTER)).await?;
        }
        transaction.commit().await?;
        self.renew().await.map(drop)
    }

    /// Says that this receiver is alive, and gives back what the dead had claimed; what they had begun to send is
    /// ambiguous. Returns how many notifications that were.
    ///
    /// # Errors
    /// When the database fails; then this receiver counts as alive for a while yet.
    pub async fn renew(&self) -> Result<u64, StoreError> {
        let began = Instant::now();
        let renewed = self.renew_since(began).await;
        if renewed.is_err() || began.elapsed() > TOO_SLOW {
            self.troubles.note();
        }
        renewed
    }

    async fn renew_since(&self, began: Instant) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let now = self.steady.now();
        transaction.note_time().await?;
        let owner = transaction.keep_alive(self.lease.owner(), self.steady.after(LIFE)).await?;
        let freed = transaction.reap(&owner, now).await?;
        if freed == 0 {
            transaction.concerns_nothing_else();
        }
        transaction.commit().await?;
        self.lease.hold(owner, began + LIFE);
        Ok(freed)
    }

    /// The name to claim under; renewed first if it may be another's to take.
    pub(super) async fn owner(&self) -> Result<Arc<str>, StoreError> {
        if self.lease.left().is_zero() {
            self.renew().await?;
        }
        Ok(self.lease.owner())
    }

    /// Notes, in a transaction in which something turned out to be this receiver's, that it is alive, if that was not done
    /// lately. What it returns is to be kept once the transaction is on disk.
    pub(super) async fn refresh(&self, transaction: &mut Transaction) -> Result<Refreshed, StoreError> {
        let (owner, began) = (self.lease.owner(), Instant::now());
        if self.lease.left() > LIFE / 2 {
            return Ok(Refreshed(None));
        }
        let owner = transaction.keep_alive(owner, self.steady.after(LIFE)).await?;
        Ok(Refreshed(Some((owner, began + LIFE))))
    }

    /// Keeps it.
    pub(super) fn refreshed(&self, refreshed: Refreshed) {
        if let Some((owner, until)) = refreshed.0 {
            self.lease.hold(owner, until);
        }
    }

    /// Whether what was claimed is surely still this receiver's, so that nobody else can have begun to send it.
    pub fn holds(&self, claimed: &Claimed) -> bool {
        !self.lease.left().is_zero() && self.lease.owner() == claimed.owner
    }

    /// Gives back at once what this receiver has claimed, since it ends; what it had begun to send is ambiguous.
    ///
    /// # Errors
    /// When the database fails; then it is given back a while later, by others or at the next start.
    pub async fn resign(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("delete from receivers where id = $1")
            .bind(&*self.lease.owner())
            .execute(transaction.connection())
            .await?;
        transaction.free_the_unowned().await?;
        transaction.commit().await
    }
}

impl Transaction {
    /// Notes that `owner` is alive. If it was taken for dead, it gets another name.
    async fn keep_alive(&mut self, owner: Arc<str>, until: Timestamp) -> Result<Arc<str>, StoreError> {
        let known = sqlx::query("update receivers set alive_until = $2 where id = $1")
            .bind(&*owner)
            .bind(until.as_microsecond())
            .execute(self.connection())
            .await?;
        if known.rows_affected() == 1 {
            return Ok(owner);
        }
        let owner = new_id();
        sqlx::query("insert into receivers (id, alive_until) values ($1, $2)")
            .bind(owner.as_str())
            .bind(until.as_microsecond())
            .execute(self.connection())
            .await?;
        Ok(Arc::from(owner))
    }

    /// Gives back what receivers other than `me` had claimed that were not heard of until `now`.
    pub(super) async fn reap(&mut self, me: &str, now: Timestamp) -> Result<u64, StoreError> {
        sqlx::query("delete from receivers where alive_until < $1 and id <> $2")
            .bind(now.as_microsecond())
            .bind(me)
            .execute(self.connection())
            .await?;
        self.free_the_unowned().await
    }

    /// Gives back what nobody owns who is alive.
    async fn free_the_unowned(&mut self) -> Result<u64, StoreError> {
        const UNOWNED: &str = "owner is not null and owner not in (select id from receivers)";
        let found = format!("select id from notifications where {UNOWNED}");
        let unowned: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(found)).fetch_all(self.connection()).await?;
        for id in &unowned {
            sqlx::query(
                "update attempts set finished_at = started_at, result = 'retryable', ambiguous = 1, detail = $2
                 where notification = $1 and finished_at is null",
            )
            .bind(id.as_str())
            .bind(LOST)
            .execute(self.connection())
            .await?;
            let now = self.now();
            self.note_held(id, now).await?;
            sqlx::query("update notifications set owner = null where id = $1")
                .bind(id.as_str())
                .execute(self.connection())
                .await?;
        }
        Ok(unowned.len() as u64)
    }

    /// Gives back everything; nothing is due, and no destination opens, later than `latest`.
    async fn bury_everyone(&mut self, latest: Timestamp) -> Result<(), StoreError> {
        sqlx::query("delete from receivers").execute(self.connection()).await?;
        self.free_the_unowned().await?;
        // what an older version left open has no owner
        sqlx::query(
            "update attempts set finished_at = started_at, result = 'retryable', ambiguous = 1, detail = $1
             where finished_at is null",
        )
        .bind(LOST)
        .execute(self.connection())
        .await?;
        const STEPS: [&str; 2] = [
            "update notifications set due_at = $1 where status = 'pending' and due_at > $1",
            "update gates set opens_at = $1 where opens_at > $1",
        ];
        for step in STEPS {
            sqlx::query(step).bind(latest.as_microsecond()).execute(self.connection()).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Store {
    /// Another receiver that serves the same store.
    pub(crate) async fn another_receiver(&self) -> Store {
        let other = Store { lease: Lease::new(), ..self.clone() };
        other.join(false).await.unwrap();
        other
    }

    /// What others find when so much time has passed without a word of anybody else.
    pub(crate) async fn reap_after(&self, wait: Duration) -> u64 {
        let mut transaction = self.begin().await.unwrap();
        let freed = transaction.reap(&self.lease.owner(), self.steady.after(wait)).await.unwrap();
        transaction.commit().await.unwrap();
        freed
    }
}
