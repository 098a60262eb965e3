//! What templates can call. Each helper is a plain function of its arguments; adding one is a function and a line in
//! [`FUNCTIONS`].

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason, ScopedJson,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{Escape, html, one_line, values};
use crate::message::Severity;

/// From a call's arguments (`null` for what is missing) to its result, or what is wrong with the call.
type Function = fn(&[&Value]) -> Result<Value, String>;

const FUNCTIONS: [(&str, Function); 12] = [
    ("upper", upper),
    ("first", first),
    ("beyond", beyond),
    ("default", default),
    ("join", join),
    ("truncate", truncate),
    ("datetime", datetime),
    ("duration", duration),
    ("emoji", emoji),
    ("severity_colour", severity_colour),
    ("paragraphs", paragraphs),
    ("web", web),
];

/// URLs longer than this are not made into links: Slack accepts 3 000 characters.
const MAX_URL: usize = 2_000;

pub(super) fn register(registry: &mut Handlebars<'static>, escape: Escape) {
    for (name, function) in FUNCTIONS {
        registry.register_helper(name, Box::new(Plain(function)));
    }
    registry.register_helper("link", Box::new(Link(escape)));
    registry.register_helper("bold", Box::new(Bold(escape)));
    registry.register_helper("value", Box::new(values::Helper));
}

/// `{{upper environment}}`
fn upper(arguments: &[&Value]) -> Result<Value, String> {
    Ok(text(argument(arguments, 0)?).to_uppercase().into())
}

/// `{{default annotations.summary "no summary"}}`: the first argument that is not missing or empty.
fn default(arguments: &[&Value]) -> Result<Value, String> {
    let given = arguments.iter().find(|value| !text(value).is_empty());
    Ok(given.map_or_else(|| Value::String(String::new()), |value| (*value).clone()))
}

/// `{{#each (first alerts 20)}}`: the first ones of a list, or of labels.
fn first(arguments: &[&Value]) -> Result<Value, String> {
    if let (Some(Value::Object(fields)), Some(most)) = (arguments.first(), most(arguments)) {
        return Ok(Value::Object(fields.iter().take(most).map(|(n, v)| (n.clone(), v.clone())).collect()));
    }
    let (list, most) = counted(arguments, "first")?;
    Ok(list.iter().take(most).cloned().collect::<Vec<_>>().into())
}

/// `{{beyond alerts 20}}`: how many more a list has.
fn beyond(arguments: &[&Value]) -> Result<Value, String> {
    let (list, most) = counted(arguments, "beyond")?;
    Ok(list.len().saturating_sub(most).into())
}

fn counted<'a>(arguments: &[&'a Value], name: &str) -> Result<(&'a Vec<Value>, usize), String> {
    let list = argument(arguments, 0)?.as_array();
    let list = list.ok_or_else(|| format!("the first argument of {name} is a list"))?;
    Ok((list, most(arguments).ok_or_else(|| format!("the second argument of {name} is a number"))?))
}

fn most(arguments: &[&Value]) -> Option<usize> {
    arguments.get(1)?.as_u64().and_then(|most| usize::try_from(most).ok())
}

/// `{{join changes " · "}}`
fn join(arguments: &[&Value]) -> Result<Value, String> {
    let list = argument(arguments, 0)?.as_array().ok_or("the first argument of join is a list")?;
    let separator = text(argument(arguments, 1)?);
    Ok(list.iter().map(text).collect::<Vec<_>>().join(&separator).into())
}

/// `{{truncate annotations.description 500}}`: at most that many characters, the last one then being `…`.
fn truncate(arguments: &[&Value]) -> Result<Value, String> {
    let value = text(argument(arguments, 0)?);
    let most = argument(arguments, 1)?.as_u64().filter(|most| *most > 0);
    let most = most.ok_or("the second argument of truncate is a number of characters")?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if value.chars().nth(most).is_none() {
        return Ok(value.into());
    }
    let kept: String = value.chars().take(most - 1).collect();
    Ok(format!("{}…", kept.trim_end()).into())
}

/// `{{datetime alert.starts_at}}`: `2026-11-22 06:20 UTC`.
fn datetime(arguments: &[&Value]) -> Result<Value, String> {
    let time: Timestamp =
        text(argument(arguments, 0)?).parse().map_err(|_| "the argument of datetime is a time".to_owned())?;
    Ok(time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string().into())
}

/// `{{duration alert.seconds}}`: `45s`, `12m`, `3h 5m`, `2d 4h`.
fn duration(arguments: &[&Value]) -> Result<Value, String> {
    let seconds =
        argument(arguments, 0)?.as_u64().ok_or("the argument of duration is a number of seconds")?;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let words = match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m"),
        (0, ..) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    };
    Ok(words.into())
}

/// `{{emoji status severity}}`: a coloured dot, green when it is over.
fn emoji(arguments: &[&Value]) -> Result<Value, String> {
    let severity = Severity::of(&text(argument(arguments, 1)?));
    let dot = match (text(argument(arguments, 0)?).as_str(), severity) {
        ("resolved", _) => "🟢",
        (_, Severity::Critical) => "🔴",
        (_, Severity::Warning | Severity::Unknown) => "🟠",
        (_, Severity::Info) => "🔵",
    };
    Ok(dot.into())
}

/// `{{severity_colour status severity}}`: a colour for HTML that white text can be read on, green when it is over.
fn severity_colour(arguments: &[&Value]) -> Result<Value, String> {
    let severity = Severity::of(&text(argument(arguments, 1)?));
    let colour = match (text(argument(arguments, 0)?).as_str(), severity) {
        ("resolved", _) => "#1a7f37",
        (_, Severity::Critical) => "#c62828",
        (_, Severity::Warning | Severity::Unknown) => "#b45309",
        (_, Severity::Info) => "#1d5fbf",
    };
    Ok(colour.into())
}

/// `{{paragraphs text}}`: its lines with empty ones between them, for a service that takes single line breaks for spaces.
fn paragraphs(arguments: &[&Value]) -> Result<Value, String> {
    let text = text(argument(arguments, 0)?);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(lines.join("\n\n").into())
}

/// `{{#if (web annotations.runbook_url)}}`: the URL, or nothing unless it is an http(s) URL.
fn web(arguments: &[&Value]) -> Result<Value, String> {
    Ok(Some(text(argument(arguments, 0)?)).filter(|url| is_web_address(url)).unwrap_or_default().into())
}

fn argument<'a>(arguments: &[&'a Value], index: usize) -> Result<&'a Value, String> {
    arguments.get(index).copied().ok_or_else(|| format!("argument {} is missing", index + 1))
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

/// A helper whose result is escaped like any value.
struct Plain(Function);

impl HelperDef for Plain {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let arguments: Vec<&Value> = helper.params().iter().map(handlebars::PathAndJson::value).collect();
        (self.0)(&arguments).map(ScopedJson::Derived).map_err(|what| misuse(helper.name(), &what))
    }
}

/// `{{link annotations.runbook_url "Runbook"}}`: a link as the piece can have one, or nothing unless it is an http(s) URL.
///
/// Slack's is `<url|text>`, HTML's an `<a>` (with `class="…"` and `style="…"` if given), and plain text's `text: url`. It
/// writes by itself because its brackets must not be escaped; what stands between them is.
struct Link(Escape);

impl HelperDef for Link {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let given = |index| helper.param(index).map(|parameter| text(parameter.value()));
        let (Some(url), Some(words)) = (given(0), given(1)) else {
            return Err(misuse(helper.name(), "its arguments are a URL and the words to show"));
        };
        if is_web_address(&url) {
            let attribute = |name| Some((name, text(helper.hash_get(name)?.value())));
            let attributes: Vec<_> = ["class", "style"].into_iter().filter_map(attribute).collect();
            out.write(&self.written(&url, &words, &attributes))?;
        }
        Ok(())
    }
}

impl Link {
    fn written(&self, url: &str, words: &str, attributes: &[(&str, String)]) -> String {
        let escaped = self.0.function();
        match self.0 {
            Escape::Slack => {
                format!("<{}|{}>", escaped(&url.replace('|', "%7C")), escaped(words).replace('|', "¦"))
            }
            Escape::Html => {
                let attributes: String = attributes
                    .iter()
                    .map(|(name, value)| format!(" {name}=\"{}\"", escaped(value)))
                    .collect();
                format!("<a href=\"{}\"{attributes}>{}</a>", escaped(url), escaped(words))
            }
            Escape::Rich => format!("<a href=\"{}\">{}</a>", html(url), escaped(words)),
            Escape::Markdown => {
                let url = url.replace('(', "%28").replace(')', "%29").replace('<', "%3C").replace('>', "%3E");
                format!("[{}]({})", escaped(words), url.replace('\\', "%5C"))
            }
            Escape::Text | Escape::Line | Escape::Quiet | Escape::Json => {
                format!("{}: {}", escaped(words), escaped(url))
            }
        }
    }
}

/// `{{bold annotations.summary}}`: bold where the piece can have that, and nothing if there is nothing.
struct Bold(Escape);

impl HelperDef for Bold {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let Some(words) = helper.param(0).map(|parameter| text(parameter.value())) else {
            return Err(misuse(helper.name(), "its argument is a text"));
        };
        // what is bold ends where its line does
        let words = self.0.function()(&one_line(&words));
        match (words.is_empty(), self.0) {
            (true, _) => {}
            (_, Escape::Slack) => out.write(&format!("*{words}*"))?,
            (_, Escape::Html | Escape::Rich) => out.write(&format!("<b>{words}</b>"))?,
            (_, Escape::Markdown) => out.write(&format!("**{words}**"))?,
            (_, Escape::Text | Escape::Line | Escape::Quiet | Escape::Json) => out.write(&words)?,
        }
        Ok(())
    }
}

/// Whether this is an address for a link: of the web, without spaces, and no longer than Slack takes.
pub fn is_web_address(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= MAX_URL
        && !url.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests;
