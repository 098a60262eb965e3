//! From what is on disk to the state as it was: the snapshot, then every batch after it, as if they came again.

use std::path::Path;
use std::sync::Arc;

use modelwatch_exporter_core::batch::Batch;
use modelwatch_exporter_core::idempotency::{Fingerprint, Once};
use modelwatch_exporter_core::state::{Setup, State};

use crate::journal::{Durability, Journal, JournalError, Record};

/// A state and the journal that goes on from it.
pub struct Recovered {
    pub(super) setup: Arc<Setup>,
    pub(super) state: State,
    pub(super) journal: Journal,
}

/// Reads the folder and counts again what the newest snapshot does not have.
///
/// # Errors
/// When the folder cannot be used or nothing in it can be read.
pub fn recover(folder: &Path, durability: Durability, setup: Arc<Setup>) -> Result<Recovered, JournalError> {
    let (journal, recovery) = Journal::open(folder, durability, decode)?;
    let mut state = recovery.state.unwrap_or_else(|| State::new(&setup));
    for model in state.adopt(&setup) {
        tracing::warn!(
            model = &*model,
            "the model's features or references changed, so its windows begin anew"
        );
    }
    let batches = recovery.records.len();
    for record in &recovery.records {
        count_again(&mut state, &setup, record);
    }
    tracing::info!(batches, "the state is as it was, batches since the last snapshot were counted again");
    Ok(Recovered { setup, state, journal })
}

fn decode(bytes: &[u8]) -> Result<State, String> {
    postcard::from_bytes(bytes).map_err(|error| error.to_string())
}

fn count_again(state: &mut State, setup: &Setup, record: &Record) {
    match Batch::parse(record.format, &record.body, &setup.catalog) {
        Ok(batch) => drop(state.accept(setup, &batch, once(record).as_ref(), record.received_at)),
        Err(error) => tracing::error!(%error, "a batch in the journal cannot be counted again"),
    }
}

fn once(record: &Record) -> Option<Once> {
    let key = record.key.clone()?;
    Some(Once { key, fingerprint: Fingerprint::of(record.format, &record.body) })
}
