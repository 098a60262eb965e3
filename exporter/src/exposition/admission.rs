//! Which series a family keeps apart when there are more than its budget.
//!
//! First come: series are gone through from the oldest to the youngest, where a series is as old as the youngest of the
//! version, the segment and the classes it is told of (`Births` in the core). That order only grows at its end, and room is taken for
//! what a version may come to say, not for what it says now; so whatever is admitted stays, through newcomers and
//! restarts alike, without a table of what was admitted. A reload may admit anew.

use std::collections::BTreeMap;

use modelwatch_exporter_core::report::{ModelReport, SegmentReport, VersionReport};
use modelwatch_exporter_core::segment::ALL_ROWS;
use modelwatch_exporter_core::time::Time;

/// Series that one version may need in any family that has no other label of an open set: statuses and `other`.
const OF_VERSION: usize = 21;

/// What is kept apart of one version's counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Admitted<'a> {
    /// Its name; otherwise it is counted under the version `other`.
    pub(super) version: bool,
    /// How many classes, the first that the model met, in counts by class; `None` for the version `other`.
    pub(super) classes: Option<usize>,
    /// By segment the same, in counts by true and predicted class; those that are not here go to the version `other`.
    pub(super) confusion: BTreeMap<&'a str, usize>,
}

/// For every model the versions by their place.
pub(super) type Admissions<'a> = Vec<Vec<Admitted<'a>>>;

/// Admits versions, segments and classes as far as the budget reaches.
pub(super) fn admit(reports: &[ModelReport], budget: usize) -> Admissions<'_> {
    let mut admitted: Admissions<'_> =
        reports.iter().map(|report| vec![Admitted::default(); places(report)]).collect();
    let mut versions = in_order(reports);
    versions.truncate(budget / OF_VERSION);
    for placed in &versions {
        admitted[placed.model][placed.version.birth.place].version = true;
    }
    let slices = slices_in_order(&versions);
    let all_rows: Vec<_> = slices.iter().filter(|slice| *slice.segment == *ALL_ROWS).copied().collect();
    for (PlacedSlice { placed, .. }, classes) in spend(reports, &all_rows, budget, |_| 1) {
        admitted[placed.model][placed.version.birth.place].classes = Some(classes);
    }
    for (PlacedSlice { placed, segment, .. }, classes) in
        spend(reports, &slices, budget, |classes| 2 * classes + 1)
    {
        admitted[placed.model][placed.version.birth.place].confusion.insert(segment, classes);
    }
    admitted
}

/// One version of one of the models.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    /// The model's place.
    pub(super) model: usize,
    /// The version.
    pub(super) name: &'a str,
    pub(super) version: &'a VersionReport,
}

/// One slice of a version's rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlacedSlice<'a> {
    pub(super) placed: Placed<'a>,
    pub(super) segment: &'a str,
    pub(super) report: &'a SegmentReport,
}

/// All versions of all models from the oldest to the youngest.
pub(super) fn in_order(reports: &[ModelReport]) -> Vec<Placed<'_>> {
    let mut versions: Vec<Placed<'_>> = Vec::new();
    for (model, report) in reports.iter().enumerate() {
        let placed = report.versions.iter().map(|(name, version)| Placed { model, name, version });
        versions.extend(placed);
    }
    versions.sort_by_key(|placed| (placed.version.birth.at, placed.model, placed.version.birth.place));
    versions
}

/// All slices of versions that are in order, likewise; that of all rows before segments of the same age.
pub(super) fn slices_in_order<'a>(versions: &[Placed<'a>]) -> Vec<PlacedSlice<'a>> {
    let mut slices = Vec::new();
    for &placed in versions {
        let segments = placed.version.segments.iter();
        slices.extend(segments.map(|(segment, report)| PlacedSlice { placed, segment, report }));
    }
    slices.sort_by_key(|slice| slice.report.birth);
    slices
}

fn places(report: &ModelReport) -> usize {
    report.versions.values().map(|version| version.birth.place + 1).max().unwrap_or(0)
}

/// One class more that a slice tells apart: the series with it and those before it. At 0 it is `other` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Level {
    born: Time,
    slice: usize,
    classes: usize,
}

fn levels(reports: &[ModelReport], slices: &[PlacedSlice<'_>]) -> Vec<Level> {
    let mut levels = Vec::new();
    for (slice, &PlacedSlice { placed, report, .. }) in slices.iter().enumerate() {
        let at = report.birth;
        levels.push(Level { born: at, slice, classes: 0 });
        let classes = reports[placed.model].births.classes().iter().enumerate();
        levels.extend(classes.map(|(class, born)| Level { born: at.max(*born), slice, classes: class + 1 }));
    }
    levels.sort_unstable();
    levels
}

/// How many classes each slice may tell apart, for those that have room at all. A slice that was refused a level gets
/// none of the later ones.
fn spend<'a>(
    reports: &[ModelReport],
    slices: &[PlacedSlice<'a>],
    budget: usize,
    cost: impl Fn(usize) -> usize,
) -> Vec<(PlacedSlice<'a>, usize)> {
    let mut used = 0;
    let mut kept: Vec<Option<usize>> = vec![None; slices.len()];
    for level in levels(reports, slices) {
        let kept = &mut kept[level.slice];
        let cost = cost(level.classes);
        if kept.map_or(0, |classes| classes + 1) == level.classes && used + cost <= budget {
            *kept = Some(level.classes);
            used += cost;
        }
    }
    slices.iter().zip(kept).filter_map(|(slice, classes)| Some((*slice, classes?))).collect()
}

#[cfg(test)]
mod tests;
