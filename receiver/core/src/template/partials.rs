//! Texts that pieces of all templates can include: `{{> header}}` is `partials/header.hbs`.
//!
//! Handlebars renders a partial that includes itself until the stack is gone, which would end the program, and follows any
//! number of inclusions. So all of that is counted here before anything is rendered.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use handlebars::Template;
use handlebars::template::{DecoratorTemplate, TemplateElement};
use regex::Regex;

use super::depth;
use super::fault::{Fault, place};

/// Blocks `each` within each other: alerts and what one alert has. A third would go through the product of three lists,
/// which ends in hours and not by its output, since it may write nothing.
const MAX_NESTED: usize = 2;

/// So many partials are included by a piece, those that partials include counted each time.
const MAX_INCLUDED: usize = 100;

/// Partials that parsed and end, by name.
#[derive(Debug, Default)]
pub(super) struct Partials(BTreeMap<String, (Template, Extent)>);

/// How far a text goes with all that it includes.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    /// Blocks `each` within each other.
    nested: usize,
    /// Blocks and partials within each other.
    levels: usize,
    /// Partials included.
    included: usize,
}

impl Extent {
    /// Beside another text.
    fn beside(self, other: Extent) -> Extent {
        Extent {
            nested: self.nested.max(other.nested),
            levels: self.levels.max(other.levels),
            included: self.included.saturating_add(other.included),
        }
    }

    /// Within one more block.
    fn within(self, nested: usize, included: usize) -> Extent {
        Extent {
            nested: self.nested + nested,
            levels: self.levels + 1,
            included: self.included.saturating_add(included),
        }
    }

    fn excess(self) -> Option<String> {
        if self.nested > MAX_NESTED {
            let nested = self.nested;
            return Some(format!(
                "{nested} blocks `each` within each other are too many, at most {MAX_NESTED}"
            ));
        }
        if self.levels > depth::LEVELS {
            return Some(depth::TOO_DEEP.to_owned());
        }
        let many = self.included > MAX_INCLUDED;
        many.then(|| format!("it includes {} partials, at most {MAX_INCLUDED}", self.included))
    }
}

impl Partials {
    /// Parses the given texts, and follows what they include.
    pub(super) fn compile(given: &BTreeMap<String, String>) -> (Partials, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut parsed = BTreeMap::new();
        for (name, source) in given {
            if !is_name(name) {
                let what = "the name of a partial has only letters, digits, `-` and `_`";
                faults.push(Fault::new(&Fault::of_partial(name), None, what));
                continue;
            }
            match parse(name, &Fault::of_partial(name), source) {
                Ok(template) => drop(parsed.insert(name.as_str(), template)),
                Err(fault) => faults.push(fault),
            }
        }
        let mut following = Following { parsed, given, done: BTreeMap::new(), faults };
        for name in given.keys() {
            following.follow(name, &mut Vec::new());
        }
        let Following { mut parsed, done, faults, .. } = following;
        let good = done.into_iter().filter_map(|(name, extent)| {
            let template = parsed.remove(name.as_str())?;
            Some((name, (template, extent?)))
        });
        (Partials(good.collect()), faults)
    }

    /// The text of a piece, which may include these.
    ///
    /// # Errors
    /// It does not parse, includes what is not there, or goes too far.
    pub(super) fn piece(&self, registered: &str, piece: &str, source: &str) -> Result<Template, Fault> {
        let template = parse(registered, piece, source)?;
        for included in inclusions(&template) {
            self.find(included).map_err(|what| Fault::new(piece, place_of(included, source), &what))?;
        }
        let known = |name: &str| self.0.get(name).map(|(_, extent)| *extent).unwrap_or_default();
        match extent(&template, &known).excess() {
            Some(what) => Err(Fault::new(piece, None, &what)),
            None => Ok(template),
        }
    }

    /// Every partial with its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Template)> {
        self.0.iter().map(|(name, (template, _))| (name.as_str(), template))
    }

    fn find(&self, included: Option<&str>) -> Result<(), String> {
        let name = written_out(included)?;
        if self.0.contains_key(name) { Ok(()) } else { Err(missing(name, self.0.keys())) }
    }
}

/// What is followed from partial to partial.
struct Following<'a> {
    parsed: BTreeMap<&'a str, Template>,
    given: &'a BTreeMap<String, String>,
    /// How far those go that were followed to their ends; `None` for a bad one.
    done: BTreeMap<String, Option<Extent>>,
    faults: Vec<Fault>,
}

impl Following<'_> {
    /// How far a partial goes; `way` is how it was come to.
    fn follow(&mut self, name: &str, way: &mut Vec<String>) -> Option<Extent> {
        if let Some(known) = self.done.get(name) {
            return *known;
        }
        let template = self.parsed.get(name)?.clone();
        way.push(name.to_owned());
        let is_good = inclusions(&template).into_iter().all(|included| self.enter(name, included, way));
        way.pop();
        let known = |name: &str| self.done.get(name).copied().flatten().unwrap_or_default();
        let extent = Some(extent(&template, &known)).filter(|_| is_good);
        let excess = extent.and_then(Extent::excess);
        if let Some(what) = &excess {
            self.faults.push(Fault::new(&Fault::of_partial(name), None, what));
        }
        let extent = extent.filter(|_| excess.is_none());
        self.done.insert(name.to_owned(), extent);
        extent
    }

    /// Whether what a partial includes is good; what is wrong with the inclusion itself is a fault of the one that includes.
    fn enter(&mut self, from: &str, included: Option<&str>, way: &mut Vec<String>) -> bool {
        let wrong = match written_out(included) {
            Err(what) => what,
            Ok(name) if way.iter().any(|before| before == name) => {
                let circle = way.iter().skip_while(|before| *before != name).map(String::as_str);
                let circle: Vec<&str> = circle.chain([name]).collect();
                format!("partials include each other without end: {}", circle.join(" → "))
            }
            Ok(name) if way.len() >= depth::LEVELS => format!("`{name}` is included too deep"),
            Ok(name) if self.given.contains_key(name) => return self.follow(name, way).is_some(),
            Ok(name) => missing(name, self.given.keys()),
        };
        let place = self.given.get(from).and_then(|source| place_of(included, source));
        self.faults.push(Fault::new(&Fault::of_partial(from), place, &wrong));
        false
    }
}

/// Nothing that a piece is registered as, and nothing that Handlebars reads as a path.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn written_out(included: Option<&str>) -> Result<&str, String> {
    included.ok_or_else(|| "the name of a partial is written out, as in {{> header}}".to_owned())
}

fn missing<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    match known.as_slice() {
        [] => format!(
            "there is no partial `{name}`: make partials/{name}.hbs beside the folder of this template"
        ),
        known => format!("there is no partial `{name}`, only {}", known.join(", ")),
    }
}

/// Parses one text that is `called` so in faults and registered under a name.
fn parse(registered: &str, called: &str, source: &str) -> Result<Template, Fault> {
    no_decorators(called, source)?;
    if let Some(at) = depth::too_deep(source) {
        return Err(Fault::new(called, place(source, at), depth::TOO_DEEP));
    }
    Template::compile_with_name(source, registered.to_owned())
        .map_err(|error| Fault::of_parsing(called, &error))
}

/// Decorators define partials where they stand, which nobody could count.
fn no_decorators(called: &str, source: &str) -> Result<(), Fault> {
    static DECORATOR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\{\{~?\s*(#\s*>|#?\s*\*)").ok());
    let Some(found) = DECORATOR.as_ref().and_then(|decorator| decorator.find(source)) else { return Ok(()) };
    let what =
        "decorators and partials with a block cannot be used, write {{> name}} and a file partials/name.hbs";
    Err(Fault::new(called, place(source, found.start()), what))
}

/// What a text includes itself, in any of its blocks; `None` for a name that is not written out.
fn inclusions(template: &Template) -> Vec<Option<&str>> {
    template.elements.iter().flat_map(included).collect()
}

fn included(element: &TemplateElement) -> Vec<Option<&str>> {
    match element {
        TemplateElement::HelperBlock(block) => {
            [&block.template, &block.inverse].into_iter().flatten().flat_map(inclusions).collect()
        }
        TemplateElement::PartialExpression(partial) => vec![name(partial)],
        _ => Vec::new(),
    }
}

/// Where a text includes that.
fn place_of(included: Option<&str>, source: &str) -> Option<(usize, usize)> {
    let name = included.map_or_else(|| r"\(".to_owned(), regex::escape);
    let tag = Regex::new(&format!(r"\{{\{{~?\s*>\s*{name}")).ok()?;
    place(source, tag.find(source)?.start())
}

fn name(partial: &DecoratorTemplate) -> Option<&str> {
    partial.name.as_name()
}

fn extent(template: &Template, known: &dyn Fn(&str) -> Extent) -> Extent {
    let of = |element: &TemplateElement| match element {
        TemplateElement::HelperBlock(block) => {
            let inner = [&block.template, &block.inverse].into_iter().flatten();
            let inner = inner.map(|inner| extent(inner, known)).fold(Extent::default(), Extent::beside);
            inner.within(usize::from(block.name.as_name() == Some("each")), 0)
        }
        TemplateElement::PartialExpression(partial) => {
            name(partial).map(known).unwrap_or_default().within(0, 1)
        }
        _ => Extent::default(),
    };
    template.elements.iter().map(of).fold(Extent::default(), Extent::beside)
}

#[cfg(test)]
mod tests;
