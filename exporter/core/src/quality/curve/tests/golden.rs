//! Areas and Brier scores against scikit-learn's on real predictions and labels.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{assert_holds, histogram};
use crate::quality::{ScoreHistogram, average_precision, roc_auc};

#[derive(Deserialize)]
struct Golden {
    chunks: BTreeMap<String, Chunk>,
}

#[derive(Deserialize)]
struct Chunk {
    roc_auc: f64,
    average_precision: f64,
    brier_score: f64,
    /// Score, how many positives, how many negatives.
    scores: Vec<(f64, u32, u32)>,
}

impl Chunk {
    fn histogram(&self) -> ScoreHistogram {
        histogram(self.scores.iter().flat_map(|&(score, positives, negatives)| {
            let of = move |positive, count| std::iter::repeat_n((score, positive), count as usize);
            of(true, positives).chain(of(false, negatives))
        }))
    }
}

fn chunks() -> BTreeMap<String, Chunk> {
    let golden: Golden = serde_json::from_str(include_str!("../../../../tests/golden/scores.json")).unwrap();
    assert_eq!(golden.chunks.len(), 12);
    golden.chunks
}

#[test]
fn both_areas_of_real_predictions_lie_within_bounds_of_a_thousandth() {
    for (name, chunk) in chunks() {
        let scores = chunk.histogram();
        for (bounded, exact) in [
            (roc_auc(&scores).unwrap(), chunk.roc_auc),
            (average_precision(&scores).unwrap(), chunk.average_precision),
        ] {
            assert_holds(bounded, exact, &name);
            assert!(bounded.upper - bounded.lower <= 1e-3, "{name}: {bounded:?}");
        }
    }
}

#[test]
fn scores_of_two_digits_are_told_exactly() {
    for (name, chunk) in chunks().into_iter().filter(|(name, _)| name.starts_with("car_loan")) {
        let roc = roc_auc(&chunk.histogram()).unwrap();
        assert_eq!(roc.lower, roc.upper, "{name}");
        assert!((roc.value - chunk.roc_auc).abs() < 1e-12, "{name}: {} for {}", roc.value, chunk.roc_auc);
    }
}

#[test]
fn the_brier_score_of_real_predictions_is_scikit_learns() {
    for (name, chunk) in chunks() {
        let score = chunk.histogram().brier_score().unwrap();
        assert!((score - chunk.brier_score).abs() < 1e-9, "{name}: {score} for {}", chunk.brier_score);
    }
}

#[test]
fn the_chunks_together_are_the_whole() {
    let mut together = ScoreHistogram::default();
    let mut all = chunks();
    let whole = all.remove("car_loan").unwrap().histogram();
    for (_, chunk) in all.iter().filter(|(name, _)| name.starts_with("car_loan")) {
        together.merge(&chunk.histogram());
    }
    assert_eq!(together, whole);
}
