//! The tables as Markdown, and where they stand in the documents.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// What the tables stand between in a document.
const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// A table with a heading and what one has to know to read it.
#[derive(Debug)]
pub(crate) struct Section {
    title: String,
    explanation: String,
    rows: Vec<Vec<String>>,
}

impl Section {
    /// A table without rows; `columns` are what its columns are called.
    pub(crate) fn new(title: &str, explanation: &str, columns: &[&str]) -> Section {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Section { title: title.to_owned(), explanation: explanation.to_owned(), rows: vec![columns] }
    }

    /// One more row, which is also said at once: measuring takes minutes.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        eprintln!("{}: {}", self.title, cells.join(" · "));
        self.rows.push(cells);
    }
}

/// What was measured so far.
#[derive(Debug, Default)]
pub(crate) struct Report(String);

impl Report {
    /// A paragraph.
    pub(crate) fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push_str("\n\n");
    }

    /// A heading, what one has to know, and a table.
    pub(crate) fn section(&mut self, section: &Section) {
        self.line(&format!("### {}", section.title));
        self.line(&section.explanation);
        for (number, row) in section.rows.iter().enumerate() {
            // writing to a string cannot fail
            let _ = writeln!(self.0, "| {} |", row.join(" | "));
            if number == 0 {
                let _ = writeln!(self.0, "|{}", "---|".repeat(row.len()));
            }
        }
        self.0.push('\n');
    }

    /// All of it.
    pub(crate) fn into_text(self) -> String {
        self.0.trim_end().to_owned()
    }
}

/// Puts `text` between the markers of `document`.
///
/// # Errors
/// When the document cannot be read or written, or has no markers.
pub(crate) fn write(document: &Path, text: &str) -> Result<()> {
    let before =
        std::fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
    let after =
        between(&before, text).with_context(|| format!("{} has no {BEGIN} … {END}", document.display()))?;
    std::fs::write(document, after).with_context(|| format!("cannot write {}", document.display()))
}

fn between(document: &str, text: &str) -> Option<String> {
    let (head, rest) = document.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n{text}\n{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_take_the_place_of_what_stands_between_the_markers_and_of_nothing_else() {
        let document = format!("a\n{BEGIN}\nold\n{END}\nz\n");
        assert_eq!(between(&document, "new").unwrap(), format!("a\n{BEGIN}\nnew\n{END}\nz\n"));
        assert_eq!(between("a\nz\n", "new"), None);
    }

    #[test]
    fn a_section_is_a_heading_a_paragraph_and_a_table() {
        let mut section = Section::new("Size", "How big.", &["what", "MB"]);
        section.row(vec!["receiver".to_owned(), "9".to_owned()]);
        let mut report = Report::default();
        report.section(&section);
        assert_eq!(report.into_text(), "### Size\n\nHow big.\n\n| what | MB |\n|---|---|\n| receiver | 9 |");
    }
}
