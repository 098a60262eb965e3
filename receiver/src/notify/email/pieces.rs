//! The texts of one mail, from the channel's template or, when that fails, plain.

use modelwatch_receiver_core::message::{AlertView, Message};
use modelwatch_receiver_core::template::{Fault, Template, html, text, view};

/// The plain layout shows so many alerts and counts the rest.
const MAX_ALERTS: usize = 50;

/// The plain layout cuts every value here.
const MAX_VALUE: usize = 1_000;

/// A mail's texts.
#[derive(Debug)]
pub(super) struct Pieces {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// The texts as the template makes them.
pub(super) fn from_template(template: &Template, message: &Message) -> Result<Pieces, Fault> {
    let data = view::message(message).into();
    let render = |piece| template.render(piece, &data);
    Ok(Pieces { subject: render("subject")?, text: render("text")?, html: render("html")? })
}

/// The same without any template: nothing in here can fail.
pub(super) fn plain(message: &Message, fault: &Fault) -> Pieces {
    let mut lines = vec![message.title(), String::new()];
    for alert in message.by_urgency().into_iter().take(MAX_ALERTS) {
        lines.extend(plain_alert(alert));
    }
    if message.alerts.len() > MAX_ALERTS {
        lines.push(format!("and {} more", message.alerts.len() - MAX_ALERTS));
    }
    lines.push(message.history_url.clone().unwrap_or_default());
    lines.push(format!("modelwatch {}", message.id));
    lines.push(format!("This is the plain layout, the template failed: {fault}"));
    let body = text(&lines.join("\n"));
    let page = format!(
        "<!DOCTYPE html><html><body><pre style=\"white-space:pre-wrap\">{}</pre></body></html>",
        html(&body)
    );
    Pieces { subject: message.title(), text: body, html: page }
}

fn plain_alert(alert: &AlertView) -> Vec<String> {
    let status = format!("* {}: {} since {}", alert.status.as_str(), alert.name(), alert.starts_at);
    let pairs = alert.annotations.iter().chain(&alert.labels);
    let pairs =
        pairs.map(|(name, value)| format!("  {name}: {}", value.chars().take(MAX_VALUE).collect::<String>()));
    [status].into_iter().chain(pairs).chain([String::new()]).collect()
}
