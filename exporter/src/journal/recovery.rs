//! What a folder holds: the newest snapshot that is sound, and the batches after it.

use std::io;
use std::path::Path;

use bytes::Bytes;

use super::record::Decoded;
use super::{Decode, JournalError, Record, failed, journal_name, snapshot};

/// What was found on disk.
#[derive(Debug)]
pub struct Recovery<S> {
    /// The state to begin with; `None` is the empty one.
    pub state: Option<S>,
    /// The batches accepted since, in order.
    pub records: Vec<Record>,
    /// The generation that goes on.
    pub(super) generation: u64,
    /// How much of its journal can be kept.
    pub(super) sound_length: u64,
}

pub(super) fn read<S>(folder: &Path, decode: Decode<S>) -> Result<Recovery<S>, JournalError> {
    let snapshots = generations(folder, "snapshot-").map_err(failed(folder, "cannot be listed"))?;
    let journals = generations(folder, "journal-").map_err(failed(folder, "cannot be listed"))?;
    let (first, state) = newest_sound(folder, &snapshots, decode)?;
    let mut recovery = Recovery { state, records: Vec::new(), generation: first, sound_length: 0 };
    for (generation, expected) in journals.into_iter().filter(|generation| *generation >= first).zip(first..)
    {
        if generation != expected {
            let reason = format!("{} is missing", journal_name(expected));
            return Err(JournalError::Damaged { path: folder.to_owned(), reason });
        }
        read_journal(folder, generation, &mut recovery)?;
    }
    Ok(recovery)
}

/// Removes all generations before the one before this.
pub(super) fn remove_before(folder: &Path, generation: u64) -> io::Result<()> {
    let snapshots = generations(folder, "snapshot-")?;
    let kept = snapshots.into_iter().rev().find(|older| *older < generation).unwrap_or(0);
    for older in generations(folder, "snapshot-")?.into_iter().filter(|older| *older < kept) {
        std::fs::remove_file(folder.join(snapshot::name(older)))?;
    }
    for older in generations(folder, "journal-")?.into_iter().filter(|older| *older < kept) {
        std::fs::remove_file(folder.join(journal_name(older)))?;
    }
    Ok(())
}

fn newest_sound<S>(
    folder: &Path,
    snapshots: &[u64],
    decode: Decode<S>,
) -> Result<(u64, Option<S>), JournalError> {
    let mut newest_fault = None;
    for &generation in snapshots.iter().rev() {
        match snapshot::read(folder, generation).and_then(|(format, bytes)| decode(format, &bytes)) {
            Ok(state) => return Ok((generation, Some(state))),
            Err(reason) => {
                tracing::error!(generation, reason, "a snapshot is damaged, the one before it serves");
                newest_fault.get_or_insert(reason);
            }
        }
    }
    // The first generation has no snapshot: its journal begins with the empty state.
    let from_the_beginning = folder.join(journal_name(0)).exists();
    match newest_fault {
        Some(reason) if !from_the_beginning => Err(JournalError::Damaged { path: folder.to_owned(), reason }),
        _ => Ok((0, None)),
    }
}

fn read_journal<S>(folder: &Path, generation: u64, recovery: &mut Recovery<S>) -> Result<(), JournalError> {
    let path = folder.join(journal_name(generation));
    let whole = Bytes::from(std::fs::read(&path).map_err(failed(&path, "cannot be read"))?);
    let mut sound = 0;
    loop {
        match Record::decode(&whole.slice(sound..)) {
            Decoded::Sound(record, taken) => {
                recovery.records.push(record);
                sound += taken;
            }
            // A record that is whole but wrong, with a sound one behind it, was not being written: the disk lost it.
            Decoded::Wrong(taken) if Record::decode(&whole.slice(sound + taken..)).is_sound() => {
                tracing::error!(
                    generation,
                    at = sound,
                    "a batch in a journal is damaged and left out, those behind it are sound"
                );
                sound += taken;
            }
            Decoded::Wrong(_) | Decoded::Torn => break,
        }
    }
    if sound < whole.len() {
        tracing::warn!(
            generation,
            bytes = whole.len() - sound,
            "the end of a journal is not whole: it was being written when the process ended and had not been accepted"
        );
    }
    recovery.generation = generation;
    recovery.sound_length = sound as u64;
    Ok(())
}

fn generations(folder: &Path, prefix: &str) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|digits| digits.parse().ok());
        found.extend(number);
    }
    found.sort_unstable();
    Ok(found)
}
