//! What goes wrong with a store. A place of a store is named without its password, and so is every fault.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::Place;

/// What went wrong with the store; every message says what to do or whom to ask.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made.
    #[error("storage.url: cannot create the directory {}: {error}", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file that keeps others away cannot be opened or written.
    #[error("storage.url: cannot write {}: {error}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Another receiver has it.
    #[error("storage.url: {} is in use by another receiver; only one process may serve a SQLite store", .0.display())]
    InUse(PathBuf),
    /// There is nothing to read.
    #[error("storage.url: {0} does not exist yet; `serve` creates it")]
    Absent(String),
    /// What is there is no store, or is damaged.
    #[error("storage.url: {} cannot be used as a store: {}", path.display(), advised(error))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the database said.
        error: String,
    },
    /// The database does not let us in, or holds what we cannot use.
    #[error("storage.url: {database} cannot be used as a store: {error}")]
    Refused {
        /// Its name and its host.
        database: String,
        /// What it said.
        error: String,
    },
    /// The database does not answer now. Nothing of what was asked for is known to have happened; it may work again
    /// at any time.
    #[error("the store does not answer: {0}")]
    Unreachable(String),
    /// A statement failed.
    #[error("the store failed: {0}")]
    Database(String),
    /// A row holds what no version of this program writes.
    #[error("the store holds a damaged value: {0}")]
    Damaged(String),
}

impl StoreError {
    /// The same of a store in `place` that is being opened: names it.
    pub(super) fn at(self, place: &Place) -> StoreError {
        match (self, place) {
            (StoreError::Unreachable(error) | StoreError::Database(error), Place::File(path)) => {
                StoreError::Unusable { path: path.clone(), error }
            }
            (StoreError::Unreachable(error) | StoreError::Database(error), Place::Database(database)) => {
                StoreError::Refused { database: database.to_string(), error }
            }
            (other, _) => other,
        }
    }
}

/// What SQLite said, and what to do.
fn advised(error: &str) -> Cow<'_, str> {
    const KNOWN: [(&str, &str); 3] = [
        ("disk is full", "its disk is full; make room there"),
        ("is locked", "another program keeps it locked; end that, or wait until it is done"),
        (
            "readonly database",
            "it may not be written; give this user the right to write the file and its folder",
        ),
    ];
    let known = KNOWN.iter().find(|(said, _)| error.contains(said));
    known.map_or_else(
        || format!("{error}; if it is damaged, move it away").into(),
        |(_, advice)| (*advice).into(),
    )
}

/// Classes and codes of PostgreSQL (its manual, appendix A) that say something about the connection or the server, and
/// nothing about the statement: connection lost, too many connections, shutting down, a wait that took too long.
const PASSING: [&str; 6] = ["08", "53300", "57P", "57014", "25P03", "55P03"];

/// What is said of a connection that ended without a word.
const NO_WORDS: &str = "it closed the connection without an answer; see whether PostgreSQL is what listens there, and is done starting";

const BROKEN_OFF: [ErrorKind; 3] =
    [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];

/// What the database itself said, where it said something.
pub(super) fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(failure) => failure.message().to_owned(),
        sqlx::Error::Protocol(what) if what.contains("SSLRequest") => NO_WORDS.to_owned(),
        sqlx::Error::Io(error) if BROKEN_OFF.contains(&error.kind()) => NO_WORDS.to_owned(),
        sqlx::Error::Io(error) => format!("it cannot be reached ({error}); start it, or correct its address"),
        other => other.to_string(),
    }
}

/// Whether it is about the way to the database, and not about what was asked of it.
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(failure) => {
            failure.code().is_some_and(|code| PASSING.iter().any(|passing| code.starts_with(passing)))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        if is_passing(&error) {
            StoreError::Unreachable(words(&error))
        } else {
            StoreError::Database(words(&error))
        }
    }
}
