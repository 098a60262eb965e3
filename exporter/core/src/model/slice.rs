//! One slice of a version's rows, all of them or those of one segment: its windows and what its labels said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decision::Judge;
use super::layout::Layout;
use super::window_state::WindowState;
use super::{Cells, ModelSetup, Placed};
use crate::labels::Joined;
use crate::quality::{ClassIndex, Confusion};
use crate::time::Time;
use crate::value::Value;
use crate::view::SliceView;
use crate::window::WindowSpec;

/// Everything that is known of one slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    pub(crate) segment: Box<str>,
    /// When its first row was received.
    pub(crate) birth: Time,
    /// Rows counted; the next one's ordinal.
    pub(crate) rows: u64,
    /// First labels only: a counter takes nothing back.
    pub(crate) confusion: Confusion,
    pub(crate) windows: BTreeMap<WindowSpec, WindowState>,
    /// Whose cells the feature panes count on.
    pub(crate) layout: Layout,
}

/// What became of a row in a slice.
pub(super) struct Row {
    /// How many of the slice came before it.
    pub(super) ordinal: u64,
    /// Where its values lie in the slice's reference.
    pub(super) cells: Cells,
    /// Whether a window began with it.
    pub(super) began: bool,
    /// How many windows over rows found with it that the data set came to drift.
    pub(super) detections: u64,
}

impl Slice {
    pub(super) fn new(judge: &Judge<'_>, segment: &str, birth: Time) -> Slice {
        let windows = judge.setup().windows.iter().map(|spec| (*spec, WindowState::default()));
        Slice {
            segment: segment.into(),
            birth,
            rows: 0,
            confusion: Confusion::default(),
            windows: windows.collect(),
            layout: Layout::of(judge),
        }
    }

    /// The rules and the reference of this slice.
    pub(super) fn judge<'a>(&self, setup: &'a ModelSetup, version: &str) -> Judge<'a> {
        Judge::new(setup, version, &self.segment)
    }

    /// Keeps what fits the configuration. Answers with the places of the features that begin anew although rows were
    /// counted before.
    pub(super) fn adopt(&mut self, judge: &Judge<'_>) -> Vec<usize> {
        let specs = &judge.setup().windows;
        self.windows.retain(|spec, _| specs.contains(spec));
        for spec in specs {
            self.windows.entry(*spec).or_default();
        }
        let layout = Layout::of(judge);
        if self.layout == layout {
            return Vec::new();
        }
        let kept = self.layout.kept(judge);
        self.layout = layout;
        self.windows.values_mut().for_each(|window| window.keep_features(&kept, judge));
        let begun = kept.iter().enumerate().filter(|(_, before)| before.is_none() && self.rows > 0);
        begun.map(|(at, _)| at).collect()
    }

    /// Counts a prediction in every window that reaches it.
    pub(super) fn count(&mut self, judge: &Judge<'_>, placed: Placed, values: &[(u32, Value)]) -> Row {
        let mut row = Row { ordinal: self.rows, cells: judge.cells(values), began: false, detections: 0 };
        self.rows += 1;
        for (spec, window) in &mut self.windows {
            let pane = spec.pane_of(placed.time, row.ordinal);
            let newest = spec.pane_of(placed.clock, row.ordinal);
            if pane >= newest - spec.panes() {
                row.began |= window.next_period().is_none();
                window.count(*spec, placed, pane, (&row.cells, judge));
            }
            if placed.time.after(judge.setup().labels.limits.wait) > placed.clock {
                window.expect_label(pane, placed.time);
            }
            window.prune(*spec, newest);
            if matches!(spec, WindowSpec::Rows(_)) {
                let next = spec.pane_of(placed.time, row.ordinal + 1);
                row.detections += window.decide_until(*spec, next, judge);
            }
        }
        row
    }

    /// Forgets scores, because those to come are about another class.
    pub(super) fn forget_scores(&mut self) {
        self.windows.values_mut().for_each(WindowState::forget_scores);
    }

    /// Decides every window over time whose period is over, and forgets what no window reached at `swept`, not after
    /// `clock`. Answers how often the data set came to drift.
    pub(super) fn decide_until(&mut self, judge: &Judge<'_>, clock: Time, swept: Time) -> u64 {
        let mut detections = 0;
        for (spec, window) in &mut self.windows {
            if matches!(spec, WindowSpec::Span(_)) {
                detections += window.decide_until(*spec, spec.pane_of(clock, 0), judge);
                window.prune(*spec, spec.pane_of(swept, 0));
            }
            window.forget_settled(*spec, swept, judge.setup().labels.limits.wait);
        }
        detections
    }

    /// The moments at which the windows over time want to be looked at next.
    pub(super) fn next_boundaries(&self) -> impl Iterator<Item = Time> + '_ {
        self.windows.iter().filter_map(|(spec, window)| {
            let period = window.next_period()?;
            spec.pane_end(period * spec.panes() - 1)
        })
    }

    /// A label and its prediction, which was the slice's row of this ordinal, put into that prediction's panes.
    pub(super) fn join(&mut self, ordinal: u64, joined: &Joined, positive: ClassIndex) {
        let prediction = &joined.prediction;
        if joined.replaced.is_none() {
            self.confusion.add(joined.truth.class, prediction.predicted);
        }
        for (spec, window) in &mut self.windows {
            window.join(spec.pane_of(prediction.time, ordinal), joined, positive);
        }
    }

    /// The slice at the model's now, its windows in the order of the configuration; without a now it has none.
    pub(super) fn view(&self, judge: &Judge<'_>, clock: Option<Time>) -> SliceView {
        let specs = judge.setup().windows.iter();
        let windows = clock.into_iter().flat_map(|clock| {
            specs
                .clone()
                .filter_map(move |spec| Some(self.windows.get(spec)?.view(*spec, self.rows, clock, judge)))
        });
        SliceView {
            segment: self.segment.clone(),
            birth: self.birth,
            confusion: self.confusion.clone(),
            windows: windows.collect(),
        }
    }
}
