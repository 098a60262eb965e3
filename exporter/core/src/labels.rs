//! Predictions that wait for their labels, and labels that wait for their predictions.
//!
//! Bounded in time (`labels.wait`, by the model's clock) and in number (`labels.max_waiting`, oldest out first): ids, and
//! twice as many predictions, early labels and failures of all of them together. What is too old is passed over at every look; when it is swept away is a matter of memory only and changes no answer.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::event::Id;
use crate::quality::{ClassIndex, Score};
use crate::segment::SegmentIndex;
use crate::time::{Time, millis};

/// How finely expiry looks at time: entries live at most `wait` × (1 + 1/32).
const STEPS: i64 = 32;

/// The place where a version's predictions are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionIndex(pub u16);

/// What names a version for joining, whether it was seen or not: 64 bits of its name (xxh3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionKey(u64);

impl VersionKey {
    /// The key of a name.
    #[must_use]
    pub fn of(name: &str) -> VersionKey {
        VersionKey(xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
    }
}

/// A row among those of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InSegment {
    /// The segment.
    pub segment: SegmentIndex,
    /// How many predictions of its version in that segment came before it.
    pub ordinal: u64,
}

/// A prediction that can still be joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which version made it.
    pub version: VersionKey,
    /// Where it was counted.
    pub place: VersionIndex,
    /// When it was made.
    pub time: Time,
    /// When it was seen, by the model's clock: retries of a prediction that is older than all waiting are known by it.
    pub(crate) seen: Time,
    /// How many predictions of its version came before it.
    pub ordinal: u64,
    /// Where it was counted besides; an empty one takes no memory of its own.
    pub segments: Box<[InSegment]>,
    /// What was predicted.
    pub predicted: ClassIndex,
    /// How sure the model was of the positive class.
    pub score: Option<Score>,
    pub(crate) truth: Option<Truth>,
}

/// What is known about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The true class.
    pub class: ClassIndex,
    /// When it was known.
    pub time: Time,
    /// The one version it was given for; `None` is every version.
    pub only: Option<VersionKey>,
}

impl Truth {
    fn says_the_same(&self, other: &Truth) -> bool {
        (self.class, self.only) == (other.class, other.only)
    }
}

/// A prediction and its label, together at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The prediction.
    pub prediction: Waiting,
    /// Its label.
    pub truth: Truth,
    /// The class that an earlier label had given, when this one contradicts it.
    pub replaced: Option<ClassIndex>,
}

/// What became of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelOutcome {
    /// It found predictions, or contradicted what they were labelled before.
    Joined(SmallVec<[Joined; 1]>),
    /// Everything it could say was known.
    Repeated,
    /// No prediction of that id is known; it is kept in case one comes.
    Unmatched,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) predictions: SmallVec<[Waiting; 1]>,
    pub(crate) aside: Option<Box<Aside>>,
}

/// What few ids have, kept apart so that the many cost little.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Aside {
    /// Labels that came before their predictions, one for each version named, and the model's now when they came.
    early: Vec<(Truth, Time)>,
    /// Versions whose request for this id failed.
    failures: Vec<VersionKey>,
}

impl Entry {
    fn early(&self, oldest: Time) -> impl Iterator<Item = Truth> {
        let all = self.aside.iter().flat_map(|aside| &aside.early);
        all.filter(move |(_, came)| *came > oldest).map(|(truth, _)| *truth)
    }

    /// Keeps a label in the place of one for the same version; answers whether there was none.
    fn keep_early(&mut self, truth: Truth, came: Time) -> bool {
        let early = &mut self.aside.get_or_insert_default().early;
        let before = early.len();
        early.retain(|(known, _)| known.only != truth.only);
        let is_first = early.len() == before;
        early.push((truth, came));
        is_first
    }

    /// When the newest label came that still waits for its prediction.
    fn newest_early(&self, oldest: Time) -> Option<Time> {
        let all = self.aside.iter().flat_map(|aside| &aside.early);
        all.map(|(_, came)| *came).filter(|came| *came > oldest).max()
    }

    fn predictions(&self, oldest: Time) -> impl Iterator<Item = &Waiting> {
        self.predictions.iter().filter(move |prediction| prediction.time > oldest)
    }
}

/// The store of what waits, for one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WaitingRoom {
    pub(crate) entries: HashMap<Id, Entry, FixedState>,
    /// In the order of arrival, by when they came or were made.
    pub(crate) expiry: BTreeMap<i64, VecDeque<Id>>,
    /// How many places all ids have there.
    pub(crate) remembered: usize,
    pub(crate) evicted: u64,
    /// Milliseconds from one key of `expiry` to the next; 0 where that is not known.
    pub(crate) step: i64,
}

/// How long and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingLimits {
    /// How long a prediction waits for its label, by the model's clock.
    pub wait: Duration,
    /// How many ids wait at most.
    pub most: usize,
}

impl WaitingLimits {
    /// How finely expiry looks at time, in milliseconds.
    #[must_use]
    pub fn step(self) -> i64 {
        (millis(self.wait) / STEPS).max(1)
    }

    /// What was made by then waits no more.
    #[must_use]
    pub fn oldest(self, clock: Time) -> Time {
        Time(clock.0.saturating_sub(millis(self.wait)))
    }
}

impl WaitingRoom {
    /// Fits to limits that are configured now: what waits goes on waiting, as long as they say.
    pub fn adopt(&mut self, limits: WaitingLimits) {
        let (before, now) = (self.step, limits.step());
        self.step = now;
        if before == 0 || before == now {
            return;
        }
        for (key, ids) in std::mem::take(&mut self.expiry) {
            let last = (key + 1).saturating_mul(before) - 1;
            self.expiry.entry(last.div_euclid(now)).or_default().extend(ids);
        }
    }

    /// How many ids wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many ids were forgotten before their time because too many waited.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Whether this version's prediction of that id was counted before.
    #[must_use]
    pub fn knows(&self, id: Id, version: VersionKey, oldest: Time) -> bool {
        let same = |p: &Waiting| p.version == version && p.seen > oldest;
        self.entries.get(&id).is_some_and(|entry| entry.predictions.iter().any(same))
    }

    /// Notes that a request for this id failed, seen then; `false` when that was known.
    pub fn admit_failure(&mut self, id: Id, version: VersionKey, seen: Time, limits: WaitingLimits) -> bool {
        let failures = &mut self.entries.entry(id).or_default().aside.get_or_insert_default().failures;
        if failures.contains(&version) {
            return false;
        }
        failures.push(version);
        self.remember(id, seen, limits);
        self.make_room(limits);
        true
    }

    /// Lets a prediction wait; answers with the join when its label is known already.
    pub fn admit(&mut self, id: Id, arrived: Arrived, limits: WaitingLimits) -> Option<Joined> {
        let seen = arrived.time.max(arrived.clock);
        self.remember(id, seen, limits);
        let entry = self.entries.entry(id).or_default();
        let Arrived { version, place, time, ordinal, segments, predicted, score, clock } = arrived;
        let truth = known_truth(entry, version, limits.oldest(clock));
        let prediction = Waiting { version, place, time, seen, ordinal, segments, predicted, score, truth };
        let joined = truth.map(|truth| Joined { prediction: prediction.clone(), truth, replaced: None });
        entry.predictions.push(prediction);
        self.make_room(limits);
        joined
    }

    /// Brings a label to its predictions. `clock` is the model's now.
    pub fn label(&mut self, id: Id, truth: Truth, clock: Time, limits: WaitingLimits) -> LabelOutcome {
        let Some(entry) = self.entries.get_mut(&id) else {
            self.remember(id, clock, limits);
            self.entries.entry(id).or_default().keep_early(truth, clock);
            self.make_room(limits);
            return LabelOutcome::Unmatched;
        };
        let oldest = limits.oldest(clock);
        let meant =
            |p: &&mut Waiting| p.time > oldest && truth.only.is_none_or(|version| version == p.version);
        let mut found = false;
        let mut joined = SmallVec::new();
        for prediction in entry.predictions.iter_mut().filter(meant) {
            found = true;
            let before = prediction.truth.map(|known| known.class);
            if before != Some(truth.class) {
                prediction.truth = Some(truth);
                joined.push(Joined { prediction: prediction.clone(), truth, replaced: before });
            }
        }
        match (found, joined.is_empty()) {
            (true, false) => LabelOutcome::Joined(joined),
            (true, true) => LabelOutcome::Repeated,
            (false, _) if entry.early(oldest).any(|early| early.says_the_same(&truth)) => {
                LabelOutcome::Repeated
            }
            (false, _) => {
                if entry.keep_early(truth, clock) {
                    self.remember(id, clock, limits);
                    self.make_room(limits);
                }
                LabelOutcome::Unmatched
            }
        }
    }

    /// Forgets what waited longer than `labels.wait`.
    pub fn expire(&mut self, clock: Time, limits: WaitingLimits) {
        let passed = limits.oldest(clock).0.div_euclid(limits.step());
        // whole steps only, whichever of an id's places in `expiry` is looked at
        let oldest = Time(passed.saturating_mul(limits.step()).saturating_sub(1));
        while let Some(first) = self.expiry.first_entry() {
            if *first.key() >= passed {
                break;
            }
            let ids = first.remove();
            self.remembered -= ids.len();
            self.forget(&ids, oldest, limits);
        }
    }

    /// Forgets the scores of all that waits, because they are about another class than those to come.
    pub fn forget_scores(&mut self) {
        let waiting = self.entries.values_mut().flat_map(|entry| &mut entry.predictions);
        waiting.for_each(|prediction| prediction.score = None);
    }

    fn remember(&mut self, id: Id, time: Time, limits: WaitingLimits) {
        self.expiry.entry(time.0.div_euclid(limits.step())).or_default().push_back(id);
        self.remembered += 1;
    }

    fn forget(&mut self, ids: &VecDeque<Id>, oldest: Time, limits: WaitingLimits) {
        for id in ids {
            let Some(entry) = self.entries.get_mut(id) else { continue };
            entry.predictions.retain(|prediction| prediction.seen > oldest);
            match entry.newest_early(oldest) {
                // it may have taken the place of one that came before, whose place in `expiry` this was
                Some(came) => self.remember(*id, came, limits),
                None if entry.predictions.is_empty() => drop(self.entries.remove(id)),
                None => {}
            }
        }
    }

    fn make_room(&mut self, limits: WaitingLimits) {
        while self.entries.len() > limits.most || self.remembered > limits.most.saturating_mul(2) {
            let Some(mut first) = self.expiry.first_entry() else { return };
            match first.get_mut().pop_front() {
                Some(id) => {
                    self.remembered -= 1;
                    self.evicted += u64::from(self.entries.remove(&id).is_some());
                }
                None => drop(first.remove()),
            }
        }
    }
}

/// A prediction on its way in.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Which version made it.
    pub version: VersionKey,
    /// Where it was counted.
    pub place: VersionIndex,
    /// When it was made.
    pub time: Time,
    /// How many predictions of its version came before it.
    pub ordinal: u64,
    /// Where it was counted besides.
    pub segments: Box<[InSegment]>,
    /// What was predicted.
    pub predicted: ClassIndex,
    /// How sure the model was of the positive class.
    pub score: Option<Score>,
    /// The model's now.
    pub clock: Time,
}

/// A label that came early, or one that a sibling version's prediction has and that was meant for all.
fn known_truth(entry: &Entry, version: VersionKey, oldest: Time) -> Option<Truth> {
    let siblings = entry.predictions(oldest).filter_map(|prediction| prediction.truth);
    let meant =
        entry.early(oldest).chain(siblings).filter(|truth| truth.only.is_none_or(|only| only == version));
    // What was said of this version alone goes before what was said of all.
    meant.max_by_key(|truth| (truth.only.is_some(), truth.time))
}

#[cfg(test)]
mod tests;
