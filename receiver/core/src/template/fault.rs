//! What is wrong with a piece, and where.

use std::fmt;

use handlebars::{RenderError, RenderErrorReason, TemplateError};

use super::escape::one_line;

/// The folder of partials, as it stands in front of their names.
const PARTIALS: &str = "partials/";

/// What is wrong with a piece, or why it failed on a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// The piece's name, without `.hbs`; a partial's with `partials/` in front.
    pub piece: String,
    /// Line and column, counted from 1, where known.
    pub place: Option<(usize, usize)>,
    /// What is wrong, in one line.
    pub what: String,
}

impl fmt::Display for Fault {
    /// `title.hbs:3:12: …`, so that an editor can jump there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.hbs", self.piece)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl Fault {
    /// In this piece, or in a partial by its [`of_partial`](Self::of_partial).
    pub(super) fn new(piece: &str, place: Option<(usize, usize)>, what: &str) -> Fault {
        Fault { piece: piece.to_owned(), place, what: what.to_owned() }
    }

    /// What a partial is called in faults.
    pub(super) fn of_partial(name: &str) -> String {
        format!("{PARTIALS}{name}")
    }

    /// Whether it is in a partial, whose folder all templates share.
    pub fn is_in_partial(&self) -> bool {
        self.piece.starts_with(PARTIALS)
    }

    pub(super) fn of_parsing(piece: &str, error: &TemplateError) -> Fault {
        Fault::new(piece, error.pos(), &one_line(&error.reason().to_string()))
    }

    /// A fault of rendering; the error knows the partial that it is in.
    pub(super) fn of_rendering(piece: &str, error: &RenderError) -> Fault {
        let what = match error.reason() {
            RenderErrorReason::MissingVariable(Some(name)) => {
                format!(
                    "this message has no `{name}`; if it may be missing, write {{{{default {name} \"\"}}}}"
                )
            }
            RenderErrorReason::MissingVariable(None) => "this message has no such value".to_owned(),
            RenderErrorReason::HelperNotFound(name) => format!("there is no helper `{name}`"),
            RenderErrorReason::IOError(full) => full.to_string(),
            reason => one_line(&reason.to_string()),
        };
        let inside = error.template_name.as_deref().filter(|name| *name != super::registered(piece));
        let piece = inside.map_or_else(|| piece.to_owned(), Fault::of_partial);
        Fault::new(&piece, error.line_no.zip(error.column_no), &what)
    }
}

/// Line and column of a byte.
pub(super) fn place(source: &str, at: usize) -> Option<(usize, usize)> {
    let before = source.get(..at)?;
    let line = before.matches('\n').count() + 1;
    Some((line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1))
}
