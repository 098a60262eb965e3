//! How surprising a table is if nothing changed: one p-value for every count-based method.
//!
//! The statistic is Pearson's two-sample X² on the cells that are not empty. Given the margins, chance chooses which of the
//! pooled rows are current; the mean and variance of X² under that are known exactly (J. E. Dawson, "A simplified expression for
//! the variance of the χ²-function on a contingency table", Biometrika 41 (1954) 280), and a gamma distribution with them
//! stands for its null: unlike χ² it holds where cells expect few rows.
//!
//! With few current rows the gamma tail is too light far out. There, p is refined by what chance really does: see [`p_value`].

mod bound;

use rand::{SeedableRng, rngs::StdRng};
use statrs::function::gamma::gamma_ur;

use super::{Table, permutation::Pool};

/// A p-value below this is refined ...
const REFINED_BELOW: f64 = 1e-3;

/// ... when there are fewer current rows than this.
const REFINED_ROWS: u64 = 1_000;

/// Draws that reach the statistic after which their share is known well enough (Besag & Clifford, Biometrika 78 (1991) 301).
const ENOUGH: u64 = 20;

/// The probability that chance alone gives an X² at least as great as the table's; `None` with fewer than two filled cells,
/// where nothing can differ.
///
/// It is the gamma tail, except with M < 1 000 and a tail below 0.001. There:
///
/// 1. if a proven upper bound of the permutation probability (Chernoff's, see the module `bound`) is below what the draws of
///    step 2 could resolve, it is that bound, or the gamma tail if that is greater;
/// 2. else it is estimated from seeded permutations, drawn until 20 of them reach the statistic, at most
///    B = 999 … 9 999 (fewer with more cells). If g of B reach it, it is (g + 1)/(B + 1).
///
/// So it is never smaller than the gamma tail where no draw was made, never claims more than was proven or drawn, and obvious
/// drift costs no draw. The seed is a hash of the counts: the same counts have the same p-value everywhere.
pub fn p_value(table: &Table) -> Option<f64> {
    let null = Null::of(table)?;
    let statistic = statistic(table);
    let tail = null.tail(statistic);
    if table.current_rows() >= REFINED_ROWS || tail >= REFINED_BELOW {
        return Some(tail);
    }
    let draws = draws(table.cells());
    let bound = bound::exceedance(table, statistic, null.scale());
    if bound * (draws + 1) as f64 <= 1.0 {
        return Some(bound.max(tail));
    }
    Some(permuted(table, draws))
}

/// Pearson's two-sample X²: Σ (observed − expected)² / expected over both rows, as `scipy.stats.chi2_contingency`
/// without Yates' correction.
pub fn statistic(table: &Table) -> f64 {
    let (reference_rows, current_rows) = (table.reference_rows() as f64, table.current_rows() as f64);
    let rows = reference_rows + current_rows;
    let of_cell = |(reference, current): (u64, u64)| {
        let pooled = (reference + current) as f64;
        let difference = current as f64 - pooled * current_rows / rows;
        difference * difference / pooled
    };
    // Both rows of a cell differ by the same number of rows from what they expect.
    table.pairs().map(of_cell).sum::<f64>() * rows / reference_rows * (rows / current_rows)
}

/// The exact permutation mean and variance of X².
struct Null {
    mean: f64,
    variance: f64,
}

impl Null {
    fn of(table: &Table) -> Option<Null> {
        let cells = table.cells() as f64;
        let (reference_rows, current_rows) = (table.reference_rows() as f64, table.current_rows() as f64);
        let n = reference_rows + current_rows;
        if cells < 2.0 {
            return None;
        }
        let reciprocals: f64 = table.pooled().into_iter().map(|rows| (rows as f64).recip()).sum();
        let (nu_cells, mu_cells) = dawson(n, cells, reciprocals);
        let (nu_rows, mu_rows) = dawson(n, 2.0, reference_rows.recip() + current_rows.recip());
        let variance = 2.0 * n / (n - 3.0) * (nu_cells - mu_cells) * (nu_rows - mu_rows)
            + n * n / (n - 1.0) * mu_cells * mu_rows;
        // With two or three rows, or one row on a side and cells of one size, every choice gives the same X².
        let variance = if variance.is_finite() && variance > 0.0 { variance } else { 0.0 };
        Some(Null { mean: n * (cells - 1.0) / (n - 1.0), variance })
    }

    fn tail(&self, statistic: f64) -> f64 {
        // `gamma_ur` is not defined at 0. Without variance, but for rounding, every choice of rows gives the same X².
        if statistic <= 0.0 || self.variance <= self.mean * self.mean * 1e-9 {
            return 1.0;
        }
        gamma_ur(self.mean * self.mean / self.variance, statistic / self.scale())
    }

    /// The scale of the gamma distribution.
    fn scale(&self) -> f64 {
        self.variance / self.mean
    }
}

/// Dawson's ν and μ of one margin: `categories` sums with the given sum of reciprocals, of n rows.
fn dawson(n: f64, categories: f64, reciprocals: f64) -> (f64, f64) {
    let nu = (n - categories) * (categories - 1.0) / (n - 1.0);
    let mu = (n * reciprocals - categories * categories) / (n - 2.0);
    (nu, mu)
}

/// How many permutations at most: fewer with more cells, which cost more each.
fn draws(cells: usize) -> u64 {
    (100_000 / cells as u64).clamp(999, 9_999)
}

fn permuted(table: &Table, draws: u64) -> f64 {
    let pooled = table.pooled();
    let pool = Pool::new(&pooled, table.current_rows());
    let mut random = StdRng::seed_from_u64(table.seed());
    // X² is this sum times a constant less a constant. Equal sums may differ in the last bits.
    let observed: f64 = table.pairs().zip(&pooled).map(|((_, current), rows)| squared(current, *rows)).sum();
    let reached = observed * (1.0 - 1e-12);
    let mut exceeding = 0;
    for drawn in 1..=draws {
        let mut sum = 0.0;
        pool.draw(&mut random, &mut |cell, current| sum += squared(current, pooled[cell]));
        exceeding += u64::from(sum >= reached);
        if exceeding == ENOUGH {
            return ENOUGH as f64 / drawn as f64;
        }
    }
    (exceeding + 1) as f64 / (draws + 1) as f64
}

fn squared(current: u64, pooled: u64) -> f64 {
    let current = current as f64;
    current * current / pooled as f64
}

#[cfg(test)]
mod tests;
