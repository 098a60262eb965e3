//! What a model is configured to be: its features, windows, references and rules. Validated before it comes here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::drift::Method;
use crate::event::FeatureNames;
use crate::labels::WaitingLimits;
use crate::quality::{Binary, Metric, ScoreHistogram, measure};
use crate::reference::FeatureReference;
use crate::segment::ALL_ROWS;
use crate::window::WindowSpec;

/// What "now" is for a model's windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The time of day: a silent stream empties its windows.
    Wall,
    /// The newest prediction: for replays and backfills.
    Event,
}

/// One method for one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MethodSetup {
    /// How distance is measured.
    pub method: Method,
    /// The smallest score that matters.
    pub effect_size: f64,
}

/// One monitored feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSetup {
    /// Its name in events.
    pub name: Box<str>,
    /// How its drift is measured; the first method decides, the others inform.
    pub methods: Vec<MethodSetup>,
}

/// When drift is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftRules {
    /// Fewer rows in a window say nothing.
    pub min_rows: u64,
    /// Level of the Benjamini–Hochberg procedure for one decision a day.
    pub fdr: f64,
    /// Share of drifted features that makes the data set drift.
    pub share: f64,
}

/// How long labels are waited for and when they are enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelRules {
    /// How long, and how many at most.
    pub limits: WaitingLimits,
    /// Labelled share at which a pane's quality can be told.
    pub min_coverage: f64,
}

/// Bounds that keep memory and metrics small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How far ahead of now an event may be.
    pub max_future: Duration,
    /// Classes kept apart.
    pub classes: usize,
    /// Segments kept apart, over all keys.
    pub segments: usize,
}

/// The data that one or more versions are compared with.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// Rows it was made from.
    pub rows: u64,
    /// In the order of the model's features; `None` where this reference lacks the column.
    pub features: Vec<Option<FeatureReference>>,
    /// How the predictions in it did, when it has labels and predictions.
    pub quality: Option<Binary>,
    /// The scores in it, by label.
    pub scores: ScoreHistogram,
    /// Share of predictions in it that are the positive class.
    pub positive_ratio: Option<f64>,
    /// The same for its rows of single segments, by the segments' names, each with cells of its own. These have no slices.
    pub slices: BTreeMap<Box<str>, Reference>,
}

impl Reference {
    /// What the segment of this name is compared with.
    #[must_use]
    pub fn slice(&self, segment: &str) -> Option<&Reference> {
        if segment == ALL_ROWS { Some(self) } else { self.slices.get(segment) }
    }
}

/// One model, ready to be counted.
#[derive(Debug, Clone)]
pub struct ModelSetup {
    /// Its name in events and labels.
    pub name: Box<str>,
    /// Canonical text of the positive class.
    pub positive: Box<str>,
    /// The sliding windows.
    pub windows: Vec<WindowSpec>,
    /// What ends the windows.
    pub clock: ClockKind,
    /// The monitored features.
    pub features: Vec<FeatureSetup>,
    /// The columns that slice the rows, in the order of their places in [`crate::event::Prediction::segments`].
    pub segments: Vec<Box<str>>,
    /// For versions that have none of their own.
    pub reference: Option<Arc<Reference>>,
    /// For the versions named.
    pub references: BTreeMap<Box<str>, Arc<Reference>>,
    /// When drift is said.
    pub drift: DriftRules,
    /// When quality is told.
    pub labels: LabelRules,
    /// Values that take the place of what the reference says.
    pub baseline: BTreeMap<Metric, f64>,
    /// Bounds.
    pub limits: Limits,
}

impl ModelSetup {
    /// What a version is compared with.
    #[must_use]
    pub fn reference_of(&self, version: &str) -> Option<&Arc<Reference>> {
        self.references.get(version).or(self.reference.as_ref())
    }

    /// The names of features and segments and their places, for reading events.
    #[must_use]
    pub fn feature_names(&self) -> FeatureNames {
        let features = self.features.iter().map(|feature| &*feature.name);
        FeatureNames::new(features, self.segments.iter().map(|key| &**key)).scored_by(&self.positive)
    }

    /// What a metric should be in a segment: measured on the same slice of the version's reference. What is configured
    /// goes before it, but is said of the model as a whole and so holds for all rows only.
    #[must_use]
    pub fn baseline_of(&self, version: &str, segment: &str, metric: Metric) -> Option<f64> {
        let measured = || {
            let reference = self.reference_of(version)?.slice(segment)?;
            let measured = measure(metric, &reference.quality.unwrap_or_default(), &reference.scores);
            measured.ok().map(|measure| measure.value)
        };
        let configured = self.baseline.get(&metric).copied().filter(|_| segment == ALL_ROWS);
        configured.or_else(measured)
    }

    /// The names of all segments that any reference has, those of the reference for most versions first.
    pub(super) fn segments_of_references(&self) -> impl Iterator<Item = &str> {
        let references = self.reference.iter().chain(self.references.values());
        references.flat_map(|reference| reference.slices.keys().map(|name| &**name))
    }
}
