//! The two threads of the exporter: the engine, which owns the state, and the publisher, which computes what is served.
//!
//! Whichever of them ends, the program ends: half an exporter that looks alive would show old numbers.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};
use modelwatch_common::http::admin::Readiness;
use modelwatch_common::shutdown::Shutdown;
use modelwatch_common::time::SystemClock;
use modelwatch_exporter_core::state::Setup;
use tokio::sync::watch;

use crate::config::Config;
use crate::engine::{self, Engine, QUEUE, Request};
use crate::publisher::{self, Published};
use crate::telemetry::Metrics;

/// What the threads tell others.
pub(super) struct Watching {
    pub(super) readiness: Readiness,
    pub(super) metrics: Metrics,
    /// Asked for when a thread ends.
    pub(super) shutdown: Shutdown,
}

/// Both threads, running.
pub(super) struct Threads {
    /// To the engine; what is sent while it still recovers waits.
    pub(super) requests: SyncSender<Request>,
    /// From the publisher.
    pub(super) published: watch::Receiver<Arc<Published>>,
    handles: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Threads {
    /// Starts both; the engine recovers its state first.
    pub(super) fn start(config: &Config, setup: Arc<Setup>, watching: Watching) -> anyhow::Result<Threads> {
        let Watching { readiness, metrics, shutdown } = watching;
        let storage = config.storage.clone();
        let (requests, waiting) = sync_channel(QUEUE);
        let (stills, to_publish) = engine::stills();
        let (publish, published) = watch::channel(Arc::new(Published::default()));
        let of_engine = metrics.clone();
        let engine = spawn("engine", shutdown.clone(), move || {
            let recovered =
                engine::recover(&storage.path, storage.durability, setup).context("storage.path")?;
            Engine::new(recovered, stills, Arc::new(SystemClock), of_engine).run(&waiting);
            Ok(())
        })?;
        let publisher = spawn("publisher", shutdown, move || {
            publisher::run(to_publish, &publish, &readiness, &metrics);
            Ok(())
        })?;
        Ok(Threads { requests, published, handles: vec![engine, publisher] })
    }

    /// Ends when nobody can send requests any more and the state is saved.
    ///
    /// # Errors
    /// What ended a thread before that.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        drop(self.requests);
        let handles = self.handles;
        let joined = tokio::task::spawn_blocking(move || {
            let ends = handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| Err(panicked())));
            ends.collect::<Vec<_>>().into_iter().collect::<anyhow::Result<Vec<()>>>()
        });
        joined.await.context("cannot wait for the threads")??;
        Ok(())
    }
}

fn panicked() -> anyhow::Error {
    anyhow!("a thread panicked, see the log")
}

fn spawn(
    name: &str,
    shutdown: Shutdown,
    run: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    let end = EndOfAll(shutdown);
    let run = move || {
        let _end = end;
        run()
    };
    thread.spawn(run).context("cannot start a thread")
}

/// Stops the program when dropped, by a panic too.
struct EndOfAll(Shutdown);

impl Drop for EndOfAll {
    fn drop(&mut self) {
        self.0.trigger();
    }
}
