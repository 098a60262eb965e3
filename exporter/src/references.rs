//! References: data set files read once, at start and at a reload, into what events are compared with.

mod reading;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use modelwatch_exporter_core::model::{FeatureSetup, MethodSetup, ModelSetup};
use modelwatch_exporter_core::reference::ReferenceError;
use modelwatch_exporter_core::schema::FeatureType;

use crate::config::{FeatureConfig, ModelConfig};
use crate::table::TableError;
use reading::RawReference;

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
        segments: config.segments.clone(),
        reference: default.map(share),
        references: named.into_iter().map(|(version, raw)| (version, share(raw))).collect(),
        features,
        drift: config.drift,
        labels: config.labels,
        baseline: config.baseline.clone(),
        limits: config.limits,
    })
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
