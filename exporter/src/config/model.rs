//! One entry of `models:`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use modelwatch_common::config::{Faults, Source, Span};
use modelwatch_exporter_core::drift::Method;
use modelwatch_exporter_core::labels::WaitingLimits;
use modelwatch_exporter_core::model::{ClockKind, DriftRules, LabelRules, Limits};
use modelwatch_exporter_core::quality::Metric;
use modelwatch_exporter_core::schema::FeatureType;
use modelwatch_exporter_core::value::{Value, canonical};
use modelwatch_exporter_core::window::WindowSpec;
use serde::Deserialize;

use super::Shared;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    name: String,
    #[serde(rename = "task")]
    _task: Task,
    positive_label: Option<Value>,
    reference: Option<PathBuf>,
    #[serde(default)]
    references: BTreeMap<Box<str>, PathBuf>,
    #[serde(default)]
    reference_columns: RawReferenceColumns,
    windows: Option<Vec<WindowSpec>>,
    clock: Option<ClockKind>,
    #[serde(default)]
    segments: Vec<Box<str>>,
    #[serde(default)]
    drift: RawDrift,
    #[serde(default)]
    features: BTreeMap<Box<str>, RawFeature>,
    #[serde(default)]
    labels: RawLabels,
    #[serde(default)]
    baseline: BTreeMap<Metric, f64>,
}

/// What kind of predictions a model makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    Binary,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReferenceColumns {
    label: Option<String>,
    prediction: Option<String>,
    score: Option<String>,
    #[serde(default)]
    ignore: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDrift {
    numeric: Option<Vec<Method>>,
    categorical: Option<Vec<Method>>,
    min_rows: Option<u64>,
    fdr: Option<f64>,
    share: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFeature {
    #[serde(rename = "type")]
    feature_type: Option<FeatureType>,
    methods: Option<Vec<Method>>,
    threshold: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLabels {
    wait: Option<Span>,
    min_coverage: Option<f64>,
    max_waiting: Option<usize>,
}

/// One model as configured: everything but what its references say.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Its name in events and labels.
    pub name: Box<str>,
    /// Canonical text of the positive class.
    pub positive: Box<str>,
    /// Data of versions that have none of their own.
    pub reference: Option<PathBuf>,
    /// Data of the versions named.
    pub references: BTreeMap<Box<str>, PathBuf>,
    /// What the columns of the references are, besides features.
    pub columns: ReferenceColumns,
    /// The sliding windows.
    pub windows: Vec<WindowSpec>,
    /// What ends them.
    pub clock: ClockKind,
    /// Columns that slice the rows.
    pub segments: Vec<Box<str>>,
    /// When drift is said.
    pub drift: DriftRules,
    /// Methods for numeric features that name none.
    pub numeric: Vec<Method>,
    /// Methods for categorical features that name none.
    pub categorical: Vec<Method>,
    /// What differs for single features.
    pub features: BTreeMap<Box<str>, FeatureConfig>,
    /// When quality is told.
    pub labels: LabelRules,
    /// Quality that is expected, where not measured on the reference.
    pub baseline: BTreeMap<Metric, f64>,
    /// Bounds.
    pub limits: Limits,
    /// How many features at most.
    pub max_features: usize,
}

/// What the columns of a reference are, besides features.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReferenceColumns {
    /// The truth.
    pub label: Option<String>,
    /// What the model said.
    pub prediction: Option<String>,
    /// How sure it was.
    pub score: Option<String>,
    /// Neither features nor any of these.
    pub ignore: Vec<String>,
}

/// What differs for one feature.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureConfig {
    /// Instead of what the reference suggests.
    pub feature_type: Option<FeatureType>,
    /// Instead of the model's.
    pub methods: Option<Vec<Method>>,
    /// Instead of the methods' own effect sizes.
    pub effect_size: Option<f64>,
}

impl RawModel {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Checks one model; `key` is its place in the file. Faults are noted; a model that has some is left out.
    pub(super) fn validate(
        self,
        key: &str,
        shared: Shared,
        source: &Source,
        faults: &mut Faults,
    ) -> Option<ModelConfig> {
        let mut check = Check { key, faults, sound: true };
        check.that(is_name(&self.name), "name", "expected 1 to 128 characters without control characters");
        check.that(
            !self.baseline.values().any(|v| !(0.0..=1.0).contains(v)),
            "baseline",
            "expected shares from 0 to 1",
        );
        let windows = self.windows.clone().unwrap_or_else(default_windows);
        check.that(!windows.is_empty(), "windows", "expected at least one window, such as 1d");
        let distinct: std::collections::BTreeSet<_> = windows.iter().collect();
        check.that(distinct.len() == windows.len(), "windows", "the same window is there twice");
        check.segments(&self.segments);
        let positive = self.positive_label.as_ref().map_or(Some("1".into()), canonical);
        check.that(positive.is_some(), "positive_label", "expected a string, a number or true/false");
        let drift = self.drift.rules(&mut check);
        let labels = self.labels.rules(&mut check);
        let features = self.features.into_iter().map(|(name, raw)| {
            let feature = raw.validate(&name, &mut check);
            (name, feature)
        });
        let features = features.collect();
        let sound = check.sound;
        Some(ModelConfig {
            name: self.name.into(),
            positive: positive.filter(|_| sound)?.into(),
            reference: self.reference.map(|path| source.resolve(&path)),
            references: self.references.into_iter().map(|(v, path)| (v, source.resolve(&path))).collect(),
            columns: self.reference_columns.into(),
            windows,
            clock: self.clock.unwrap_or(shared.clock),
            segments: self.segments,
            drift,
            numeric: self
                .drift
                .numeric
                .unwrap_or_else(|| Method::default_for(FeatureType::Numeric).into_iter().collect()),
            categorical: self
                .drift
                .categorical
                .unwrap_or_else(|| Method::default_for(FeatureType::Categorical).into_iter().collect()),
            features,
            labels,
            baseline: self.baseline,
            limits: shared.limits,
            max_features: shared.max_features,
        })
    }
}

impl RawDrift {
    fn rules(&self, check: &mut Check<'_>) -> DriftRules {
        let rules = DriftRules {
            min_rows: self.min_rows.unwrap_or(100),
            fdr: self.fdr.unwrap_or(0.05),
            share: self.share.unwrap_or(0.5),
        };
        check.that(rules.min_rows > 0, "drift.min_rows", "expected at least 1");
        check.that(rules.fdr > 0.0 && rules.fdr < 1.0, "drift.fdr", "expected a level between 0 and 1");
        check.that(
            rules.share > 0.0 && rules.share <= 1.0,
            "drift.share",
            "expected a share above 0 and up to 1",
        );
        check.methods("drift.numeric", self.numeric.as_deref());
        check.methods("drift.categorical", self.categorical.as_deref());
        rules
    }
}

impl RawLabels {
    fn rules(&self, check: &mut Check<'_>) -> LabelRules {
        let rules = LabelRules {
            limits: WaitingLimits {
                wait: self.wait.map_or(30 * DAY, Span::duration),
                most: self.max_waiting.unwrap_or(10_000_000),
            },
            min_coverage: self.min_coverage.unwrap_or(0.8),
        };
        let wait = rules.limits.wait;
        check.that(
            wait >= Duration::from_secs(60) && wait <= 3660 * DAY,
            "labels.wait",
            "expected 1m to 3660d",
        );
        check.that(rules.limits.most > 0, "labels.max_waiting", "expected at least 1");
        let coverage = rules.min_coverage;
        check.that(
            coverage > 0.0 && coverage <= 1.0,
            "labels.min_coverage",
            "expected a share above 0 and up to 1",
        );
        rules
    }
}

impl RawFeature {
    fn validate(self, name: &str, check: &mut Check<'_>) -> FeatureConfig {
        check.methods(&format!("features.{name}.methods"), self.methods.as_deref());
        let sound = self.threshold.is_none_or(|threshold| threshold.is_finite() && threshold >= 0.0);
        check.that(sound, &format!("features.{name}.threshold"), "expected a number that is not negative");
        FeatureConfig { feature_type: self.feature_type, methods: self.methods, effect_size: self.threshold }
    }
}

impl From<RawReferenceColumns> for ReferenceColumns {
    fn from(raw: RawReferenceColumns) -> ReferenceColumns {
        let RawReferenceColumns { label, prediction, score, ignore } = raw;
        ReferenceColumns { label, prediction, score, ignore }
    }
}

/// Notes what does not hold, under the key of one model.
struct Check<'a> {
    key: &'a str,
    faults: &'a mut Faults,
    sound: bool,
}

impl Check<'_> {
    fn that(&mut self, holds: bool, key: &str, expected: &str) {
        if !holds {
            self.sound = false;
            self.faults.add(format!("{}.{key}", self.key), expected);
        }
    }

    /// Names of segments are `key=value`: an equals sign in a key would make two of one name.
    fn segments(&mut self, keys: &[Box<str>]) {
        let sound = keys.iter().all(|key| is_name(key) && !key.contains('='));
        let expected = "expected names of columns: 1 to 128 characters without `=` and control characters";
        self.that(sound, "segments", expected);
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        self.that(distinct.len() == keys.len(), "segments", "the same column is there twice");
    }

    fn methods(&mut self, key: &str, methods: Option<&[Method]>) {
        let Some(methods) = methods else { return };
        self.that(!methods.is_empty(), key, "expected at least one method, such as psi");
        let distinct: std::collections::BTreeSet<_> = methods.iter().collect();
        self.that(distinct.len() == methods.len(), key, "the same method is there twice");
    }
}

fn default_windows() -> Vec<WindowSpec> {
    const HOUR: i64 = 3_600_000;
    [1, 24, 168].into_iter().map(|hours| WindowSpec::Span(hours * HOUR)).collect()
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}
