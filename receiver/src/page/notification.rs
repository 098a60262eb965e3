//! The page of one notification: where it stands, what it was about, what was tried, what exactly was sent.

use modelwatch_common::http::page::escape;
use modelwatch_receiver_core::alert::{Change, Kind, Labels, Status};
use modelwatch_receiver_core::message::AlertView;
use modelwatch_receiver_core::template::is_web_address;

use super::content;
use super::parts::{badge, cut, link, reason_words, spaced, state, time};
use crate::history::{Attempt, Entry};

/// Of more alerts than these only the most urgent are listed; the API has all.
const MOST_ALERTS: usize = 100;

/// Values are cut here; the API has them whole.
const MOST_VALUE: usize = 1_000;

/// The page's HTML below its heading.
pub(super) fn body(entry: &Entry) -> String {
    format!(
        "{}{}<h2>Attempts</h2>\n{}{}{}<h2>Alerts</h2>\n{}",
        standing(entry),
        facts(entry),
        attempts(entry),
        content::section(entry.content.as_deref()),
        editor(entry),
        alerts(entry)
    )
}

/// Where its words can be changed.
fn editor(entry: &Entry) -> String {
    if entry.alerts.is_empty() {
        return String::new();
    }
    let id = escape(&entry.id);
    format!("<p class=\"links\"><a href=\"/templates?notification={id}\">Try templates on it</a></p>\n")
}

/// Where it stands, in a sentence.
fn standing(entry: &Entry) -> String {
    let words = match entry.status.as_str() {
        "delivered" if entry.is_ambiguous() => {
            "The destination took it; a second copy may be there, since the answer to an attempt was lost."
                .to_owned()
        }
        "delivered" => "The destination took it.".to_owned(),
        "pending" => waits(entry),
        "dead" => format!("Not everybody it was for was told, and it is not tried again{}.", because(entry)),
        "suppressed" if entry.attempts.is_empty() => format!("It was not sent{}.", because(entry)),
        "suppressed" => {
            format!("It is not sent any more{}; whom the attempts reached has it.", because(entry))
        }
        _ => String::new(),
    };
    format!("<p>{} {}</p>\n{}", state(entry), escape(&words), again(entry))
}

/// How a dead letter is sent again.
fn again(entry: &Entry) -> String {
    if entry.status != "dead" {
        return String::new();
    }
    let id = escape(&entry.id);
    format!(
        "<p>Once its channel works again, <code>modelwatch-receiver replay {id}</code> sends it in its newest state.</p>\n"
    )
}

fn waits(entry: &Entry) -> String {
    match entry.attempts.last() {
        None => "It waits to be sent.".to_owned(),
        Some(Attempt { result: None, .. }) => "An attempt is under way.".to_owned(),
        Some(_) => format!("It is tried again{}.", because(entry)),
    }
}

fn because(entry: &Entry) -> String {
    entry.why().map(|reason| format!(": {}", reason_words(reason))).unwrap_or_default()
}

fn facts(entry: &Entry) -> String {
    let fact = |name: &str, html: &str| format!("<dt>{name}</dt><dd>{html}</dd>\n");
    let optional =
        |name, value: Option<&str>| value.map(|value| fact(name, &escape(value))).unwrap_or_default();
    let unconfirmed = entry
        .unconfirmed
        .then_some("an alert in it came back with its old start time, so it may be an old copy");
    let late = entry.late.then_some("it could not be sent when it happened, and the message says so");
    let next = entry.next_attempt_at.map(|at| fact("Next attempt", &format!("{} UTC", time(at))));
    format!(
        "<dl>\n{}{}{}{}{}{}{}{}{}{}{}{}</dl>\n",
        fact("Channel", &channel(&entry.channel)),
        fact("Kind", &escape(&entry.kind)),
        fact("Accepted", &format!("{} UTC", time(entry.created_at))),
        next.unwrap_or_default(),
        optional("Suppressed because", entry.suppressed.as_deref().map(spaced).as_deref()),
        optional("Late", late),
        optional("Unconfirmed", unconfirmed),
        other("Instead of", entry.fallback_of.as_deref()),
        other("Sent instead", entry.fallback.as_deref()),
        optional("Template problem", entry.problem.as_deref()),
        fact("Group", &format!("<code>{}</code>", escape(&cut(&entry.group, MOST_VALUE)))),
        fact("Id", &format!("<code>{}</code>", escape(&entry.id)))
    )
}

/// Another notification, as a link.
fn other(name: &str, id: Option<&str>) -> String {
    let Some(id) = id.map(escape) else { return String::new() };
    format!("<dt>{name}</dt><dd><a href=\"/notifications/{id}\"><code>{id}</code></a></dd>\n")
}

/// The channel's name, as a link to everything it was told.
fn channel(name: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("channel", name).finish();
    format!("<a href=\"/?{}\">{}</a>", escape(&query), escape(name))
}

fn attempts(entry: &Entry) -> String {
    if entry.attempts.is_empty() {
        let why = if entry.status == "pending" { "Nothing was tried yet." } else { "Nothing was tried." };
        return format!("<p class=\"empty\">{why}</p>\n");
    }
    let rows: Vec<String> = entry.attempts.iter().map(attempt).collect();
    format!(
        "<div class=\"scroll\"><table class=\"stack\">\n<thead><tr><th scope=\"col\">Began (UTC)</th>\
         <th scope=\"col\" class=\"number\">Took</th><th scope=\"col\">Result</th>\
         <th scope=\"col\">Reason</th><th scope=\"col\">Answer</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
        rows.concat()
    )
}

fn attempt(attempt: &Attempt) -> String {
    let (class, result) = match attempt.result.as_deref() {
        Some("delivered") => ("ok", "delivered"),
        Some("permanent") => ("bad", "refused"),
        Some("retryable") => ("warn", "failed for now"),
        Some(other) => ("warn", other),
        None => ("quiet", "under way"),
    };
    let ambiguous = if attempt.ambiguous {
        format!("{}<br><span class=\"quiet\">it may have arrived</span>", badge("warn", "ambiguous"))
    } else {
        String::new()
    };
    let reason = attempt.reason.as_deref().unwrap_or_default();
    format!(
        "<tr><td class=\"when\">{}</td><td data-label=\"Took\" class=\"number\">{}</td><td>{} {ambiguous}</td>\
         <td data-label=\"Reason\" title=\"{}\">{}</td><td data-label=\"Answer\" class=\"name\">{}</td></tr>\n",
        time(attempt.at),
        took(attempt),
        badge(class, result),
        escape(&reason_words(reason)),
        escape(&spaced(reason)),
        escape(&cut(&attempt.detail, MOST_VALUE))
    )
}

fn took(attempt: &Attempt) -> String {
    let Some(end) = attempt.finished_at else { return String::new() };
    let seconds = end.duration_since(attempt.at).as_secs_f64().max(0.0);
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1_000.0) } else { format!("{seconds:.1} s") }
}

/// What all alerts share is said once.
fn alerts(entry: &Entry) -> String {
    let alerts = entry.by_urgency();
    if alerts.is_empty() {
        return "<p class=\"empty\">It was over before it was put into words.</p>\n".to_owned();
    }
    let (labels, annotations) = if alerts.len() > 1 { entry.common() } else { Default::default() };
    let rows: String = alerts
        .iter()
        .take(MOST_ALERTS)
        .map(|one| alert(one, change(entry, one), &labels, &annotations))
        .collect();
    let more = alerts.len().saturating_sub(MOST_ALERTS);
    let more = if more > 0 {
        let (id, total) = (escape(&entry.id), alerts.len());
        format!(
            "<p class=\"quiet\">and {more} more; <a href=\"/api/v1/notifications/{id}\">all {total} as JSON</a></p>\n"
        )
    } else {
        String::new()
    };
    format!(
        "{}<div class=\"scroll\"><table class=\"stack\">\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Since (UTC)</th>\
         <th scope=\"col\">Says</th><th scope=\"col\">Labels</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n{more}",
        common(&labels, &annotations)
    )
}

fn common(labels: &Labels, annotations: &Labels) -> String {
    if labels.is_empty() && annotations.is_empty() {
        return String::new();
    }
    let none = Labels::new();
    format!(
        "<div class=\"card common\"><p class=\"quiet\">All of them:</p>{}{}</div>\n",
        pairs(labels, &none),
        pairs(annotations, &none)
    )
}

/// What is said of an alert, with the class of its badge.
fn change(entry: &Entry, alert: &AlertView) -> (&'static str, &'static str) {
    match (alert.status, alert.change) {
        _ if entry.kind == Kind::Test.as_str() => ("quiet", "test"),
        (Status::Resolved, _) => ("ok", "resolved"),
        (Status::Firing, Change::StillFiring) => ("bad", "still firing"),
        (Status::Firing, _) => ("bad", "new"),
    }
}

fn alert(alert: &AlertView, (class, words): (&str, &str), labels: &Labels, annotations: &Labels) -> String {
    let ended = alert.ends_at.map(|at| format!("<br><span class=\"quiet\">until {}</span>", time(at)));
    let graph = if is_web_address(&alert.generator_url) {
        format!("<p>{}</p>", value(&alert.generator_url, "Graph"))
    } else {
        String::new()
    };
    let timeline = format!("<br><a href=\"/alerts/{}\">timeline</a>", escape(&alert.fingerprint));
    format!(
        "<tr><td>{}{timeline}</td><td data-label=\"Since\" class=\"when\">{}{}</td><td class=\"says\">{}{graph}</td><td class=\"says\">{}</td></tr>\n",
        badge(class, words),
        time(alert.starts_at),
        ended.unwrap_or_default(),
        pairs(&alert.annotations, annotations),
        pairs(&alert.labels, labels)
    )
}

/// What one alert says for itself, what people ask first on top.
fn pairs(all: &Labels, common: &Labels) -> String {
    let mut own: Vec<_> = all.iter().filter(|(name, _)| !common.contains_key(*name)).collect();
    own.sort_by_key(|(name, _)| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
    let pair = |(name, text): (&String, &String)| {
        format!("<dt>{}</dt><dd>{}</dd>", escape(&cut(name, MOST_VALUE)), value(text, text))
    };
    let own: String = own.into_iter().map(pair).collect();
    if own.is_empty() { own } else { format!("<dl>{own}</dl>") }
}

/// What happened, and what to do about it.
const FIRST: [&str; 4] = ["alertname", "summary", "description", "next_action"];

/// `words`, as a link where `text` is one.
fn value(text: &str, words: &str) -> String {
    let words = cut(words, MOST_VALUE);
    if is_web_address(text) { link(text, &words) } else { escape(&words) }
}
