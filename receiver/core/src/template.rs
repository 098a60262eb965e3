//! Message templates: a folder of Handlebars pieces, compiled in strict mode, escaped for their format, and tried on
//! sample messages before they are used.
//!
//! It turns texts into texts. Where the texts come from and what structure a channel puts around them is not known here.

use std::collections::BTreeMap;

use handlebars::{Context, Handlebars};
use serde_json::Value;

use crate::message::Message;

mod body;
mod cut;
mod depth;
mod escape;
mod fault;
mod format;
mod helpers;
mod language;
mod partials;
pub mod samples;
pub mod values;
pub mod view;

pub use body::Body;
pub use cut::{Limit, Unit};
pub use escape::{Escape, html, json, line, markdown, one_line, rich, slack, text};
pub use fault::Fault;
pub use format::{Format, Piece, Scope};
pub use helpers::is_web_address;
pub use language::{Language, Locale, UnknownLanguage};

use partials::Partials;

/// No piece may render more than this many bytes; a message of any channel is far smaller.
const MAX_OUTPUT: usize = 256 * 1024;

/// No piece may go through more items and write more texts than this: a second or two.
const MAX_STEPS: usize = 2_000_000;

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

/// What all templates of a folder share.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setting {
    /// How times and words are written.
    pub locale: Locale,
    /// The texts that pieces can include, by name.
    pub partials: BTreeMap<String, String>,
}

/// The compiled pieces of one template.
#[derive(Debug)]
pub struct Template {
    format: Format,
    language: Language,
    /// By piece: what is harmless in one is not in another.
    registries: BTreeMap<&'static str, Handlebars<'static>>,
}

impl Template {
    /// Compiles the given pieces in English, with times in UTC and without partials.
    ///
    /// # Errors
    /// As [`compile_in`](Self::compile_in).
    pub fn compile(format: Format, given: &BTreeMap<String, String>) -> Result<Self, Vec<Fault>> {
        Self::compile_in(format, given, &Setting::default())
    }

    /// Compiles the given pieces, and the built-in ones for those not given, and tries all of them on every sample.
    ///
    /// # Errors
    /// Every fault of every piece and partial: not a piece of this format, does not parse, fails on a sample.
    pub fn compile_in(
        format: Format,
        given: &BTreeMap<String, String>,
        setting: &Setting,
    ) -> Result<Self, Vec<Fault>> {
        let (partials, faults) = Partials::compile(&setting.partials);
        if !faults.is_empty() {
            // what includes them would only be blamed for it
            return Err(faults);
        }
        let mut faults: Vec<Fault> = given.keys().filter_map(|name| unknown(format, name)).collect();
        let (template, wrong) = Self::parse(format, given, &partials, &setting.locale);
        faults.extend(wrong);
        faults.extend(template.try_samples());
        if faults.is_empty() { Ok(template) } else { Err(faults) }
    }

    /// The built-in pieces, which were tried when the program was.
    pub fn built_in(format: Format, locale: &Locale) -> Self {
        Self::parse(format, &BTreeMap::new(), &Partials::default(), locale).0
    }

    /// The pieces that parse, and what is wrong with the others.
    fn parse(
        format: Format,
        given: &BTreeMap<String, String>,
        partials: &Partials,
        locale: &Locale,
    ) -> (Self, Vec<Fault>) {
        let mut template = Self { format, language: locale.language, registries: BTreeMap::new() };
        let mut faults = Vec::new();
        for piece in format.pieces() {
            let source = given.get(piece.name).map_or(piece.built_in, String::as_str);
            faults.extend(template.add(piece, source, partials, locale).err());
        }
        (template, faults)
    }

    /// The language that its built-in texts are in.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The text of one piece for `data`, tidied: no white space at the ends of lines, no two empty lines in a row, and one line
    /// where there can be only one.
    ///
    /// # Errors
    /// The piece names something that `data` does not have, or renders too much.
    pub fn render(&self, piece: &str, data: &Data) -> Result<String, Fault> {
        let mut output = Capped::default();
        let registry = self.registries.get(piece);
        registry
            .ok_or_else(|| Fault::new(piece, None, "there is no such piece"))?
            .render_with_context_to_write(&registered(piece), &data.0, &mut output)
            .map_err(|error| Fault::of_rendering(piece, &error))?;
        let text = tidy(&String::from_utf8_lossy(&output.bytes));
        let is_line = |escape| matches!(escape, Escape::Line | Escape::Quiet);
        let is_line = self.format.pieces().iter().any(|one| one.name == piece && is_line(one.escape));
        Ok(if is_line { line(&text) } else { text })
    }

    fn add(
        &mut self,
        piece: &Piece,
        source: &str,
        partials: &Partials,
        locale: &Locale,
    ) -> Result<(), Fault> {
        let name = registered(piece.name);
        let template = partials.piece(&name, piece.name, source)?;
        let mut registry = registry(piece.escape, locale);
        for (partial, template) in partials.iter() {
            registry.register_template(partial, template.clone());
        }
        registry.register_template(&name, template);
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
            let whole = self.body(sample.message.0.data().clone()).map(drop);
            let is_of_another = |name: &str| name != piece.name && self.registries.contains_key(name);
            // what is wrong with the pieces before it is said of them
            return whole.or_else(|fault| if is_of_another(&fault.piece) { Ok(()) } else { Err(fault) });
        }
        for data in sample.of_scope(piece.scope) {
            let text = self.render(piece.name, data)?;
            if piece.required && text.is_empty() {
                return Err(Fault::new(piece.name, None, "it renders to nothing"));
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

fn registry(escape: Escape, locale: &Locale) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape.function());
    helpers::register(&mut registry, escape, locale);
    registry
}

/// The name of a piece in its registry, which no partial can have.
fn registered(piece: &str) -> String {
    format!("{piece}.hbs")
}

fn unknown(format: Format, name: &str) -> Option<Fault> {
    let names: Vec<&str> = format.pieces().iter().map(|piece| piece.name).collect();
    let what = || format!("a {} template has no such piece, only {}", format.name(), names.join(", "));
    (!names.contains(&name)).then(|| Fault::new(name, None, &what()))
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

/// Takes bytes up to [`MAX_OUTPUT`] in up to [`MAX_STEPS`] and then fails, so that a nested `each` over many alerts ends early,
/// also if it writes nothing: that writes an empty text for each item.
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    steps: usize,
}

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(std::io::Error::other(format!("it takes more than {MAX_STEPS} steps")));
        }
        if self.bytes.len() + bytes.len() > MAX_OUTPUT {
            return Err(std::io::Error::other(format!("it renders more than {MAX_OUTPUT} bytes")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
