//! The cells of a numeric feature: below, the quantile bins, above, missing, bad type.

use super::profile::Profile;
use crate::schema::Kind;
use crate::value::Value;

/// Bins of about equal reference counts.
const BINS: u64 = 10;

/// Edges that cut the number line into the cells below, bins and above.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NumericCells {
    /// Ascending: just under the least reference value, the inner edges, the greatest reference value. A number belongs to the
    /// cell whose index is the number of edges less than it, so bins are open below and closed above. Empty if the reference
    /// has no number: then every number is out of range.
    edges: Box<[f64]>,
}

impl NumericCells {
    /// The cells and their reference counts.
    pub(super) fn new(profile: &Profile) -> (Self, Box<[u64]>) {
        let (buckets, negative, positive) = profile.numbers();
        let ascending = buckets.ascending();
        let mut edges = Vec::new();
        let mut counts = vec![negative];
        if let Some((least, greatest)) = profile.range() {
            let bins = quantile_bins(&ascending);
            edges.push(least.next_down());
            edges.extend(bins.iter().map(|(edge, _)| edge));
            edges.pop_if(|last| *last >= greatest);
            edges.push(greatest);
            counts.extend(bins.iter().map(|(_, count)| count));
        }
        let kinds = profile.kinds();
        let missing = Kind::ALL.iter().filter(|kind| kind.is_missing()).map(|kind| kinds[kind.index()]).sum();
        counts.extend([positive, missing, kinds[Kind::BadType.index()]]);
        (NumericCells { edges: edges.into() }, counts.into())
    }

    #[inline]
    pub(super) fn cell(&self, value: &Value) -> (usize, Kind) {
        match value {
            Value::Number(number) if !number.is_nan() => self.cell_of_number(*number),
            Value::Number(_) => (self.missing(), Kind::Nan),
            _ => self.cell_of_other(value),
        }
    }

    /// The name of each cell; a bin is named by its half-open interval.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = vec!["below".to_owned()];
        let bins = self.edges.windows(2).enumerate();
        names.extend(bins.map(|(bin, pair)| match bin {
            0 => format!("[{}, {}]", pair[0].next_up(), pair[1]),
            _ => format!("({}, {}]", pair[0], pair[1]),
        }));
        names.extend(["above", "missing", "bad_type"].map(str::to_owned));
        names
    }

    /// Counting instead of searching: no branch depends on the value, and the comparisons run side by side.
    #[inline]
    fn cell_of_number(&self, number: f64) -> (usize, Kind) {
        let cell = self.edges.iter().map(|edge| usize::from(number > *edge)).sum();
        if cell == 0 || cell > self.bins() {
            return (cell, if number.is_finite() { Kind::OutOfRange } else { Kind::Infinite });
        }
        (cell, Kind::Valid)
    }

    fn cell_of_other(&self, value: &Value) -> (usize, Kind) {
        match value.kind() {
            kind if kind.is_missing() => (self.missing(), kind),
            _ => (self.missing() + 1, Kind::BadType),
        }
    }

    fn bins(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    fn missing(&self) -> usize {
        self.bins() + 2
    }
}

/// The greatest value and the count of each bin: a bin ends at the first bucket that completes its share of the rows, so a
/// value that fills several shares ends only one bin.
fn quantile_bins(ascending: &[(f64, u64)]) -> Vec<(f64, u64)> {
    let rows: u64 = ascending.iter().map(|(_, count)| count).sum();
    let mut bins = Vec::new();
    let (mut seen, mut in_bin, mut shares) = (0, 0, 1);
    for &(greatest, count) in ascending {
        seen += count;
        in_bin += count;
        // seen / rows ≥ shares / BINS, in integers.
        if u128::from(seen) * u128::from(BINS) >= u128::from(shares) * u128::from(rows) {
            bins.push((greatest, in_bin));
            in_bin = 0;
            shares = (u128::from(seen) * u128::from(BINS) / u128::from(rows)) as u64 + 1;
        }
    }
    bins
}
