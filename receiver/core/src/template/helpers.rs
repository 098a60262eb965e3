//! What templates can call. Each helper is a plain function of its call; adding one is a function and a line in
//! [`FUNCTIONS`].

use std::sync::Arc;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, RenderContext, RenderError, RenderErrorReason, ScopedJson,
};
use serde_json::Value;

use super::language::Locale;
use super::{Escape, values};

mod bold;
mod each;
mod link;
mod lists;
mod numbers;
mod replace;
mod severity;
mod times;
mod words;

pub use link::is_web_address;

use replace::Patterns;

/// From a call to its result, or what is wrong with the call.
type Function = fn(&Call<'_>) -> Result<Value, String>;

const FUNCTIONS: [(&str, Function); 24] = [
    ("beyond", lists::beyond),
    ("bytes", numbers::bytes),
    ("datetime", times::datetime),
    ("default", words::default),
    ("duration", times::duration),
    ("emoji", severity::emoji),
    ("first", lists::first),
    ("group", lists::group),
    ("humanize", numbers::humanize),
    ("join", lists::join),
    ("json", words::json),
    ("lower", words::lower),
    ("paragraphs", words::paragraphs),
    ("percentage", numbers::percentage),
    ("plural", numbers::plural),
    ("replace", replace::replace),
    ("severity_colour", severity::severity_colour),
    ("since", times::since),
    ("sort", lists::sort),
    ("t", words::t),
    ("title", words::title),
    ("truncate", words::truncate),
    ("upper", words::upper),
    ("web", link::web),
];

/// No text that a helper returns is longer, in bytes: calls within each other could grow without end.
const MAX_TEXT: usize = 64 * 1024;

pub(super) fn register(registry: &mut Handlebars<'static>, escape: Escape, locale: &Locale) {
    let means = Arc::new(Means { locale: locale.clone(), patterns: Patterns::default() });
    for (name, function) in FUNCTIONS {
        registry.register_helper(name, Box::new(Plain { function, means: Arc::clone(&means) }));
    }
    registry.register_helper("link", Box::new(link::Link(escape)));
    registry.register_helper("bold", Box::new(bold::Bold(escape)));
    registry.register_helper("each", Box::new(each::Each));
    registry.register_helper("secret", Box::new(values::Helper));
}

/// What calls need besides their arguments.
struct Means {
    locale: Locale,
    patterns: Patterns,
}

/// One call of a helper.
struct Call<'a> {
    /// `null` for what is missing.
    arguments: Vec<&'a Value>,
    /// The first argument is written out in the template, so that a wrong one is a mistake of the operator's.
    is_literal: bool,
    means: &'a Means,
    /// What the piece is rendered with.
    data: &'a Value,
}

impl<'a> Call<'a> {
    fn argument(&self, index: usize) -> Result<&'a Value, String> {
        self.arguments.get(index).copied().ok_or_else(|| format!("argument {} is missing", index + 1))
    }

    /// The text of an argument; `None` when it is missing or empty.
    fn optional(&self, index: usize) -> Option<String> {
        self.arguments.get(index).map(|value| text(value)).filter(|text| !text.is_empty())
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn misuse(name: &str, what: &str) -> RenderError {
    RenderErrorReason::Other(format!("{name}: {what}")).into()
}

fn too_long() -> String {
    format!("its result would be longer than {MAX_TEXT} bytes")
}

/// A helper whose result is escaped like any value.
struct Plain {
    function: Function,
    means: Arc<Means>,
}

impl HelperDef for Plain {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let call = Call {
            arguments: helper.params().iter().map(handlebars::PathAndJson::value).collect(),
            is_literal: helper.param(0).is_some_and(|first| first.try_get_constant_value().is_some()),
            means: &self.means,
            data: context.data(),
        };
        let result = (self.function)(&call).map_err(|what| misuse(helper.name(), &what))?;
        match result.as_str() {
            Some(text) if text.len() > MAX_TEXT => Err(misuse(helper.name(), &too_long())),
            _ => Ok(ScopedJson::Derived(result)),
        }
    }
}

#[cfg(test)]
mod tests;
