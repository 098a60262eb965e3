//! The page of one notification: what it was about, what was tried, what exactly was sent.

use modelwatch_common::http::page::escape;
use modelwatch_receiver_core::alert::{Labels, Status};
use modelwatch_receiver_core::message::AlertView;

use super::parts::{badge, state, time};
use crate::history::{Attempt, Entry};

/// The page's HTML below its heading.
pub(super) fn body(entry: &Entry) -> String {
    format!(
        "{}<h2>Alerts</h2>\n{}<h2>Attempts</h2>\n{}{}",
        facts(entry),
        alerts(&entry.alerts),
        attempts(&entry.attempts),
        sent(entry)
    )
}

fn facts(entry: &Entry) -> String {
    let fact = |name: &str, html: &str| format!("<dt>{name}</dt><dd>{html}</dd>\n");
    let optional =
        |name, value: Option<&str>| value.map(|value| fact(name, &escape(value))).unwrap_or_default();
    let unconfirmed = entry.unconfirmed.then_some("an alert in it came back with its old start time");
    format!(
        "<dl>\n{}{}{}{}{}{}{}{}{}</dl>\n",
        fact("State", &state(entry)),
        optional("Suppressed because", entry.suppressed.as_deref()),
        optional("Unconfirmed", unconfirmed),
        fact("Accepted", &format!("{} UTC", time(entry.created_at))),
        fact("Channel", &escape(&entry.channel)),
        fact("Kind", &escape(&entry.kind)),
        fact("Group", &format!("<code>{}</code>", escape(&entry.group))),
        fact("Id", &format!("<code>{}</code>", escape(&entry.id))),
        optional("Template problem", entry.problem.as_deref())
    )
}

fn alerts(alerts: &[AlertView]) -> String {
    if alerts.is_empty() {
        return "<p class=\"empty\">It was over before it was put into words.</p>\n".to_owned();
    }
    let rows: Vec<String> = alerts.iter().map(alert).collect();
    format!(
        "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Since (UTC)</th>\
         <th scope=\"col\">Says</th><th scope=\"col\">Labels</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
        rows.concat()
    )
}

fn alert(alert: &AlertView) -> String {
    let class = if alert.status == Status::Firing { "bad" } else { "ok" };
    let change = alert.change.as_str().replace('_', " ");
    // a resolved alert has nothing to add to its state
    let change = if change == alert.status.as_str() { String::new() } else { change };
    let ended = alert.ends_at.map(|at| format!("<br><span class=\"quiet\">until {}</span>", time(at)));
    format!(
        "<tr><td>{}<br><span class=\"quiet\">{}</span></td><td>{}{}</td><td>{}</td><td>{}</td></tr>\n",
        badge(class, alert.status.as_str()),
        escape(&change),
        time(alert.starts_at),
        ended.unwrap_or_default(),
        pairs(&alert.annotations),
        pairs(&alert.labels)
    )
}

fn pairs(pairs: &Labels) -> String {
    let pair =
        |(name, value): (&String, &String)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
    format!("<dl>{}</dl>", pairs.iter().map(pair).collect::<String>())
}

fn attempts(attempts: &[Attempt]) -> String {
    if attempts.is_empty() {
        return "<p class=\"empty\">Nothing was tried.</p>\n".to_owned();
    }
    let rows: Vec<String> = attempts.iter().map(attempt).collect();
    format!(
        "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Began (UTC)</th><th scope=\"col\">Result</th>\
         <th scope=\"col\">Reason</th><th scope=\"col\">Answer</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
        rows.concat()
    )
}

fn attempt(attempt: &Attempt) -> String {
    let (class, result) = match attempt.result.as_deref() {
        Some("delivered") => ("ok", "delivered"),
        Some("permanent") => ("bad", "permanent"),
        Some(other) => ("warn", other),
        None => ("quiet", "under way"),
    };
    let ambiguous = if attempt.ambiguous { badge("warn", "ambiguous") } else { String::new() };
    format!(
        "<tr><td>{}</td><td>{} {ambiguous}</td><td>{}</td><td>{}</td></tr>\n",
        time(attempt.at),
        badge(class, result),
        escape(attempt.reason.as_deref().unwrap_or_default()),
        escape(&attempt.detail)
    )
}

fn sent(entry: &Entry) -> String {
    let Some(content) = &entry.content else { return String::new() };
    let parsed = serde_json::from_str::<serde_json::Value>(content).ok();
    let readable = parsed.and_then(|json| serde_json::to_string_pretty(&json).ok());
    format!("<h2>Sent</h2>\n<pre>{}</pre>\n", escape(readable.as_deref().unwrap_or(content)))
}
