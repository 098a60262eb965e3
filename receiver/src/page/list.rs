//! The page at `/`: notifications, newest first.

use modelwatch_common::http::page::escape;

use super::parts::{badge, cut, reason_words, spaced, state, time, title};
use crate::history::{Entry, Page, RawFilter, State};
use crate::templates::TemplateFaults;

/// The page's HTML below its heading.
pub(super) fn body(page: &Page, filter: &RawFilter, refused: &TemplateFaults) -> String {
    let content = if page.notifications.is_empty() { nothing(filter) } else { table(&page.notifications) };
    format!("{}{}{}{content}{}", warning(refused), states(filter), form(filter), next(page, filter))
}

/// Why the list is empty, and what to do.
fn nothing(filter: &RawFilter) -> String {
    if address(filter) != address(&RawFilter::default()) {
        return "<p class=\"empty\">No notification is like this. <a href=\"/\">Show all</a></p>\n"
            .to_owned();
    }
    "<div class=\"empty\"><p>No notification yet. Point Alertmanager's <code>webhook_configs</code> at <code>/webhook</code>, \
     and what people are told is listed here.</p>\n\
     <p>To see whether they can be reached, run <code>modelwatch-receiver send-test</code>.</p></div>\n"
        .to_owned()
}

/// What to look for; the browser sends it as it sends any form.
fn form(filter: &RawFilter) -> String {
    let field = |name: &str, label: &str, hint: &str, value: &Option<String>| {
        format!(
            "<label>{label}<input name=\"{name}\" value=\"{}\" placeholder=\"{hint}\" autocomplete=\"off\"></label>\n",
            escape(value.as_deref().unwrap_or_default())
        )
    };
    let clear =
        if address(filter) == address(&RawFilter::default()) { "" } else { " <a href=\"/\">Clear</a>" };
    format!(
        "<form class=\"filter\" method=\"get\" action=\"/\" role=\"search\">\n{}{}{}{}{}{}{}\
         <p><button type=\"submit\">Filter</button>{clear}</p></form>\n",
        hidden("status", &filter.status),
        hidden("until", &filter.until),
        hidden("limit", &filter.limit),
        field("channel", "Channel", "name", &filter.channel),
        field("alertname", "Alert", "alertname", &filter.alertname),
        field("label", "Label", "name=value", &filter.label),
        field("since", "Since", "24h or a time in UTC", &filter.since)
    )
}

/// What else is filtered by, and has no field of its own.
fn hidden(name: &str, value: &Option<String>) -> String {
    match value.as_deref().filter(|value| !value.is_empty()) {
        Some(value) => format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value)),
        None => String::new(),
    }
}

fn warning(refused: &TemplateFaults) -> String {
    if refused.is_empty() {
        return String::new();
    }
    let faults: Vec<String> = refused.iter().map(|fault| escape(&fault.to_string())).collect();
    format!(
        "<section class=\"card\"><p>{} The last good ones are in use.</p><pre>{}</pre></section>\n",
        badge("bad", "templates refused"),
        faults.join("\n")
    )
}

/// One link for each state; the one shown now is marked.
fn states(filter: &RawFilter) -> String {
    let shown = filter.status.as_deref().unwrap_or_default();
    let link = |status: &str, words: &str| {
        if status == shown {
            return format!("<strong aria-current=\"page\">{words}</strong>");
        }
        let wanted = RawFilter { status: Some(status.to_owned()), cursor: None, ..filter.clone() };
        format!("<a href=\"{}\">{words}</a>", escape(&address(&wanted)))
    };
    let links: Vec<String> = State::ALL.iter().map(|state| link(state.as_str(), state.as_str())).collect();
    format!("<nav aria-label=\"State\"><p>{} · {}</p></nav>\n", link("", "all"), links.join(" · "))
}

fn next(page: &Page, filter: &RawFilter) -> String {
    let Some(cursor) = &page.next_cursor else { return String::new() };
    let older = RawFilter { cursor: Some(cursor.clone()), ..filter.clone() };
    format!("<p><a rel=\"next\" href=\"{}\">Older notifications</a></p>\n", escape(&address(&older)))
}

/// The address of this page with a filter.
fn address(filter: &RawFilter) -> String {
    let RawFilter { since, until, status, channel, alertname, label, limit, cursor } = filter;
    let parameters = [
        ("since", since),
        ("until", until),
        ("status", status),
        ("channel", channel),
        ("alertname", alertname),
        ("label", label),
        ("limit", limit),
        ("cursor", cursor),
    ];
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    format!("/?{}", query.finish())
}

fn table(notifications: &[Entry]) -> String {
    let rows: Vec<String> = notifications.iter().map(row).collect();
    format!(
        "<div class=\"scroll\"><table class=\"stack\">\n<thead><tr><th scope=\"col\">When (UTC)</th><th scope=\"col\">State</th>\
         <th scope=\"col\">Message</th><th scope=\"col\">Kind</th><th scope=\"col\">Channel</th>\
         <th scope=\"col\" class=\"number\">Attempts</th></tr></thead>\n\
         <tbody>\n{}</tbody></table></div>\n",
        rows.concat()
    )
}

fn row(entry: &Entry) -> String {
    format!(
        "<tr><td class=\"when\">{}</td><td>{}{}</td><td class=\"what\"><a href=\"/notifications/{}\">{}</a></td>\
         <td data-label=\"Kind\">{}</td><td data-label=\"Channel\" class=\"name\">{}</td><td data-label=\"Attempts\" class=\"number\">{}</td></tr>\n",
        time(entry.created_at),
        state(entry),
        why(entry),
        escape(&entry.id),
        escape(&cut(&title(entry), MOST_TITLE)),
        escape(&entry.kind),
        escape(&entry.channel),
        entry.attempts.len()
    )
}

/// A title that is longer is no help in finding anything.
const MOST_TITLE: usize = 200;

/// Why it was not delivered, or was not at first.
fn why(entry: &Entry) -> String {
    match entry.why() {
        Some(reason) => {
            format!(
                "<br><span class=\"quiet\" title=\"{}\">{}</span>",
                escape(&reason_words(reason)),
                escape(&spaced(reason))
            )
        }
        None => String::new(),
    }
}
