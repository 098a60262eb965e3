//! A message of Slack's: its blocks in their order, those of an attachment beside a bar of its colour.

use modelwatch_common::http::page::escape;
use serde_json::Value;

use super::mrkdwn;

/// The message as HTML; `None` when this is not one.
pub(super) fn message(json: &Value) -> Option<String> {
    if !json["blocks"].is_array() && !json["attachments"].is_array() {
        return None;
    }
    let own = blocks(&json["blocks"]);
    let attached: String = list(&json["attachments"]).map(attachment).collect();
    let html = if own.is_empty() && attached.is_empty() {
        paragraph("plain", &json["text"])
    } else {
        own + &attached
    };
    Some(format!("<div class=\"message\">{html}</div>\n"))
}

fn attachment(attachment: &Value) -> String {
    let colour = match attachment["color"].as_str() {
        Some("danger") => " edge-bad",
        Some("warning") => " edge-warn",
        Some("good") => " edge-ok",
        _ => "",
    };
    let inside = blocks(&attachment["blocks"]);
    let inside = if inside.is_empty() { paragraph("plain", &attachment["fallback"]) } else { inside };
    format!("<div class=\"attached{colour}\">{inside}</div>")
}

fn blocks(value: &Value) -> String {
    list(value).map(block).collect()
}

fn block(block: &Value) -> String {
    match block["type"].as_str() {
        Some("header") => paragraph("headline", &block["text"]),
        Some("section") => {
            let fields: String =
                list(&block["fields"]).map(|field| format!("<li>{}</li>", text(field))).collect();
            let fields =
                if fields.is_empty() { fields } else { format!("<ul class=\"fields\">{fields}</ul>") };
            paragraph("plain", &block["text"]) + &fields
        }
        Some("context") => {
            list(&block["elements"]).map(|element| paragraph("plain quiet", element)).collect()
        }
        Some("actions") => {
            let links: Vec<String> = list(&block["elements"]).map(button).collect();
            format!("<p class=\"plain\">{}</p>", links.join(" · "))
        }
        Some("divider") => "<hr>".to_owned(),
        other => format!("<p class=\"plain quiet\">({})</p>", escape(other.unwrap_or("a block of no type"))),
    }
}

fn button(element: &Value) -> String {
    let words = element["text"]["text"].as_str().unwrap_or("button");
    mrkdwn::link(element["url"].as_str().unwrap_or_default(), words)
}

fn paragraph(class: &str, value: &Value) -> String {
    let html = text(value);
    if html.is_empty() { html } else { format!("<p class=\"{class}\">{html}</p>") }
}

/// A text object, or a plain string in Slack's own markup.
fn text(value: &Value) -> String {
    match (value, value["type"].as_str(), value["text"].as_str()) {
        (Value::String(text), ..) => mrkdwn::html(text),
        (_, Some("plain_text"), Some(text)) => mrkdwn::plain(text),
        (_, _, Some(text)) => mrkdwn::html(text),
        _ => String::new(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
