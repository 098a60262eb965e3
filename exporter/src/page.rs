//! The page at `/`: what the exporter watches, in one table, without scripts.

use std::fmt::Write;

use axum::response::Response;
use modelwatch_common::http::page::{escape, shell};
use modelwatch_exporter_core::quality::Metric;
use modelwatch_exporter_core::report::WindowReport;

use crate::publisher::Published;

/// Every model, version and window of all rows in a row.
pub fn home(published: &Published) -> Response {
    let mut rows = String::new();
    for report in published.models.values() {
        for (version, of_version) in &report.versions {
            for (window, of_window) in of_version.segments.get("").into_iter().flat_map(|all| &all.windows) {
                row(&mut rows, [&report.model, version, window], of_window);
            }
        }
    }
    if rows.is_empty() {
        rows.push_str("<tr><td colspan=\"7\">No event has come yet. POST events to /v1/events.</td></tr>");
    }
    let head = "<tr><th>Model</th><th>Version</th><th>Window</th><th>Rows</th><th>Drifted features</th><th>Accuracy</th><th>Labelled</th></tr>";
    let links = "<p><a href=\"/metrics\">metrics</a> · <a href=\"/api/v1/models\">models as JSON</a> · <a href=\"/api/v1/status\">status</a></p>";
    let body = format!("{links}<table><thead>{head}</thead><tbody>{rows}</tbody></table>");
    shell("modelwatch-exporter", &body)
}

fn row(out: &mut String, [model, version, window]: [&str; 3], report: &WindowReport) {
    let drifted: Vec<&str> =
        report.features.iter().filter(|(_, f)| f.detected == Some(true)).map(|(name, _)| &**name).collect();
    let drift = match report.dataset.monitored {
        None => "not decided yet".to_owned(),
        Some(monitored) => {
            let count = report.dataset.drifted.unwrap_or_default();
            format!("{count}/{monitored} {}", escape(&drifted.join(", ")))
        }
    };
    let accuracy = report.quality.as_ref().and_then(|quality| quality.metrics.get(&Metric::Accuracy));
    let accuracy = accuracy.map_or("unknown".to_owned(), |value| format!("{value:.3}"));
    let labelled =
        report.labels.map_or("unknown".to_owned(), |labels| format!("{:.0} %", labels.coverage * 100.0));
    let cells = [
        format!("<a href=\"/api/v1/models/{}\">{}</a>", in_path(model), escape(model)),
        escape(version),
        escape(window),
        report.current.rows.to_string(),
        drift,
        accuracy,
        labelled,
    ];
    let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    // writing to a string cannot fail
    let _ = writeln!(out, "<tr>{cells}</tr>");
}

/// A name as a part of a URL's path (RFC 3986, 2.1).
fn in_path(name: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(encode).collect()
}
