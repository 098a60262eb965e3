//! The page of one alert: when it happened, who was told of it, and who was not and why.

use modelwatch_common::http::page::escape;

use super::parts::{badge, cut, reason_words, spaced, time};
use crate::history::{Timeline, Told};
use crate::store::{HeldCopy, Mentioned, Occurred, Settled, Untold};

/// Of more occurrences than these only the newest are shown; the API has more.
const MOST: usize = 50;

/// Values are cut here; the API has them whole.
const MOST_VALUE: usize = 200;

/// The alert's name, from its newest occurrence.
pub(super) fn title(timeline: &Timeline) -> String {
    let newest = timeline.occurrences.first();
    let name = newest.and_then(|newest| newest.occurrence.labels.get("alertname"));
    cut(name.map_or("Alert without a name", String::as_str), MOST_VALUE)
}

/// The page's HTML below its heading.
pub(super) fn body(timeline: &Timeline) -> String {
    let newest = timeline.occurrences.first().map(|newest| labels(&newest.occurrence)).unwrap_or_default();
    let shown: String = timeline.occurrences.iter().take(MOST).map(occurrence).collect();
    let fingerprint = escape(&timeline.fingerprint);
    format!(
        "{newest}{shown}<p class=\"quiet\"><a href=\"/api/v1/alerts/{fingerprint}\">All of it as JSON</a></p>\n"
    )
}

fn labels(occurrence: &Occurred) -> String {
    let pair = |(name, value): (&String, &String)| {
        format!("<dt>{}</dt><dd>{}</dd>", escape(&cut(name, MOST_VALUE)), escape(&cut(value, MOST_VALUE)))
    };
    let pairs: String = occurrence.labels.iter().map(pair).collect();
    format!("<dl>\n{pairs}</dl>\n")
}

fn occurrence(told: &Told) -> String {
    let occurrence = &told.occurrence;
    let end = occurrence.ends_at.map_or_else(|| "…".to_owned(), time);
    format!(
        "<section class=\"card\"><h2>{} – {end}</h2>\n<p>{} <span class=\"quiet\">last heard of {} UTC, from {}</span></p>\n{}{}{}</section>\n",
        time(occurrence.starts_at),
        state(occurrence),
        time(occurrence.seen_at),
        escape(&cut(&occurrence.source, MOST_VALUE)),
        told.held.as_ref().map(held).unwrap_or_default(),
        table(&ROWS, told.told.iter().map(transition).chain(told.suppressed.iter().map(untold))),
        table(&MENTIONS, told.notifications.iter().map(mention))
    )
}

/// What a copy that is held may mean, and what becomes of it.
fn held(copy: &HeldCopy) -> String {
    format!(
        "<p class=\"note\">{} A copy came that says that this alert fires since {} UTC, which is before its end. It may be an old copy that was late, or the alert may have returned. Nobody is told yet: if nothing newer says by {} UTC that it is over, it is told then, marked as unconfirmed.</p>\n",
        badge("warn", "held"),
        time(copy.starts_at),
        time(copy.until)
    )
}

fn state(occurrence: &Occurred) -> String {
    let class = match occurrence.state.as_str() {
        "firing" => "bad",
        "resolved" => "ok",
        _ => "quiet",
    };
    let flapping = if occurrence.flapping { badge("warn", "flapping") } else { String::new() };
    let unconfirmed = if occurrence.unconfirmed { badge("warn", "unconfirmed") } else { String::new() };
    format!("{} {flapping} {unconfirmed}", badge(class, &occurrence.state))
}

const ROWS: [&str; 4] = ["Channel", "What", "Told (UTC)", "Not told because"];

fn transition(settled: &Settled) -> String {
    let what = match settled.repeat {
        0 => settled.status.clone(),
        number => format!("{}, repeat {number}", settled.status),
    };
    let told = settled.told_at.map(time).unwrap_or_default();
    row([
        &escape(&settled.channel),
        &escape(&what),
        &told,
        &settled.suppressed.as_deref().map(why).unwrap_or_default(),
    ])
}

fn untold(untold: &Untold) -> String {
    let copies = if untold.times == 1 { "1 copy".to_owned() } else { format!("{} copies", untold.times) };
    let since = format!("{copies} until {}", time(untold.last_at));
    row([&escape(&untold.channel), &since, "", &why(&untold.reason)])
}

fn why(reason: &str) -> String {
    format!("<span title=\"{}\">{}</span>", escape(&reason_words(reason)), escape(&spaced(reason)))
}

const MENTIONS: [&str; 4] = ["Notification", "Channel", "Kind", "State"];

fn mention(mention: &Mentioned) -> String {
    let link = format!("<a href=\"/notifications/{}\">{}</a>", escape(&mention.id), time(mention.created_at));
    row([&link, &escape(&mention.channel), &escape(&mention.kind), &escape(&mention.status)])
}

fn row(cells: [&str; 4]) -> String {
    format!("<tr>{}</tr>\n", cells.map(|cell| format!("<td>{cell}</td>")).concat())
}

/// A table with these headings, or nothing without rows.
fn table(headings: &[&str; 4], rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.collect();
    if rows.is_empty() {
        return rows;
    }
    let head = headings.map(|heading| format!("<th scope=\"col\">{heading}</th>")).concat();
    format!(
        "<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}
