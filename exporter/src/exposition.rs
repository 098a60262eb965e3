//! The Prometheus text format (version 0.0.4), written once per change and served as bytes.
//!
//! It knows names, labels and numbers, never models: what is exported is decided elsewhere. Families come out in the
//! order in which they were first named, each exactly once and with all its samples together, whatever the order in
//! which callers add them; a family without samples is left out.

mod admission;
pub mod models;
mod scope;

use std::collections::HashMap;
use std::fmt::Write;

use bytes::Bytes;
use scope::{Room, Scope};

/// The media type of what [`Exposition::finish`] returns.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Label pairs of one sample, in the order in which they are written.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// A page of metric families under construction.
#[derive(Debug, Default)]
pub struct Exposition {
    families: Vec<Family>,
    positions: HashMap<Box<str>, usize>,
    scope: Option<Scope>,
}

impl Exposition {
    /// An empty page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The family of this name, made at its first mention; a second mention adds to the same one.
    ///
    /// `name` and `kind` are the program's own words, and one name has one kind: both are checked in debug builds only.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) -> &mut Family {
        let position = if let Some(&position) = self.positions.get(name) {
            position
        } else {
            self.positions.insert(name.into(), self.families.len());
            self.families.push(Family::new(name, kind, help));
            self.families.len() - 1
        };
        let family = &mut self.families[position];
        debug_assert_eq!(family.kind, kind, "{name} is of one kind");
        family
    }

    /// What the gauges that follow are told of; `None` when all of them have to be there.
    fn enter(&mut self, scope: Option<Scope>) {
        self.scope = scope;
    }

    /// Adds a gauge whose value may be unknown, which then is absent, but keeps its room in the family's budget.
    pub fn gauge(&mut self, name: &str, help: &str, labels: Labels<'_>, value: Option<f64>) {
        let scope = self.scope;
        let family = self.family(name, Kind::Gauge, help);
        let admitted = scope.is_none_or(|scope| family.room.admits(&scope, labels));
        match value {
            Some(value) if admitted => drop(family.sample(labels, value)),
            Some(_) => family.dropped += 1,
            None => {}
        }
    }

    /// How many series each family left out or folded into others.
    #[must_use]
    pub fn dropped(&self) -> Vec<(Box<str>, usize)> {
        let known = self.families.iter().filter(|family| family.samples + family.dropped > 0);
        known.map(|family| (family.name.clone(), family.dropped)).collect()
    }

    /// Samples written so far; a histogram counts one for each of its lines.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.families.iter().map(|family| family.samples).sum()
    }

    /// The page as it goes over the wire.
    #[must_use]
    pub fn finish(self) -> Bytes {
        let written = || self.families.iter().filter(|family| family.samples > 0);
        let mut page = String::with_capacity(written().map(|family| family.text.len()).sum());
        for family in written() {
            page.push_str(&family.text);
        }
        page.into()
    }
}

/// What a family's numbers mean to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows while the program lives.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Counts by upper bound, with a sum and a count.
    Histogram,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric family: its header and the samples added so far.
#[derive(Debug)]
pub struct Family {
    name: Box<str>,
    kind: Kind,
    text: String,
    samples: usize,
    dropped: usize,
    room: Room,
}

impl Family {
    fn new(name: &str, kind: Kind, help: &str) -> Self {
        debug_assert!(is_name(name, ":"), "{name:?} is a metric name");
        let mut text = format!("# HELP {name} ");
        escape(&mut text, help, |c| c == '\\' || c == '\n');
        text.extend(["\n# TYPE ", name, " ", kind.as_str(), "\n"]);
        Self { name: name.into(), kind, text, samples: 0, dropped: 0, room: Room::default() }
    }

    /// Adds one number of a counter or gauge.
    pub fn sample(&mut self, labels: Labels<'_>, value: f64) -> &mut Self {
        debug_assert_ne!(self.kind, Kind::Histogram, "{} takes histograms", self.name);
        self.line("", labels, None, value);
        self
    }

    /// Notes series that were folded into others.
    pub fn fold(&mut self, series: usize) -> &mut Self {
        self.dropped += series;
        self
    }

    /// Adds one histogram.
    ///
    /// `counts` are of single buckets, not cumulative: one for each of the ascending `bounds` (inclusive upper limits)
    /// and a last one for everything above; `sum` is the sum of the observed numbers.
    pub fn histogram(&mut self, labels: Labels<'_>, bounds: &[f64], counts: &[u64], sum: f64) -> &mut Self {
        debug_assert_eq!(self.kind, Kind::Histogram, "{} takes no histograms", self.name);
        debug_assert_eq!(counts.len(), bounds.len() + 1, "{} has a last bucket", self.name);
        let mut total = 0;
        for (bound, count) in bounds.iter().chain([&f64::INFINITY]).zip(counts) {
            total += count;
            self.line("_bucket", labels, Some(*bound), total as f64);
        }
        self.line("_sum", labels, None, sum);
        self.line("_count", labels, None, total as f64);
        self
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<f64>, value: f64) {
        self.text.push_str(&self.name);
        self.text.push_str(suffix);
        let mut opening = '{';
        for &(name, value) in labels {
            debug_assert!(is_name(name, "") && name != "le", "{name:?} is a label name");
            self.text.push(opening);
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(&mut self.text, value, |c| matches!(c, '\\' | '"' | '\n'));
            self.text.push('"');
            opening = ',';
        }
        if let Some(bound) = bound {
            self.text.push(opening);
            self.text.push_str("le=\"");
            number(&mut self.text, bound);
            self.text.push('"');
            opening = ',';
        }
        self.text.push_str(if opening == '{' { " " } else { "} " });
        number(&mut self.text, value);
        self.text.push('\n');
        self.samples += 1;
    }
}

/// Appends `text`, with a backslash before what `special` names and line feeds as `\n`.
fn escape(out: &mut String, text: &str, special: impl Fn(char) -> bool) {
    let mut rest = text;
    while let Some(at) = rest.find(&special) {
        let (plain, tail) = rest.split_at(at);
        let mut characters = tail.chars();
        out.push_str(plain);
        out.push('\\');
        out.extend(characters.next().map(|c| if c == '\n' { 'n' } else { c }));
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// Appends a number in the shortest form that reads back as the same one; exponents where digits alone would be long.
fn number(out: &mut String, value: f64) {
    let size = value.abs();
    let written = if value.is_nan() {
        out.write_str("NaN")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else if size != 0.0 && !(1e-5..1e16).contains(&size) {
        write!(out, "{value:e}")
    } else if value.fract() == 0.0 {
        write!(out, "{}", value as i64)
    } else {
        write!(out, "{value}")
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn is_name(name: &str, also: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || also.contains(c);
    !name.is_empty() && name.chars().all(allowed) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
