//! A proven upper bound of the permutation probability of X² ≥ x, for tails that no number of draws could resolve.
//!
//! Given the pooled cells Rᵢ (n rows in all), the current counts of a permutation are distributed as independent binomials
//! Cᵢ ~ B(Rᵢ, M/n) given that they sum to M. With X² = Σ Xᵢ², one function per cell, and any t > 0 (Chernoff):
//!
//! P(X² ≥ x) ≤ e^(−t·x) · E\[Π e^(t·Xᵢ²); Σ Cᵢ = M\] / P(B(n, M/n) = M),
//!
//! where no Cᵢ exceeds M, where Xᵢ² may be capped at x, as one cell that reaches x is enough, and where the sum meets M with at most the probability of the likeliest count of any one cell, so that
//! for one cell the greatest term stands for its expectation. It holds for every t, so the least over a few t is a bound too; it
//! falls as x grows, and is one or two powers of ten above the truth, also where rare cells make the tail heavy.

use super::super::{Table, permutation::ln_choose};

/// The factor between the values of t that are tried, from the best for the gamma distribution downwards: a heavier tail wants
/// a smaller t. As the exponent is convex in t, the first that is worse ends the search.
const STEP: f64 = 0.8;

/// An upper bound of the probability that X² of a permutation of the table reaches `statistic`; at most 1. `scale` is that of the
/// gamma distribution that approximates X².
pub(super) fn exceedance(table: &Table, statistic: f64, scale: f64) -> f64 {
    let margins = Margins::of(table);
    let cells: Vec<_> = table.pooled().into_iter().map(|pooled| margins.terms(pooled, statistic)).collect();
    let conditioning = -margins.ln_meeting();
    let mean = margins.rows() * (table.cells() as f64 - 1.0) / (margins.rows() - 1.0);
    let mut t = (1.0 - mean / statistic).max(0.0) / scale;
    let mut least = 0.0;
    for _ in 0..24 {
        let exponent = conditioning - t * statistic + ln_expectation(&cells, t);
        if exponent > least && least < 0.0 {
            break;
        }
        least = exponent.min(least);
        t *= STEP;
    }
    least.exp()
}

/// Rows and current rows, which all cells have in common.
struct Margins {
    reference_rows: u64,
    current_rows: u64,
}

impl Margins {
    fn of(table: &Table) -> Self {
        Margins { reference_rows: table.reference_rows(), current_rows: table.current_rows() }
    }

    fn rows(&self) -> f64 {
        (self.reference_rows + self.current_rows) as f64
    }

    /// ln P(B(n, M/n) = M).
    fn ln_meeting(&self) -> f64 {
        let (reference, current) = (self.reference_rows as f64, self.current_rows as f64);
        let ways = ln_choose(self.reference_rows + self.current_rows, self.current_rows);
        ways + current * (current / self.rows()).ln() + reference * (reference / self.rows()).ln()
    }

    /// ln P(Cᵢ = c) and Xᵢ², at most `cap`, for every count c that a cell of `pooled` rows can have.
    fn terms(&self, pooled: u64, cap: f64) -> Vec<(f64, f64)> {
        let (reference, current, all) = (self.reference_rows as f64, self.current_rows as f64, pooled as f64);
        let expected = all * current / self.rows();
        let weight = self.rows() / reference * (self.rows() / current) / all;
        let odds = current / reference;
        let mut ln_probability = all * (reference / self.rows()).ln();
        let of_count = |count: u64| {
            let count = count as f64;
            if count > 0.0 {
                ln_probability += ((all - count + 1.0) / count * odds).ln();
            }
            let square = weight * (count - expected) * (count - expected);
            (ln_probability, square.min(cap))
        };
        (0..=pooled.min(self.current_rows)).map(of_count).collect()
    }
}

/// The bound of ln E\[Π e^(t·Xᵢ²); Σ Cᵢ = M\]: the sum of the cells' ln Σ P · e^(t·Xᵢ²), the cell whose terms are spread the
/// most counted by its greatest term.
fn ln_expectation(cells: &[Vec<(f64, f64)>], t: f64) -> f64 {
    let mut sum = 0.0;
    let mut widest = 0.0_f64;
    for terms in cells {
        let exponent = |(ln_probability, square): &(f64, f64)| ln_probability + t * square;
        let greatest = terms.iter().map(exponent).fold(f64::NEG_INFINITY, f64::max);
        let spread = terms.iter().map(|term| (exponent(term) - greatest).exp()).sum::<f64>().ln();
        sum += greatest + spread;
        widest = widest.max(spread);
    }
    sum - widest
}
