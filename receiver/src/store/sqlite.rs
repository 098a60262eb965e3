//! A store in a SQLite file: one process serves it, with one writing connection.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection as _};

use super::error::words;
use super::{HISTORY_READERS, PATIENCE, Pools, READERS, StoreError, schema};

/// What every connection begins with: readers never block the writer, and a commit is on disk when it returns.
const PRAGMAS: &str = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000";

/// The same for who writes: it keeps the inner pages of its indices in memory (16 MiB at most), and brings the log into
/// the file every 16 MiB instead of every 4, since each time costs syncs of its own.
const WRITING: &str = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000;
    pragma cache_size = -16384; pragma wal_autocheckpoint = 4096";

/// Makes the store's folder, and keeps other processes from serving it for as long as the file is open.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    create_directory(path)?;
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

/// Connects, to a new store if need be, whose tables are up to date then.
pub(super) async fn serve(path: &Path) -> Result<Pools, StoreError> {
    let writer = connect(path, "rwc", 1, WRITING).await?;
    let migrated = schema::migrator().run(&writer).await;
    migrated.map_err(|error| StoreError::Unusable { path: path.to_owned(), error: error.to_string() })?;
    let readers = connect(path, "ro", READERS, PRAGMAS).await?;
    let history = connect(path, "ro", HISTORY_READERS, PRAGMAS).await?;
    Ok(Pools { writer, readers, history })
}

/// Connects to a store that another process may serve; what does not exist is not created.
pub(super) async fn look(path: &Path) -> Result<Pools, StoreError> {
    if !path.exists() {
        return Err(StoreError::Absent(path.display().to_string()));
    }
    let readers = connect(path, "rw", 1, PRAGMAS).await?;
    sqlx::query("select count(*) from notifications where id = ''")
        .fetch_one(&readers)
        .await
        .map_err(|error| unusable(path, &error))?;
    Ok(Pools { writer: readers.clone(), history: readers.clone(), readers })
}

async fn connect(
    path: &Path,
    mode: &str,
    connections: u32,
    pragmas: &'static str,
) -> Result<AnyPool, StoreError> {
    sqlx::any::install_default_drivers();
    let url = url(path, mode);
    // A pool tries again for half a minute before it says anything; one connection says at once what is wrong.
    probe(&url).await.map_err(|error| unusable(path, &error))?;
    let options = AnyPoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| {
            Box::pin(async move { sqlx::raw_sql(pragmas).execute(connection).await.map(drop) })
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

fn unusable(path: &Path, error: &sqlx::Error) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), error: words(error) }
}

#[cfg(test)]
mod tests;
