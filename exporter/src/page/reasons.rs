//! Why something is not available, in a sentence: an unknown is never a zero.

use std::collections::BTreeMap;

use modelwatch_exporter_core::model::State;
use modelwatch_exporter_core::quality::Unknown;
use modelwatch_exporter_core::report::{ModelReport, WindowReport};

use super::attention::listed;
use super::choice::Choice;
use super::parts::{grouped, in_percent, length};

/// Why drift is not decided, or of which features it cannot be told; one sentence in HTML for each reason.
pub(super) fn of_drift(choice: &Choice<'_>) -> Vec<String> {
    let window = choice.of_window;
    let mut by_state: BTreeMap<&str, (State, Vec<&str>)> = BTreeMap::new();
    for (name, feature) in &window.features {
        if feature.methods.is_empty() {
            by_state.entry(feature.state.as_str()).or_insert((feature.state, Vec::new())).1.push(name);
        }
    }
    let mut reasons: Vec<String> = by_state
        .values()
        .map(|(state, names)| {
            let all = names.len() == window.features.len();
            let of = if all { "of any feature".to_owned() } else { format!("of {}", of_names(names)) };
            format!("Drift {of} cannot be told: {}", state_in_words(*state, choice.model, window))
        })
        .collect();
    if reasons.is_empty() && window.features.is_empty() {
        reasons.push("No feature is monitored: the model has no reference with feature columns.".to_owned());
    }
    if window.dataset.monitored.is_none() && window.features.values().any(|known| !known.methods.is_empty()) {
        reasons.push(format!(
            "Drift is not decided yet: a decision is taken each time a whole window ({}) is over. Scores are those of the window so far.",
            modelwatch_common::http::page::escape(choice.window)
        ));
    }
    reasons
}

fn of_names(names: &[&str]) -> String {
    let count = names.len();
    format!(
        "{count} {}{}",
        if count == 1 { "feature" } else { "features" },
        listed(names).replacen(": ", " (", 1) + ")"
    )
}

fn state_in_words(state: State, model: &ModelReport, window: &WindowReport) -> String {
    match state {
        State::InsufficientRows => format!(
            "the window holds {}, and drift is told from {} on (<code>drift.min_rows</code>).",
            if window.current.rows == 1 {
                "1 row".to_owned()
            } else {
                format!("{} rows", grouped(window.current.rows))
            },
            grouped(model.setup.drift.min_rows)
        ),
        State::NoReference => {
            "there is no reference to compare with (<code>reference</code>, or the column is missing in it)."
                .to_owned()
        }
        State::Empty => "the reference's column holds no usable value.".to_owned(),
        State::Constant => "reference and window hold one and the same value throughout.".to_owned(),
        State::Ok | State::Drift => "no method is configured for it.".to_owned(),
    }
}

/// A word or two for a state.
pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Ok => "no drift",
        State::Drift => "drift",
        State::InsufficientRows => "too few rows",
        State::NoReference => "no reference",
        State::Empty => "reference empty",
        State::Constant => "constant",
    }
}

/// Why there is no quality.
pub(super) fn of_quality(choice: &Choice<'_>) -> String {
    let labels = &choice.model.setup.labels;
    if choice.of_version.totals.predictions == 0 {
        return "No prediction has come yet.".to_owned();
    }
    if choice.of_version.totals.labels == 0 {
        let unmatched = match choice.model.totals.labels_unmatched {
            0 => String::new(),
            some => format!(
                " {} came whose <code>id</code> no prediction has had so far.",
                if some == 1 { "1 label".to_owned() } else { format!("{} labels", grouped(some)) }
            ),
        };
        return format!(
            "Waiting for labels: none has met a prediction of this version yet.{unmatched} Labels join predictions by <code>id</code>."
        );
    }
    format!(
        "Waiting for labels: {} have come, and quality is told of the newest window in which at least {} of the predictions of every part are labelled (<code>labels.min_coverage</code>) or older than {} (<code>labels.wait</code>).",
        grouped(choice.of_version.totals.labels),
        in_percent(labels.min_coverage),
        length(labels.limits.wait.as_secs())
    )
}

/// Why one metric is not known, for a cell of a table.
pub(super) fn of_metric(reason: Unknown) -> &'static str {
    match reason {
        Unknown::Undefined => "not defined: no such predictions",
        Unknown::NoScores => "no labelled prediction has a score",
        Unknown::OneClass => "all labels are of one class",
        Unknown::ScoresGivenUp => "not every prediction's score was kept",
    }
}

/// Why there is no quality, for a cell of a table.
pub(super) fn of_quality_in_short(model: &ModelReport, version: &str) -> &'static str {
    match model.versions.get(version) {
        Some(version) if version.totals.labels == 0 => "waiting for labels: none yet",
        _ => "waiting for more labels",
    }
}

/// Why nothing was decided about drift, for a cell of a table.
pub(super) fn of_drift_in_short(window: &WindowReport, model: &ModelReport) -> String {
    let mut states = window.features.values().filter(|feature| feature.methods.is_empty());
    if window.features.is_empty() {
        return "no feature is monitored".to_owned();
    }
    if window.features.values().any(|feature| !feature.methods.is_empty()) {
        return "not decided yet".to_owned();
    }
    match states.next().map(|feature| feature.state) {
        Some(State::InsufficientRows) => {
            format!("too few rows ({} needed)", grouped(model.setup.drift.min_rows))
        }
        Some(state) => state_name(state).to_owned(),
        None => "not decided yet".to_owned(),
    }
}
