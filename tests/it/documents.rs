//! What people read: found from the README, and every link leads somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::root;

/// The documents that hold links.
fn documents() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("docs")).expect("docs/");
    let paths = folder.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    assert!(found.len() >= 4, "there are documents: {found:?}");
    found.extend([root().join("README.md"), root().join("demo/README.md")]);
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The links of a text to files of the project, each with what follows `#`.
fn links(text: &str) -> Vec<(String, String)> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let own = targets.filter(|target| !target.contains("://"));
    own.map(|target| target.split_once('#').unwrap_or((target, "")))
        .map(|(file, anchor)| (file.to_owned(), anchor.to_owned()))
        .collect()
}

/// The anchors of a text's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let letter = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    let anchor = |heading: &str| heading.trim_start_matches('#').trim().chars().filter_map(letter).collect();
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let (mut followed, mut broken) = (0, Vec::new());
    for document in documents() {
        for (file, anchor) in links(&text(&document)) {
            let target =
                if file.is_empty() { document.clone() } else { document.parent().unwrap().join(&file) };
            let is_there =
                target.exists() && (anchor.is_empty() || anchors(&text(&target)).contains(&anchor));
            if !is_there {
                broken.push(format!("{}: {file}#{anchor}", document.display()));
            }
            followed += 1;
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
    assert!(followed > 20, "documents have links: {followed}");
}

#[test]
fn every_document_is_one_click_from_the_readme() {
    let readme = links(&text(&root().join("README.md")));
    let linked: BTreeSet<_> = readme.into_iter().map(|(file, _)| file).collect();
    for document in documents() {
        let path = document.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        assert!(path == "README.md" || linked.contains(&path), "README.md does not lead to {path}");
    }
}
