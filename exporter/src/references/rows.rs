//! What is gathered of a reference's rows, all of them or those of one segment.

use std::collections::BTreeMap;

use modelwatch_exporter_core::model::Reference;
use modelwatch_exporter_core::quality::{Binary, Score, ScoreHistogram};
use modelwatch_exporter_core::reference::{ColumnKind, Profile};
use modelwatch_exporter_core::segment::own_name;
use modelwatch_exporter_core::value::{Value, canonical};

/// The columns of some rows and what was predicted for them.
pub(super) struct Rows {
    /// In the order of the feature columns.
    pub(super) profiles: Vec<Profile>,
    count: u64,
    predicted: u64,
    positive: u64,
    quality: Binary,
    scores: ScoreHistogram,
}

/// What the model said of a row, and what was true: whether it is the positive class, and how sure the model was of it.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) predicted: Option<bool>,
    pub(super) truth: Option<bool>,
    pub(super) score: Option<Score>,
}

impl Rows {
    pub(super) fn new(columns: &[ColumnKind]) -> Rows {
        Rows {
            profiles: columns.iter().map(|kind| Profile::new(*kind)).collect(),
            count: 0,
            predicted: 0,
            positive: 0,
            quality: Binary::default(),
            scores: ScoreHistogram::default(),
        }
    }

    /// Counts one row: its features' values in the order of the columns.
    pub(super) fn observe(&mut self, values: &[Value], said: Said) {
        self.count += 1;
        for (profile, value) in self.profiles.iter_mut().zip(values) {
            profile.observe(value);
        }
        if let Some((truth, score)) = said.truth.zip(said.score) {
            self.scores.add(score, truth);
        }
        let Some(predicted) = said.predicted else { return };
        self.predicted += 1;
        self.positive += u64::from(predicted);
        if let Some(truth) = said.truth {
            self.quality.add(truth, predicted);
        }
    }

    /// All but the features.
    pub(super) fn reference(&self) -> Reference {
        Reference {
            rows: self.count,
            quality: (self.quality.rows() > 0).then_some(self.quality),
            scores: self.scores.clone(),
            positive_ratio: (self.predicted > 0).then(|| self.positive as f64 / self.predicted as f64),
            ..Reference::default()
        }
    }
}

/// The rows of single segments: of those that come first, up to a limit, so that memory is bounded too.
pub(super) struct SlicedRows<'a> {
    columns: &'a [ColumnKind],
    most: usize,
    /// By key and value.
    slices: BTreeMap<&'a str, BTreeMap<Box<str>, Rows>>,
    count: usize,
}

impl<'a> SlicedRows<'a> {
    pub(super) fn new(columns: &'a [ColumnKind], most: usize) -> SlicedRows<'a> {
        SlicedRows { columns, most, slices: BTreeMap::new(), count: 0 }
    }

    /// Counts one row in the segment that it has by a key.
    pub(super) fn observe(&mut self, (key, value): (&'a str, &Value), values: &[Value], said: Said) {
        let Some(text) = canonical(value) else { return };
        let slices = self.slices.entry(key).or_default();
        if let Some(rows) = slices.get_mut(&*text) {
            rows.observe(values, said);
        } else if self.count < self.most && own_name(key, &text).is_some() {
            self.count += 1;
            slices.entry(text.into()).or_insert_with(|| Rows::new(self.columns)).observe(values, said);
        }
    }

    /// The rows of every segment by its name.
    pub(super) fn into_slices(self) -> impl Iterator<Item = (Box<str>, Rows)> {
        self.slices.into_iter().flat_map(|(key, slices)| {
            slices.into_iter().filter_map(move |(value, rows)| Some((own_name(key, &value)?, rows)))
        })
    }
}
