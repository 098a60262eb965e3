//! From what is on disk to the state as it was: the snapshot, then every batch after it, as if they came again.

use std::path::Path;
use std::sync::Arc;

use modelwatch_exporter_core::batch::Batch;
use modelwatch_exporter_core::idempotency::{Fingerprint, Once};
use modelwatch_exporter_core::state::{FORMAT, FirstFormat, Setup, State};

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
    super::tell_of(&state.adopt(&setup));
    let batches = recovery.records.len();
    for record in &recovery.records {
        count_again(&mut state, &setup, record);
    }
    tracing::info!(batches, "the state is as it was, batches since the last snapshot were counted again");
    Ok(Recovered { setup, state, journal })
}

/// A state in any format that ever was.
fn decode(format: u8, bytes: &[u8]) -> Result<State, String> {
    let state = match format {
        1 => postcard::from_bytes::<FirstFormat>(bytes).map(State::from),
        FORMAT => postcard::from_bytes(bytes),
        later => {
            return Err(format!("it is of format {later}, later than this program's {FORMAT}"));
        }
    };
    state.map_err(|error| error.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u8] = include_bytes!("../../core/tests/golden/state_1.bin");

    #[test]
    fn a_state_is_read_in_its_own_format_only() {
        let first = decode(1, FIRST).unwrap();
        let saved = postcard::to_stdvec(&first).unwrap();
        assert_eq!(decode(FORMAT, &saved).unwrap(), first);
        assert!(decode(FORMAT, FIRST).is_err() && decode(1, &saved).is_err());
        let later = decode(FORMAT + 1, &saved).unwrap_err();
        assert_eq!(later, format!("it is of format {}, later than this program's {FORMAT}", FORMAT + 1));
    }
}
