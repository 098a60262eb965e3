//! Quality against its baseline, the labels it rests on, the mix of predictions, and how well-formed the values are.

use std::collections::BTreeSet;

use modelwatch_common::http::page::escape;
use modelwatch_exporter_core::quality::Metric;
use modelwatch_exporter_core::report::FeatureRatios;
use modelwatch_exporter_core::time::Time;

use super::attention::worse_than_baseline;
use super::choice::Choice;
use super::parts::{UNKNOWN, badge, count, exact, length, number, percent, row, table, time};
use super::reasons;

/// The sections on quality and labels.
pub(super) fn sections(choice: &Choice<'_>) -> String {
    format!("<h2 id=\"quality\">Quality</h2>\n{}{}{}", quality(choice), labels(choice), mix(choice))
}

fn quality(choice: &Choice<'_>) -> String {
    let window = choice.of_window;
    let reason = match &window.quality {
        None => format!("<p class=\"note\">{}</p>\n", reasons::of_quality(choice)),
        Some(_) => String::new(),
    };
    let known =
        window.quality.iter().flat_map(|quality| quality.metrics.keys().chain(quality.unknown.keys()));
    let metrics: BTreeSet<Metric> = known.chain(window.baseline.metrics.keys()).copied().collect();
    if metrics.is_empty() {
        return format!("{reason}{}", without_baseline(choice));
    }
    let worse = worse_than_baseline(window);
    let line = |metric: &Metric| {
        let value = window.quality.as_ref().and_then(|quality| quality.metrics.get(metric)).copied();
        let baseline = window.baseline.metrics.get(metric).copied();
        let word = match (value, baseline) {
            (Some(_), Some(_)) if worse.iter().any(|(name, ..)| *name == metric.as_str()) => {
                badge("bad", "worse")
            }
            (Some(_), Some(_)) => badge("ok", "as expected"),
            (Some(_), None) => "<span class=\"quiet\">no baseline</span>".to_owned(),
            (None, _) => format!("<span class=\"quiet\">{}</span>", why_unknown(choice, *metric)),
        };
        let difference = value.zip(baseline).map(|(value, baseline)| value - baseline);
        row(
            &format!("<code>{}</code>", metric.as_str()),
            &[number(value), bounds(choice, *metric), number(baseline), number(difference), word],
        )
    };
    let rows: String = metrics.iter().map(line).collect();
    let heads = ["Metric", "#Now", "Bounds", "#Baseline", "#Difference", "In a word"];
    format!("{reason}{}{}", table("Quality against its baseline", &heads, &rows), without_baseline(choice))
}

/// Between which values the exact one lies, for metrics that are told with bounds.
fn bounds(choice: &Choice<'_>, metric: Metric) -> String {
    let Some(quality) = &choice.of_window.quality else { return UNKNOWN.to_owned() };
    match (quality.lower_bounds.get(&metric), quality.upper_bounds.get(&metric)) {
        (Some(lower), Some(upper)) => format!("between {} and {}", exact(*lower), exact(*upper)),
        _ if quality.metrics.contains_key(&metric) => "<span class=\"quiet\">exact</span>".to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

/// Why a metric is not told although quality is.
fn why_unknown(choice: &Choice<'_>, metric: Metric) -> &'static str {
    match choice.of_window.quality.as_ref().and_then(|quality| quality.unknown.get(&metric)) {
        Some(reason) => reasons::of_metric(*reason),
        None => "waiting for labels",
    }
}

fn without_baseline(choice: &Choice<'_>) -> &'static str {
    if choice.of_window.baseline.metrics.is_empty() {
        "<p class=\"note\">There is no baseline: the reference has no columns of labels and predictions \
         (<code>reference_columns</code>), and <code>baseline</code> is not configured.</p>\n"
    } else {
        ""
    }
}

fn labels(choice: &Choice<'_>) -> String {
    let window = choice.of_window;
    let rules = &choice.model.setup.labels;
    let mut facts = Vec::new();
    if let Some(quality) = &window.quality {
        let end = Time::from_seconds(quality.window_end_seconds).map_or_else(String::new, time);
        facts.push(("Quality is known up to", end));
    }
    if let Some(labels) = &window.labels {
        let share = percent(Some(labels.coverage));
        let of = format!("{} of {}", count(labels.labelled), count(labels.predictions));
        facts.push(("Labelled in that window", format!("{share} ({of} predictions)")));
    }
    let totals = &choice.model.totals;
    facts.push(("Labels of this version", count(choice.of_version.totals.labels)));
    facts.push(("Without a prediction", count(totals.labels_unmatched)));
    facts.push(("Ids remembered", count(totals.waiting as u64)));
    facts.push(("Waited for", escape(&length(rules.limits.wait.as_secs()))));
    format!("<h3>Labels</h3>\n{}", list(&facts))
}

fn mix(choice: &Choice<'_>) -> String {
    let window = choice.of_window;
    let (now, before) = (window.positive_ratio, window.baseline.positive_ratio);
    let reason = |missing: bool, words: &str| {
        if missing { format!(" <span class=\"quiet\">{words}</span>") } else { String::new() }
    };
    let bar = |class: &str, share: Option<f64>| match share {
        Some(share) => format!(
            "<svg class=\"share\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"track\" width=\"100\" height=\"10\"/><rect class=\"{class}\" width=\"{:.2}\" height=\"10\"/></svg>",
            share * 100.0
        ),
        None => String::new(),
    };
    let facts = [
        (
            "In this window",
            format!(
                "{}{}{}",
                percent(now),
                reason(now.is_none(), "no prediction in the window"),
                bar("current", now)
            ),
        ),
        (
            "In the reference",
            format!(
                "{}{}{}",
                percent(before),
                reason(before.is_none(), "the reference has no column of predictions"),
                bar("reference", before)
            ),
        ),
    ];
    format!(
        "<h2 id=\"mix\">Predictions</h2>\n<p>Share of predictions that are <code>{}</code>:</p>\n{}",
        escape(&choice.model.setup.positive),
        list(&facts)
    )
}

fn list(facts: &[(&str, String)]) -> String {
    let fact = |(name, html): &(&str, String)| format!("<dt>{name}</dt><dd>{html}</dd>\n");
    format!("<dl>\n{}</dl>\n", facts.iter().map(fact).collect::<String>())
}

/// The section on values, those with most to complain about first.
pub(super) fn values(choice: &Choice<'_>) -> String {
    let values = &choice.of_window.values;
    let Some(completeness) = values.completeness else {
        return "<h2 id=\"values\">Values</h2>\n<p class=\"note\">No row in the window, or no feature is monitored.</p>\n".to_owned();
    };
    let mut features: Vec<(&str, &FeatureRatios)> =
        values.features.iter().map(|(name, ratios)| (&**name, ratios)).collect();
    let total =
        |ratios: &FeatureRatios| ratios.missing + ratios.out_of_range + ratios.unseen + ratios.type_mismatch;
    features.sort_by(|(_, a), (_, b)| total(b).total_cmp(&total(a)));
    let line = |(name, ratios): (&str, &FeatureRatios)| {
        let shares = [ratios.missing, ratios.out_of_range, ratios.unseen, ratios.type_mismatch];
        row(&escape(name), &shares.map(|share| percent(Some(share))))
    };
    let rows: String = features.into_iter().map(line).collect();
    let heads = ["Feature", "#Missing", "#Out of range", "#Not in the reference", "#Wrong type"];
    format!(
        "<h2 id=\"values\">Values</h2>\n<p>{} of all values are there.</p>\n{}",
        percent(Some(completeness)),
        table("Values by feature", &heads, &rows)
    )
}
