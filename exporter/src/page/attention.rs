//! What of a window needs someone's attention, in words.

use modelwatch_common::http::page::escape;
use modelwatch_exporter_core::quality::Metric;
use modelwatch_exporter_core::report::WindowReport;

use super::parts::rounded;

/// How much worse than its baseline a metric may be before it is pointed at, however many rows say so.
const TOLERANCE: f64 = 0.05;
/// And how many standard errors of a share of the labelled rows: a page of eight metrics, forty models and a handful of
/// windows is looked at many times a day and must not cry wolf.
const STANDARD_ERRORS: f64 = 4.0;
/// So many features are named in a sentence.
const NAMED: usize = 5;

/// How urgent something is, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Drift was decided, and nothing is wrong.
    Fine,
    /// Drift was not decided.
    Unknown,
    /// Single features drifted.
    Noticeable,
    /// The data set drifted, or quality is clearly worse than its baseline.
    Urgent,
}

/// How urgent a window is and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attention {
    pub(super) level: Level,
    /// Sentences in HTML, the most urgent first; none when nothing is wrong.
    pub(super) reasons: Vec<String>,
}

impl Level {
    /// The class of a badge.
    pub(super) fn class(self) -> &'static str {
        match self {
            Level::Fine => "ok",
            Level::Unknown => "quiet",
            Level::Noticeable => "warn",
            Level::Urgent => "bad",
        }
    }
}

impl Attention {
    pub(super) fn of(window: &WindowReport) -> Attention {
        let drifted = drifted(window);
        let mut reasons = Vec::new();
        let mut level = if told(window) { Level::Fine } else { Level::Unknown };
        if window.dataset.detected == Some(true) {
            level = Level::Urgent;
        } else if !drifted.is_empty() {
            level = Level::Noticeable;
        }
        if level >= Level::Noticeable {
            reasons.push(drift_in_words(window, &drifted));
        }
        let worse = worse_than_baseline(window);
        if let Some(first) = worse.first() {
            level = Level::Urgent;
            reasons.push(worse_in_words(first, worse.len() - 1));
        }
        Attention { level, reasons }
    }
}

/// Whether drift was decided: what lies beyond a threshold meanwhile is not nothing.
fn told(window: &WindowReport) -> bool {
    window.features.values().any(|feature| feature.detected.is_some())
}

/// The names of the features that drifted, those that moved most first.
pub(super) fn drifted(window: &WindowReport) -> Vec<&str> {
    let drifted = window.features.iter().filter(|(_, feature)| feature.detected == Some(true));
    let mut drifted: Vec<_> =
        drifted.map(|(name, feature)| (super::drift::excess(feature), &**name)).collect();
    drifted.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    drifted.into_iter().map(|(_, name)| name).collect()
}

fn drift_in_words(window: &WindowReport, drifted: &[&str]) -> String {
    let monitored = window.dataset.monitored.unwrap_or_default();
    let count = window.dataset.drifted.unwrap_or(drifted.len());
    format!("{count} of {monitored} features drifted{}", listed(drifted))
}

/// The first metric in full, in the order in which metrics are shown; the others are on the model's page.
fn worse_in_words((metric, value, baseline): &(&str, f64, f64), others: usize) -> String {
    let others = match others {
        0 => String::new(),
        1 => ", and one more metric worse than its own".to_owned(),
        more => format!(", and {more} more metrics worse than theirs"),
    };
    let far = rounded((baseline - value).abs());
    let side = if value < baseline { "below" } else { "above" };
    format!("{metric} {}, {far} {side} its baseline {}{others}", rounded(*value), rounded(*baseline))
}

/// `: a, b and 3 more`, escaped.
pub(super) fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| escape(name)).collect();
    match names.len().saturating_sub(NAMED) {
        0 => format!(": {}", shown.join(", ")),
        more => format!(": {} and {more} more", shown.join(", ")),
    }
}

/// By how much a metric is worse than its baseline; of an error less is better.
fn worse_by(metric: Metric, value: f64, baseline: f64) -> f64 {
    match metric {
        Metric::BrierScore => value - baseline,
        _ => baseline - value,
    }
}

/// How much worse a metric has to be than its baseline to be pointed at, where so many labelled rows tell it: the standard
/// error of a share, √(b(1−b)/n), stands for all metrics, which are made of shares.
fn tolerance(baseline: f64, rows: u64) -> f64 {
    let error = (baseline * (1.0 - baseline)).max(0.0) / rows.max(1) as f64;
    TOLERANCE.max(STANDARD_ERRORS * error.sqrt())
}

/// Name, value and baseline of what is clearly worse than it should be.
pub(super) fn worse_than_baseline(window: &WindowReport) -> Vec<(&'static str, f64, f64)> {
    let Some(quality) = &window.quality else { return Vec::new() };
    let compared = quality.metrics.iter().filter_map(|(metric, value)| {
        let baseline = window.baseline.metrics.get(metric)?;
        let clearly = worse_by(*metric, *value, *baseline) > tolerance(*baseline, quality.rows);
        clearly.then_some((metric.as_str(), *value, *baseline))
    });
    compared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_error_less_is_better() {
        assert!(worse_by(Metric::BrierScore, 0.3, 0.1) > TOLERANCE);
        assert!(worse_by(Metric::BrierScore, 0.1, 0.3) < 0.0);
        assert!(worse_by(Metric::Accuracy, 0.7, 0.8) > TOLERANCE);
    }

    #[test]
    fn few_rows_are_no_proof() {
        assert!((tolerance(0.83, 100_000) - TOLERANCE).abs() < f64::EPSILON);
        // 4 · √(0.83 · 0.17 / 60)
        assert!((tolerance(0.83, 60) - 0.193_976).abs() < 1e-6);
        assert!(tolerance(0.5, 0).is_finite());
    }

    #[test]
    fn a_sentence_says_on_which_side_and_how_many_more() {
        assert_eq!(
            worse_in_words(&("brier_score", 0.25, 0.125), 1),
            "brier_score 0.250, 0.125 above its baseline 0.125, and one more metric worse than its own"
        );
        assert_eq!(worse_in_words(&("f1", 0.5, 0.75), 0), "f1 0.500, 0.250 below its baseline 0.750");
    }

    #[test]
    fn many_names_are_counted_and_none_becomes_markup() {
        assert_eq!(listed(&[]), "");
        assert_eq!(listed(&["<b>", "c"]), ": &lt;b&gt;, c");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f", "g"]), ": a, b, c, d, e and 2 more");
    }
}
