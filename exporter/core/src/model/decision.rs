//! Whether a window's data drifted: evidence and effect size together, over all features of the model at once.

use serde::{Deserialize, Serialize};

use super::Cells;
use super::setup::{ModelSetup, Reference};
use super::window_state::Pane;
use crate::drift::{self, Table, evidence};
use crate::reference::FeatureReference;
use crate::schema::Kind;
use crate::summary::FeatureCounts;
use crate::value::Value;
use crate::window::WindowSpec;

/// Why a feature's drift can or cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It can be told, and none was decided.
    Ok,
    /// It was decided that it drifted.
    Drift,
    /// The window holds fewer rows than `drift.min_rows`.
    InsufficientRows,
    /// The version's reference lacks the column or the segment, or there is no reference.
    NoReference,
    /// The reference's column holds no value.
    Empty,
    /// Reference and window hold one and the same value throughout.
    Constant,
}

impl State {
    /// Every state, for series that exist from the start.
    pub const ALL: [State; 6] =
        [State::Ok, State::Drift, State::InsufficientRows, State::NoReference, State::Empty, State::Constant];

    /// The value of the `state` label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Drift => "drift",
            State::InsufficientRows => "insufficient_rows",
            State::NoReference => "no_reference",
            State::Empty => "empty",
            State::Constant => "constant",
        }
    }
}

/// One feature of a window against its reference.
#[derive(Debug, Clone, PartialEq)]
pub enum Evaluated {
    /// Nothing can be said.
    Unknown(State),
    /// Scores in the order of the feature's methods, and the one p-value.
    Known {
        /// Distances.
        scores: Vec<f64>,
        /// Evidence against "no drift", not adjusted for how many features are looked at.
        p_value: f64,
    },
}

/// All features of a window against their references.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// In the order of the model's features.
    pub features: Vec<Evaluated>,
    /// Benjamini–Hochberg's cut-off over the features that can be told; `None` when none can.
    pub p_value_cutoff: Option<f64>,
}

/// What was decided at the end of a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// In the order of the model's features; `None` where nothing could be said.
    pub features: Vec<Option<bool>>,
    /// Whether the share of drifted features reached `drift.share`.
    pub dataset: bool,
}

impl Decision {
    /// Features that could be told.
    #[must_use]
    pub fn monitored(&self) -> usize {
        self.features.iter().flatten().count()
    }

    /// Features that drifted.
    #[must_use]
    pub fn drifted(&self) -> usize {
        self.features.iter().flatten().filter(|drifted| **drifted).count()
    }

    /// Drifted among monitored; `None` when nothing could be told.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.monitored() > 0).then(|| self.drifted() as f64 / self.monitored() as f64)
    }
}

/// The rules and the reference by which the windows of one slice of a version are judged.
pub struct Judge<'a> {
    setup: &'a ModelSetup,
    reference: Option<&'a Reference>,
}

impl<'a> Judge<'a> {
    /// For a version of a model and the name of a segment, which is compared with the same slice of the reference.
    #[must_use]
    pub fn new(setup: &'a ModelSetup, version: &str, segment: &str) -> Judge<'a> {
        let reference = setup.reference_of(version).and_then(|reference| reference.slice(segment));
        Judge { setup, reference }
    }

    /// The configuration.
    #[must_use]
    pub fn setup(&self) -> &'a ModelSetup {
        self.setup
    }

    /// What the slice is compared with.
    #[must_use]
    pub fn reference(&self) -> Option<&'a Reference> {
        self.reference
    }

    /// What one feature is compared with.
    #[must_use]
    pub fn feature(&self, at: usize) -> Option<&'a FeatureReference> {
        self.reference.and_then(|reference| reference.features.get(at)?.as_ref())
    }

    /// Where every feature's value lies in the reference.
    pub(super) fn cells(&self, values: &[(u32, Value)]) -> Cells {
        let mut cells: Cells =
            (0..self.setup.features.len()).map(|at| self.locate(at, &Value::Absent)).collect();
        for (at, value) in values {
            let at = *at as usize;
            if let Some(cell) = cells.get_mut(at) {
                *cell = self.locate(at, value);
            }
        }
        cells
    }

    fn locate(&self, feature: usize, value: &Value) -> (usize, Kind) {
        match self.feature(feature) {
            Some(reference) => reference.cell(value),
            None => (0, value.kind()),
        }
    }

    pub(super) fn empty_counts(&self) -> Vec<FeatureCounts> {
        let empty = |at| self.feature(at).map_or_else(FeatureCounts::without_reference, FeatureCounts::new);
        (0..self.setup.features.len()).map(empty).collect()
    }

    /// The level at which a window's decision is taken: see [`WindowSpec::share_of_day`].
    fn level(&self, spec: WindowSpec, pane: &Pane) -> f64 {
        self.setup.drift.fdr * spec.share_of_day(pane.spanned())
    }

    /// Scores, p-values and the cut-off of what was counted.
    #[must_use]
    pub fn assess(&self, spec: WindowSpec, pane: &Pane) -> Assessment {
        let counted = pane.features.iter().enumerate();
        let features: Vec<Evaluated> =
            counted.map(|(at, counts)| self.evaluate(at, counts, pane.rows)).collect();
        let p_values: Vec<f64> = features.iter().filter_map(Evaluated::p_value).collect();
        let level = self.level(spec, pane);
        let p_value_cutoff = (!p_values.is_empty()).then(|| drift::benjamini_hochberg(&p_values, level));
        Assessment { features, p_value_cutoff }
    }

    fn evaluate(&self, at: usize, counts: &FeatureCounts, rows: u64) -> Evaluated {
        let Some(reference) = self.feature(at) else { return Evaluated::Unknown(State::NoReference) };
        if reference.kinds()[Kind::Valid.index()] == 0 {
            return Evaluated::Unknown(State::Empty);
        }
        if rows < self.setup.drift.min_rows.max(1) {
            return Evaluated::Unknown(State::InsufficientRows);
        }
        let table = Table::new(reference.counts(), &counts.cells());
        let Some((p_value, table)) = table.and_then(|table| Some((evidence::p_value(&table)?, table))) else {
            return Evaluated::Unknown(State::Constant);
        };
        let methods = &self.setup.features[at].methods;
        let scores = methods.iter().map(|rule| rule.method.score(&table));
        Evaluated::Known { scores: scores.collect(), p_value }
    }

    pub(super) fn decide(&self, spec: WindowSpec, pane: &Pane) -> Decision {
        let assessment = self.assess(spec, pane);
        let cutoff = assessment.p_value_cutoff.unwrap_or(0.0);
        let judged = assessment.features.iter().zip(&self.setup.features);
        let features = judged.map(|(evaluated, feature)| match evaluated {
            Evaluated::Unknown(_) => None,
            Evaluated::Known { scores, p_value } => {
                let deciding = scores.first().zip(feature.methods.first());
                deciding.map(|(score, rule)| drift::decide(*score, rule.effect_size, *p_value, cutoff))
            }
        });
        let mut decision = Decision { features: features.collect(), dataset: false };
        decision.dataset = decision.share().is_some_and(|share| share >= self.setup.drift.share);
        decision
    }
}

impl Evaluated {
    /// The evidence, when there is any.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        match self {
            Evaluated::Known { p_value, .. } => Some(*p_value),
            Evaluated::Unknown(_) => None,
        }
    }
}
