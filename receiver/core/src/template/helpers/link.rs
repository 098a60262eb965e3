//! Links, which write their own brackets and so escape what stands between them by themselves.

use handlebars::{Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext};
use serde_json::Value;

use super::{Call, misuse, text};
use crate::template::{Escape, html};

/// URLs longer than this are not made into links: Slack accepts 3 000 characters.
pub(super) const MAX_URL: usize = 2_000;

/// `{{link annotations.runbook_url "Runbook"}}`: a link as the piece can have one, or nothing unless it is an http(s) URL.
///
/// Slack's is `<url|text>`, HTML's an `<a>` (with `class="…"` and `style="…"` if given), and plain text's `text: url`. It
/// writes by itself because its brackets must not be escaped; what stands between them is.
pub(super) struct Link(pub(super) Escape);

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

/// `{{#if (web annotations.runbook_url)}}`: the URL, or nothing unless it is an http(s) URL.
pub(super) fn web(call: &Call<'_>) -> Result<Value, String> {
    Ok(Some(text(call.argument(0)?)).filter(|url| is_web_address(url)).unwrap_or_default().into())
}

/// Whether this is an address for a link: of the web, without spaces, and no longer than Slack takes.
pub fn is_web_address(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= MAX_URL
        && !url.chars().any(|c| c.is_whitespace() || c.is_control())
}
