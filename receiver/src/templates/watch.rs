//! Picking up edits as they are saved.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use modelwatch_common::shutdown::Shutdown;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::Templates;

/// Editors save in several steps and copies bring several files: the folder is read once it has been quiet for this long.
const QUIET: Duration = Duration::from_millis(200);

impl Templates {
    /// Reloads whenever a file in the folder changes, until `shutdown`. Without a folder, or when the operating system
    /// cannot watch it, it says so and ends; [`reload`](Self::reload) still works.
    pub async fn watch(self: Arc<Self>, shutdown: Shutdown) {
        let Some(folder) = self.live.load().source.folder.clone() else { return };
        let (changed, mut changes) = mpsc::channel(1);
        let watcher = match start(&folder, changed) {
            Ok(watcher) => watcher,
            Err(error) => {
                let folder = folder.display();
                tracing::warn!(%folder, %error, "cannot watch the templates, reload after editing them");
                return;
            }
        };
        loop {
            tokio::select! {
                change = changes.recv() => if change.is_none() { return },
                () = shutdown.cancelled() => break,
            }
            while tokio::time::timeout(QUIET, changes.recv()).await.is_ok_and(|change| change.is_some()) {}
            let templates = Arc::clone(&self);
            // what is refused is logged, counted and shown by `reload` itself
            let _ = tokio::task::spawn_blocking(move || templates.reload()).await;
        }
        drop(watcher);
    }
}

fn start(folder: &Path, changed: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.map_or(true, |event| is_change(event.kind)) {
            // full: a change is waiting to be seen already
            let _ = changed.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// Opening and reading files are events too, and reloading does both.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}
