//! Which series a family keeps apart when there are more than its budget.
//!
//! First come: series are gone through from the oldest to the youngest, where a series is as old as the youngest of the
//! version and the classes it is told of (`Births` in the core). That order only grows at its end, and room is taken for
//! what a version may come to say, not for what it says now; so whatever is admitted stays, through newcomers and
//! restarts alike, without a table of what was admitted. A reload may admit anew.

use std::collections::HashMap;

use modelwatch_exporter_core::model::Birth;
use modelwatch_exporter_core::report::{ModelReport, VersionReport};
use modelwatch_exporter_core::time::Time;

/// Series that one version may need in any family that has no other label of an open set: statuses and `other`.
const OF_VERSION: usize = 21;

/// What is kept apart of one version's counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Admitted {
    /// Its name; otherwise it is counted under the version `other`.
    pub(super) version: bool,
    /// How many classes, the first that the model met, in counts by class; `None` for the version `other`.
    pub(super) classes: Option<usize>,
    /// The same, in counts by true and predicted class.
    pub(super) confusion: Option<usize>,
}

/// For every model the versions by their place.
pub(super) type Admissions = Vec<Vec<Admitted>>;

/// Admits versions and classes as far as the budget reaches.
pub(super) fn admit(reports: &[ModelReport], budget: usize) -> Admissions {
    let mut admitted: Admissions =
        reports.iter().map(|report| vec![Admitted::default(); places(report)]).collect();
    let kept: Vec<_> = in_order(reports).into_iter().take(budget / OF_VERSION).collect();
    for placed in &kept {
        admitted[placed.model][placed.version.birth.place].version = true;
    }
    let levels = levels(reports, &kept);
    spend(&levels, budget, |_| 1, |level, classes| admitted[level.model][level.place].classes = classes);
    let cells = |classes| 2 * classes + 1;
    spend(&levels, budget, cells, |level, classes| admitted[level.model][level.place].confusion = classes);
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

fn places(report: &ModelReport) -> usize {
    report.versions.values().map(|version| version.birth.place + 1).max().unwrap_or(0)
}

/// One class more that a version tells apart: the series with it and those before it. At 0 it is `other` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Level {
    born: Time,
    model: usize,
    place: usize,
    classes: usize,
}

fn levels(reports: &[ModelReport], kept: &[Placed<'_>]) -> Vec<Level> {
    let mut levels = Vec::new();
    for &Placed { model, version, .. } in kept {
        let Birth { at, place } = version.birth;
        levels.push(Level { born: at, model, place, classes: 0 });
        let classes = reports[model].births.classes().iter().enumerate();
        levels.extend(classes.map(|(class, born)| Level {
            born: at.max(*born),
            model,
            place,
            classes: class + 1,
        }));
    }
    levels.sort_unstable();
    levels
}

/// Goes through the levels in their order; a version that a level was refused gets none of the later ones.
fn spend(
    levels: &[Level],
    budget: usize,
    cost: impl Fn(usize) -> usize,
    mut admit: impl FnMut(&Level, Option<usize>),
) {
    let mut used = 0;
    let mut next = HashMap::new();
    for level in levels {
        let next = next.entry((level.model, level.place)).or_insert(0);
        let cost = cost(level.classes);
        if *next == level.classes && used + cost <= budget {
            admit(level, Some(level.classes));
            *next += 1;
            used += cost;
        }
    }
}

#[cfg(test)]
mod tests;
