//! Picking up edits as they are saved.
//!
//! The files are read again and again and compared with those in use. Events of the file system would be lost when the
//! folder comes late, is replaced or linked anew (as releases and mounted configurations are), or lies where none are
//! reported; a few small files are read in no time.

use std::sync::Arc;
use std::time::Duration;

use modelwatch_common::shutdown::Shutdown;

use super::Templates;
use super::folder::Files;

/// How often the files are read. Editors save in several steps and copies bring several files: they are used once two
/// readings are equal.
const EVERY: Duration = Duration::from_millis(250);

impl Templates {
    /// Reloads whenever what is in the folder differs from what was last read, until `shutdown`.
    pub async fn watch(self: Arc<Self>, shutdown: Shutdown) {
        let mut before = Files::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => return,
            }
            let templates = Arc::clone(&self);
            // files are read and templates compiled: not on the I/O threads
            let looked = tokio::task::spawn_blocking(move || templates.look(&before)).await;
            before = looked.unwrap_or_default();
        }
    }

    /// Reloads if the files are not those in use and as they were `before`; returns how they are now.
    fn look(&self, before: &Files) -> Files {
        let live = self.live.load_full();
        let files = live.source.files();
        if files != live.files && files == *before {
            // what is refused is logged, counted and shown by `reload` itself
            let _ = self.reload();
        }
        files
    }
}
