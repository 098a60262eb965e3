//! The page of one model: one window of one slice of one version, in pictures and tables.

use modelwatch_common::http::page::escape;
use modelwatch_exporter_core::report::ModelReport;
use modelwatch_exporter_core::time::Time;

use super::attention::{Attention, Level};
use super::choice::{Choice, RawChoice, address, windows};
use super::parts::{badge, count, in_path, length, segment_name, time, version_name};
use super::{cells, drift, home, quality};

/// The page's HTML below its heading.
pub(super) fn body(choice: &Choice<'_>, wanted: &RawChoice, now: Time) -> String {
    let features = drift::ordered(choice);
    let wanted = wanted.feature.as_deref();
    let link = |name: &str| cells::link(choice, &features, wanted, name);
    format!(
        "{}{}{}{}{}{}{}{}",
        choices(choice),
        summary(choice, now),
        drift::section(choice, &features, &link),
        cells::section(choice, &features, wanted),
        quality::sections(choice),
        quality::values(choice),
        links(choice),
        home::links()
    )
}

/// Links to every version, segment and window; the ones shown now are marked.
fn choices(choice: &Choice<'_>) -> String {
    let model = &*choice.model.model;
    let [version, segment, window] = choice.names();
    let versions: Vec<_> = choice
        .model
        .versions
        .iter()
        .map(|(name, of_version)| {
            let segment = if of_version.segments.contains_key(segment) { segment } else { "" };
            (version_name(name), address(model, [name, segment, window]), **name == *version)
        })
        .collect();
    let segments: Vec<_> = choice
        .of_version
        .segments
        .keys()
        .map(|name| (segment_name(name), address(model, [version, name, window]), **name == *segment))
        .collect();
    let windows: Vec<_> = windows(choice.of_segment)
        .into_iter()
        .map(|(name, _)| (escape(name), address(model, [version, segment, name]), name == window))
        .collect();
    [("Version", versions), ("Segment", segments), ("Window", windows)]
        .map(|(name, links)| nav(name, &links))
        .concat()
}

fn nav(name: &str, links: &[(String, String, bool)]) -> String {
    let link = |(words, address, shown): &(String, String, bool)| {
        let current = if *shown { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{}\"{current}>{words}</a>", escape(address))
    };
    let links: Vec<String> = links.iter().map(link).collect();
    format!("<nav class=\"choice\" aria-label=\"{name}\"><span>{name}</span> {}</nav>\n", links.join(" "))
}

/// What is to be known first.
fn summary(choice: &Choice<'_>, now: Time) -> String {
    let attention = Attention::of(choice.of_window);
    let reference = choice.of_window.reference.map_or_else(
        || "<span class=\"quiet\">no reference</span>".to_owned(),
        |reference| format!("{} rows", count(reference.rows)),
    );
    let facts = [
        ("Rows in the window", count(choice.of_window.current.rows)),
        ("Compared with", reference),
        ("Newest event", newest_event(choice.model, now)),
    ];
    let facts: String =
        facts.iter().map(|(name, html)| format!("<dt>{name}</dt><dd>{html}</dd>\n")).collect();
    format!("<p class=\"verdict\">{}</p>\n<dl>\n{facts}</dl>\n", verdict(&attention))
}

/// How a window stands, in words.
pub(super) fn verdict(attention: &Attention) -> String {
    let word = match attention.level {
        Level::Urgent => "needs attention",
        Level::Noticeable => "worth a look",
        Level::Unknown => "not known yet",
        Level::Fine => "nothing found",
    };
    format!("{} {}", badge(attention.level.class(), word), attention.reasons.join(" · "))
}

/// When the newest event came; how long ago, where the model lives in the present.
pub(super) fn newest_event(model: &ModelReport, now: Time) -> String {
    let Some(newest) = model.totals.newest_event else {
        return "<span class=\"quiet\">none has come</span>".to_owned();
    };
    let ago = match model.setup.clock {
        modelwatch_exporter_core::model::ClockKind::Wall => {
            format!(" <span class=\"quiet\">({} ago)</span>", length(now.since(newest).as_secs()))
        }
        modelwatch_exporter_core::model::ClockKind::Event => {
            " <span class=\"quiet\">(windows end at the newest prediction)</span>".to_owned()
        }
    };
    format!("{}{ago}", time(newest))
}

fn links(choice: &Choice<'_>) -> String {
    let model = in_path(&choice.model.model);
    let query = address("", choice.names()).replacen("/models/", "", 1);
    format!(
        "<p class=\"links\"><a href=\"/api/v1/models/{model}\">this model as JSON</a> · \
         <a href=\"/api/v1/models/{model}/distributions{}\">the pictures as JSON</a></p>\n",
        escape(&query)
    )
}
