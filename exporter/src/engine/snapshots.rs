//! Saving the state, so that a restart has little to count again.

use std::io;
use std::thread::JoinHandle;

use modelwatch_exporter_core::state::{FORMAT, State};

use crate::journal::{Journal, Place};
use crate::telemetry::Metrics;

/// Bytes in the journal after which the state is saved.
pub(super) const AFTER_BYTES: u64 = 64 << 20;

/// Saves states, one at a time, on a thread of its own.
pub(super) struct Snapshots {
    running: Option<JoinHandle<()>>,
    metrics: Metrics,
}

impl Snapshots {
    pub(super) fn new(metrics: Metrics) -> Snapshots {
        Snapshots { running: None, metrics }
    }

    /// Begins to save the state, unless that is under way already.
    pub(super) fn begin(&mut self, journal: &mut Journal, state: &State) {
        if self.running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let metrics = self.metrics.clone();
        let begun = place(journal, state).and_then(|(place, bytes)| {
            std::thread::Builder::new()
                .name("snapshot".to_owned())
                .spawn(move || report(place.save(FORMAT, &bytes), &metrics))
        });
        match begun {
            Ok(thread) => self.running = Some(thread),
            Err(error) => report(Err(error), &self.metrics),
        }
    }

    /// Saves the state before anything else happens.
    pub(super) fn now(&mut self, journal: &mut Journal, state: &State) -> io::Result<()> {
        self.wait();
        let (place, bytes) = place(journal, state)?;
        place.save(FORMAT, &bytes)?;
        self.metrics.saved();
        Ok(())
    }

    /// Saves the state when the program ends; when that fails the journal serves.
    pub(super) fn finish(&mut self, journal: &mut Journal, state: &State) {
        if let Err(error) = self.now(journal, state) {
            report(Err(error), &self.metrics);
        }
    }

    fn wait(&mut self) {
        if let Some(thread) = self.running.take() {
            // it reports by itself; that it panicked would be seen in the log
            let _ = thread.join();
        }
    }
}

fn place(journal: &mut Journal, state: &State) -> io::Result<(Place, Vec<u8>)> {
    let bytes = postcard::to_stdvec(state).map_err(io::Error::other)?;
    Ok((journal.rotate()?, bytes))
}

fn report(result: io::Result<()>, metrics: &Metrics) {
    match result {
        Ok(()) => metrics.saved(),
        Err(error) => {
            metrics.snapshot_errors_total.inc();
            tracing::error!(%error, "the state cannot be saved, the journal grows and serves meanwhile");
        }
    }
}
