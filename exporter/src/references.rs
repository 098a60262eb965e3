//! References: data set files read once, at start and at a reload, into what events are compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use modelwatch_exporter_core::model::{FeatureSetup, MethodSetup, ModelSetup, Reference};
use modelwatch_exporter_core::quality::{Binary, Score, ScoreHistogram};
use modelwatch_exporter_core::reference::{FeatureReference, Profile, ReferenceError};
use modelwatch_exporter_core::schema::FeatureType;
use modelwatch_exporter_core::value::{Value, canonical};

use crate::config::{FeatureConfig, ModelConfig};
use crate::table::{Batch, Table, TableError};

/// Why a model cannot be compared with its reference.
#[derive(Debug, thiserror::Error)]
pub enum ReferencesError {
    /// The file cannot be used.
    #[error("reference {0}")]
    Table(TableError),
    /// A column cannot be what the configuration says.
    #[error("features.{feature}: {reason} (column of {})", path.display())]
    Feature {
        /// The column.
        feature: Box<str>,
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: ReferenceError,
    },
    /// The configuration speaks of a feature that no reference has.
    #[error("features.{0}: no reference has this column")]
    UnknownFeature(Box<str>),
    /// More columns than `limits.features`.
    #[error(
        "the references have {found} feature columns, more than limits.features ({most}): name the others in reference_columns.ignore"
    )]
    TooManyFeatures {
        /// Columns found.
        found: usize,
        /// Columns allowed.
        most: usize,
    },
}

/// Reads a model's references. Takes as long as the files are large; not for I/O threads.
///
/// # Errors
/// Names the file and the column.
pub fn build(config: &ModelConfig) -> Result<ModelSetup, ReferencesError> {
    let default = config.reference.as_deref().map(|path| RawReference::read(config, path)).transpose()?;
    let mut named = BTreeMap::new();
    for (version, path) in &config.references {
        named.insert(version.clone(), RawReference::read(config, path)?);
    }
    let features = features(config, default.iter().chain(named.values()))?;
    let share = |raw: RawReference| Arc::new(raw.in_order_of(&features));
    Ok(ModelSetup {
        name: config.name.clone(),
        positive: config.positive.clone(),
        windows: config.windows.clone(),
        clock: config.clock,
        reference: default.map(share),
        references: named.into_iter().map(|(version, raw)| (version, share(raw))).collect(),
        features,
        drift: config.drift,
        labels: config.labels,
        baseline: config.baseline.clone(),
        limits: config.limits,
    })
}

/// A reference whose features have not got their places yet.
struct RawReference {
    /// All columns that may be features, identifiers included.
    columns: BTreeSet<Box<str>>,
    features: BTreeMap<Box<str>, FeatureReference>,
    reference: Reference,
}

impl RawReference {
    fn read(config: &ModelConfig, path: &Path) -> Result<RawReference, ReferencesError> {
        let table = Table::open(path).map_err(ReferencesError::Table)?;
        let columns = Columns::find(config, &table).map_err(ReferencesError::Table)?;
        let mut profiles: Vec<Profile> =
            columns.features.iter().map(|at| Profile::new(table.columns()[*at].kind)).collect();
        let mut said = Said::default();
        for batch in table.batches(&columns.selection()).map_err(ReferencesError::Table)? {
            let batch = batch.map_err(ReferencesError::Table)?;
            for (at, profile) in profiles.iter_mut().enumerate() {
                (0..batch.rows()).for_each(|row| profile.observe(&batch.value(at, row)));
            }
            said.observe(&batch, &columns, &config.positive);
        }
        let names = columns.features.iter().map(|at| &table.columns()[*at].name);
        let mut features = BTreeMap::new();
        for (name, profile) in names.zip(&profiles) {
            let reference = feature(config, name, profile).map_err(|reason| ReferencesError::Feature {
                feature: name.clone(),
                path: path.to_owned(),
                reason,
            })?;
            features.extend(reference.map(|reference| (name.clone(), reference)));
        }
        let columns = columns.features.iter().map(|at| table.columns()[*at].name.clone()).collect();
        Ok(RawReference { columns, features, reference: said.reference(table.row_count()) })
    }

    fn in_order_of(mut self, features: &[FeatureSetup]) -> Reference {
        let placed = features.iter().map(|feature| self.features.remove(&feature.name));
        Reference { features: placed.collect(), ..self.reference }
    }
}

/// Which columns of a table are what.
struct Columns {
    features: Vec<usize>,
    label: Option<usize>,
    prediction: Option<usize>,
    score: Option<usize>,
}

impl Columns {
    fn find(config: &ModelConfig, table: &Table) -> Result<Columns, TableError> {
        let place = |name: &Option<String>| name.as_deref().map(|name| table.column(name)).transpose();
        let (label, prediction) = (place(&config.columns.label)?, place(&config.columns.prediction)?);
        let score = place(&config.columns.score)?;
        let ignored: BTreeSet<&str> = config.columns.ignore.iter().map(String::as_str).collect();
        let taken = [label, prediction, score];
        let numbered = table.columns().iter().enumerate();
        let free =
            numbered.filter(|(at, column)| !taken.contains(&Some(*at)) && !ignored.contains(&*column.name));
        Ok(Columns { features: free.map(|(at, _)| at).collect(), label, prediction, score })
    }

    /// Features first, then label, prediction and score where there are any.
    fn selection(&self) -> Vec<usize> {
        self.features.iter().copied().chain(self.roles().into_iter().flatten()).collect()
    }

    fn roles(&self) -> [Option<usize>; 3] {
        [self.label, self.prediction, self.score]
    }

    /// Where label, prediction and score are in [`Columns::selection`].
    fn places(&self) -> [Option<usize>; 3] {
        let mut next = self.features.len()..;
        self.roles().map(|role| role.and_then(|_| next.next()))
    }
}

/// What the model said of the reference's rows, and what was true.
#[derive(Default)]
struct Said {
    predicted: u64,
    positive: u64,
    quality: Binary,
    scores: ScoreHistogram,
}

impl Said {
    fn observe(&mut self, batch: &Batch, columns: &Columns, positive: &str) {
        let [label, prediction, score] = columns.places();
        let is_positive =
            |at: Option<usize>, row: usize| canonical(&batch.value(at?, row)).map(|class| class == positive);
        for row in 0..batch.rows() {
            let (truth, said) = (is_positive(label, row), is_positive(prediction, row));
            if let Some(said) = said {
                self.predicted += 1;
                self.positive += u64::from(said);
            }
            if let Some((truth, said)) = truth.zip(said) {
                self.quality.add(truth, said);
            }
            if let Some((truth, score)) = truth.zip(score.and_then(|at| score_of(&batch.value(at, row)))) {
                self.scores.add(score, truth);
            }
        }
    }

    fn reference(self, rows: u64) -> Reference {
        Reference {
            rows,
            features: Vec::new(),
            quality: (self.quality.rows() > 0).then_some(self.quality),
            scores: self.scores,
            positive_ratio: (self.predicted > 0).then(|| self.positive as f64 / self.predicted as f64),
        }
    }
}

fn score_of(value: &Value) -> Option<Score> {
    match value {
        Value::Number(probability) => Score::new(*probability),
        _ => None,
    }
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

/// The monitored features of all references together, each with its methods.
fn features<'a>(
    config: &ModelConfig,
    references: impl Iterator<Item = &'a RawReference>,
) -> Result<Vec<FeatureSetup>, ReferencesError> {
    let mut types: BTreeMap<&str, FeatureType> = BTreeMap::new();
    let mut columns = BTreeSet::new();
    for raw in references {
        columns.extend(&raw.columns);
        for (name, reference) in &raw.features {
            types.entry(name).or_insert(reference.feature_type());
        }
    }
    if let Some(unknown) = config.features.keys().find(|name| !columns.contains(name)) {
        return Err(ReferencesError::UnknownFeature(unknown.clone()));
    }
    if types.len() > config.max_features {
        return Err(ReferencesError::TooManyFeatures { found: types.len(), most: config.max_features });
    }
    let setup = |(name, feature_type): (&str, FeatureType)| FeatureSetup {
        name: name.into(),
        methods: methods(config, config.features.get(name), feature_type),
    };
    Ok(types.into_iter().map(setup).collect())
}

fn methods(config: &ModelConfig, own: Option<&FeatureConfig>, feature_type: FeatureType) -> Vec<MethodSetup> {
    let usual = if feature_type == FeatureType::Numeric { &config.numeric } else { &config.categorical };
    let methods = own.and_then(|feature| feature.methods.as_ref()).unwrap_or(usual);
    let effect_size = own.and_then(|feature| feature.effect_size);
    let rule = |method: &modelwatch_exporter_core::drift::Method| MethodSetup {
        method: *method,
        effect_size: effect_size.unwrap_or_else(|| method.effect_size()),
    };
    methods.iter().map(rule).collect()
}

#[cfg(test)]
mod tests;
