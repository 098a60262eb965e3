//! The cells of a numeric feature: below, the quantile bins, above, missing, bad type.
//!
//! Below and above are the tails of the reference together with everything beyond it; only what is beyond the least or greatest
//! reference value is *counted* as out of range.

use super::profile::Profile;
use crate::schema::Kind;
use crate::value::Value;

/// Bins of about equal reference counts.
const BINS: u128 = 10;

/// Edges that cut the number line into the cells below, bins and above.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NumericCells {
    /// Ascending: the end of the cell below, the inner edges, the start of the cell above. A number belongs to the cell whose
    /// index is the number of edges less than it, so bins are open below and closed above. Empty if the reference has no
    /// number: then every number is out of range.
    edges: Box<[f64]>,
    /// The least and the greatest reference value.
    range: (f64, f64),
}

impl NumericCells {
    /// The cells and their reference counts.
    pub(super) fn new(profile: &Profile) -> (Self, Box<[u64]>) {
        let (buckets, negative, positive) = profile.numbers();
        let ascending = buckets.ascending();
        let Tails { below, inner, above } = Tails::of(&ascending);
        let bins = quantile_bins(inner);
        let mut edges = Vec::new();
        if let (Some((least, greatest)), Some((last, _))) = (profile.range(), inner.last()) {
            edges.push(below.last().map_or(least.next_down(), |(edge, _)| *edge));
            edges.extend(bins.iter().rev().skip(1).rev().map(|(edge, _)| edge));
            edges.push(if above.is_empty() { greatest } else { *last });
        }
        let kinds = profile.kinds();
        let missing = Kind::ALL.iter().filter(|kind| kind.is_missing()).map(|kind| kinds[kind.index()]).sum();
        let mut counts = vec![rows(below) + negative];
        counts.extend(bins.iter().map(|(_, count)| count));
        counts.extend([rows(above) + positive, missing, kinds[Kind::BadType.index()]]);
        let range = profile.range().unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        (NumericCells { edges: edges.into(), range }, counts.into())
    }

    #[inline]
    pub(super) fn cell(&self, value: &Value) -> (usize, Kind) {
        match value {
            Value::Number(number) if !number.is_nan() => self.cell_of_number(*number),
            Value::Number(_) => (self.missing(), Kind::Nan),
            _ => self.cell_of_other(value),
        }
    }

    /// The name of each cell; a bin is named by its interval.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = vec!["below".to_owned()];
        let least = self.range.0;
        names.extend(self.edges.windows(2).map(|pair| match (pair[0], pair[1]) {
            (just_under, to) if just_under < least => format!("[{least}, {to}]"),
            (from, to) => format!("({from}, {to}]"),
        }));
        names.extend(["above", "missing", "bad_type"].map(str::to_owned));
        names
    }

    /// Counting instead of searching: no branch depends on the value, and the comparisons run side by side.
    #[inline]
    fn cell_of_number(&self, number: f64) -> (usize, Kind) {
        let cell = self.edges.iter().map(|edge| usize::from(number > *edge)).sum();
        let kind = match number {
            within if within >= self.range.0 && within <= self.range.1 => Kind::Valid,
            beyond if beyond.is_finite() => Kind::OutOfRange,
            _ => Kind::Infinite,
        };
        (cell, kind)
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

/// The ascending values of the cell below, of the bins and of the cell above.
struct Tails<'a> {
    below: &'a [(f64, u64)],
    inner: &'a [(f64, u64)],
    above: &'a [(f64, u64)],
}

impl<'a> Tails<'a> {
    /// A tail holds half a percent of the rows, at least 10 rows (at most a twentieth). Not none: chance exceeds the greatest of
    /// N reference values in M/(N+M) of all windows of M rows, and cells that are empty in the reference by their very
    /// definition make Pearson's X² reject 12 % instead of 5 % (simulated at N = 5 000, M = 500; 4–6 % with these tails from
    /// M = 50 to 50 000). Where the least value is more frequent than that, nothing is below it and the cell is empty.
    fn of(ascending: &'a [(f64, u64)]) -> Self {
        let rows = rows(ascending);
        let most = (rows / 200).max(10).min(rows / 20);
        let below = within(ascending.iter(), most);
        let above = ascending.len() - within(ascending.iter().rev(), most);
        Tails { below: &ascending[..below], inner: &ascending[below..above], above: &ascending[above..] }
    }
}

/// How many of the first values have at most so many rows together.
fn within<'a>(values: impl Iterator<Item = &'a (f64, u64)>, most: u64) -> usize {
    let sums = values.scan(0, |sum, (_, count)| {
        *sum += count;
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= most).count()
}

fn rows(values: &[(f64, u64)]) -> u64 {
    values.iter().map(|(_, count)| count).sum()
}

/// The greatest value and the count of each bin: a bin ends at the first bucket that completes its share of the rows, so a
/// value that fills several shares ends only one bin.
fn quantile_bins(ascending: &[(f64, u64)]) -> Vec<(f64, u64)> {
    let rows = u128::from(rows(ascending));
    let mut bins = Vec::new();
    let (mut seen, mut in_bin, mut complete) = (0, 0, 0);
    for &(greatest, count) in ascending {
        seen += u128::from(count);
        in_bin += count;
        let shares = seen * BINS / rows;
        if shares > complete {
            bins.push((greatest, in_bin));
            (in_bin, complete) = (0, shares);
        }
    }
    bins
}
