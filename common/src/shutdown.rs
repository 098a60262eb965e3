//! The end of a program: one token that says "stop", and the only place where tasks are spawned, so that none is
//! left behind. It never decides what a task has to finish; that is the task's own matter.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::reload::Reload;

/// Tells everyone who holds a copy that the program is to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Asks everyone to stop; asking twice changes nothing.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// Waits until the program is to stop. Cancel safe.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }

    /// Whether the program is to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// The tasks of a program, by name. Cheap to clone; all copies share the same tasks.
///
/// A task that panics stops the whole program: half a program that looks alive is worse than a restart.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    running: Arc<Mutex<Running>>,
    shutdown: Shutdown,
}

/// Tasks had not ended when the time to drain was over.
#[derive(Debug, thiserror::Error)]
#[error("these tasks had not ended after {deadline:?}: {}", names.join(", "))]
pub struct Undrained {
    deadline: Duration,
    names: Vec<&'static str>,
}

impl Tasks {
    /// No tasks, and a shutdown that has not been asked for.
    #[must_use]
    pub fn new() -> Tasks {
        Tasks::default()
    }

    /// The token that ends these tasks.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Runs `future` beside the others. It has to end by itself soon after [`Shutdown::cancelled`].
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        self.track(Entry::new(name, self, true), future);
    }

    /// As [`Tasks::spawn`], for one of many alike: when it panics, the others go on.
    pub fn spawn_expendable(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        self.track(Entry::new(name, self, false), future);
    }

    /// Asks all tasks to stop and waits for them.
    ///
    /// # Errors
    /// Names the tasks that had not ended when `deadline` had passed.
    pub async fn drain(&self, deadline: Duration) -> Result<(), Undrained> {
        self.shutdown.trigger();
        self.tracker.close();
        tokio::time::timeout(deadline, self.tracker.wait())
            .await
            .map_err(|_| Undrained { deadline, names: lock(&self.running).names() })
    }

    fn track(&self, entry: Entry, future: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(async move {
            let _entry = entry;
            future.await;
        });
    }
}

/// Turns SIGTERM and SIGINT into a shutdown and SIGHUP into a reload, until the shutdown.
///
/// # Errors
/// When the operating system refuses a signal handler.
pub fn signals(tasks: &Tasks, reload: Reload) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let shutdown = tasks.shutdown();
    tasks.spawn("signals", async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => shutdown.trigger(),
                _ = interrupt.recv() => shutdown.trigger(),
                _ = hangup.recv() => reload.request(),
                () = shutdown.cancelled() => return,
            }
        }
    });
    Ok(())
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    names: BTreeMap<u64, &'static str>,
}

impl Running {
    fn names(&self) -> Vec<&'static str> {
        self.names.values().copied().collect()
    }
}

/// Holds a task's name for as long as the task lives.
struct Entry {
    id: u64,
    name: &'static str,
    essential: bool,
    running: Arc<Mutex<Running>>,
    shutdown: Shutdown,
}

impl Entry {
    fn new(name: &'static str, tasks: &Tasks, essential: bool) -> Entry {
        let mut running = lock(&tasks.running);
        running.next += 1;
        let id = running.next;
        running.names.insert(id, name);
        Entry { id, name, essential, running: Arc::clone(&tasks.running), shutdown: tasks.shutdown() }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.running).names.remove(&self.id);
        if !std::thread::panicking() {
            return;
        }
        tracing::error!(task = self.name, "a task panicked");
        if self.essential {
            self.shutdown.trigger();
        }
    }
}

fn lock(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
