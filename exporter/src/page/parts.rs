//! What the pages are made of: numbers, moments, words in a frame, addresses.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use modelwatch_common::http::page::escape;
use modelwatch_exporter_core::time::Time;

/// What stands where a number is not known.
pub(super) const UNKNOWN: &str = "<span class=\"quiet\" title=\"not available\">–</span>";

/// A number as people read it, with its exact value for programs; a dash where it is not known.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| data(value, &rounded(value)))
}

/// A number of which small differences matter.
pub(super) fn exact(value: f64) -> String {
    data(value, &format!("{value:.5}"))
}

/// A share in percent.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| UNKNOWN.to_owned(), |share| data(share, &in_percent(share)))
}

/// How many, with thousands apart.
pub(super) fn count(value: u64) -> String {
    data(value as f64, &grouped(value))
}

fn data(value: f64, words: &str) -> String {
    format!("<data value=\"{value}\">{words}</data>")
}

/// Three decimals, or two digits and an exponent where those would say nothing.
pub(super) fn rounded(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        small if small < 0.001 => format!("{value:.1e}"),
        _ => format!("{value:.3}"),
    }
}

/// A share in percent, in words.
pub(super) fn in_percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        tiny if tiny < 0.1 => "&lt; 0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// A number with thin spaces between its thousands.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut words = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            words.push('\u{202f}');
        }
        words.push(digit);
    }
    words
}

/// A moment for people and for programs.
pub(super) fn time(at: Time) -> String {
    let Ok(moment) = Timestamp::from_millisecond(at.0) else { return escape(&at.to_string()) };
    let words = moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string();
    format!("<time datetime=\"{moment}\">{words} UTC</time>")
}

/// A length of time in its greatest unit.
pub(super) fn length(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{} {unit}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A word in a coloured frame. `class` is one of the stylesheet's; `words` are plain text.
pub(super) fn badge(class: &str, words: &str) -> String {
    format!("<span class=\"badge {class}\">{}</span>", escape(words))
}

/// A table in a box of its own, so that what is too wide scrolls there. `heads` are plain text, one that begins with `#`
/// stands over numbers.
pub(super) fn table(caption: &str, heads: &[&str], rows: &str) -> String {
    let head = |head: &&str| match head.strip_prefix('#') {
        Some(head) => format!("<th scope=\"col\" class=\"number\">{}</th>", escape(head)),
        None => format!("<th scope=\"col\">{}</th>", escape(head)),
    };
    let heads: String = heads.iter().map(head).collect();
    // what can be scrolled must be reached by the keyboard
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table>\n<thead><tr>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n",
        caption = escape(caption)
    )
}

/// A row: its heading and its cells, all HTML; a cell that begins with `<data` or a dash is a number.
pub(super) fn row(heading: &str, cells: &[String]) -> String {
    let cell = |cell: &String| {
        let is_number = cell.starts_with("<data") || cell == UNKNOWN;
        format!("<td{}>{cell}</td>", if is_number { " class=\"number\"" } else { "" })
    };
    let cells: String = cells.iter().map(cell).collect();
    format!("<tr><th scope=\"row\">{heading}</th>{cells}</tr>\n")
}

/// A version for people.
pub(super) fn version_name(version: &str) -> String {
    if version.is_empty() { "without a version".to_owned() } else { escape(version) }
}

/// A segment for people.
pub(super) fn segment_name(segment: &str) -> String {
    if segment.is_empty() { "all rows".to_owned() } else { escape(segment) }
}

/// The address of a model's page (RFC 3986, 2.1), not yet escaped for HTML.
pub(super) fn model_address(model: &str) -> String {
    format!("/models/{}", in_path(model))
}

/// A name as a part of a URL's path.
pub(super) fn in_path(name: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(encode).collect()
}
