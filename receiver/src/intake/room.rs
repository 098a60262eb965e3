//! How much of what is sent may be in memory at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::QUEUE_BYTES;

/// What one webhook takes of it; given back when it is dropped.
pub struct Room {
    pub(super) all: Arc<Semaphore>,
    pub(super) taken: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Takes as many bytes more, if they are free. One webhook alone never needs more than all.
    pub fn take(&mut self, bytes: usize) -> bool {
        let bytes = bytes.min(QUEUE_BYTES - self.bytes());
        let more = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.all).try_acquire_many_owned(bytes).ok());
        let Some(more) = more else { return false };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        true
    }

    /// How many it has.
    pub(super) fn bytes(&self) -> usize {
        self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }
}
