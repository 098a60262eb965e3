//! Message templates: a folder of Handlebars pieces, compiled in strict mode, escaped for their format, and tried on
//! sample messages before they are used.
//!
//! It turns texts into texts. Where the texts come from and what structure a channel puts around them is not known here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use handlebars::template::{HelperTemplate, TemplateElement};
use handlebars::{Context, Handlebars, RenderError, RenderErrorReason, TemplateError};
use regex::Regex;
use serde_json::Value;

use crate::message::Message;

mod body;
mod cut;
mod depth;
mod escape;
mod format;
mod helpers;
pub mod samples;
pub mod values;
pub mod view;

pub use body::Body;
pub use cut::{Limit, Unit};
pub use escape::{Escape, html, json, line, markdown, one_line, rich, slack, text};
pub use format::{Format, Piece, Scope};
pub use helpers::is_web_address;

/// No piece may render more than this many bytes; a message of any channel is far smaller.
const MAX_OUTPUT: usize = 256 * 1024;

/// Blocks `each` within each other: alerts and what one alert has. A third would go through the product of three lists,
/// which ends in hours and not by its output, since it may write nothing.
const MAX_NESTED: usize = 2;

/// How many alerts of a sample the pieces for one alert are tried on.
const TRIED_ALERTS: usize = 100;

/// What pieces are rendered with, as the functions of [`view`] make it.
#[derive(Debug)]
pub struct Data(Context);

impl From<Value> for Data {
    fn from(value: Value) -> Data {
        Data(Context::from(value))
    }
}

/// What is wrong with a piece, or why it failed on a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// The piece's name, without `.hbs`.
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

/// The compiled pieces of one template.
#[derive(Debug)]
pub struct Template {
    format: Format,
    /// By piece: what is harmless in one is not in another.
    registries: BTreeMap<&'static str, Handlebars<'static>>,
}

impl Template {
    /// Compiles the given pieces, and the built-in ones for those not given, and tries all of them on every sample.
    ///
    /// # Errors
    /// Every fault of every piece: not a piece of this format, does not parse, fails on a sample.
    pub fn compile(format: Format, given: &BTreeMap<String, String>) -> Result<Self, Vec<Fault>> {
        let mut faults: Vec<Fault> = given.keys().filter_map(|name| unknown(format, name)).collect();
        let (template, wrong) = Self::parse(format, given);
        faults.extend(wrong);
        faults.extend(template.try_samples());
        if faults.is_empty() { Ok(template) } else { Err(faults) }
    }

    /// The built-in pieces, which were tried when the program was.
    pub fn built_in(format: Format) -> Self {
        Self::parse(format, &BTreeMap::new()).0
    }

    /// The pieces that parse, and what is wrong with the others.
    fn parse(format: Format, given: &BTreeMap<String, String>) -> (Self, Vec<Fault>) {
        let mut template = Self { format, registries: BTreeMap::new() };
        let mut faults = Vec::new();
        for piece in format.pieces() {
            let source = given.get(piece.name).map_or(piece.built_in, String::as_str);
            faults.extend(template.add(piece, source).err());
        }
        (template, faults)
    }

    /// The text of one piece for `data`, tidied: no white space at the ends of lines, no two empty lines in a row.
    ///
    /// # Errors
    /// The piece names something that `data` does not have, or renders too much.
    pub fn render(&self, piece: &str, data: &Data) -> Result<String, Fault> {
        let mut output = Capped::default();
        let registry = self.registries.get(piece);
        registry
            .ok_or_else(|| fault(piece, None, "there is no such piece"))?
            .render_with_context_to_write(piece, &data.0, &mut output)
            .map_err(|error| render_fault(piece, &error))?;
        Ok(tidy(&String::from_utf8_lossy(&output.0)))
    }

    fn add(&mut self, piece: &Piece, source: &str) -> Result<(), Fault> {
        no_partials(piece, source)?;
        if let Some(at) = depth::too_deep(source) {
            return Err(fault(
                piece.name,
                place(source, at),
                "blocks or expressions lie too deep within each other",
            ));
        }
        let mut registry = registry(piece.escape);
        registry
            .register_template_string(piece.name, source)
            .map_err(|error| parse_fault(piece.name, &error))?;
        let nested = registry.get_template(piece.name).map_or(0, nested);
        if nested > MAX_NESTED {
            let what = format!("{nested} blocks `each` within each other are too many, at most {MAX_NESTED}");
            return Err(fault(piece.name, None, &what));
        }
        self.registries.insert(piece.name, registry);
        Ok(())
    }

    /// Renders what parsed with every sample; a piece that fails is named once.
    fn try_samples(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        for (name, message) in samples::all() {
            let sample = Sample::of(&message);
            for piece in self.format.pieces().iter().filter(|piece| self.registries.contains_key(piece.name))
            {
                if faults.iter().any(|fault| fault.piece == piece.name) {
                    continue;
                }
                if let Err(fault) = self.try_piece(piece, &sample) {
                    let what = format!("{} (in the sample \"{name}\")", fault.what);
                    faults.push(Fault { what, ..fault });
                }
            }
        }
        faults
    }

    fn try_piece(&self, piece: &Piece, sample: &Sample) -> Result<(), Fault> {
        if piece.scope == Scope::Body {
            let whole = self.body(sample.message.0.data().clone());
            // what is wrong with the pieces before it is said of them
            return whole
                .map(drop)
                .or_else(|fault| if fault.piece == piece.name { Err(fault) } else { Ok(()) });
        }
        for data in sample.of_scope(piece.scope) {
            let text = self.render(piece.name, data)?;
            if piece.required && text.is_empty() {
                return Err(fault(piece.name, None, "it renders to nothing"));
            }
        }
        Ok(())
    }
}

/// What a sample gives each kind of piece to render.
struct Sample {
    message: Data,
    alerts: Vec<Data>,
    labels: Vec<Data>,
}

impl Sample {
    fn of(message: &Message) -> Self {
        let alerts: Vec<Value> = view::alerts(message).take(TRIED_ALERTS).collect();
        let labels = alerts.iter().flat_map(|alert| view::labels(&alert["alert"]["labels"])).map(Data::from);
        Self {
            message: view::message(message).into(),
            labels: labels.collect(),
            alerts: alerts.into_iter().map(Data::from).collect(),
        }
    }

    fn of_scope(&self, scope: Scope) -> &[Data] {
        match scope {
            Scope::Message | Scope::Body => std::slice::from_ref(&self.message),
            Scope::Alert => &self.alerts,
            Scope::Label => &self.labels,
        }
    }
}

fn registry(escape: Escape) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape.function());
    helpers::register(&mut registry, escape);
    registry
}

fn unknown(format: Format, name: &str) -> Option<Fault> {
    let names: Vec<&str> = format.pieces().iter().map(|piece| piece.name).collect();
    let what = || format!("a {} template has no such piece, only {}", format.name(), names.join(", "));
    (!names.contains(&name)).then(|| fault(name, None, &what()))
}

/// Handlebars renders a partial that includes itself until the stack is gone, which would end the program.
fn no_partials(piece: &Piece, source: &str) -> Result<(), Fault> {
    static PARTIAL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{\{~?#?\s*[>*]").ok());
    let Some(found) = PARTIAL.as_ref().and_then(|partial| partial.find(source)) else { return Ok(()) };
    let place = place(source, found.start());
    Err(fault(piece.name, place, "partials and decorators cannot be used, write the text out"))
}

/// Line and column of a byte.
fn place(source: &str, at: usize) -> Option<(usize, usize)> {
    let before = source.get(..at)?;
    let line = before.matches('\n').count() + 1;
    Some((line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1))
}

/// How many blocks `each` stand within each other.
fn nested(template: &handlebars::Template) -> usize {
    let of_block = |block: &HelperTemplate| {
        let inner = [&block.template, &block.inverse].into_iter().flatten().map(nested).max();
        inner.unwrap_or_default() + usize::from(block.name.as_name() == Some("each"))
    };
    let blocks = template.elements.iter().filter_map(|element| match element {
        TemplateElement::HelperBlock(block) => Some(of_block(block)),
        _ => None,
    });
    blocks.max().unwrap_or_default()
}

fn fault(piece: &str, place: Option<(usize, usize)>, what: &str) -> Fault {
    Fault { piece: piece.to_owned(), place, what: what.to_owned() }
}

fn parse_fault(piece: &str, error: &TemplateError) -> Fault {
    fault(piece, error.pos(), &one_line(&error.reason().to_string()))
}

fn render_fault(piece: &str, error: &RenderError) -> Fault {
    let what = match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => {
            format!("this message has no `{name}`; if it may be missing, write {{{{default {name} \"\"}}}}")
        }
        RenderErrorReason::MissingVariable(None) => "this message has no such value".to_owned(),
        RenderErrorReason::HelperNotFound(name) => format!("there is no helper `{name}`"),
        RenderErrorReason::IOError(full) => full.to_string(),
        reason => one_line(&reason.to_string()),
    };
    fault(piece, error.line_no.zip(error.column_no), &what)
}

fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            tidied.push_str(line);
            tidied.push('\n');
        }
    }
    tidied.pop();
    tidied
}

/// Takes bytes up to [`MAX_OUTPUT`] and then fails, so that what writes in a nested `each` over many alerts ends early.
#[derive(Default)]
struct Capped(Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(std::io::Error::other(format!("it renders more than {MAX_OUTPUT} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
