//! The folder of a server that was just made: made once, then copied.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::binaries::{Binaries, as_postgres, checked, is_root};

/// A new folder with `data` in it.
pub(crate) fn copy(binaries: &Binaries) -> io::Result<TempDir> {
    let template = made(binaries)?;
    let folder = passable()?;
    checked("cp", Command::new("cp").arg("-a").arg(&template).arg(folder.path().join("data")))?;
    Ok(folder)
}

/// The template of this version, which is made first if it is not there; whoever comes meanwhile waits.
fn made(binaries: &Binaries) -> io::Result<PathBuf> {
    let place = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tmp"));
    std::fs::create_dir_all(place)?;
    let name = format!("postgres-{}", binaries.version);
    let lock =
        File::options().create(true).truncate(false).write(true).open(place.join(format!("{name}.lock")))?;
    lock.lock()?;
    let template = place.join(name);
    if !template.exists() {
        let folder = passable()?;
        let data = folder.path().join("data");
        if is_root()? {
            let made =
                Command::new("install").args(["-d", "-o", "postgres", "-m", "700"]).arg(&data).output()?;
            if !made.status.success() {
                return Err(io::Error::other("there is no user `postgres`"));
            }
        }
        let mut initdb = as_postgres(&binaries.path("initdb"))?;
        initdb.arg("-D").arg(&data).args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"]);
        checked("initdb", initdb.args(["--no-sync", "--wal-segsize=1"]))?;
        // whole or not there, wherever this process ends
        let unfinished = template.with_extension("unfinished");
        checked("rm", Command::new("rm").arg("-rf").arg(&unfinished))?;
        checked("cp", Command::new("cp").arg("-a").arg(&data).arg(&unfinished))?;
        std::fs::rename(&unfinished, &template)?;
    }
    Ok(template)
}

/// A temporary folder that another user may pass through.
fn passable() -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("modelwatch-postgres-")
        .permissions(std::fs::Permissions::from_mode(0o711))
        .tempdir()
}
