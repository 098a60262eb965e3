//! One version of a model: its totals and its slices.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::decision::Judge;
use super::slice::{Row, Slice};
use super::{Birth, ModelSetup, Placed};
use crate::event::Prediction;
use crate::histogram::{Histogram, LATENCY_BOUNDS, SCORE_BOUNDS};
use crate::labels::{InSegment, Joined};
use crate::quality::ClassIndex;
use crate::segment::{ALL_ROWS, SegmentIndex, Segments};
use crate::time::Time;
use crate::value::Value;
use crate::view::VersionView;

/// Statuses kept apart; the rest are `other`.
const MAX_STATUSES: usize = 20;

/// Counts since the beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionTotals {
    /// Predictions that count as rows.
    pub predictions: u64,
    /// Requests by status, those that failed included.
    pub statuses: BTreeMap<Box<str>, u64>,
    /// Predictions by class.
    pub classes: BTreeMap<ClassIndex, u64>,
    /// Seconds that predictions took, over [`LATENCY_BOUNDS`].
    pub latency: Histogram,
    /// Probabilities of the positive class, over [`SCORE_BOUNDS`].
    pub score: Histogram,
    /// Labels that found their prediction.
    pub labels: u64,
    /// How often the data set of all rows came to drift, over all windows that there ever were.
    pub dataset_detections: u64,
}

/// Everything that is known of one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    pub(crate) name: Box<str>,
    pub(crate) totals: VersionTotals,
    /// All rows.
    pub(crate) all: Slice,
    /// The rows of single segments, each from its first one on.
    pub(crate) segments: BTreeMap<SegmentIndex, Slice>,
}

impl Version {
    pub(super) fn new(setup: &ModelSetup, name: &str, now: Time) -> Version {
        Version {
            name: name.into(),
            totals: VersionTotals::new(),
            all: Slice::new(&Judge::new(setup, name, ALL_ROWS), ALL_ROWS, now),
            segments: BTreeMap::new(),
        }
    }

    /// Keeps what fits the configuration. Answers with the places of the features that begin anew in any slice.
    pub(super) fn adopt(&mut self, setup: &ModelSetup, segments: &Segments) -> BTreeSet<usize> {
        self.segments.retain(|segment, _| segments.name(*segment).is_some());
        let mut begun = BTreeSet::new();
        for slice in slices_mut(&mut self.all, &mut self.segments) {
            begun.extend(slice.adopt(&slice.judge(setup, &self.name)));
        }
        begun
    }

    /// Forgets scores, because those to come are about another class.
    pub(super) fn forget_scores(&mut self) {
        self.all.forget_scores();
        self.segments.values_mut().for_each(Slice::forget_scores);
    }

    /// Counts a prediction among all rows.
    pub(super) fn count(&mut self, setup: &ModelSetup, placed: Placed, values: &[(u32, Value)]) -> Row {
        let row = self.all.count(&self.all.judge(setup, &self.name), placed, values);
        self.totals.dataset_detections += row.detections;
        row
    }

    /// Counts a prediction among the rows of a segment; `name` says how the segment is called.
    pub(super) fn count_in_segment(
        &mut self,
        setup: &ModelSetup,
        placed: Placed,
        values: &[(u32, Value)],
        (segment, name): (SegmentIndex, impl FnOnce() -> Box<str>),
    ) -> Row {
        let slice = self.segments.entry(segment).or_insert_with(|| {
            let name = name();
            Slice::new(&Judge::new(setup, &self.name, &name), &name, placed.now)
        });
        slice.count(&slice.judge(setup, &self.name), placed, values)
    }

    /// Decides every window over time whose period is over, and forgets what no window reached at `swept`.
    pub(super) fn decide_until(&mut self, setup: &ModelSetup, clock: Time, swept: Time) {
        let all = self.all.judge(setup, &self.name);
        self.totals.dataset_detections += self.all.decide_until(&all, clock, swept);
        for slice in self.segments.values_mut() {
            slice.decide_until(&slice.judge(setup, &self.name), clock, swept);
        }
    }

    /// The moments at which the windows over time want to be looked at next.
    pub(super) fn next_boundaries(&self) -> impl Iterator<Item = Time> + '_ {
        self.slices().flat_map(Slice::next_boundaries)
    }

    /// A label and its prediction, put into that prediction's panes in every slice it was counted in.
    pub(super) fn join(&mut self, joined: &Joined, positive: ClassIndex) {
        if joined.replaced.is_none() {
            self.totals.labels += 1;
        }
        self.all.join(joined.prediction.ordinal, joined, positive);
        for InSegment { segment, ordinal } in &joined.prediction.segments {
            if let Some(slice) = self.segments.get_mut(segment) {
                slice.join(*ordinal, joined, positive);
            }
        }
    }

    /// The version at the model's now: all rows first.
    pub(crate) fn view(&self, setup: &ModelSetup, clock: Option<Time>, birth: Birth) -> VersionView {
        VersionView {
            name: self.name.clone(),
            birth,
            totals: self.totals.clone(),
            slices: self.slices().map(|slice| slice.view(&slice.judge(setup, &self.name), clock)).collect(),
        }
    }

    fn slices(&self) -> impl Iterator<Item = &Slice> {
        std::iter::once(&self.all).chain(self.segments.values())
    }
}

fn slices_mut<'a>(
    all: &'a mut Slice,
    segments: &'a mut BTreeMap<SegmentIndex, Slice>,
) -> impl Iterator<Item = &'a mut Slice> {
    std::iter::once(all).chain(segments.values_mut())
}

impl VersionTotals {
    fn new() -> VersionTotals {
        VersionTotals {
            predictions: 0,
            statuses: BTreeMap::new(),
            classes: BTreeMap::new(),
            latency: Histogram::new(LATENCY_BOUNDS),
            score: Histogram::new(SCORE_BOUNDS),
            labels: 0,
            dataset_detections: 0,
        }
    }

    /// A request and how it ended; one that failed is no row of the data.
    pub(super) fn count_status(&mut self, status: &str) {
        if let Some(count) = self.statuses.get_mut(status) {
            *count += 1;
            return;
        }
        let name = if self.statuses.len() < MAX_STATUSES { status } else { "other" };
        *self.statuses.entry(name.into()).or_default() += 1;
    }

    /// A prediction.
    pub(super) fn count(&mut self, prediction: &Prediction, class: ClassIndex) {
        self.count_status(&prediction.status);
        *self.classes.entry(class).or_default() += 1;
        if let Some(latency) = prediction.latency {
            self.latency.observe(LATENCY_BOUNDS, latency);
        }
        if let Some(score) = prediction.score {
            self.score.observe(SCORE_BOUNDS, score);
        }
        self.predictions += 1;
    }
}
