//! YAML files of the project, read.

use std::path::Path;

use yaml_rust2::{Yaml, YamlLoader};

use super::root;

/// The only document of a file, whose path begins at the project's folder.
pub(crate) fn read(file: &str) -> Yaml {
    read_path(&root().join(file))
}

/// The only document of a file.
pub(crate) fn read_path(path: &Path) -> Yaml {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let documents =
        YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(documents.len(), 1, "{} has one document", path.display());
    documents[0].clone()
}

/// The texts of a list, which is not empty.
pub(crate) fn texts(list: &Yaml) -> Vec<&str> {
    let texts: Vec<_> = list.as_vec().into_iter().flatten().filter_map(Yaml::as_str).collect();
    assert!(!texts.is_empty(), "a list of texts is expected: {list:?}");
    texts
}
