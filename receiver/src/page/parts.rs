//! What both pages are made of.

use jiff::{Timestamp, tz::TimeZone};
use modelwatch_common::http::page::escape;

use crate::history::Entry;

/// The first line of a notification; one that was over before it was put into words has none.
pub(super) fn title(entry: &Entry) -> String {
    if entry.title.is_empty() { "Notification without a message".to_owned() } else { entry.title.clone() }
}

/// A moment for people and for programs.
pub(super) fn time(at: Timestamp) -> String {
    let words = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string();
    format!("<time datetime=\"{at}\">{words}</time>")
}

/// Where a notification stands, and what is to be known about that.
pub(super) fn state(entry: &Entry) -> String {
    let mut badges = vec![badge(class(&entry.status), &entry.status)];
    if entry.is_ambiguous() {
        badges.push(badge("warn", "ambiguous"));
    }
    if entry.late {
        badges.push(badge("warn", "late"));
    }
    if entry.problem.is_some() {
        badges.push(badge("bad", "template failed"));
    }
    badges.join(" ")
}

/// A word in a coloured frame. `class` is one of the stylesheet's.
pub(super) fn badge(class: &str, words: &str) -> String {
    format!("<span class=\"badge {class}\">{}</span>", escape(words))
}

fn class(status: &str) -> &'static str {
    match status {
        "delivered" => "ok",
        "pending" => "warn",
        "dead" => "bad",
        _ => "quiet",
    }
}
