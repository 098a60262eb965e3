//! What the tests stand on: real programs on free ports, their peers, a stand-in for Slack, a browser, and patience.

pub(crate) mod alerts;
pub(crate) mod browser;
pub(crate) mod census;
pub(crate) mod certificates;
pub(crate) mod employment;
pub(crate) mod exposition;
pub(crate) mod golden;
pub(crate) mod history;
pub(crate) mod http;
pub(crate) mod loans;
pub(crate) mod network;
pub(crate) mod peers;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod random;
pub(crate) mod rounds;
pub(crate) mod service;
pub(crate) mod slack;
pub(crate) mod smtp;
pub(crate) mod wait;
pub(crate) mod yaml;

use std::path::{Path, PathBuf};

/// The folder of the whole project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// A folder of its own for one test, removed with everything in it when the test ends.
pub(crate) fn home() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("modelwatch-").tempdir().expect("a temporary folder")
}

/// Writes a file of a test's folder, with the folders above it.
pub(crate) fn write(home: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = home.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
    std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
