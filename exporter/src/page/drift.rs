//! Drift of a window: a picture of every feature's excess over what no drift gives, and the numbers behind it.

use modelwatch_common::http::page::escape;
use modelwatch_exporter_core::model::State;
use modelwatch_exporter_core::report::{FeatureReport, MethodReport};

use super::choice::Choice;
use super::parts::{UNKNOWN, badge, number, rounded, row, table};
use super::reasons::{of_drift, state_name};

/// The picture shows at most so many features.
const SHOWN: usize = 30;
/// The scale of the picture ends at most here, so that the threshold at 1 stays in sight.
const LONGEST: f64 = 4.0;

/// A feature's name and report.
pub(super) type Named<'a> = (&'a str, &'a FeatureReport);

/// The features, those that matter most first: drifted ones, then by excess, then those that cannot be told.
pub(super) fn ordered<'a>(choice: &Choice<'a>) -> Vec<Named<'a>> {
    let features = &choice.of_window.features;
    let mut features: Vec<Named<'a>> = features.iter().map(|(name, feature)| (&**name, feature)).collect();
    let rank = |(_, feature): &Named<'a>| (feature.detected == Some(true), excess(feature));
    // the sort is stable, so that equal ones stay in the order of their names
    features.sort_by(|a, b| {
        let ((a_drifted, a), (b_drifted, b)) = (rank(a), rank(b));
        b_drifted.cmp(&a_drifted).then(b.total_cmp(&a))
    });
    features
}

/// The excess by which a feature is placed; one that cannot be told comes last.
pub(super) fn excess(feature: &FeatureReport) -> f64 {
    deciding(feature).and_then(|(_, method)| method.excess).unwrap_or(f64::NEG_INFINITY)
}

fn deciding(feature: &FeatureReport) -> Option<(&'static str, &MethodReport)> {
    feature.methods.iter().find(|(_, method)| method.default).map(|(name, method)| (*name, method))
}

/// The section. `link` makes a link to a feature's picture out of its name.
pub(super) fn section(choice: &Choice<'_>, features: &[Named<'_>], link: &dyn Fn(&str) -> String) -> String {
    let reasons: String =
        of_drift(choice).iter().map(|reason| format!("<p class=\"note\">{reason}</p>\n")).collect();
    if features.is_empty() {
        return format!("<h2 id=\"drift\">Drift</h2>\n{reasons}");
    }
    format!(
        "<h2 id=\"drift\">Drift</h2>\n{}{reasons}{}{}",
        dataset(choice),
        picture(features, link),
        numbers(features, link)
    )
}

fn dataset(choice: &Choice<'_>) -> String {
    let dataset = &choice.of_window.dataset;
    let (Some(monitored), Some(drifted), Some(detected)) =
        (dataset.monitored, dataset.drifted, dataset.detected)
    else {
        return String::new();
    };
    let word =
        if detected { badge("bad", "data set drifted") } else { badge("ok", "data set did not drift") };
    format!(
        "<p>{word} When it was last decided, {} of {} features had drifted; the data set has when their share reaches {}.</p>\n",
        number(Some(drifted as f64)).replace(".000", ""),
        monitored,
        dataset.threshold
    )
}

fn picture(features: &[Named<'_>], link: &dyn Fn(&str) -> String) -> String {
    let told: Vec<(Named<'_>, f64)> = features
        .iter()
        .filter_map(|feature| Some((*feature, deciding(feature.1)?.1.excess?)))
        .take(SHOWN)
        .collect();
    if told.is_empty() {
        return String::new();
    }
    let greatest = told.iter().map(|(_, excess)| *excess).fold(1.5, f64::max).min(LONGEST);
    let bars: String = told.iter().map(|(feature, excess)| bar(*feature, *excess, greatest, link)).collect();
    let more = features.len() - told.len();
    let more = if more == 0 { String::new() } else { format!(" {more} more are in the table.") };
    format!(
        "<figure>\n<figcaption>How far each feature moved: its excess, 0 where no drift is expected to lie, 1 (the line) at the threshold; \
         <span class=\"swatch moved\"></span> drifted when it was last decided. The scale ends at {greatest:.1}.{more}</figcaption>\n\
         <table class=\"bars excess\">\n<tbody>\n{bars}</tbody>\n</table>\n</figure>\n"
    )
}

fn bar((name, feature): Named<'_>, excess: f64, greatest: f64, link: &dyn Fn(&str) -> String) -> String {
    let width = excess.clamp(0.0, greatest) / greatest * 100.0;
    let drifted = feature.detected == Some(true);
    let class = if drifted { "moved" } else { "current" };
    let beyond = if excess > greatest { " ▸" } else { "" };
    let said = if drifted { "drift" } else { "no drift" };
    format!(
        "<tr><th scope=\"row\">{}</th><td><svg viewBox=\"0 0 100 16\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>{}: excess {}, {said}</title><rect class=\"{class}\" x=\"0\" y=\"3\" width=\"{width:.2}\" height=\"10\"/>\
         <line class=\"threshold\" x1=\"{line:.2}\" x2=\"{line:.2}\" y1=\"0\" y2=\"16\" vector-effect=\"non-scaling-stroke\"/></svg></td>\
         <td class=\"number\">{}{beyond}</td></tr>\n",
        link(name),
        escape(name),
        rounded(excess),
        number(Some(excess)),
        line = 100.0 / greatest
    )
}

fn numbers(features: &[Named<'_>], link: &dyn Fn(&str) -> String) -> String {
    let heads = ["Feature", "State", "Now", "#Score", "#Threshold", "#Excess", "#p-value", "Method", "Type"];
    let rows: String = features.iter().map(|feature| rows_of(*feature, link)).collect();
    table("Drift by feature", &heads, &rows)
}

/// A row for each method, the deciding one first; one row where none says anything.
fn rows_of((name, feature): Named<'_>, link: &dyn Fn(&str) -> String) -> String {
    let kind = feature.feature_type.map_or("–", |kind| match kind {
        modelwatch_exporter_core::schema::FeatureType::Numeric => "numeric",
        modelwatch_exporter_core::schema::FeatureType::Categorical => "categorical",
        modelwatch_exporter_core::schema::FeatureType::Identifier => "identifier",
    });
    let mut methods: Vec<_> = feature.methods.iter().collect();
    methods.sort_by_key(|(_, method)| !method.default);
    if methods.is_empty() {
        let unknown = || UNKNOWN.to_owned();
        let cells = [
            state(feature),
            unknown(),
            unknown(),
            unknown(),
            unknown(),
            unknown(),
            unknown(),
            kind.to_owned(),
        ];
        return row(&link(name), &cells);
    }
    let of_method = |(method, report): (&&str, &MethodReport)| {
        let now = if report.detected { "beyond" } else { "within" };
        let informs = if report.default { "" } else { " <span class=\"quiet\">(informs)</span>" };
        let cells = [
            state(feature),
            now.to_owned(),
            number(Some(report.score)),
            number(Some(report.threshold)),
            number(report.excess),
            p_value(report.p_value),
            format!("<code>{}</code>{informs}", escape(method)),
            kind.to_owned(),
        ];
        row(&link(name), &cells)
    };
    methods.into_iter().map(of_method).collect()
}

/// A probability that is too small for a number is small, not none.
fn p_value(p_value: f64) -> String {
    let words = number(Some(p_value));
    if p_value == 0.0 { words.replace(">0<", ">&lt; 1e-300<") } else { words }
}

/// The last decision, or why there is none.
pub(super) fn state(feature: &FeatureReport) -> String {
    match (feature.state, feature.detected) {
        (_, Some(true)) => badge("bad", "drift"),
        (State::Ok, None) => badge("quiet", "not decided yet"),
        (State::Ok, Some(false)) => badge("ok", state_name(State::Ok)),
        (unknown, _) => badge("quiet", state_name(unknown)),
    }
}
