//! How often it was seen that nothing could be stored: who waits for word has to know that none was let in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What takes longer was as good as impossible.
pub const TOO_SLOW: Duration = Duration::from_secs(2);

/// Counts; cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Troubles(Arc<AtomicU64>);

impl Troubles {
    /// Something that had to be stored was not, or not for long.
    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was so.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
