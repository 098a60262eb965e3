//! Bold, which writes its own marks and so escapes what stands between them by itself.

use handlebars::{Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext};

use super::{misuse, text};
use crate::template::{Escape, one_line};

/// `{{bold annotations.summary}}`: bold where the piece can have that, and nothing if there is nothing.
pub(super) struct Bold(pub(super) Escape);

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
