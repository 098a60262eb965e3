//! Prometheus' text format, read.

use std::collections::{BTreeMap, BTreeSet};

/// One line with a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    /// The metric's name.
    pub(crate) name: String,
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Its number, as written.
    pub(crate) value: String,
}

/// All samples of a page, in its order.
pub(crate) fn samples(page: &str) -> Vec<Sample> {
    page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(sample).collect()
}

/// The declared families of a page, each with its type.
pub(crate) fn families(page: &str) -> BTreeMap<&str, &str> {
    page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
}

/// The help text of each declared family of a page.
pub(crate) fn helps(page: &str) -> BTreeMap<&str, &str> {
    page.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' ')).collect()
}

/// The names of a sample's labels.
pub(crate) fn label_names(sample: &Sample) -> BTreeSet<&str> {
    sample.labels.keys().map(String::as_str).collect()
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).expect("a name and a value");
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"").expect("a label");
            let (value, after) = quoted(after);
            labels.insert(label.trim_start_matches(',').to_owned(), value);
            rest = after;
        }
        rest = &rest[1..];
    }
    Sample { name: name.to_owned(), labels, value: rest.trim().to_owned() }
}

/// The text up to the closing quote, unescaped, and what follows the quote.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next().expect("an escaped character").1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    panic!("no closing quote: {text}")
}

#[test]
fn labels_are_read_with_their_escapes() {
    let read = samples("# HELP a b\na_total{x=\"1,\\\"}\\\\n\",y=\"\"} 3\nb 1e5\n");
    assert_eq!(read[0].labels["x"], "1,\"}\\n");
    assert_eq!((read[0].name.as_str(), read[0].value.as_str()), ("a_total", "3"));
    assert_eq!(label_names(&read[0]), BTreeSet::from(["x", "y"]));
    assert_eq!((read[1].name.as_str(), read[1].value.as_str()), ("b", "1e5"));
}
