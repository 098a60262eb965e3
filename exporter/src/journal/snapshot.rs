//! One snapshot: magic, version, checksum, state. Written beside its place and renamed into it, so that it is whole or not there.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// `mwx` and the version of the format; another version is another layout of the state.
const MAGIC: [u8; 4] = *b"mwx2";
const UNFINISHED: &str = "snapshot.unfinished";

pub(super) fn name(generation: u64) -> String {
    format!("snapshot-{generation:012}")
}

pub(super) fn write(folder: &Path, generation: u64, state: &[u8]) -> io::Result<()> {
    let written = write_beside(folder, state).and_then(|()| {
        std::fs::rename(folder.join(UNFINISHED), folder.join(name(generation)))?;
        super::sync_folder(folder)
    });
    if written.is_err() {
        remove_unfinished(folder);
    }
    written
}

/// Gives back the space of a snapshot that was never finished.
pub(super) fn remove_unfinished(folder: &Path) {
    // most often there is none
    let _ = std::fs::remove_file(folder.join(UNFINISHED));
}

fn write_beside(folder: &Path, state: &[u8]) -> io::Result<()> {
    let mut file = File::create(folder.join(UNFINISHED))?;
    file.write_all(&MAGIC)?;
    file.write_all(&crc32fast::hash(state).to_le_bytes())?;
    file.write_all(state)?;
    file.sync_all()
}

/// The state in a snapshot.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn read(folder: &Path, generation: u64) -> Result<Vec<u8>, String> {
    let mut bytes = std::fs::read(folder.join(name(generation))).map_err(|error| error.to_string())?;
    let head = bytes.get(..8).ok_or("it is cut short")?;
    if head[..4] != MAGIC {
        return Err("it is of another version".to_owned());
    }
    let checksum = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let state = bytes.split_off(8);
    if crc32fast::hash(&state) != checksum {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(state)
}
