//! The one connection that writes, and what is known from it: whoever begins a transaction takes both, and gives them back
//! with a commit. A transaction that ended otherwise takes them with it, and the next one begins anew.

use std::sync::Arc;

use sqlx::{AnyConnection, AnyPool, Connection as _};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::memory::Memory;
use super::{PATIENCE, StoreError};

/// Where the connection is while nobody writes.
#[derive(Clone)]
pub(super) struct Writer {
    /// Makes connections; none stays in it.
    pool: AnyPool,
    idle: Arc<Mutex<Option<Desk>>>,
}

/// What whoever writes works with.
pub(super) struct Desk {
    pub(super) connection: AnyConnection,
    /// What is known from it.
    pub(super) memory: Memory,
}

/// The turn to write; over when it is dropped.
pub(super) type Turn = OwnedMutexGuard<Option<Desk>>;

impl Writer {
    pub(super) fn new(pool: AnyPool) -> Writer {
        Writer { pool, idle: Arc::new(Mutex::new(None)) }
    }

    /// Waits for its turn.
    pub(super) async fn turn(&self) -> Result<Turn, StoreError> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.idle).lock_owned()).await;
        turn.map_err(|_| StoreError::Unreachable("others write for too long".to_owned()))
    }

    /// Makes a connection, on which nothing is known yet.
    pub(super) async fn connect(&self) -> Result<Desk, StoreError> {
        Ok(Desk { connection: self.pool.acquire().await?.detach(), memory: Memory::default() })
    }

    pub(super) async fn close(&self) {
        if let Some(desk) = self.idle.lock().await.take() {
            // what it has committed is on disk, however it ends
            let _ = desk.connection.close().await;
        }
        self.pool.close().await;
    }

    /// Connections of their own, for tests that write past the store.
    #[cfg(test)]
    pub(super) fn pool(&self) -> &AnyPool {
        &self.pool
    }
}
