//! The state of one model: a pure fold over its events in the order of their acceptance.
//!
//! An event goes one way: its version's totals, the open pane of each window of all rows and of each of its segments, and
//! the waiting room, where labels meet predictions. Nothing here reads a clock; `now` comes with every call and never runs backwards.

mod births;
mod decision;
mod layout;
mod setup;
mod slice;
mod version;
mod window_state;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::event::{Label, Prediction, Reason, Rejection};
use crate::histogram::{DELAY_BOUNDS, Histogram};
use crate::labels::{Arrived, InSegment, Joined, LabelOutcome, Truth, VersionIndex, VersionKey, WaitingRoom};
use crate::quality::{ClassIndex, Classes, Score};
use crate::schema::Kind;
use crate::segment::Segments;
use crate::time::Time;
pub use births::{Birth, Births};
pub use decision::{Assessment, Decision, Evaluated, Judge, State};
pub use layout::Layout;
pub use setup::{
    ClockKind, DriftRules, FeatureSetup, LabelRules, Limits, MethodSetup, ModelSetup, Reference,
};
pub use slice::Slice;
pub use version::{Version, VersionTotals};
pub use window_state::{Pane, QualityWindow, WindowState};

/// Versions of one model that are kept apart; those that come later are counted together.
pub const MAX_VERSIONS: usize = 100;
/// Where versions beyond [`MAX_VERSIONS`] are counted.
const OTHER: &str = "other";

/// What became of an event that was in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It changed the state.
    New,
    /// Everything it said was known: the retry of a sender, most often.
    Duplicate,
}

/// How often each kind of value was seen in one feature.
pub type KindCounts = [u64; Kind::COUNT];

/// Everything that is known of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub(crate) classes: Classes,
    /// The class that scores are about.
    pub(crate) positive: ClassIndex,
    pub(crate) segments: Segments,
    pub(crate) versions: Vec<Version>,
    pub(crate) waiting: WaitingRoom,
    /// The newest prediction's time.
    pub(crate) newest: Option<Time>,
    /// The newest event's time, labels included.
    pub(crate) newest_event: Option<Time>,
    pub(crate) label_delay: Histogram,
    pub(crate) labels_unmatched: u64,
    pub(crate) labels_contradicted: u64,
    pub(crate) labels_repeated: u64,
    pub(crate) rows: u64,
    pub(crate) kinds: Vec<KindCounts>,
    /// The same of features that are configured no more.
    pub(crate) retired: BTreeMap<Box<str>, KindCounts>,
    /// Whose they are.
    pub(crate) features: Vec<Box<str>>,
    pub(crate) births: Births,
    /// No window over time has a decision to make before.
    pub(crate) next_boundary: Time,
}

impl Model {
    /// A model without events.
    #[must_use]
    pub fn new(setup: &ModelSetup) -> Model {
        let mut classes = Classes::default();
        // Always known, whatever the limit: quality is told of this class.
        let positive = classes.admit(&setup.positive, usize::MAX);
        let mut model = Model {
            classes,
            positive,
            segments: Segments::default(),
            versions: Vec::new(),
            waiting: WaitingRoom::default(),
            newest: None,
            newest_event: None,
            label_delay: Histogram::new(DELAY_BOUNDS),
            labels_unmatched: 0,
            labels_contradicted: 0,
            labels_repeated: 0,
            rows: 0,
            kinds: vec![KindCounts::default(); setup.features.len()],
            retired: BTreeMap::new(),
            features: names(setup),
            births: Births::default(),
            next_boundary: Time(i64::MIN),
        };
        model.adopt_segments(setup);
        model.waiting.adopt(setup.labels.limits);
        model
    }

    /// What "now" is for this model's windows; `None` when nothing was seen and the clock is the events' own.
    #[must_use]
    pub fn clock(&self, setup: &ModelSetup, now: Time) -> Option<Time> {
        match setup.clock {
            ClockKind::Wall => Some(now),
            ClockKind::Event => self.newest,
        }
    }

    /// Lets time pass: decides drift for every window whose period is over, forgets what waited too long. What is forgotten
    /// depends on the grid of [`WaitingLimits::step`](crate::labels::WaitingLimits::step) that was passed, not on how often
    /// somebody looked: so a state that is recovered is the one that was lost.
    pub fn advance(&mut self, setup: &ModelSetup, now: Time) {
        let Some(clock) = self.clock(setup, now) else { return };
        if clock < self.next_boundary {
            return;
        }
        let step = setup.labels.limits.step();
        let swept = Time(clock.0.div_euclid(step).saturating_mul(step));
        for version in &mut self.versions {
            version.decide_until(setup, clock, swept);
        }
        self.waiting.expire(swept, setup.labels.limits);
        let boundaries = self.versions.iter().flat_map(Version::next_boundaries);
        let sweep = Time(swept.0.saturating_add(step));
        self.next_boundary = boundaries.min().map_or(sweep, |boundary| boundary.min(sweep));
    }

    /// Counts a prediction.
    ///
    /// # Errors
    /// A [`Rejection`] when it lies in the future.
    pub fn predict(
        &mut self,
        setup: &ModelSetup,
        prediction: &Prediction,
        now: Time,
    ) -> Result<Counted, Rejection> {
        let time = prediction.time.unwrap_or(now);
        not_in_the_future(time, setup, now)?;
        let version = VersionKey::of(&prediction.version);
        let oldest = setup.labels.limits.oldest(self.clock(setup, now).unwrap_or(time));
        if prediction.id.is_some_and(|id| self.waiting.knows(id, version, oldest)) {
            return Ok(Counted::Duplicate);
        }
        self.newest_event = self.newest_event.max(Some(time));
        let Some(class) = prediction.class.as_deref() else {
            return Ok(self.fail(setup, prediction, time, now));
        };
        self.newest = self.newest.max(Some(time));
        self.advance(setup, now);
        let place = self.place_of(setup, &prediction.version, now);
        let class = self.classes.admit(class, setup.limits.classes);
        let clock = self.clock(setup, now).unwrap_or(time);
        let arrived = self.count(setup, prediction, Placed { place, class, time, clock, now });
        if let Some(id) = prediction.id
            && let Some(joined) = self.waiting.admit(id, arrived, setup.labels.limits)
        {
            self.join(&joined);
        }
        Ok(Counted::New)
    }

    /// Counts a label.
    ///
    /// # Errors
    /// A [`Rejection`] when it lies in the future.
    pub fn label(&mut self, setup: &ModelSetup, label: &Label, now: Time) -> Result<Counted, Rejection> {
        let time = label.time.unwrap_or(now);
        not_in_the_future(time, setup, now)?;
        let only = label.version.as_deref().map(VersionKey::of);
        let class = self.classes.admit(&label.class, setup.limits.classes);
        let clock = self.clock(setup, now).unwrap_or(time);
        self.newest_event = self.newest_event.max(Some(time));
        match self.waiting.label(label.id, Truth { class, time, only }, clock, setup.labels.limits) {
            LabelOutcome::Joined(all) => all.iter().for_each(|joined| self.join(joined)),
            LabelOutcome::Unmatched => self.labels_unmatched += 1,
            LabelOutcome::Repeated => {
                self.labels_repeated += 1;
                return Ok(Counted::Duplicate);
            }
        }
        Ok(Counted::New)
    }

    /// Notes which classes are new.
    pub fn note_births(&mut self, now: Time) {
        self.births.note(self.classes.len(), now);
    }

    /// Fits a state that was saved under another configuration to this one: what can be kept is kept. Answers with
    /// the features that are counted from now on only, because they are new or their reference is another.
    pub fn adopt(&mut self, setup: &ModelSetup) -> Vec<Box<str>> {
        self.next_boundary = Time(i64::MIN);
        self.adopt_positive(setup);
        self.waiting.adopt(setup.labels.limits);
        self.adopt_features(setup);
        self.adopt_segments(setup);
        let segments = &self.segments;
        let begun: BTreeSet<usize> =
            self.versions.iter_mut().flat_map(|version| version.adopt(setup, segments)).collect();
        begun.into_iter().map(|at| self.features[at].clone()).collect()
    }

    /// A counter never begins anew: what was counted of features that are gone is kept for when they come back.
    fn adopt_features(&mut self, setup: &ModelSetup) {
        let known = std::mem::take(&mut self.features).into_iter().zip(std::mem::take(&mut self.kinds));
        self.retired.extend(known);
        self.features = names(setup);
        self.kinds = self.features.iter().map(|name| self.retired.remove(name).unwrap_or_default()).collect();
        self.retired.retain(|_, counts| *counts != KindCounts::default());
    }

    /// Scores are about the configured positive class; those about another one are of no use.
    fn adopt_positive(&mut self, setup: &ModelSetup) {
        let positive = self.classes.admit(&setup.positive, usize::MAX);
        if self.positive != positive {
            self.positive = positive;
            self.waiting.forget_scores();
            self.versions.iter_mut().for_each(Version::forget_scores);
        }
    }

    /// What the references have gets its segment before anything that comes.
    fn adopt_segments(&mut self, setup: &ModelSetup) {
        self.segments.adopt(&setup.segments);
        self.segments.reserve(setup.segments_of_references(), setup.limits.segments);
    }

    fn fail(&mut self, setup: &ModelSetup, failed: &Prediction, time: Time, now: Time) -> Counted {
        let (version, limits) = (VersionKey::of(&failed.version), setup.labels.limits);
        let seen = self.clock(setup, now).map_or(time, |clock| clock.max(time));
        if failed.id.is_some_and(|id| !self.waiting.admit_failure(id, version, seen, limits)) {
            return Counted::Duplicate;
        }
        let place = self.place_of(setup, &failed.version, now);
        self.versions[usize::from(place.0)].totals.count_status(&failed.status);
        Counted::New
    }

    fn count(&mut self, setup: &ModelSetup, prediction: &Prediction, placed: Placed) -> Arrived {
        let version = &mut self.versions[usize::from(placed.place.0)];
        version.totals.count(prediction, placed.class);
        let row = version.count(setup, placed, &prediction.features);
        for (kinds, (_, kind)) in self.kinds.iter_mut().zip(&row.cells) {
            kinds[kind.index()] += 1;
        }
        self.rows += 1;
        if row.began {
            self.next_boundary = Time(i64::MIN);
        }
        Arrived {
            version: VersionKey::of(&prediction.version),
            place: placed.place,
            time: placed.time,
            ordinal: row.ordinal,
            segments: self.count_in_segments(setup, prediction, placed),
            predicted: placed.class,
            score: prediction.score.and_then(Score::new),
            clock: placed.clock,
        }
    }

    fn count_in_segments(
        &mut self,
        setup: &ModelSetup,
        prediction: &Prediction,
        placed: Placed,
    ) -> Box<[InSegment]> {
        let version = &mut self.versions[usize::from(placed.place.0)];
        let segments = &mut self.segments;
        let mut began = false;
        let counted = prediction.segments.iter().filter_map(|(key, value)| {
            let segment = segments.of_row(usize::from(*key), value, setup.limits.segments)?;
            let name = || segments.name(segment).unwrap_or_default();
            let row = version.count_in_segment(setup, placed, &prediction.features, (segment, name));
            began |= row.began;
            Some(InSegment { segment, ordinal: row.ordinal })
        });
        let counted = counted.collect();
        if began {
            self.next_boundary = Time(i64::MIN);
        }
        counted
    }

    fn join(&mut self, joined: &Joined) {
        let version = &mut self.versions[usize::from(joined.prediction.place.0)];
        version.join(joined, self.positive);
        match joined.replaced {
            Some(_) => self.labels_contradicted += 1,
            None => {
                let delay = joined.truth.time.since(joined.prediction.time);
                self.label_delay.observe(DELAY_BOUNDS, delay.as_secs_f64());
            }
        }
    }

    fn version(&self, name: &str) -> Option<VersionIndex> {
        self.versions.iter().position(|version| *version.name == *name).map(|at| VersionIndex(at as u16))
    }

    /// Where a version is counted. One that has a reference of its own has always a place of its own.
    fn place_of(&mut self, setup: &ModelSetup, name: &str, now: Time) -> VersionIndex {
        let room = self.versions.len() < MAX_VERSIONS || setup.references.contains_key(name);
        let name = if room || self.version(name).is_some() { name } else { OTHER };
        self.version(name).unwrap_or_else(|| {
            self.versions.push(Version::new(setup, name, now));
            VersionIndex((self.versions.len() - 1) as u16)
        })
    }
}

/// Where a prediction belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) place: VersionIndex,
    pub(crate) class: ClassIndex,
    pub(crate) time: Time,
    /// The model's now.
    pub(crate) clock: Time,
    /// When it was received.
    pub(crate) now: Time,
}

/// The cell and kind of every feature's value.
pub(crate) type Cells = SmallVec<[(usize, Kind); 32]>;

fn names(setup: &ModelSetup) -> Vec<Box<str>> {
    setup.features.iter().map(|feature| feature.name.clone()).collect()
}

fn not_in_the_future(time: Time, setup: &ModelSetup, now: Time) -> Result<(), Rejection> {
    let latest = now.after(setup.limits.max_future);
    if time <= latest {
        return Ok(());
    }
    Err(Rejection::new(
        Reason::Future,
        format!("`time` is {time}, more than {:?} ahead of now ({now})", setup.limits.max_future),
    ))
}

#[cfg(test)]
mod tests;
