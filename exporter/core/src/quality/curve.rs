//! The areas under the ROC curve and under the precision–recall curve, between bounds that hold whatever the order of
//! scores inside a cell.
//!
//! A cell whose scores are all one value is a tie and adds nothing to the bounds; without other cells both are exact.

use super::score_histogram::{Cell, ScoreHistogram};

/// Up to so many positives of a cell are summed one by one.
const ONE_BY_ONE: u64 = 64;

/// A number that is known to lie between bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// The middle: at most half the width away from the exact value.
    pub value: f64,
    /// The exact value is not less.
    pub lower: f64,
    /// The exact value is not more.
    pub upper: f64,
}

impl Bounded {
    fn between(lower: f64, upper: f64) -> Bounded {
        Bounded { value: lower + (upper - lower) / 2.0, lower, upper }
    }
}

/// The chance that a positive scores higher than a negative, ties counting half (Mann–Whitney): scikit-learn's
/// `roc_auc_score`. `None` without both classes.
///
/// Pairs of one cell with several values may all be right or all wrong. Sums are integers, so that nothing is lost.
#[must_use]
pub fn roc_auc(scores: &ScoreHistogram) -> Option<Bounded> {
    let (positives, negatives) = both_classes(scores)?;
    // in halves of a pair
    let (mut sure, mut unsure, mut above) = (0_u128, 0_u128, 0_u128);
    for cell in scores.cells().iter().rev() {
        let (p, n) = (u128::from(cell.positives), u128::from(cell.negatives));
        sure += 2 * above * n;
        match cell.is_one_value() {
            true => sure += p * n,
            false => unsure += 2 * p * n,
        }
        above += p;
    }
    let share = |halves: u128| halves as f64 / (2 * u128::from(positives) * u128::from(negatives)) as f64;
    Some(Bounded::between(share(sure), share(sure + unsure)))
}

/// Average precision, Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct scores from high to low: scikit-learn's
/// `average_precision_score`. `None` without both classes.
///
/// Every positive adds the precision down to its score. What a cell adds depends on the cells above by their sums alone:
/// at best its positives are one value above its negatives, at worst they follow one by one below them.
#[must_use]
pub fn average_precision(scores: &ScoreHistogram) -> Option<Bounded> {
    let (positives, _) = both_classes(scores)?;
    let mut above = Above::default();
    let (mut lower, mut upper) = (0.0, 0.0);
    for cell in scores.cells().iter().rev() {
        let (least, most) = above.precisions(cell);
        lower += least;
        upper += most;
        above.positives += cell.positives;
        above.negatives += cell.negatives;
    }
    Some(Bounded::between(lower / positives as f64, upper / positives as f64))
}

fn both_classes(scores: &ScoreHistogram) -> Option<(u64, u64)> {
    let (positives, negatives) = scores.classes();
    (positives > 0 && negatives > 0).then_some((positives, negatives))
}

/// What scored higher than a cell.
#[derive(Default)]
struct Above {
    positives: u64,
    negatives: u64,
}

impl Above {
    /// The least and the most that the precisions at a cell's positives sum to.
    fn precisions(&self, cell: &Cell) -> (f64, f64) {
        if cell.positives == 0 {
            return (0.0, 0.0);
        }
        let count = cell.positives as f64;
        let found = (self.positives + cell.positives) as f64;
        if cell.is_one_value() {
            let tie = count * (found / (found + (self.negatives + cell.negatives) as f64));
            return (tie, tie);
        }
        let best = count * (found / (found + self.negatives as f64));
        (self.one_by_one(cell).min(best), best)
    }

    /// Σ (a + j) / (a + j + c) for j from 1 to the cell's positives, a positives above and c negatives down to its end.
    ///
    /// The terms are concave in j, so each is at least its integral over half a step to both sides; the sum of those is in
    /// closed form, and a lower bound that is close.
    fn one_by_one(&self, cell: &Cell) -> f64 {
        let (above, negatives) = (self.positives as f64, (self.negatives + cell.negatives) as f64);
        if cell.positives <= ONE_BY_ONE {
            return (1..=cell.positives)
                .map(|j| above + j as f64)
                .map(|found| found / (found + negatives))
                .sum();
        }
        let count = cell.positives as f64;
        count - negatives * (count / (above + negatives + 0.5)).ln_1p()
    }
}

#[cfg(test)]
mod tests;
