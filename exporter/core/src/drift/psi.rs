//! Population stability index Σ (r − c) · ln(r / c), natural logarithm.
//!
//! Shares are smoothed as (n + ½) / (N + K/2), so that an empty cell gives a large number and not infinity. It is symmetric,
//! never negative, and N·M/(N+M) times it is asymptotically χ² with K − 1 degrees of freedom when nothing changed.

use super::Table;

/// The index of a table.
pub(super) fn index(table: &Table) -> f64 {
    let half_cells = table.cells() as f64 / 2.0;
    let reference_rows = table.reference_rows() as f64 + half_cells;
    let current_rows = table.current_rows() as f64 + half_cells;
    let of_cell = |(reference, current): (u64, u64)| {
        let r = (reference as f64 + 0.5) / reference_rows;
        let c = (current as f64 + 0.5) / current_rows;
        (r - c) * (r / c).ln()
    };
    table.pairs().map(of_cell).sum()
}
