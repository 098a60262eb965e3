//! Jensen–Shannon divergence ½ Σ r · ln(r / m) + ½ Σ c · ln(c / m) with m = (r + c) / 2, natural logarithm, not smoothed.
//!
//! The score is its square root, the distance of `scipy.spatial.distance.jensenshannon`, at most √ln 2. 8·N·M/(N+M) times
//! the divergence is asymptotically χ² with K − 1 degrees of freedom when nothing changed.

use super::Table;

/// The divergence of a table, between 0 and ln 2.
pub(super) fn divergence(table: &Table) -> f64 {
    let (reference_rows, current_rows) = (table.reference_rows() as f64, table.current_rows() as f64);
    let of_cell = |(reference, current): (u64, u64)| {
        let (r, c) = (reference as f64 / reference_rows, current as f64 / current_rows);
        let middle = (r + c) / 2.0;
        relative_entropy(r, middle) + relative_entropy(c, middle)
    };
    let divergence: f64 = table.pairs().map(of_cell).sum::<f64>() / 2.0;
    // Rounding can leave the sum a few ulps outside of what is possible.
    divergence.clamp(0.0, std::f64::consts::LN_2)
}

/// One cell's x · ln(x / y), which tends to 0 with x.
fn relative_entropy(x: f64, y: f64) -> f64 {
    if x > 0.0 { x * (x / y).ln() } else { 0.0 }
}
