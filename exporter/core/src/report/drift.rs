//! The drift part of a report: what slides with the panes beside what was last decided.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::drift::{self, NullCache};
use crate::model::{Assessment, Decision, Evaluated, Judge, MethodSetup, State};
use crate::reference::FeatureReference;
use crate::schema::FeatureType;
use crate::summary::FeatureCounts;
use crate::view::WindowView;

/// All features of a window together, as last decided.
#[derive(Debug, Clone, Serialize)]
pub struct DatasetReport {
    /// Features that could be told; `null` before the first decision, like all that follows.
    pub monitored: Option<usize>,
    /// Those that drifted.
    pub drifted: Option<usize>,
    /// Their share.
    pub share: Option<f64>,
    /// The share at which the data set drifts.
    pub threshold: f64,
    /// Whether it does.
    pub detected: Option<bool>,
    /// Benjamini–Hochberg's cut-off for the p-values as they stand now.
    pub p_value_cutoff: Option<f64>,
}

/// One feature of a window.
#[derive(Debug, Clone, Serialize)]
pub struct FeatureReport {
    /// Numeric or categorical; `null` without a reference.
    #[serde(rename = "type")]
    pub feature_type: Option<FeatureType>,
    /// Why something can or cannot be told.
    pub state: State,
    /// Rows of the window that it was counted in: fewer than the window holds when it began anew at a reload.
    pub rows: u64,
    /// The last decision; `null` before the first one, or where it could say nothing.
    pub detected: Option<bool>,
    /// By method; empty while nothing can be told.
    pub methods: BTreeMap<&'static str, MethodReport>,
}

/// One method's view of one feature.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct MethodReport {
    /// The distance.
    pub score: f64,
    /// The distance at which it counts: the effect size, or what chance alone reaches at the cut-off if that is more.
    pub threshold: f64,
    /// Evidence against "no drift", not adjusted for how many features are looked at.
    pub p_value: f64,
    /// 0 where no drift is expected to lie, 1 at the threshold; `null` when the threshold lies there too.
    pub excess: Option<f64>,
    /// Whether this method would call the window as it stands now drifted.
    pub detected: bool,
    /// Whether this is the method that decides.
    pub default: bool,
}

pub(super) fn dataset(window: &WindowView, assessment: &Assessment, judge: &Judge<'_>) -> DatasetReport {
    let decision = window.decision.as_ref().filter(|decision| decision.monitored() > 0);
    DatasetReport {
        monitored: decision.map(Decision::monitored),
        drifted: decision.map(Decision::drifted),
        share: decision.and_then(Decision::share),
        threshold: judge.setup().drift.share,
        detected: decision.map(|decision| decision.dataset),
        p_value_cutoff: assessment.p_value_cutoff,
    }
}

pub(super) fn features(
    window: &WindowView,
    assessment: &Assessment,
    judge: &Judge<'_>,
    nulls: &mut NullCache,
) -> BTreeMap<Box<str>, FeatureReport> {
    let evaluated = judge.setup().features.iter().zip(&assessment.features).enumerate();
    let reports = evaluated.map(|(at, (feature, evaluated))| {
        let reference = judge.feature(at);
        let rows = window.pane.features.get(at).map_or(0, FeatureCounts::rows);
        let decided = window.decision.as_ref().and_then(|decision| *decision.features.get(at)?);
        let methods = match (evaluated, reference) {
            (Evaluated::Known { scores, p_value }, Some(reference)) => {
                let cutoff = assessment.p_value_cutoff.unwrap_or(0.0);
                let seen = Seen { scores, p_value: *p_value, cutoff, rows };
                methods(&feature.methods, &seen, reference, nulls)
            }
            _ => BTreeMap::new(),
        };
        let state = match evaluated {
            Evaluated::Unknown(state) => *state,
            Evaluated::Known { .. } if decided == Some(true) => State::Drift,
            Evaluated::Known { .. } => State::Ok,
        };
        let detected = decided.filter(|_| evaluated.p_value().is_some());
        let feature_type = reference.map(FeatureReference::feature_type);
        (feature.name.clone(), FeatureReport { feature_type, state, rows, detected, methods })
    });
    reports.collect()
}

/// One feature as it stands now.
struct Seen<'a> {
    scores: &'a [f64],
    p_value: f64,
    cutoff: f64,
    rows: u64,
}

fn methods(
    rules: &[MethodSetup],
    seen: &Seen<'_>,
    reference: &FeatureReference,
    nulls: &mut NullCache,
) -> BTreeMap<&'static str, MethodReport> {
    let mut reports = BTreeMap::new();
    for (place, (rule, &score)) in rules.iter().zip(seen.scores).enumerate() {
        let Some(null) = nulls.get(rule.method, reference.counts(), seen.rows) else { continue };
        let threshold = drift::threshold(rule.effect_size, &null, seen.cutoff);
        let report = MethodReport {
            score,
            threshold,
            p_value: seen.p_value,
            excess: drift::excess(score, &null, threshold),
            detected: drift::decide(score, rule.effect_size, seen.p_value, seen.cutoff),
            default: place == 0,
        };
        reports.insert(rule.method.name(), report);
    }
    reports
}
