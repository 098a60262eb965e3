//! One version of a model: its totals and its windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decision::Judge;
use super::window_state::WindowState;
use super::{Cells, ModelSetup, Placed};
use crate::event::Prediction;
use crate::histogram::{Histogram, LATENCY_BOUNDS, SCORE_BOUNDS};
use crate::labels::Joined;
use crate::quality::{ClassIndex, Confusion};
use crate::reference::FeatureReference;
use crate::schema::Kind;
use crate::time::Time;
use crate::value::Value;
use crate::view::WindowView;
use crate::window::WindowSpec;

/// Statuses kept apart; the rest are `other`.
const MAX_STATUSES: usize = 20;

/// Counts since the beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionTotals {
    /// Predictions that count as rows; the next one's ordinal.
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
    /// First labels only: a counter takes nothing back.
    pub confusion: Confusion,
}

/// Everything that is known of one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    pub(crate) name: Box<str>,
    pub(crate) totals: VersionTotals,
    pub(crate) windows: BTreeMap<WindowSpec, WindowState>,
    /// Tells whether the feature panes still fit the configuration.
    pub(crate) layout: u64,
}

impl Version {
    pub(super) fn new(setup: &ModelSetup, name: &str) -> Version {
        Version {
            name: name.into(),
            totals: VersionTotals::new(),
            windows: setup.windows.iter().map(|spec| (*spec, WindowState::default())).collect(),
            layout: layout(setup, name),
        }
    }

    /// Keeps what fits the configuration; `false` when the feature panes did not.
    pub(super) fn adopt(&mut self, setup: &ModelSetup) -> bool {
        self.windows.retain(|spec, _| setup.windows.contains(spec));
        for spec in &setup.windows {
            self.windows.entry(*spec).or_default();
        }
        let layout = layout(setup, &self.name);
        let fits = self.layout == layout;
        if !fits {
            self.layout = layout;
            self.windows.values_mut().for_each(WindowState::forget_features);
        }
        fits
    }

    /// Forgets scores, because those to come are about another class.
    pub(super) fn forget_scores(&mut self) {
        self.windows.values_mut().for_each(WindowState::forget_scores);
    }

    /// Where every feature's value lies in the version's reference.
    pub(super) fn cells(&self, setup: &ModelSetup, values: &[(u32, Value)]) -> Cells {
        let reference = setup.reference_of(&self.name);
        let feature = |at: usize| reference.and_then(|reference| reference.features.get(at)?.as_ref());
        let mut cells: Cells =
            (0..setup.features.len()).map(|at| locate(feature(at), &Value::Absent)).collect();
        for (at, value) in values {
            let at = *at as usize;
            if let Some(cell) = cells.get_mut(at) {
                *cell = locate(feature(at), value);
            }
        }
        cells
    }

    /// The windows at the model's now, in the order of the configuration.
    pub(crate) fn views(&self, setup: &ModelSetup, clock: Time) -> Vec<WindowView> {
        let judge = Judge::new(setup, &self.name);
        let view = |spec: &WindowSpec| {
            Some(self.windows.get(spec)?.view(*spec, self.totals.predictions, clock, &judge))
        };
        setup.windows.iter().filter_map(view).collect()
    }

    /// Counts a prediction in every window that reaches it; says whether one of them began with it.
    pub(super) fn count_in_windows(
        &mut self,
        setup: &ModelSetup,
        placed: Placed,
        ordinal: u64,
        cells: &Cells,
    ) -> bool {
        let mut began = false;
        let judge = Judge::new(setup, &self.name);
        for (spec, window) in &mut self.windows {
            let pane = spec.pane_of(placed.time, ordinal);
            let newest = spec.pane_of(placed.clock, ordinal);
            if pane >= newest - spec.panes() {
                began |= window.next_period().is_none();
                window.count(*spec, placed, pane, (cells, &judge));
            }
            if placed.time.after(setup.labels.limits.wait) > placed.clock {
                window.expect_label(pane, placed.time);
            }
            window.prune(*spec, newest);
            if matches!(spec, WindowSpec::Rows(_)) {
                window.decide_until(*spec, spec.pane_of(placed.time, ordinal + 1), &judge);
            }
        }
        began
    }

    /// Decides every window over time whose period is over.
    pub(super) fn decide_until(&mut self, setup: &ModelSetup, clock: Time) {
        let judge = Judge::new(setup, &self.name);
        for (spec, window) in &mut self.windows {
            if matches!(spec, WindowSpec::Span(_)) {
                window.decide_until(*spec, spec.pane_of(clock, 0), &judge);
            }
            window.forget_settled(*spec, clock, setup.labels.limits.wait);
        }
    }

    /// The moments at which the windows over time want to be looked at next.
    pub(super) fn next_boundaries<'a>(&'a self, setup: &'a ModelSetup) -> impl Iterator<Item = Time> + 'a {
        let spans = setup.windows.iter().filter(|spec| matches!(spec, WindowSpec::Span(_)));
        spans.filter_map(|spec| {
            let period = self.windows.get(spec)?.next_period()?;
            spec.pane_end(period * spec.panes() - 1)
        })
    }

    /// A label and its prediction, put into that prediction's panes.
    pub(super) fn join(&mut self, setup: &ModelSetup, joined: &Joined, positive: ClassIndex) {
        let prediction = joined.prediction;
        if joined.replaced.is_none() {
            self.totals.labels += 1;
            self.totals.confusion.add(joined.truth.class, prediction.predicted);
        }
        for spec in &setup.windows {
            if let Some(window) = self.windows.get_mut(spec) {
                window.join(spec.pane_of(prediction.time, prediction.ordinal), joined, positive);
            }
        }
    }
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
            confusion: Confusion::default(),
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

    /// A prediction; answers with its ordinal.
    pub(super) fn count(&mut self, prediction: &Prediction, class: ClassIndex) -> u64 {
        self.count_status(&prediction.status);
        *self.classes.entry(class).or_default() += 1;
        if let Some(latency) = prediction.latency {
            self.latency.observe(LATENCY_BOUNDS, latency);
        }
        if let Some(score) = prediction.score {
            self.score.observe(SCORE_BOUNDS, score);
        }
        self.predictions += 1;
        self.predictions - 1
    }
}

fn locate(reference: Option<&FeatureReference>, value: &Value) -> (usize, Kind) {
    match reference {
        Some(reference) => reference.cell(value),
        None => (0, value.kind()),
    }
}

/// A number that differs when the cells of any feature differ.
fn layout(setup: &ModelSetup, version: &str) -> u64 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for (at, feature) in setup.features.iter().enumerate() {
        hash.update(feature.name.as_bytes());
        let reference =
            setup.reference_of(version).and_then(|reference| reference.features.get(at)?.as_ref());
        hash.update(&reference.map_or(0, FeatureReference::fingerprint).to_le_bytes());
    }
    hash.digest()
}
