//! The one connection that writes: whoever begins a transaction takes it, and gives it back with a commit. A transaction that
//! ended otherwise takes the connection with it, and the next one is made anew.

use std::sync::Arc;

use sqlx::{AnyConnection, AnyPool, Connection as _};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{PATIENCE, StoreError};

/// Where the connection is while nobody writes.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    /// Makes connections; none stays in it.
    pool: AnyPool,
    idle: Arc<Mutex<Option<AnyConnection>>>,
}

/// The turn to write; over when it is dropped.
pub(super) type Turn = OwnedMutexGuard<Option<AnyConnection>>;

impl Writer {
    pub(super) fn new(pool: AnyPool) -> Writer {
        Writer { pool, idle: Arc::new(Mutex::new(None)) }
    }

    /// Waits for its turn.
    pub(super) async fn turn(&self) -> Result<Turn, StoreError> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.idle).lock_owned()).await;
        turn.map_err(|_| StoreError::Unreachable("others write for too long".to_owned()))
    }

    /// Makes a connection.
    pub(super) async fn connect(&self) -> Result<AnyConnection, StoreError> {
        Ok(self.pool.acquire().await?.detach())
    }

    pub(super) async fn close(&self) {
        if let Some(connection) = self.idle.lock().await.take() {
            // what it has committed is on disk, however it ends
            let _ = connection.close().await;
        }
        self.pool.close().await;
    }

    /// Connections of their own, for tests that write past the store.
    #[cfg(test)]
    pub(super) fn pool(&self) -> &AnyPool {
        &self.pool
    }
}
