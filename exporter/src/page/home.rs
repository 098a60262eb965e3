//! The page at `/`: every model, what needs attention first.

use modelwatch_common::http::page::escape;
use modelwatch_exporter_core::quality::Metric;
use modelwatch_exporter_core::report::{ModelReport, VersionReport, WindowReport};
use modelwatch_exporter_core::time::Time;

use super::attention::{Attention, Level, drifted, listed};
use super::choice::{address, windows};
use super::model::newest_event;
use super::parts::{
    UNKNOWN, badge, count, model_address, number, percent, row, segment_name, table, time, version_name,
};
use super::{first_event, reasons};
use crate::publisher::Published;

/// So many lines stand in the list of what needs attention.
const LISTED: usize = 20;

/// One window that needs attention.
struct Finding {
    level: Level,
    line: String,
}

/// The page's HTML below its heading.
pub(super) fn body(published: &Published, host: &str, now: Time) -> String {
    if published.models.is_empty() {
        return format!(
            "<p class=\"empty\">The exporter is starting: the events that it has accepted are being counted again. \
             Load this page again in a moment.</p>\n{}",
            links()
        );
    }
    let mut findings: Vec<Finding> = published.models.values().flat_map(findings).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let mut models: Vec<&ModelReport> = published.models.values().collect();
    models.sort_by_key(|model| std::cmp::Reverse(urgency(model)));
    let sections: String = models.iter().map(|model| section(model, host, now)).collect();
    format!("{}{sections}{}", attention(&findings, &models), links())
}

/// Where else to look.
pub(super) fn links() -> String {
    "<p class=\"links\"><a href=\"/\">all models</a> · <a href=\"/metrics\">metrics</a> · \
     <a href=\"/api/v1/models\">models as JSON</a> · <a href=\"/api/v1/status\">status</a></p>\n"
        .to_owned()
}

fn attention(findings: &[Finding], models: &[&ModelReport]) -> String {
    if findings.is_empty() {
        let any = models.iter().any(|model| !model.versions.is_empty());
        let words =
            if any { "Nothing that is known needs attention." } else { "No prediction has come yet." };
        return format!("<p class=\"verdict\">{words}</p>\n");
    }
    let lines: String = findings.iter().take(LISTED).map(|finding| &*finding.line).collect();
    let more = match findings.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("<p class=\"note\">{more} more windows are marked below.</p>\n"),
    };
    format!("<h2 id=\"attention\">Needs attention</h2>\n<ul class=\"findings\">\n{lines}</ul>\n{more}")
}

/// Every window of every slice that has something to say.
fn findings(model: &ModelReport) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (version, of_version) in &model.versions {
        for (segment, of_segment) in &of_version.segments {
            for (window, report) in windows(of_segment) {
                let Attention { level, reasons } = Attention::of(report);
                if level >= Level::Noticeable {
                    let line = finding(model, [version, segment, window], level, &reasons);
                    findings.push(Finding { level, line });
                }
            }
        }
    }
    findings
}

fn finding(model: &ModelReport, names: [&str; 3], level: Level, reasons: &[String]) -> String {
    let [version, segment, window] = names;
    let slice = if segment.is_empty() { String::new() } else { format!(" · {}", segment_name(segment)) };
    let word = if level == Level::Urgent { "needs attention" } else { "worth a look" };
    format!(
        "<li>{} <a href=\"{}\">{} · {}{slice} · {}</a> {}</li>\n",
        badge(level.class(), word),
        escape(&address(&model.model, names)),
        escape(&model.model),
        version_name(version),
        escape(window),
        reasons.join(" · ")
    )
}

fn urgency(model: &ModelReport) -> Option<Level> {
    let segments = model.versions.values().flat_map(|version| version.segments.values());
    segments.flat_map(|segment| segment.windows.values()).map(|window| Attention::of(window).level).max()
}

fn section(model: &ModelReport, host: &str, now: Time) -> String {
    let heading = format!(
        "<h2><a href=\"{}\">{}</a></h2>\n",
        escape(&model_address(&model.model)),
        escape(&model.model)
    );
    if model.versions.is_empty() {
        return format!("{heading}{}", first_event::invitation(model, host));
    }
    let rows: String = model.versions.iter().map(|(name, version)| rows(model, name, version)).collect();
    let heads = [
        "Version, window",
        "State",
        "#Rows",
        "Drifted features",
        "#Accuracy",
        "#Baseline",
        "#Labelled",
        "Quality up to",
    ];
    format!(
        "{heading}<p>Newest event: {}</p>\n{}",
        newest_event(model, now),
        table(&format!("Windows of {}", model.model), &heads, &rows)
    )
}

/// A row for each window of all rows of a version.
fn rows(model: &ModelReport, version: &str, report: &VersionReport) -> String {
    let Some(all) = report.segments.get("") else { return String::new() };
    windows(all).into_iter().map(|(window, report)| line(model, [version, window], report)).collect()
}

fn line(model: &ModelReport, [version, window]: [&str; 2], report: &WindowReport) -> String {
    let heading = format!(
        "<a href=\"{}\">{} · {}</a>",
        escape(&address(&model.model, [version, "", window])),
        version_name(version),
        escape(window)
    );
    let level = Attention::of(report).level;
    let word = match level {
        Level::Urgent => "needs attention",
        Level::Noticeable => "worth a look",
        Level::Unknown => "not known yet",
        Level::Fine => "nothing found",
    };
    let quality = report.quality.as_ref();
    let accuracy = quality.and_then(|quality| quality.metrics.get(&Metric::Accuracy)).copied();
    let horizon = quality.and_then(|quality| Time::from_seconds(quality.window_end_seconds)).map(time);
    let waiting = || format!("<span class=\"quiet\">{}</span>", reasons::of_quality_in_short(model, version));
    let cells = [
        badge(level.class(), word),
        count(report.current.rows),
        drift(model, report),
        number(accuracy),
        number(report.baseline.metrics.get(&Metric::Accuracy).copied()),
        report.labels.map_or_else(|| UNKNOWN.to_owned(), |labels| percent(Some(labels.coverage))),
        horizon.unwrap_or_else(waiting),
    ];
    row(&heading, &cells)
}

fn drift(model: &ModelReport, report: &WindowReport) -> String {
    match (report.dataset.drifted, report.dataset.monitored) {
        (Some(count), Some(monitored)) => format!("{count} of {monitored}{}", listed(&drifted(report))),
        _ => format!("<span class=\"quiet\">{}</span>", reasons::of_drift_in_short(report, model)),
    }
}
