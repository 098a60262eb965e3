//! The texts of one message, from the channel's template or, when that fails, plain.

use modelwatch_receiver_core::message::{AlertView, Message};
use modelwatch_receiver_core::template::{Fault, Language, Template, slack, view};
use serde_json::Value;

use super::payload::MAX_BLOCKS;

/// More labels than these never fit into a message: of the shortest ones, with what stands between them.
const MOST_LABELS: usize = 1_300;

/// What goes into the blocks, already escaped; an empty text has no block.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) title: String,
    /// What a phone shows before the message is opened.
    pub(super) text: String,
    pub(super) summary: String,
    pub(super) action: String,
    /// The labels that all alerts share, as many as could ever be shown.
    pub(super) labels: Vec<String>,
    /// How many more there are.
    pub(super) more_labels: usize,
    /// As many alerts as could ever be shown; none when the message is about one alone.
    pub(super) alerts: Vec<Alert>,
    pub(super) footer: String,
    /// Why this is not the channel's own layout.
    pub(super) problem: Option<String>,
    /// In which what does not fit is counted.
    pub(super) language: Language,
}

/// One alert of several.
#[derive(Debug)]
pub(super) struct Alert {
    pub(super) text: String,
    /// The labels it does not share with the others.
    pub(super) labels: Vec<String>,
}

/// The texts as the template makes them.
pub(super) fn from_template(template: &Template, message: &Message) -> Result<Pieces, Fault> {
    let data = view::message(message);
    let labels = labels(template, &data["common_labels"])?;
    let data = data.into();
    let render = |piece| template.render(piece, &data);
    let several = if message.alerts.len() > 1 { MAX_BLOCKS } else { 0 };
    Ok(Pieces {
        title: render("title")?,
        text: render("text")?,
        summary: render("summary")?,
        action: render("action")?,
        labels,
        more_labels: message.common_labels().len().saturating_sub(MOST_LABELS),
        alerts: view::alerts(message)
            .take(several)
            .map(|data| alert(template, data))
            .collect::<Result<_, _>>()?,
        footer: render("footer")?,
        problem: None,
        language: template.language(),
    })
}

fn alert(template: &Template, data: Value) -> Result<Alert, Fault> {
    let labels = labels(template, &data["alert"]["own_labels"])?;
    Ok(Alert { text: template.render("alert", &data.into())?, labels })
}

fn labels(template: &Template, labels: &Value) -> Result<Vec<String>, Fault> {
    let labels = view::labels(labels).into_iter().take(MOST_LABELS);
    labels.map(|data| template.render("label", &data.into())).collect()
}

/// The same texts without any template: nothing in here can fail.
pub(super) fn plain(message: &Message, fault: &Fault) -> Pieces {
    let common = message.common_annotations();
    let of = |name: &str| common.get(name).map_or(String::new(), |value| slack(value));
    let title = slack(&message.title());
    let several = if message.alerts.len() > 1 { MAX_BLOCKS } else { 0 };
    Pieces {
        text: title.clone(),
        title,
        summary: of("summary"),
        action: of("next_action"),
        labels: pairs(message.common_labels().iter()),
        more_labels: message.common_labels().len().saturating_sub(MOST_LABELS),
        alerts: message
            .by_urgency()
            .into_iter()
            .take(several)
            .map(|alert| plain_alert(alert, message))
            .collect(),
        footer: slack(&message.id),
        problem: Some(slack(&format!("This is the plain layout, the template failed: {fault}"))),
        language: Language::default(),
    }
}

fn plain_alert(alert: &AlertView, message: &Message) -> Alert {
    let common = message.common_labels();
    let annotation = |name: &str| alert.annotations.get(name).map_or("", String::as_str);
    let text = format!("{}: {}\n{}", alert.status.as_str(), annotation("summary"), annotation("next_action"));
    let own = alert.labels.iter().filter(|(name, _)| !common.contains_key(*name));
    Alert { text: slack(text.trim()), labels: pairs(own) }
}

fn pairs<'a>(labels: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<String> {
    labels.take(MOST_LABELS).map(|(name, value)| slack(&format!("{name}: {value}"))).collect()
}
