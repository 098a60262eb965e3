//! One snapshot: magic, the state's format, checksum, state. Written beside its place and renamed into it, so that it is whole or not there.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// Followed by a digit, the number of the state's format.
const MAGIC: [u8; 3] = *b"mwx";
const UNFINISHED: &str = "snapshot.unfinished";

pub(super) fn name(generation: u64) -> String {
    format!("snapshot-{generation:012}")
}

pub(super) fn write(folder: &Path, generation: u64, state: (u8, &[u8])) -> io::Result<()> {
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

fn write_beside(folder: &Path, (format, state): (u8, &[u8])) -> io::Result<()> {
    let mut file = File::create(folder.join(UNFINISHED))?;
    file.write_all(&MAGIC)?;
    file.write_all(&[b'0' + format])?;
    file.write_all(&crc32fast::hash(state).to_le_bytes())?;
    file.write_all(state)?;
    file.sync_all()
}

/// The number of the format of the state in a snapshot, and the state.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn read(folder: &Path, generation: u64) -> Result<(u8, Vec<u8>), String> {
    let mut bytes = std::fs::read(folder.join(name(generation))).map_err(|error| error.to_string())?;
    let head = bytes.get(..8).ok_or("it is cut short")?;
    if head[..3] != MAGIC || !head[3].is_ascii_digit() {
        return Err("it is no snapshot".to_owned());
    }
    let format = head[3] - b'0';
    let checksum = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let state = bytes.split_off(8);
    if crc32fast::hash(&state) != checksum {
        return Err("its checksum is wrong".to_owned());
    }
    Ok((format, state))
}
