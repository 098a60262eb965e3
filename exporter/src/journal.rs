//! The store on disk: snapshots of the state, and the accepted batches since the newest of them.
//!
//! A generation is a snapshot (`snapshot-<n>`) and the batches after it (`journal-<n>`). The two newest snapshots are
//! kept, so that a damaged one costs nothing but time. One process owns the folder, by a lock.

mod record;
mod recovery;
mod snapshot;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use record::Record;
pub use recovery::Recovery;

/// What "on disk" means for an accepted batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The disk has it: survives a power failure.
    Fsync,
    /// The operating system has it: survives a killed process.
    Os,
}

/// What stands in the way of keeping state.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder or a file in it.
    #[error("{}: {doing}: {reason}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Another exporter.
    #[error("{}: another modelwatch-exporter uses this folder, give each its own", .0.display())]
    Locked(PathBuf),
    /// Nothing that can be started from.
    #[error("{}: the state in it is not whole ({reason}), move the folder away to begin anew", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong with the newest one.
        reason: String,
    },
}

/// Makes a state of a snapshot's format and bytes, or says why they are none.
pub type Decode<S> = fn(u8, &[u8]) -> Result<S, String>;

/// The journal of the newest generation, open for appending.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    durability: Durability,
    generation: u64,
    file: File,
    length: u64,
    torn: bool,
    _lock: File,
}

impl Journal {
    /// Opens the folder (made if it is not there) and reads what it holds: see [`Recovery`].
    ///
    /// # Errors
    /// When the folder cannot be used, another process uses it, or nothing in it can be read.
    pub fn open<S>(
        folder: &Path,
        durability: Durability,
        decode: Decode<S>,
    ) -> Result<(Journal, Recovery<S>), JournalError> {
        std::fs::create_dir_all(folder).map_err(failed(folder, "cannot be made"))?;
        let lock = lock(folder)?;
        snapshot::remove_unfinished(folder);
        let recovery = recovery::read(folder, decode)?;
        let generation = recovery.generation;
        let path = folder.join(journal_name(generation));
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&path);
        let mut file = file.map_err(failed(&path, "cannot be opened"))?;
        file.set_len(recovery.sound_length).map_err(failed(&path, "cannot be cut to its sound part"))?;
        file.seek(SeekFrom::End(0)).map_err(failed(&path, "cannot be sought"))?;
        sync_folder(folder).map_err(failed(folder, "cannot be synced"))?;
        let folder = folder.to_owned();
        let length = recovery.sound_length;
        Ok((Journal { folder, durability, generation, file, length, torn: false, _lock: lock }, recovery))
    }

    /// Bytes since the newest snapshot.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Puts batches on disk, all or none of them, with one sync.
    ///
    /// # Errors
    /// What the operating system says, a full disk above all. The journal is as it was before.
    pub fn append(&mut self, records: &[&Record]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(records.iter().map(|record| record.encoded_length()).sum());
        records.iter().for_each(|record| record.encode(&mut bytes));
        if self.torn {
            self.cut()?;
        }
        self.torn = true;
        let written = self.file.write_all(&bytes).and_then(|()| self.sync());
        match written {
            Ok(()) => {
                self.torn = false;
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // When this fails too, the next batch tries it again before it is written.
                let _ = self.cut();
                Err(error)
            }
        }
    }

    /// Takes away what a failed write may have left behind the last whole record.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.torn = false;
        Ok(())
    }

    /// Begins a new generation: the answer is the place for a snapshot of the state as of now.
    ///
    /// # Errors
    /// What the operating system says; the old generation goes on.
    pub fn rotate(&mut self) -> io::Result<Place> {
        let generation = self.generation + 1;
        let path = self.folder.join(journal_name(generation));
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        sync_folder(&self.folder)?;
        self.file = file;
        self.generation = generation;
        self.length = 0;
        self.torn = false;
        Ok(Place { folder: self.folder.clone(), generation })
    }

    fn sync(&self) -> io::Result<()> {
        match self.durability {
            Durability::Fsync => self.file.sync_data(),
            Durability::Os => Ok(()),
        }
    }
}

/// Where the snapshot of one generation belongs; can be handed to another thread.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    generation: u64,
}

impl Place {
    /// Writes the snapshot with the number of its state's format (1 to 9), then removes what is older than the one before it.
    ///
    /// # Errors
    /// What the operating system says; older generations are still there then.
    pub fn save(&self, format: u8, state: &[u8]) -> io::Result<()> {
        snapshot::write(&self.folder, self.generation, (format, state))?;
        recovery::remove_before(&self.folder, self.generation)
    }
}

fn lock(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(failed(&path, "cannot be opened"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(folder.to_owned())),
        Err(TryLockError::Error(reason)) => Err(failed(&path, "cannot be locked")(reason)),
    }
}

fn failed<'a>(path: &'a Path, doing: &'static str) -> impl FnOnce(io::Error) -> JournalError + 'a {
    move |reason| JournalError::Io { path: path.to_owned(), doing, reason }
}

fn journal_name(generation: u64) -> String {
    format!("journal-{generation:012}")
}

/// Makes names in the folder durable: a file that is not in its folder on disk is lost with the power.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
