//! The drift part of a report: what slides with the panes beside what was last decided.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::drift::{self, NullCache};
use crate::model::{Assessment, Evaluated, Judge, MethodSetup, State};
use crate::schema::FeatureType;
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
    /// 0 where no drift is expected to lie, 1 at the threshold.
    pub excess: f64,
    /// Whether this method would call the window as it stands now drifted.
    pub detected: bool,
    /// Whether this is the method that decides.
    pub default: bool,
}

pub(super) fn dataset(window: &WindowView, assessment: &Assessment, judge: &Judge<'_>) -> DatasetReport {
    let decision = window.decision.as_ref().filter(|decision| decision.monitored() > 0);
    DatasetReport {
        monitored: decision.map(|decision| decision.monitored()),
        drifted: decision.map(|decision| decision.drifted()),
        share: decision.and_then(|decision| decision.share()),
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
    let setup = judge.setup();
    let mut reports = BTreeMap::new();
    for (at, (feature, evaluated)) in setup.features.iter().zip(&assessment.features).enumerate() {
        let decided = window.decision.as_ref().and_then(|decision| *decision.features.get(at)?);
        let report = match evaluated {
            Evaluated::Unknown(state) => FeatureReport {
                feature_type: judge.feature(at).map(crate::reference::FeatureReference::feature_type),
                state: *state,
                detected: None,
                methods: BTreeMap::new(),
            },
            Evaluated::Known { scores, p_value } => FeatureReport {
                feature_type: judge.feature(at).map(crate::reference::FeatureReference::feature_type),
                state: if decided == Some(true) { State::Drift } else { State::Ok },
                detected: decided,
                methods: {
                    let cutoff = assessment.p_value_cutoff.unwrap_or(0.0);
                    let rules = feature.methods.iter().zip(scores).enumerate();
                    let told = rules.filter_map(|(place, (rule, score))| {
                        let seen = Seen { score: *score, p_value: *p_value, cutoff, rows: window.pane.rows };
                        let report = method(judge, at, rule, seen, nulls)?;
                        Some((rule.method.name(), MethodReport { default: place == 0, ..report }))
                    });
                    told.collect()
                },
            },
        };
        reports.insert(feature.name.clone(), report);
    }
    reports
}

struct Seen {
    score: f64,
    p_value: f64,
    cutoff: f64,
    rows: u64,
}

fn method(
    judge: &Judge<'_>,
    at: usize,
    rule: &MethodSetup,
    seen: Seen,
    nulls: &mut NullCache,
) -> Option<MethodReport> {
    let null = nulls.get(rule.method, judge.feature(at)?.counts(), seen.rows)?;
    let threshold = drift::threshold(rule.effect_size, &null, seen.cutoff);
    Some(MethodReport {
        score: seen.score,
        threshold,
        p_value: seen.p_value,
        excess: drift::excess(seen.score, &null, threshold)?,
        detected: drift::decide(seen.score, rule.effect_size, seen.p_value, seen.cutoff),
        default: false,
    })
}
