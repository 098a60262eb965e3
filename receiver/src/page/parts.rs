//! What both pages are made of.

use jiff::{Timestamp, tz::TimeZone};
use modelwatch_common::http::page::escape;
use modelwatch_receiver_core::outcome::Reason;

use crate::history::Entry;

/// The first line of a notification; one that was over before it was put into words has none.
pub(super) fn title(entry: &Entry) -> String {
    if entry.title.is_empty() { "Notification without a message".to_owned() } else { entry.title.clone() }
}

/// A link that tells the place it leads to nothing of this page.
pub(super) fn link(url: &str, words: &str) -> String {
    format!("<a href=\"{}\" rel=\"noreferrer noopener\">{}</a>", escape(url), escape(words))
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

/// `text` with at most so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// `rate_limited` as people write it.
pub(super) fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

/// What a reason means; one that nobody explained is its own name.
pub(super) fn reason_words(reason: &str) -> String {
    if let Some(reason) = Reason::of(reason) {
        return reason.words().to_owned();
    }
    let words = match reason {
        "superseded" => "a newer message about the same group took its place",
        "duplicate" => "all of it was told meanwhile",
        "resolved_off" => "this channel does not hear what is over",
        "repeat" => "it was told not long ago and nothing changed",
        "flapping" => "it begins and ends so often that each time is not told",
        "never_told" => "it was over, or forgotten, before this channel heard that it began",
        "stale_copy" => "the copy is older than what is known, or may be",
        "heartbeat" => "it feeds a dead man's switch",
        "no_route" => "no route takes it",
        other => return spaced(other),
    };
    words.to_owned()
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
