//! One data set file, read into a reference and the references of its segments in one pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use modelwatch_exporter_core::model::{FeatureSetup, Reference};
use modelwatch_exporter_core::quality::Score;
use modelwatch_exporter_core::reference::{ColumnKind, FeatureReference, Profile, ReferenceError};
use modelwatch_exporter_core::schema::FeatureType;
use modelwatch_exporter_core::value::{Value, canonical};

use super::ReferencesError;
use super::rows::{Rows, Said, SlicedRows};
use crate::config::ModelConfig;
use crate::table::{Batch, Table, TableError};

/// A reference whose features have not got their places yet.
pub(super) struct RawReference {
    /// All columns that may be features, identifiers included.
    pub(super) columns: BTreeSet<Box<str>>,
    pub(super) features: BTreeMap<Box<str>, FeatureReference>,
    reference: Reference,
    slices: BTreeMap<Box<str>, Slice>,
}

/// The same of the rows of one segment.
struct Slice {
    features: BTreeMap<Box<str>, FeatureReference>,
    reference: Reference,
}

impl RawReference {
    pub(super) fn read(config: &ModelConfig, path: &Path) -> Result<RawReference, ReferencesError> {
        let table = Table::open(path).map_err(ReferencesError::Table)?;
        let columns = Columns::find(config, &table).map_err(ReferencesError::Table)?;
        let kinds: Vec<ColumnKind> = columns.features.iter().map(|at| table.columns()[*at].kind).collect();
        let (mut all, mut slices) = (Rows::new(&kinds), SlicedRows::new(&kinds, config.limits.segments));
        for batch in table.batches(&columns.selection()).map_err(ReferencesError::Table)? {
            columns.observe(&batch.map_err(ReferencesError::Table)?, config, (&mut all, &mut slices));
        }
        let names: Vec<&str> = columns.features.iter().map(|at| &*table.columns()[*at].name).collect();
        let mut features = BTreeMap::new();
        for (name, profile) in names.iter().zip(&all.profiles) {
            let reference = feature(config, name, profile).map_err(|reason| ReferencesError::Feature {
                feature: (*name).into(),
                path: path.to_owned(),
                reason,
            })?;
            features.extend(reference.map(|reference| ((*name).into(), reference)));
        }
        let slices = slices.into_slices().map(|(name, rows)| (name, Slice::new(&rows, &names, &features)));
        Ok(RawReference {
            columns: names.iter().map(|name| (*name).into()).collect(),
            slices: slices.collect(),
            features,
            reference: all.reference(),
        })
    }

    pub(super) fn in_order_of(self, features: &[FeatureSetup]) -> Reference {
        let slices = self.slices.into_iter().map(|(name, slice)| {
            (name, Reference { features: placed(slice.features, features), ..slice.reference })
        });
        let slices = slices.collect();
        Reference { features: placed(self.features, features), slices, ..self.reference }
    }
}

impl Slice {
    /// Features are of the types that they have in the whole reference, on cells of their own.
    fn new(rows: &Rows, names: &[&str], whole: &BTreeMap<Box<str>, FeatureReference>) -> Slice {
        let features = names.iter().zip(&rows.profiles).filter_map(|(name, profile)| {
            let feature_type = whole.get(*name)?.feature_type();
            // what the whole column can be, a part of it can be
            Some(((*name).into(), FeatureReference::new(profile, feature_type).ok()?))
        });
        Slice { features: features.collect(), reference: rows.reference() }
    }
}

fn placed(
    mut named: BTreeMap<Box<str>, FeatureReference>,
    features: &[FeatureSetup],
) -> Vec<Option<FeatureReference>> {
    features.iter().map(|feature| named.remove(&feature.name)).collect()
}

/// Which columns of a table are what.
struct Columns {
    features: Vec<usize>,
    /// Label, prediction and score.
    roles: [Option<usize>; 3],
    /// By the place of a key; `None` where the table lacks the column, so that it has no slices by it.
    segments: Vec<Option<usize>>,
}

impl Columns {
    fn find(config: &ModelConfig, table: &Table) -> Result<Columns, TableError> {
        let place = |name: &Option<String>| name.as_deref().map(|name| table.column(name)).transpose();
        let named = &config.columns;
        let roles = [place(&named.label)?, place(&named.prediction)?, place(&named.score)?];
        let ignored: BTreeSet<&str> = config.columns.ignore.iter().map(String::as_str).collect();
        let numbered = table.columns().iter().enumerate();
        let free = numbered.filter(|(at, column)| {
            !roles.contains(&Some(*at))
                && !ignored.contains(&*column.name)
                && !is_index_of_pandas(&column.name)
        });
        let features = free.map(|(at, _)| at).collect();
        let segments = config.segments.iter().map(|key| segment(config, table, key)).collect();
        Ok(Columns { features, roles, segments })
    }

    /// Features first, then label, prediction, score and segments where there are any.
    fn selection(&self) -> Vec<usize> {
        let besides = self.roles.iter().chain(&self.segments).flatten();
        self.features.iter().chain(besides).copied().collect()
    }

    fn observe<'a>(
        &self,
        batch: &Batch,
        config: &'a ModelConfig,
        (all, slices): (&mut Rows, &mut SlicedRows<'a>),
    ) {
        let features = self.features.len();
        let mut places = features..;
        let [label, prediction, score] = self.roles.map(|role| role.and_then(|_| places.next()));
        let found = config.segments.iter().zip(&self.segments).filter(|(_, place)| place.is_some());
        let keys: Vec<(&str, usize)> = found.map(|(key, _)| &**key).zip(places).collect();
        let positive =
            |at: usize, row: usize| canonical(&batch.value(at, row)).map(|class| class == *config.positive);
        let mut values: Vec<Value> = Vec::with_capacity(features);
        for row in 0..batch.rows() {
            values.clear();
            values.extend((0..features).map(|at| batch.value(at, row)));
            let said = Said {
                predicted: prediction.and_then(|at| positive(at, row)),
                truth: label.and_then(|at| positive(at, row)),
                score: score.and_then(|at| score_of(&batch.value(at, row))),
            };
            all.observe(&values, said);
            for (key, at) in &keys {
                slices.observe((key, &batch.value(*at, row)), &values, said);
            }
        }
    }
}

fn score_of(value: &Value) -> Option<Score> {
    match value {
        Value::Number(probability) => Score::new(*probability),
        _ => None,
    }
}

/// Whether a column is the index of a data frame, which pandas writes beside its columns: no event has it.
fn is_index_of_pandas(name: &str) -> bool {
    name.starts_with("__index_level_") && name.ends_with("__")
}

/// The column of a key of segments; one that is in events alone cannot be compared, which is said.
fn segment(config: &ModelConfig, table: &Table, key: &str) -> Option<usize> {
    let place = table.column(key).ok();
    if place.is_none() {
        tracing::info!(
            model = &*config.name,
            column = key,
            reference = %table.path().display(),
            "the reference lacks the column, so its segments are compared with nothing"
        );
    }
    place
}

/// One column as a feature; `None` for an identifier, which has no distribution.
fn feature(
    config: &ModelConfig,
    name: &str,
    profile: &Profile,
) -> Result<Option<FeatureReference>, ReferenceError> {
    let wanted = config.features.get(name).and_then(|feature| feature.feature_type);
    match wanted.unwrap_or_else(|| profile.inferred_type()) {
        FeatureType::Identifier if wanted.is_some() => Ok(None),
        FeatureType::Identifier => {
            tracing::info!(
                model = &*config.name,
                column = name,
                "the column has as many distinct texts as an identifier, so it is not monitored"
            );
            Ok(None)
        }
        feature_type => FeatureReference::new(profile, feature_type).map(Some),
    }
}
