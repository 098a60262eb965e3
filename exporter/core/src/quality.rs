//! How good predictions were, once their labels are known.

mod curve;
mod horizon;
mod kept_scores;
mod metric;
mod score;
mod score_histogram;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::labels::Joined;
use crate::time::Time;
pub use curve::{Bounded, average_precision, roc_auc};
pub use horizon::{Horizon, find_horizon};
pub use kept_scores::{KeptScores, MAX_SCORE_CELLS};
pub use metric::{Measure, Metric, Unknown, measure};
pub use score::Score;
pub use score_histogram::{Cell, ScoreHistogram};

/// The place of a class in [`Classes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClassIndex(pub u16);

/// Where classes beyond `limits.classes` are counted together.
const OTHER: ClassIndex = ClassIndex(u16::MAX);
/// What they are called; a class of that name is one of them.
const OTHER_NAME: &str = "other";

/// The classes of a model, in the order in which they were first seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Classes {
    names: Vec<Box<str>>,
}

impl Classes {
    /// The place of a class (canonical text); new ones are admitted up to `most`, the rest are `other`.
    pub fn admit(&mut self, name: &str, most: usize) -> ClassIndex {
        if let Some(known) = self.find(name) {
            return known;
        }
        if name == OTHER_NAME || self.names.len() >= most.min(usize::from(u16::MAX)) {
            return OTHER;
        }
        self.names.push(name.into());
        ClassIndex((self.names.len() - 1) as u16)
    }

    /// The place of a class that was seen.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ClassIndex> {
        self.names.iter().position(|known| **known == *name).map(|at| ClassIndex(at as u16))
    }

    /// How many are kept apart.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "the positive class is always there")]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The class at a place.
    #[must_use]
    pub fn name(&self, class: ClassIndex) -> &str {
        self.names.get(usize::from(class.0)).map_or(OTHER_NAME, |name| name)
    }
}

/// How often each class was predicted for each true class. Mergeable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// (actual, predicted) → how many.
    cells: BTreeMap<(ClassIndex, ClassIndex), u64>,
}

impl Confusion {
    /// Counts one labelled prediction.
    pub fn add(&mut self, actual: ClassIndex, predicted: ClassIndex) {
        *self.cells.entry((actual, predicted)).or_default() += 1;
    }

    /// Takes one back, because a later label contradicts it.
    pub fn remove(&mut self, actual: ClassIndex, predicted: ClassIndex) {
        if let Some(count) = self.cells.get_mut(&(actual, predicted)) {
            *count = count.saturating_sub(1);
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Confusion) {
        for (cell, count) in &other.cells {
            *self.cells.entry(*cell).or_default() += count;
        }
    }

    /// (actual, predicted, how many), in the order of the classes.
    pub fn cells(&self) -> impl Iterator<Item = (ClassIndex, ClassIndex, u64)> + '_ {
        self.cells.iter().map(|(&(actual, predicted), &count)| (actual, predicted, count))
    }

    /// The counts seen as one class against the rest.
    #[must_use]
    pub fn against_rest(&self, positive: ClassIndex) -> Binary {
        let mut binary = Binary::default();
        for (actual, predicted, count) in self.cells() {
            *binary.cell(actual == positive, predicted == positive) += count;
        }
        binary
    }
}

/// The four counts of a binary confusion matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Binary {
    /// Positive, and said so.
    pub true_positives: u64,
    /// Negative, but said to be positive.
    pub false_positives: u64,
    /// Positive, but said to be negative.
    pub false_negatives: u64,
    /// Negative, and said so.
    pub true_negatives: u64,
}

impl Binary {
    /// Counts one labelled prediction, each side positive or not.
    pub fn add(&mut self, actual: bool, predicted: bool) {
        *self.cell(actual, predicted) += 1;
    }

    fn cell(&mut self, actual: bool, predicted: bool) -> &mut u64 {
        match (actual, predicted) {
            (true, true) => &mut self.true_positives,
            (false, true) => &mut self.false_positives,
            (true, false) => &mut self.false_negatives,
            (false, false) => &mut self.true_negatives,
        }
    }

    /// Labelled predictions.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
    }

    /// One of the metrics; `None` where its denominator is 0, and for those that are about scores.
    ///
    /// Definitions as in scikit-learn's `metrics` module (`accuracy_score`, `precision_score`, `recall_score`,
    /// `f1_score`), which would warn and say 0 where this says nothing.
    #[must_use]
    pub fn metric(&self, metric: Metric) -> Option<f64> {
        let Binary { true_positives: tp, false_positives: fp, false_negatives: fn_, true_negatives: tn } =
            *self;
        match metric {
            Metric::Accuracy => ratio(tp + tn, self.rows()),
            Metric::Precision => ratio(tp, tp + fp),
            Metric::Recall => ratio(tp, tp + fn_),
            Metric::F1 => ratio(2 * tp, 2 * tp + fp + fn_),
            Metric::Specificity => ratio(tn, tn + fp),
            Metric::RocAuc | Metric::PrAuc | Metric::BrierScore => None,
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The labelled and unlabelled predictions of one pane. Mergeable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityPane {
    /// Predictions made in the pane.
    pub predictions: u64,
    /// Those that have a label.
    pub labelled: u64,
    /// What they said and what was true.
    pub confusion: Confusion,
    /// The scores of those that have one, by label.
    pub scores: ScoreHistogram,
    /// The newest prediction in the pane.
    pub newest: Time,
}

impl QualityPane {
    /// A pane without predictions.
    #[must_use]
    pub fn empty() -> QualityPane {
        QualityPane {
            predictions: 0,
            labelled: 0,
            confusion: Confusion::default(),
            scores: ScoreHistogram::default(),
            newest: Time(i64::MIN),
        }
    }

    /// Counts a label that found its prediction, in the place of the one that it contradicts.
    pub fn label(&mut self, joined: &Joined) {
        let predicted = joined.prediction.predicted;
        match joined.replaced {
            Some(before) => self.confusion.remove(before, predicted),
            None => self.labelled += 1,
        }
        self.confusion.add(joined.truth.class, predicted);
    }

    /// Counts that prediction's score, likewise. Answers whether it takes a new cell.
    pub fn rank(&mut self, joined: &Joined, positive: ClassIndex) -> bool {
        let Some(score) = joined.prediction.score else { return false };
        let is_positive = joined.truth.class == positive;
        match joined.replaced {
            None => return self.scores.add(score, is_positive),
            Some(before) if (before == positive) != is_positive => self.scores.correct(score, is_positive),
            Some(_) => {}
        }
        false
    }

    /// The labelled share; `None` without predictions.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        ratio(self.labelled, self.predictions)
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &QualityPane) {
        self.predictions += other.predictions;
        self.labelled += other.labelled;
        self.confusion.merge(&other.confusion);
        self.scores.merge(&other.scores);
        self.newest = self.newest.max(other.newest);
    }
}

#[cfg(test)]
mod tests;
