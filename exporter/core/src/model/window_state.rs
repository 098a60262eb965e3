//! The panes of one window of one slice, and what was last decided on them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Judge};
use super::{Cells, ModelSetup, Placed};
use crate::labels::Joined;
use crate::quality::{
    ClassIndex, Horizon, KeptScores, MAX_SCORE_CELLS, QualityPane, ScoreHistogram, find_horizon,
};
use crate::summary::FeatureCounts;
use crate::time::Time;
use crate::view::WindowView;
use crate::window::WindowSpec;

/// Panes that wait for labels in one window: years of a window over time. A window over few rows of a fast stream gives its
/// oldest up, and then tells quality only if labels come sooner.
const MAX_QUALITY_PANES: usize = 200_000;

/// What was counted in one pane, or in all panes of a window together. Mergeable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pane {
    /// Predictions.
    pub rows: u64,
    /// In the order of the model's features. One that began after the pane did has counted fewer rows.
    pub features: Vec<FeatureCounts>,
    /// Predictions of each class.
    pub classes: BTreeMap<ClassIndex, u64>,
    oldest: Time,
    newest: Time,
}

impl Pane {
    fn empty(judge: &Judge<'_>) -> Pane {
        Pane {
            rows: 0,
            features: judge.empty_counts(),
            classes: BTreeMap::new(),
            oldest: Time(i64::MAX),
            newest: Time(i64::MIN),
        }
    }

    /// The event time between its first and last prediction.
    #[must_use]
    pub fn spanned(&self) -> Duration {
        self.newest.since(self.oldest)
    }

    fn merge(&mut self, other: &Pane) {
        self.rows += other.rows;
        for (mine, theirs) in self.features.iter_mut().zip(&other.features) {
            mine.merge(theirs);
        }
        for (class, count) in &other.classes {
            *self.classes.entry(*class).or_default() += count;
        }
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
    }
}

/// One window of one slice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowState {
    pub(crate) panes: BTreeMap<i64, Pane>,
    pub(crate) quality: BTreeMap<i64, QualityPane>,
    pub(crate) scores: KeptScores,
    /// The last period on which drift was decided, or the one before the first prediction.
    pub(crate) decided: Option<i64>,
    pub(crate) decision: Option<Decision>,
}

/// The quality of the newest window whose labels can be trusted to be there.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityWindow {
    /// All its panes together.
    pub counts: QualityPane,
    /// Whether the scores of all its panes were kept.
    pub scores_kept: bool,
    /// Where it ends: the end of its last pane, but never after the model's now.
    pub end: Time,
}

impl WindowState {
    pub(super) fn count(&mut self, spec: WindowSpec, placed: Placed, at: i64, seen: (&Cells, &Judge<'_>)) {
        let (cells, judge) = seen;
        let pane = self.panes.entry(at).or_insert_with(|| Pane::empty(judge));
        pane.rows += 1;
        pane.oldest = pane.oldest.min(placed.time);
        pane.newest = pane.newest.max(placed.time);
        *pane.classes.entry(placed.class).or_default() += 1;
        for (counts, (cell, kind)) in pane.features.iter_mut().zip(cells) {
            counts.add(*cell, *kind);
        }
        self.decided.get_or_insert(spec.period_of(at) - 1);
    }

    /// Counts a prediction that may be labelled later.
    pub(super) fn expect_label(&mut self, at: i64, time: Time) {
        let pane = self.quality.entry(at).or_insert_with(QualityPane::empty);
        pane.predictions += 1;
        pane.newest = pane.newest.max(time);
        if self.quality.len() > MAX_QUALITY_PANES
            && let Some((_, oldest)) = self.quality.pop_first()
        {
            self.scores.shrink(&oldest);
        }
    }

    pub(super) fn join(&mut self, at: i64, joined: &Joined, positive: ClassIndex) {
        let Some(pane) = self.quality.get_mut(&at) else { return };
        pane.label(joined);
        if self.scores.keeps(at) && pane.rank(joined, positive) {
            self.scores.grow(&mut self.quality, MAX_SCORE_CELLS);
        }
    }

    /// Forgets scores, because those to come are about another class. No pane so far has any again, as it would have those
    /// of a part of its predictions.
    pub(super) fn forget_scores(&mut self) {
        self.quality.values_mut().for_each(|pane| pane.scores = ScoreHistogram::default());
        self.scores = KeptScores::after(&self.quality);
    }

    /// Forgets panes that no window reaches any more.
    pub(super) fn prune(&mut self, spec: WindowSpec, newest: i64) {
        while let Some(first) = self.panes.first_entry()
            && *first.key() < newest - spec.panes()
        {
            first.remove();
        }
    }

    /// Puts the features' counts and what was decided on them in the order of a new configuration. Those that begin anew
    /// have counted no row yet, in no pane.
    pub(super) fn keep_features(&mut self, kept: &[Option<usize>], judge: &Judge<'_>) {
        for pane in self.panes.values_mut() {
            let mut before: Vec<_> = std::mem::take(&mut pane.features).into_iter().map(Some).collect();
            let features = kept.iter().zip(judge.empty_counts());
            let features =
                features.map(|(from, empty)| from.and_then(|at| before.get_mut(at)?.take()).unwrap_or(empty));
            pane.features = features.collect();
        }
        if let Some(decision) = &mut self.decision {
            decision.keep_features(kept, judge.setup().drift.share);
        }
    }

    /// Forgets quality panes that lie a whole window before the newest one that nobody waits for.
    pub(super) fn forget_settled(&mut self, spec: WindowSpec, clock: Time, wait: Duration) {
        let settled = self.quality.iter().take_while(|(_, pane)| is_settled(pane, clock, wait));
        let Some(last) = settled.map(|(at, _)| *at).last() else { return };
        let reached = self.quality.split_off(&(last - spec.panes()));
        let gone = std::mem::replace(&mut self.quality, reached);
        gone.values().for_each(|pane| self.scores.shrink(pane));
    }

    pub(super) fn next_period(&self) -> Option<i64> {
        // The period after the last decided one ends where the one after it begins.
        self.decided.map(|decided| decided + 2)
    }

    /// Decides drift on every period that ends before this pane. Of several that have passed, those without rows are decided
    /// once after each that has some, which is as if each had been decided by itself. Answers how often the data set came
    /// to drift.
    pub(super) fn decide_until(&mut self, spec: WindowSpec, pane: i64, judge: &Judge<'_>) -> u64 {
        let Some(decided) = self.decided else { return 0 };
        let last = spec.period_of(pane) - 1;
        if last <= decided {
            return 0;
        }
        let passed = (decided + 1) * spec.panes()..(last + 1) * spec.panes();
        let with_rows = self.panes.range(passed).map(|(at, _)| spec.period_of(*at));
        let periods: BTreeSet<i64> = with_rows.flat_map(|at| [at, at + 1]).chain([decided + 1]).collect();
        let came = periods.range(..=last).filter(|period| self.decide(spec, **period, judge)).count();
        self.decided = Some(last);
        came as u64
    }

    /// Answers whether the data set came to drift.
    fn decide(&mut self, spec: WindowSpec, period: i64, judge: &Judge<'_>) -> bool {
        let first = period * spec.panes();
        let merged = self.merged(first..=first + spec.panes() - 1, judge);
        let decision = judge.decide(spec, &merged);
        let before = self.decision.as_ref().is_some_and(|decision| decision.dataset);
        let came = decision.dataset && !before;
        self.decision = Some(decision);
        came
    }

    /// The window that ends at the model's now, or with the slice's last row when it goes by rows.
    pub(super) fn view(&self, spec: WindowSpec, rows: u64, clock: Time, judge: &Judge<'_>) -> WindowView {
        let newest = spec.pane_of(clock, rows.saturating_sub(1));
        WindowView {
            spec,
            pane: self.merged(newest - spec.panes()..=newest, judge),
            decision: self.decision.clone(),
            quality: self.quality(spec, newest, clock, judge.setup()),
        }
    }

    fn merged(&self, range: RangeInclusive<i64>, judge: &Judge<'_>) -> Pane {
        let mut all = Pane::empty(judge);
        self.panes.range(range).for_each(|(_, pane)| all.merge(pane));
        all
    }

    /// Quality up to the label horizon.
    fn quality(
        &self,
        spec: WindowSpec,
        newest: i64,
        clock: Time,
        setup: &ModelSetup,
    ) -> Option<QualityWindow> {
        let rule = Horizon { newest, panes: spec.panes(), min_coverage: setup.labels.min_coverage };
        let wait = setup.labels.limits.wait;
        let range = find_horizon(&self.quality, rule, |_, pane| is_settled(pane, clock, wait))?;
        let mut counts = QualityPane::empty();
        self.quality.range(range.clone()).for_each(|(_, pane)| counts.merge(pane));
        let end = spec.pane_end(*range.end()).unwrap_or(counts.newest).min(clock);
        Some(QualityWindow { counts, scores_kept: self.scores.cover(&self.quality, range), end })
    }
}

/// Whether labels for this pane's predictions are no longer waited for.
fn is_settled(pane: &QualityPane, clock: Time, wait: Duration) -> bool {
    pane.newest.after(wait) <= clock
}
