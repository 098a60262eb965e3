//! What was sent, as people saw it: Slack's blocks, a mail's words, a line of the log. Nothing in it is trusted: it is
//! text that goes through [`escape`], links only lead to web addresses, and a mail's HTML is never rendered.

use modelwatch_common::http::page::escape;
use serde_json::Value;

mod hook;
mod mrkdwn;
mod slack;

/// The section about what was sent; empty when nothing was.
pub(super) fn section(content: Option<&str>) -> String {
    let Some(content) = content.filter(|content| !content.is_empty()) else { return String::new() };
    let parsed = serde_json::from_str::<Value>(content).ok().filter(Value::is_object);
    let Some(json) = parsed else {
        return format!("<h2>As people see it</h2>\n<pre class=\"wrap\">{}</pre>\n", escape(content));
    };
    let exactly = serde_json::to_string_pretty(&json).unwrap_or_else(|_| content.to_owned());
    match readable(&json) {
        Some(seen) => format!(
            "<h2>As people see it</h2>\n{seen}<details><summary>Exactly what was sent</summary>\n<pre class=\"wrap\">{}</pre></details>\n",
            escape(&exactly)
        ),
        None => format!("<h2>Sent</h2>\n<pre class=\"wrap\">{}</pre>\n", escape(&exactly)),
    }
}

fn readable(json: &Value) -> Option<String> {
    hook::message(json).or_else(|| slack::message(json)).or_else(|| mail(json))
}

/// A mail by its subject and its text, which says what its HTML says.
fn mail(json: &Value) -> Option<String> {
    let subject = json["subject"].as_str()?;
    let text = json["text"].as_str()?;
    Some(format!(
        "<div class=\"message\"><p class=\"headline\">{}</p>\n<p class=\"plain\">{}</p></div>\n",
        escape(subject),
        escape(text)
    ))
}

#[cfg(test)]
mod tests;
