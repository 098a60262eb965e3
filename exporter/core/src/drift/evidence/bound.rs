//! A proven upper bound of the permutation probability of X² ≥ x, for tails that no number of draws could resolve.
//!
//! Given the pooled cells Rᵢ (n rows in all), the current counts of a permutation are distributed as independent binomials
//! Cᵢ ~ B(Rᵢ, M/n) given that they sum to M. With X² = Σ Xᵢ², a product of non-negative functions of the cells and any t > 0
//! (Chernoff):
//!
//! P(X² ≥ x) ≤ e^(−t·x) · Π E\[e^(t·Xᵢ²); Cᵢ ≤ M\] / P(B(n, M/n) = M).
//!
//! It holds for every t, so the least over a few t is a bound too; it falls with x; and it is within a few powers of ten of the
//! truth, also where rare cells make the tail heavy.

use super::super::{Table, permutation::ln_choose};

/// Candidates of t, as shares of the t that would be best for the gamma distribution: a heavier tail wants less.
const SHARES: [f64; 6] = [1.0, 0.8, 0.6, 0.4, 0.2, 0.1];

/// An upper bound of the probability that X² of a permutation of the table reaches `statistic`; 1 at most. `scale` is that of
/// the gamma distribution that approximates X².
pub(super) fn exceedance(table: &Table, statistic: f64, scale: f64) -> f64 {
    let (reference_rows, current_rows) = (table.reference_rows() as f64, table.current_rows() as f64);
    let n = reference_rows + current_rows;
    let mean = n * (table.cells() as f64 - 1.0) / (n - 1.0);
    let best = (1.0 - mean / statistic).max(0.0) / scale;
    let margins = Margins { share: current_rows / n, weight: n / reference_rows * (n / current_rows) };
    let conditioning =
        -ln_binomial(table.reference_rows() + table.current_rows(), table.current_rows(), margins.share);
    let mut exponents = SHARES.map(|share| conditioning - share * best * statistic);
    for pooled in table.pooled() {
        let terms = margins.terms(pooled, table.current_rows());
        for (exponent, share) in exponents.iter_mut().zip(SHARES) {
            *exponent += ln_expectation(&terms, share * best);
        }
    }
    exponents.into_iter().fold(0.0, f64::min).exp()
}

/// What all cells have in common: M/n, and n²/(N·M) by which a squared difference over Rᵢ becomes Xᵢ².
struct Margins {
    share: f64,
    weight: f64,
}

impl Margins {
    /// ln P(Cᵢ = c) and Xᵢ² for every c the cell can have.
    fn terms(&self, pooled: u64, current_rows: u64) -> Vec<(f64, f64)> {
        let of_count = |current: u64| {
            let difference = current as f64 - pooled as f64 * self.share;
            (ln_binomial(pooled, current, self.share), self.weight * difference * difference / pooled as f64)
        };
        (0..=pooled.min(current_rows)).map(of_count).collect()
    }
}

/// ln Σ P · e^(t·X²), by its greatest term, so that nothing overflows.
fn ln_expectation(terms: &[(f64, f64)], t: f64) -> f64 {
    let exponent = |(probability, square): &(f64, f64)| probability + t * square;
    let greatest = terms.iter().map(exponent).fold(f64::NEG_INFINITY, f64::max);
    greatest + terms.iter().map(|term| (exponent(term) - greatest).exp()).sum::<f64>().ln()
}

/// ln of the binomial probability of `successes` in `trials`.
fn ln_binomial(trials: u64, successes: u64, probability: f64) -> f64 {
    let failures = (trials - successes) as f64;
    ln_choose(trials, successes) + successes as f64 * probability.ln() + failures * (-probability).ln_1p()
}
