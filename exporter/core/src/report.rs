//! What is told of a model: every gauge of `/metrics` and every number of the JSON API, computed from a view.
//!
//! A pure function of the view; the only thing remembered between calls is what "no drift" looks like
//! ([`NullCache`]), which depends on nothing but references and row counts.

mod drift;
mod quality;
mod values;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::drift::NullCache;
use crate::model::{Birth, Births, ClockKind, Judge, VersionTotals};
use crate::quality::{Classes, Metric, Unknown};
use crate::time::Time;
use crate::view::{ModelTotals, ModelView, VersionView, WindowView};
pub use drift::{DatasetReport, FeatureReport, MethodReport};
pub use values::{FeatureRatios, ValuesReport};

/// A model, its versions and their windows.
#[derive(Debug, Clone, Serialize)]
pub struct ModelReport {
    /// The model's name.
    pub model: Box<str>,
    /// What kind of predictions it makes.
    pub task: &'static str,
    /// What ends its windows.
    pub clock: ClockKind,
    /// The model's now, in seconds since 1970.
    pub clock_seconds: Option<f64>,
    /// By version; the empty one is events that named none.
    pub versions: BTreeMap<Box<str>, VersionReport>,
    /// Counts over all versions.
    #[serde(skip)]
    pub totals: ModelTotals,
    /// Names of features, in the order of [`ModelTotals::kinds`].
    #[serde(skip)]
    pub feature_names: Vec<Box<str>>,
    /// Names of the classes in the versions' totals.
    #[serde(skip)]
    pub classes: Classes,
    /// When each class first came.
    #[serde(skip)]
    pub births: Births,
    /// Methods over all features together.
    #[serde(skip)]
    pub methods: usize,
}

/// One version.
#[derive(Debug, Clone, Serialize)]
pub struct VersionReport {
    /// By segment; the empty one is all rows.
    pub segments: BTreeMap<Box<str>, SegmentReport>,
    /// Counts since the beginning.
    #[serde(skip)]
    pub totals: VersionTotals,
    /// When it first came.
    #[serde(skip)]
    pub birth: Birth,
    /// How often the data set came to drift, over all windows.
    #[serde(skip)]
    pub dataset_detections: u64,
}

/// One slice of a version's rows.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentReport {
    /// When its first row came.
    #[serde(skip)]
    pub birth: Birth,
    /// By window, as in `1d`.
    pub windows: BTreeMap<String, WindowReport>,
}

/// One window of one slice.
#[derive(Debug, Clone, Serialize)]
pub struct WindowReport {
    /// What it is compared with; `null` without a reference.
    pub reference: Option<Rows>,
    /// What it holds.
    pub current: Rows,
    /// All features together.
    pub dataset: DatasetReport,
    /// Feature by feature.
    pub features: BTreeMap<Box<str>, FeatureReport>,
    /// How complete and well-formed the values are.
    pub values: ValuesReport,
    /// Share of predictions that are the positive class.
    pub positive_ratio: Option<f64>,
    /// How good the predictions were, up to the label horizon; `null` while no labels are there.
    pub quality: Option<QualityReport>,
    /// How well the predictions of that same window are labelled.
    pub labels: Option<LabelReport>,
    /// What quality and prediction mix should be.
    pub baseline: Baseline,
}

/// What is expected, by configuration or by the reference.
#[derive(Debug, Clone, Serialize)]
pub struct Baseline {
    /// Share of predictions that are the positive class.
    pub positive_ratio: Option<f64>,
    /// Only those that are known.
    pub metrics: BTreeMap<Metric, f64>,
}

/// How many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// Rows.
    pub rows: u64,
}

/// Realised quality.
#[derive(Debug, Clone, Serialize)]
pub struct QualityReport {
    /// End of the window, in seconds since 1970: the label horizon, not now.
    pub window_end_seconds: f64,
    /// Labelled predictions in it.
    pub rows: u64,
    /// Only those that are known.
    pub metrics: BTreeMap<Metric, f64>,
    /// What the exact values are not below; only those that are not exact by themselves.
    pub lower_bounds: BTreeMap<Metric, f64>,
    /// What the exact values are not above, likewise.
    pub upper_bounds: BTreeMap<Metric, f64>,
    /// Why the others are not known.
    pub unknown: BTreeMap<Metric, Unknown>,
}

/// Labels of the quality window.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct LabelReport {
    /// Predictions in it.
    pub predictions: u64,
    /// Those with a label.
    pub labelled: u64,
    /// Their share.
    pub coverage: f64,
}

/// Computes everything that is told of a model.
#[must_use]
pub fn report(view: ModelView, nulls: &mut NullCache) -> ModelReport {
    let ModelView { setup, clock, classes, births, versions, totals } = view;
    let reports = versions.into_iter().map(|version| {
        let name = version.name.clone();
        let judge = Judge::new(&setup, &name);
        (name, version_report(version, &judge, &classes, nulls))
    });
    ModelReport {
        model: setup.name.clone(),
        task: "binary",
        clock: setup.clock,
        clock_seconds: clock.map(Time::seconds),
        versions: reports.collect(),
        totals,
        feature_names: setup.features.iter().map(|feature| feature.name.clone()).collect(),
        methods: setup.features.iter().map(|feature| feature.methods.len()).sum(),
        classes,
        births,
    }
}

fn version_report(
    version: VersionView,
    judge: &Judge<'_>,
    classes: &Classes,
    nulls: &mut NullCache,
) -> VersionReport {
    let baseline = baseline(judge, &version.name);
    let windows = version.windows.iter().map(|window| {
        let report = window_report(window, (judge, &baseline), classes, nulls);
        (window.spec.to_string(), report)
    });
    let all = SegmentReport { birth: version.birth, windows: windows.collect() };
    VersionReport {
        segments: BTreeMap::from([("".into(), all)]),
        dataset_detections: version.windows.iter().map(|window| window.dataset_detections).sum(),
        totals: version.totals,
        birth: version.birth,
    }
}

fn baseline(judge: &Judge<'_>, version: &str) -> Baseline {
    let known = |metric| judge.setup().baseline_of(version, metric).map(|value| (metric, value));
    Baseline {
        positive_ratio: judge.reference().and_then(|reference| reference.positive_ratio),
        metrics: Metric::ALL.into_iter().filter_map(known).collect(),
    }
}

fn window_report(
    window: &WindowView,
    (judge, baseline): (&Judge<'_>, &Baseline),
    classes: &Classes,
    nulls: &mut NullCache,
) -> WindowReport {
    let positive = classes.find(&judge.setup().positive);
    let assessment = judge.assess(window.spec, &window.pane);
    let said: u64 = window.pane.classes.values().sum();
    let positives = positive.and_then(|class| window.pane.classes.get(&class)).copied().unwrap_or(0);
    let quality = window.quality.as_ref();
    WindowReport {
        reference: judge.reference().map(|reference| Rows { rows: reference.rows }),
        current: Rows { rows: window.pane.rows },
        dataset: drift::dataset(window, &assessment, judge),
        features: drift::features(window, &assessment, judge, nulls),
        values: values::values(&window.pane, judge.setup()),
        positive_ratio: (said > 0).then(|| positives as f64 / said as f64),
        quality: quality.map(|quality| quality::quality(quality, positive)),
        labels: quality.and_then(|quality| {
            let counts = &quality.counts;
            Some(LabelReport {
                predictions: counts.predictions,
                labelled: counts.labelled,
                coverage: counts.coverage()?,
            })
        }),
        baseline: baseline.clone(),
    }
}
