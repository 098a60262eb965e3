//! Where PostgreSQL's programs are, and how they run: a server refuses to run as root.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of PostgreSQL's programs.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    folder: PathBuf,
    /// The name of the version's folder.
    pub(crate) version: String,
}

impl Binaries {
    /// Those of the newest version of Debian's packages.
    pub(crate) fn find() -> io::Result<Binaries> {
        let missing = || {
            let what = "there is no PostgreSQL server in /usr/lib/postgresql: install the Debian package `postgresql`";
            io::Error::new(io::ErrorKind::NotFound, what)
        };
        let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|_| missing())?;
        let has_server = |folder: &PathBuf| folder.join("bin/postgres").exists();
        let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
        let folders = versions.filter_map(Result::ok).map(|entry| entry.path()).filter(has_server);
        let newest =
            folders.filter_map(|folder| Some((number(&folder)?, folder))).max().ok_or_else(missing)?;
        Ok(Binaries { folder: newest.1.join("bin"), version: newest.0.to_string() })
    }

    /// One of them.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A command that runs as `postgres` when we are root, and as we are otherwise; it ends with whoever started it.
pub(crate) fn as_postgres(program: &Path) -> io::Result<Command> {
    let mut command = Command::new("setpriv");
    if is_root()? {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args(["--pdeathsig", "QUIT", "--"]).arg(program);
    Ok(command)
}

/// Whether this process belongs to root.
pub(crate) fn is_root() -> io::Result<bool> {
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}

/// What `command` writes, or why it failed.
pub(crate) fn checked(name: &str, command: &mut Command) -> io::Result<String> {
    let output = command
        .current_dir("/")
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("{name} cannot be started: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{name} failed: {}", said.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
