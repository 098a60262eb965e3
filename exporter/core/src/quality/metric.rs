//! What is told of a model's quality, how sure it is, and why something is not told.

use serde::{Deserialize, Serialize};

use super::curve::{self, Bounded};
use super::{Binary, ScoreHistogram};

/// What is told of a model's quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Right ones among all.
    Accuracy,
    /// Right ones among those said to be positive.
    Precision,
    /// Found ones among the positive.
    Recall,
    /// Harmonic mean of precision and recall.
    F1,
    /// Right ones among the negative.
    Specificity,
    /// The chance that a positive scores higher than a negative.
    RocAuc,
    /// Precision averaged over the positives found: the area under the precision–recall curve.
    PrAuc,
    /// Mean squared distance of scores from what was true: 0 is best.
    BrierScore,
}

impl Metric {
    /// Every metric, in the order in which they are shown.
    pub const ALL: [Metric; 8] = [
        Metric::Accuracy,
        Metric::Precision,
        Metric::Recall,
        Metric::F1,
        Metric::Specificity,
        Metric::RocAuc,
        Metric::PrAuc,
        Metric::BrierScore,
    ];

    /// Whether it is about scores, not about predicted classes.
    #[must_use]
    pub fn is_of_scores(self) -> bool {
        matches!(self, Metric::RocAuc | Metric::PrAuc | Metric::BrierScore)
    }

    /// The middle of the metric's name, as in `model_accuracy`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::Precision => "precision",
            Metric::Recall => "recall",
            Metric::F1 => "f1",
            Metric::Specificity => "specificity",
            Metric::RocAuc => "roc_auc",
            Metric::PrAuc => "pr_auc",
            Metric::BrierScore => "brier_score",
        }
    }
}

/// A metric's value, with its bounds where it is not exact by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// The value.
    pub value: f64,
    /// What the exact value is not below and not above; `None` for a value that is exact.
    pub bounds: Option<(f64, f64)>,
}

/// Why a metric is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// Its denominator is 0: there are no predictions of the kind that it is a share of.
    Undefined,
    /// No labelled prediction has a score.
    NoScores,
    /// All labels are of one class, so that nothing can be ranked.
    OneClass,
    /// The scores of the oldest panes were given up, because too many waited for labels or they were about another class.
    ScoresGivenUp,
}

/// Measures one metric of labelled predictions.
///
/// # Errors
/// Says why it cannot be told.
pub fn measure(metric: Metric, binary: &Binary, scores: &ScoreHistogram) -> Result<Measure, Unknown> {
    let area = |of: fn(&ScoreHistogram) -> Option<Bounded>| match scores.cells() {
        [] => Err(Unknown::NoScores),
        _ => of(scores).map(Measure::from).ok_or(Unknown::OneClass),
    };
    match metric {
        Metric::RocAuc => area(curve::roc_auc),
        Metric::PrAuc => area(curve::average_precision),
        Metric::BrierScore => scores.brier_score().map(Measure::exact).ok_or(Unknown::NoScores),
        metric => binary.metric(metric).map(Measure::exact).ok_or(Unknown::Undefined),
    }
}

impl Measure {
    fn exact(value: f64) -> Measure {
        Measure { value, bounds: None }
    }
}

impl From<Bounded> for Measure {
    fn from(bounded: Bounded) -> Measure {
        Measure { value: bounded.value, bounds: Some((bounded.lower, bounded.upper)) }
    }
}
