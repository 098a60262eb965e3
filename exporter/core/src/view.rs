//! A still of a model's state, small enough to be handed to another thread: panes merged into windows, totals copied.

use std::sync::Arc;

use crate::histogram::Histogram;
use crate::model::{
    Birth, Births, Decision, KindCounts, Model, ModelSetup, Pane, QualityWindow, VersionTotals,
};
use crate::quality::{Classes, Confusion};
use crate::time::Time;
use crate::window::WindowSpec;

/// One model at one moment.
#[derive(Debug, Clone)]
pub struct ModelView {
    /// Its configuration.
    pub setup: Arc<ModelSetup>,
    /// The model's now; `None` before the first prediction of a model that goes by its events.
    pub clock: Option<Time>,
    /// Names of the classes in the counts below.
    pub classes: Classes,
    /// When its classes first came.
    pub births: Births,
    /// Every version that was ever seen.
    pub versions: Vec<VersionView>,
    /// Counts over all versions.
    pub totals: ModelTotals,
}

/// Counts over all versions of a model.
#[derive(Debug, Clone)]
pub struct ModelTotals {
    /// Predictions counted.
    pub rows: u64,
    /// Values of every feature by kind.
    pub kinds: Vec<KindCounts>,
    /// Seconds from prediction to label.
    pub label_delay: Histogram,
    /// Labels that found no prediction when they came.
    pub labels_unmatched: u64,
    /// Labels that contradicted an earlier one and took its place.
    pub labels_contradicted: u64,
    /// Labels that said what was known.
    pub labels_repeated: u64,
    /// By key of segments: predictions counted in its `other`.
    pub other_segment_rows: Vec<(Box<str>, u64)>,
    /// Ids that wait for a label or a prediction.
    pub waiting: usize,
    /// Ids forgotten before their time because too many waited.
    pub evicted: u64,
    /// The newest event's time.
    pub newest_event: Option<Time>,
}

/// One version at one moment.
#[derive(Debug, Clone)]
pub struct VersionView {
    /// The version; empty for events that named none.
    pub name: Box<str>,
    /// When it first came.
    pub birth: Birth,
    /// Counts since the beginning.
    pub totals: VersionTotals,
    /// All rows first, then the segments.
    pub slices: Vec<SliceView>,
}

/// One slice of a version's rows at one moment.
#[derive(Debug, Clone)]
pub struct SliceView {
    /// The segment's name; empty for all rows.
    pub segment: Box<str>,
    /// When its first row came.
    pub birth: Time,
    /// Labelled predictions since the beginning, as their first labels said.
    pub confusion: Confusion,
    /// In the order of the configuration.
    pub windows: Vec<WindowView>,
}

/// One window at one moment.
#[derive(Debug, Clone)]
pub struct WindowView {
    /// What it covers.
    pub spec: WindowSpec,
    /// All its panes together.
    pub pane: Pane,
    /// What was decided when it was last complete.
    pub decision: Option<Decision>,
    /// Quality up to the label horizon.
    pub quality: Option<QualityWindow>,
}

impl Model {
    /// The model as it stands at `now`.
    #[must_use]
    pub fn view(&self, setup: &Arc<ModelSetup>, now: Time) -> ModelView {
        let clock = self.clock(setup, now);
        let versions = self.versions.iter().enumerate().map(|(place, version)| {
            let birth = Birth { at: version.all.birth, place };
            version.view(setup, clock, birth)
        });
        ModelView {
            setup: Arc::clone(setup),
            clock,
            classes: self.classes.clone(),
            births: self.births.clone(),
            versions: versions.collect(),
            totals: self.totals(),
        }
    }

    fn totals(&self) -> ModelTotals {
        ModelTotals {
            rows: self.rows,
            kinds: self.kinds.clone(),
            label_delay: self.label_delay.clone(),
            labels_unmatched: self.labels_unmatched,
            labels_contradicted: self.labels_contradicted,
            labels_repeated: self.labels_repeated,
            other_segment_rows: self.segments.other_rows().map(|(key, rows)| (key.into(), rows)).collect(),
            waiting: self.waiting.len(),
            evicted: self.waiting.evicted(),
            newest_event: self.newest_event,
        }
    }
}
