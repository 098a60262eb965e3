//! What the receiver remembers: one concrete type over sqlx's `Any` pool, with one writer and several readers.
//!
//! A single writing connection makes SQLite's one-writer rule a queue of ours instead of an error of its.
//! This room knows rows, never rules: what a row means is decided in the core.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_common::time::{Clock, SystemClock};
use sqlx::AnyPool;

mod attempts;
mod backlog;
mod bounded;
mod clock;
mod dialect;
mod error;
mod fallback;
mod gates;
mod hearsay;
mod heartbeats;
mod known;
mod labels;
mod lease;
mod memory;
mod notices;
mod occurrences;
mod outbox;
mod place;
mod postgres;
mod posts;
mod prune;
mod questions;
mod read;
mod receipts;
mod replay;
mod schema;
mod settings;
mod spoken;
mod sqlite;
mod stats;
mod steady;
mod timeline;
mod transaction;
mod trouble;
mod unheard;
mod unnamed;
mod wording;
mod write;
mod writer;

pub use attempts::{Beginning, Ended, Ending};
pub use backlog::Backlog;
use bounded::Readers;
use dialect::{Dialect, Hurry};
pub use error::StoreError;
pub use fallback::Fallback;
pub use heartbeats::{HEARTBEAT_SOURCE, OpenAlarm, alarm_group};
pub use labels::{Labelled, STATES};
use lease::Lease;
pub use lease::RENEW_EVERY;
pub use occurrences::{DueOccurrence, StoredOccurrence};
pub use outbox::{Claim, Claimed, Outlet};
pub use place::{Database, Place, PlaceError};
pub use questions::Question;
#[cfg(test)]
pub(crate) use read::fixtures;
pub use read::{Slice, StoredAttempt, StoredNotification};
pub use replay::{Dead, Replayed};
pub use settings::Settings;
pub use stats::{Counted, Happened};
use steady::Steady;
pub use timeline::{HeldCopy, Mentioned, Occurred, Settled, Untold};
pub use transaction::Transaction;
pub(crate) use transaction::new_id;
pub use trouble::{TOO_SLOW, Troubles};
pub use wording::Wording;
pub use write::Unsent;
use writer::Writer;

/// The source of fire drills; not a name that anybody gives a sender.
pub const TEST_SOURCE: &str = "(test)";

/// The store, shared by all parts of the program; cloning is cheap.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: Readers,
    history: Readers,
    dialect: Dialect,
    steady: Steady,
    lease: Lease,
    troubles: Troubles,
    /// Holds the lock file for as long as any clone lives; `None` for readers of a store that another process serves.
    _lock: Option<Arc<File>>,
}

/// Connections for who writes, for who reads beside it, and for who looks at the history.
struct Pools {
    writer: AnyPool,
    readers: AnyPool,
    history: AnyPool,
}

const READERS: u32 = 4;

/// How many may look at the history at once; with connections of their own, so that delivery never waits for them.
const HISTORY_READERS: u32 = 2;

/// How long to wait for a connection; a sender of webhooks waits no longer before it tries again itself.
const PATIENCE: Duration = Duration::from_secs(10);

impl Store {
    /// Opens the store in `place` for serving; creates it if need be, brings its tables up to date and gives back what a
    /// process that died had claimed.
    ///
    /// # Errors
    /// One sentence that names the file or the database: not writable, in use, or not a store.
    pub async fn open(place: impl Into<Place>) -> Result<Store, StoreError> {
        let place = place.into();
        Store::serve(&place).await.map_err(|error| error.at(&place))
    }

    async fn serve(place: &Place) -> Result<Store, StoreError> {
        let store = match place {
            Place::File(path) => {
                let lock = sqlite::lock(path)?;
                let pools = sqlite::serve(path).await?;
                Store { _lock: Some(Arc::new(lock)), ..Store::on(pools, Dialect::Sqlite) }
            }
            Place::Database(database) => Store::on(postgres::serve(database).await?, Dialect::Postgres),
        };
        store.name_groups().await?;
        // the lock says that nobody else serves it
        store.join(store._lock.is_some()).await?;
        Ok(store)
    }

    /// Opens the store in `place` only to read, also while another process serves it.
    ///
    /// # Errors
    /// As [`Store::open`]; a store that does not exist is not created.
    pub async fn open_to_read(place: impl Into<Place>) -> Result<Store, StoreError> {
        match place.into() {
            Place::File(path) => Ok(Store::on(sqlite::look(&path).await?, Dialect::Sqlite)),
            Place::Database(database) => Ok(Store::on(postgres::look(&database).await?, Dialect::Postgres)),
        }
    }

    fn on(pools: Pools, dialect: Dialect) -> Store {
        let Pools { writer, readers, history } = pools;
        let writer = Writer::new(writer);
        let readers = Readers::new(readers, dialect.answers_within());
        let history = Readers::new(history, dialect.history_answers_within());
        let (steady, lease, troubles) = (Steady::start(), Lease::new(), Troubles::default());
        Store { writer, readers, history, dialect, steady, lease, troubles, _lock: None }
    }

    /// The time by the store's clock, which due times are told by.
    pub fn now(&self) -> Timestamp {
        self.steady.now()
    }

    /// How often it was seen that nothing could be stored.
    pub fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    /// The clock by which everything happens that people see, and that all who serve this store have to agree on: the database's
    /// where several may, else the machine's, which people set.
    pub fn clock(&self) -> Arc<dyn Clock> {
        match self.dialect {
            Dialect::Sqlite => Arc::new(SystemClock),
            Dialect::Postgres => Arc::new(self.steady.clone()),
        }
    }

    /// Turns the store's clock forward.
    #[cfg(test)]
    pub(crate) fn turn_clock(&self, by: Duration) {
        self.steady.turn(by);
    }

    /// Connections that write past the store, for tests that break something.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &AnyPool {
        self.writer.pool()
    }

    /// The connections that only read; never blocked by the writer.
    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Begins a transaction; waits for the one before it, whichever receiver's it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Transaction::begin(self, Hurry::OnDisk).await
    }

    /// Begins a transaction that changes what is known of the alerts which a notification mentions, and of no others.
    async fn begin_about(&self, notification: &str) -> Result<Transaction, StoreError> {
        let mut transaction = self.begin().await?;
        transaction.concerns(notification).await?;
        Ok(transaction)
    }

    /// Begins a transaction that is in order on disk, but perhaps not yet when its commit returns: for what may as well not have
    /// happened should the power fail, such as a claim. The next other commit puts it on disk too.
    pub(super) async fn begin_unhurried(&self) -> Result<Transaction, StoreError> {
        Transaction::begin(self, Hurry::Unhurried).await
    }

    /// Closes all connections; what is written is on disk already.
    pub async fn close(&self) {
        self.history.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

// the same tests, on both databases
#[cfg(test)]
#[path = "store/tests.rs"]
mod on_postgres;
#[cfg(test)]
#[path = "store/tests.rs"]
mod tests;
