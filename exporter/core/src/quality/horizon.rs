//! The label horizon: the newest pane up to which labels can be trusted to be there.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::QualityPane;

/// When a pane counts as labelled.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    /// The newest pane that may end a window.
    pub newest: i64,
    /// How many panes a full window has, besides the newest one.
    pub panes: i64,
    /// Labelled share that a pane needs.
    pub min_coverage: f64,
}

/// The panes of the newest window all of whose panes are labelled or too old to wait for.
///
/// `settled` says of a pane that nobody waits for its labels any more. Panes without predictions are no obstacle.
/// `None` when no such window holds a labelled prediction.
pub fn find_horizon(
    panes: &BTreeMap<i64, QualityPane>,
    rule: Horizon,
    settled: impl Fn(i64, &QualityPane) -> bool,
) -> Option<RangeInclusive<i64>> {
    let ready = |at: i64, pane: &QualityPane| {
        pane.coverage().is_none_or(|share| share >= rule.min_coverage) || settled(at, pane)
    };
    let mut end = rule.newest;
    for (&at, pane) in panes.range(..=rule.newest).rev() {
        if at < end - rule.panes {
            break;
        }
        if !ready(at, pane) {
            end = at - 1;
        }
    }
    let window = end - rule.panes..=end;
    panes.range(window.clone()).any(|(_, pane)| pane.labelled > 0).then_some(window)
}
