//! Room for the gauges of one slice of rows in the budget of each family.
//!
//! A slice is admitted to a family as a whole or not at all, and takes the room that it may need, whatever is known of
//! it now: see [`super::admission`] for why.

use modelwatch_exporter_core::model::State;

use super::Labels;

/// The slice that gauges are told of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Tells it from the other slices.
    pub(super) number: usize,
    /// Whether it has to be there: it tells of all rows.
    pub(super) always: bool,
    /// Series of one family at most.
    pub(super) budget: usize,
    /// How many series it may need.
    pub(super) needs: Needs,
}

/// What the number of a slice's series follows from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    pub(super) windows: usize,
    pub(super) features: usize,
    /// Over all features.
    pub(super) methods: usize,
}

impl Needs {
    /// Series of a family with these labels.
    fn of(&self, labels: Labels<'_>) -> usize {
        let has = |wanted: &str| labels.iter().any(|(name, _)| *name == wanted);
        let in_window = match () {
            () if has("method") => self.methods,
            () if has("state") => self.features * State::ALL.len(),
            () if has("feature") => self.features,
            () => 1,
        };
        self.windows * in_window
    }
}

/// What is left of one family's budget.
#[derive(Debug, Default)]
pub(super) struct Room {
    used: usize,
    /// The newest slice and whether it was admitted.
    last: Option<(usize, bool)>,
}

impl Room {
    /// Whether the slice is admitted; asked for the first time, it takes its room.
    pub(super) fn admits(&mut self, scope: &Scope, labels: Labels<'_>) -> bool {
        if let Some((number, admitted)) = self.last
            && number == scope.number
        {
            return admitted;
        }
        let needed = scope.needs.of(labels);
        let admitted = scope.always || self.used + needed <= scope.budget;
        if admitted {
            self.used += needed;
        }
        self.last = Some((scope.number, admitted));
        admitted
    }
}
