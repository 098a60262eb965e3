//! The first format of a saved state, before there were scores and segments, and how it becomes today's.
//!
//! A saved state names no fields, so the shape of every format is kept here as it was: what changed since then is spelled
//! out, what did not is the type of today. Predictions that were waiting have no score, so their labels count for the
//! confusion matrix only, and scores are kept from the pane after them on.

use std::collections::{BTreeMap, HashMap, VecDeque};

use foldhash::fast::FixedState;
use serde::Deserialize;
use smallvec::SmallVec;

use super::State;
use crate::event::{Id, Reason};
use crate::histogram::Histogram;
use crate::idempotency::Answers;
use crate::labels::{Aside, Entry, Truth, VersionIndex, VersionKey, Waiting, WaitingRoom};
use crate::model::{
    Births, Decision, KindCounts, Layout, Model, Pane, Slice, Version, VersionTotals, WindowState,
};
use crate::quality::{ClassIndex, Classes, Confusion, KeptScores, QualityPane, ScoreHistogram};
use crate::segment::{ALL_ROWS, Segments};
use crate::time::Time;
use crate::window::WindowSpec;

/// When the versions and classes of the first format came: before all that come now, in the order in which they are kept.
const BIRTH: Time = Time(i64::MIN);

/// A state in the first format.
#[derive(Debug, Deserialize)]
pub struct FirstFormat {
    models: BTreeMap<Box<str>, FirstModel>,
    rejected: BTreeMap<Reason, u64>,
    now: Time,
}

#[derive(Debug, Deserialize)]
struct FirstModel {
    classes: Classes,
    versions: Vec<FirstVersion>,
    waiting: FirstWaitingRoom,
    newest: Option<Time>,
    newest_event: Option<Time>,
    label_delay: Histogram,
    labels_unmatched: u64,
    labels_contradicted: u64,
    labels_repeated: u64,
    rows: u64,
    kinds: Vec<KindCounts>,
    features: Vec<Box<str>>,
    next_boundary: Time,
}

#[derive(Debug, Deserialize)]
struct FirstVersion {
    name: Box<str>,
    totals: FirstTotals,
    windows: BTreeMap<WindowSpec, FirstWindow>,
    layout: u64,
}

#[derive(Debug, Deserialize)]
struct FirstTotals {
    predictions: u64,
    statuses: BTreeMap<Box<str>, u64>,
    classes: BTreeMap<ClassIndex, u64>,
    latency: Histogram,
    score: Histogram,
    labels: u64,
    confusion: Confusion,
}

#[derive(Debug, Deserialize)]
struct FirstWindow {
    panes: BTreeMap<i64, Pane>,
    quality: BTreeMap<i64, FirstQualityPane>,
    decided: Option<i64>,
    decision: Option<Decision>,
    dataset_detections: u64,
}

#[derive(Debug, Deserialize)]
struct FirstQualityPane {
    predictions: u64,
    labelled: u64,
    confusion: Confusion,
    newest: Time,
}

#[derive(Debug, Deserialize)]
struct FirstWaitingRoom {
    entries: HashMap<Id, FirstEntry, FixedState>,
    expiry: BTreeMap<i64, VecDeque<Id>>,
    evicted: u64,
}

#[derive(Debug, Deserialize)]
struct FirstEntry {
    predictions: SmallVec<[FirstWaiting; 1]>,
    aside: Option<Box<Aside>>,
}

#[derive(Debug, Deserialize)]
struct FirstWaiting {
    version: VersionKey,
    place: VersionIndex,
    time: Time,
    seen: Time,
    ordinal: u64,
    predicted: ClassIndex,
    truth: Option<Truth>,
}

impl From<FirstFormat> for State {
    fn from(first: FirstFormat) -> State {
        let FirstFormat { models, rejected, now } = first;
        State {
            models: models.into_iter().map(|(name, model)| (name, model.into())).collect(),
            rejected,
            now,
            answers: Answers::default(),
        }
    }
}

impl From<FirstModel> for Model {
    fn from(first: FirstModel) -> Model {
        let mut births = Births::default();
        births.note(first.classes.len(), BIRTH);
        Model {
            classes: first.classes,
            // the positive class was always the first; nothing has a score yet that could be about another
            positive: ClassIndex(0),
            segments: Segments::default(),
            versions: first.versions.into_iter().map(Version::from).collect(),
            waiting: first.waiting.into(),
            newest: first.newest,
            newest_event: first.newest_event,
            label_delay: first.label_delay,
            labels_unmatched: first.labels_unmatched,
            labels_contradicted: first.labels_contradicted,
            labels_repeated: first.labels_repeated,
            rows: first.rows,
            kinds: first.kinds,
            retired: BTreeMap::new(),
            features: first.features,
            births,
            next_boundary: first.next_boundary,
        }
    }
}

impl From<FirstVersion> for Version {
    fn from(first: FirstVersion) -> Version {
        let FirstVersion { name, totals, windows, layout } = first;
        let layout = Layout::Whole(layout);
        let FirstTotals { predictions, statuses, classes, latency, score, labels, confusion } = totals;
        let dataset_detections = windows.values().map(|window| window.dataset_detections).sum();
        let windows = windows.into_iter().map(|(spec, window)| (spec, window.into())).collect();
        Version {
            name,
            totals: VersionTotals {
                predictions,
                statuses,
                classes,
                latency,
                score,
                labels,
                dataset_detections,
            },
            all: Slice {
                segment: ALL_ROWS.into(),
                birth: BIRTH,
                rows: predictions,
                confusion,
                windows,
                layout,
            },
            segments: BTreeMap::new(),
        }
    }
}

impl From<FirstWindow> for WindowState {
    fn from(first: FirstWindow) -> WindowState {
        let quality = first.quality.into_iter().map(|(at, pane)| (at, pane.into())).collect();
        WindowState {
            panes: first.panes,
            scores: KeptScores::after(&quality),
            quality,
            decided: first.decided,
            decision: first.decision,
        }
    }
}

impl From<FirstQualityPane> for QualityPane {
    fn from(first: FirstQualityPane) -> QualityPane {
        let FirstQualityPane { predictions, labelled, confusion, newest } = first;
        QualityPane { predictions, labelled, confusion, scores: ScoreHistogram::default(), newest }
    }
}

impl From<FirstWaitingRoom> for WaitingRoom {
    fn from(first: FirstWaitingRoom) -> WaitingRoom {
        let FirstWaitingRoom { entries, expiry, evicted } = first;
        let entries = entries.into_iter().map(|(id, entry)| (id, entry.into()));
        let remembered = expiry.values().map(VecDeque::len).sum();
        // how finely it looked at time is not written there: as the configuration of now says
        WaitingRoom { entries: entries.collect(), expiry, remembered, evicted, step: 0 }
    }
}

impl From<FirstEntry> for Entry {
    fn from(first: FirstEntry) -> Entry {
        let FirstEntry { predictions, aside } = first;
        Entry { predictions: predictions.into_iter().map(Waiting::from).collect(), aside }
    }
}

impl From<FirstWaiting> for Waiting {
    fn from(first: FirstWaiting) -> Waiting {
        let FirstWaiting { version, place, time, seen, ordinal, predicted, truth } = first;
        Waiting {
            version,
            place,
            time,
            seen,
            ordinal,
            segments: Box::default(),
            predicted,
            score: None,
            truth,
        }
    }
}
