//! What the receiver remembers: one concrete type over sqlx's `Any` pool, with one writer and several readers.
//!
//! A single writing connection makes SQLite's one-writer rule a queue of ours instead of an error of its.
//! This room knows rows, never rules: what a row means is decided in the core.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection as _};

mod attempts;
mod backlog;
mod fallback;
mod gates;
mod heartbeats;
mod lease;
mod occurrences;
mod outbox;
mod prune;
mod read;
mod receipts;
mod replay;
mod schema;
mod settings;
mod steady;
mod told;
mod transaction;
mod wording;

pub use attempts::{Ended, Ending};
pub use backlog::Backlog;
pub use fallback::Fallback;
pub use heartbeats::{HEARTBEAT_SOURCE, alarm_group};
use lease::Lease;
pub use lease::RENEW_EVERY;
pub use occurrences::{DueOccurrence, OccurrenceRow, StoredOccurrence};
pub use outbox::{Claim, Claimed};
#[cfg(test)]
pub(crate) use read::fixtures;
pub use read::{Slice, StoredAttempt, StoredNotification};
pub use replay::{Dead, Replayed};
pub use settings::Settings;
use steady::Steady;
pub use told::Intent;
pub use transaction::Transaction;
pub(crate) use transaction::new_id;
pub use wording::Wording;

/// What went wrong with the store; every message says what to do or whom to ask.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made.
    #[error("storage.url: cannot create the directory {}: {error}", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file that keeps others away cannot be opened or written.
    #[error("storage.url: cannot write {}: {error}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Another receiver has it.
    #[error("storage.url: {} is in use by another receiver; only one process may serve a SQLite store", .0.display())]
    InUse(PathBuf),
    /// There is nothing to read.
    #[error("storage.url: {} does not exist yet; `serve` creates it", .0.display())]
    Absent(PathBuf),
    /// What is there is no store, or is damaged.
    #[error("storage.url: {} cannot be used as a store: {error}; if it is damaged, move it away", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the database said.
        error: String,
    },
    /// A statement failed.
    #[error("the store failed: {0}")]
    Database(String),
    /// A row holds what no version of this program writes.
    #[error("the store holds a damaged value: {0}")]
    Damaged(String),
}

/// The source of fire drills; not a name that anybody gives a sender.
pub const TEST_SOURCE: &str = "(test)";

/// The store, shared by all parts of the program; cloning is cheap.
#[derive(Clone)]
pub struct Store {
    writer: AnyPool,
    readers: AnyPool,
    history: AnyPool,
    steady: Steady,
    lease: Lease,
    /// Holds the lock file for as long as any clone lives; `None` for readers of a store that another process serves.
    _lock: Option<Arc<File>>,
}

const READERS: u32 = 4;

/// How many may look at the history at once; with connections of their own, so that delivery never waits for them.
const HISTORY_READERS: u32 = 2;

/// How long to wait for a connection; a sender of webhooks waits no longer before it tries again itself.
const PATIENCE: Duration = Duration::from_secs(10);

impl Store {
    /// Opens the store in `path` for serving; creates it and its folder, brings its tables up to date and gives
    /// back what a process that died had claimed.
    ///
    /// # Errors
    /// One sentence that names the file: not writable, in use, or not a store.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        create_directory(path)?;
        let lock = lock(path)?;
        let writer = connect(path, "rwc", 1).await?;
        let migrated = schema::migrator().run(&writer).await;
        migrated.map_err(|error| StoreError::Unusable { path: path.to_owned(), error: error.to_string() })?;
        let readers = connect(path, "ro", READERS).await?;
        let history = connect(path, "ro", HISTORY_READERS).await?;
        let steady = Steady::start();
        let lease = Lease::new();
        let store = Store { writer, readers, history, steady, lease, _lock: Some(Arc::new(lock)) };
        // the lock says that nobody else serves it
        store.join(true).await?;
        Ok(store)
    }

    /// Opens the store in `path` only to read, also while another process serves it.
    ///
    /// # Errors
    /// As [`Store::open`]; a store that does not exist is not created.
    pub async fn open_to_read(path: &Path) -> Result<Store, StoreError> {
        if !path.exists() {
            return Err(StoreError::Absent(path.to_owned()));
        }
        let readers = connect(path, "rw", 1).await?;
        sqlx::query("select count(*) from notifications where id = ''")
            .fetch_one(&readers)
            .await
            .map_err(|error| unusable(path, &error))?;
        let (writer, history) = (readers.clone(), readers.clone());
        let (steady, lease) = (Steady::start(), Lease::new());
        Ok(Store { writer, readers, history, steady, lease, _lock: None })
    }

    /// The time by the store's clock, which due times are told by.
    pub fn now(&self) -> Timestamp {
        self.steady.now()
    }

    /// The connections that only read; never blocked by the writer.
    pub(crate) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// Begins a transaction; waits for the one before it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Transaction::begin(&self.writer).await
    }

    /// Begins a transaction that is in order on disk, but perhaps not yet when its commit returns: for what may as well not have
    /// happened should the power fail, such as a claim. The next other commit puts it on disk too.
    pub(super) async fn begin_unhurried(&self) -> Result<Transaction, StoreError> {
        Transaction::begin_unhurried(&self.writer).await
    }

    /// Closes all connections; what is written is on disk already.
    pub async fn close(&self) {
        self.history.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// What every connection begins with: readers never block the writer, and a commit is on disk when it returns.
const PRAGMAS: &str = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000";

async fn connect(path: &Path, mode: &str, connections: u32) -> Result<AnyPool, StoreError> {
    sqlx::any::install_default_drivers();
    let url = url(path, mode);
    // A pool tries again for half a minute before it says anything; one connection says at once what is wrong.
    probe(&url).await.map_err(|error| unusable(path, &error))?;
    let options = AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        // a file does not go away as a server does
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(PRAGMAS).execute(connection).await.map(drop) })
        });
    options.connect(&url).await.map_err(|error| unusable(path, &error))
}

/// Opens a connection, reads from it, and closes it.
async fn probe(url: &str) -> sqlx::Result<()> {
    let mut connection = AnyConnection::connect(url).await?;
    sqlx::raw_sql(PRAGMAS).execute(&mut connection).await?;
    sqlx::query("select count(*) from sqlite_master").fetch_one(&mut connection).await?;
    connection.close().await
}

fn url(path: &Path, mode: &str) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let encoded = path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite://{encoded}?mode={mode}")
}

fn create_directory(path: &Path) -> Result<(), StoreError> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(parent).map_err(|error| StoreError::Directory { path: parent.to_owned(), error })
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let failed = |error| StoreError::Lock { path: PathBuf::from(&name), error };
    let file = File::options().create(true).write(true).truncate(false).open(&name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn unusable(path: &Path, error: &sqlx::Error) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), error: words(error) }
}

/// What the database itself said, where it said something.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(failure) => failure.message().to_owned(),
        other => other.to_string(),
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        StoreError::Database(words(&error))
    }
}

#[cfg(test)]
mod tests;
