//! Texts that are reviewed in diffs: `tests/golden/<group>/<name>.txt` holds what a program said.
//!
//! When a new text is right, the ignored test `rewrite_golden_files` writes those of the command line anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Fails when `said` is not what the golden file of that name holds.
pub(crate) fn assert_golden(group: &str, name: &str, said: &str) {
    let path = file(group, name);
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(said, golden, "{} is different; rewrite it if the new text is right:\n{said}", path.display());
}

/// Writes a golden file anew.
pub(crate) fn rewrite(group: &str, name: &str, said: &str) {
    let path = file(group, name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
    std::fs::write(&path, said).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Fails when a group has a file that none of `names` needs.
pub(crate) fn assert_no_other(group: &str, names: impl IntoIterator<Item = &'static str>) {
    let mut unneeded: BTreeSet<PathBuf> = std::fs::read_dir(folder().join(group))
        .expect("the golden files of the group")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    for name in names {
        unneeded.remove(&file(group, name));
    }
    assert!(unneeded.is_empty(), "no test needs {unneeded:?}");
}

/// Fails when there is a group that is not one of `groups`.
pub(crate) fn assert_no_other_group(groups: &[&str]) {
    for entry in std::fs::read_dir(folder()).expect("the golden files") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(groups.contains(&name.as_str()), "no test needs golden/{name}");
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn file(group: &str, name: &str) -> PathBuf {
    folder().join(group).join(name).with_extension("txt")
}
