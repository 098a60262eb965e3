//! What is told of a model: every gauge of `/metrics` and every number of the JSON API, computed from a view.
//!
//! A pure function of the view; the only thing remembered between calls is what "no drift" looks like
//! ([`NullCache`]), which depends on nothing but references and row counts.

mod distribution;
mod drift;
mod fairness;
mod quality;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::drift::NullCache;
use crate::model::{Birth, Births, ClockKind, Judge, ModelSetup, VersionTotals};
use crate::quality::{Classes, Confusion, Metric, Unknown};
use crate::summary::FeatureCounts;
use crate::time::Time;
use crate::view::{ModelTotals, ModelView, SliceView, VersionView, WindowView};
pub use distribution::{Cell, CellKind, Distribution, MOST_CATEGORIES};
pub use drift::{DatasetReport, FeatureReport, MethodReport};
pub use fairness::{Differences, FairnessMetric};
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
    /// Names of the classes in the counts of versions and segments.
    #[serde(skip)]
    pub classes: Classes,
    /// When each class first came.
    #[serde(skip)]
    pub births: Births,
    /// What it is configured to be, for saying why something is not available and what it is compared with.
    #[serde(skip)]
    pub setup: Arc<ModelSetup>,
}

/// One version.
#[derive(Debug, Clone, Serialize)]
pub struct VersionReport {
    /// By segment; the empty one is all rows.
    pub segments: BTreeMap<Box<str>, SegmentReport>,
    /// By key and window: how differently the key's segments are treated.
    pub fairness: BTreeMap<Box<str>, BTreeMap<String, Differences>>,
    /// Counts since the beginning.
    #[serde(skip)]
    pub totals: VersionTotals,
    /// When it first came.
    #[serde(skip)]
    pub birth: Birth,
    /// How often the data set of all rows came to drift, over all windows that there ever were.
    #[serde(skip)]
    pub dataset_detections: u64,
}

/// One slice of a version's rows.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentReport {
    /// When its first row came.
    #[serde(skip)]
    pub birth: Time,
    /// By window, as in `1d`.
    pub windows: BTreeMap<String, WindowReport>,
    /// Labelled predictions since the beginning, as their first labels said.
    #[serde(skip)]
    pub confusion: Confusion,
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
    /// What drift was computed from, in the order of the model's features: for [`ModelReport::distribution`].
    #[serde(skip)]
    pub counts: Vec<FeatureCounts>,
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
    let reports = versions
        .into_iter()
        .map(|version| (version.name.clone(), version_report(version, &setup, &classes, nulls)));
    ModelReport {
        model: setup.name.clone(),
        task: "binary",
        clock: setup.clock,
        clock_seconds: clock.map(Time::seconds),
        versions: reports.collect(),
        totals,
        feature_names: setup.features.iter().map(|feature| feature.name.clone()).collect(),
        classes,
        births,
        setup,
    }
}

fn version_report(
    version: VersionView,
    setup: &ModelSetup,
    classes: &Classes,
    nulls: &mut NullCache,
) -> VersionReport {
    let segments = version.slices.into_iter().map(|slice| {
        let judge = Judge::new(setup, &version.name, &slice.segment);
        let baseline = baseline(&judge, &version.name, &slice.segment);
        (slice.segment.clone(), segment_report(slice, (&judge, &baseline), classes, nulls))
    });
    let segments = segments.collect();
    let fairness = fairness::fairness(&segments, setup.drift.min_rows);
    let VersionView { birth, totals, .. } = version;
    VersionReport { segments, fairness, dataset_detections: totals.dataset_detections, totals, birth }
}

fn segment_report(
    slice: SliceView,
    judged: (&Judge<'_>, &Baseline),
    classes: &Classes,
    nulls: &mut NullCache,
) -> SegmentReport {
    let windows = slice
        .windows
        .into_iter()
        .map(|window| (window.spec.to_string(), window_report(window, judged, classes, nulls)));
    SegmentReport { birth: slice.birth, windows: windows.collect(), confusion: slice.confusion }
}

fn baseline(judge: &Judge<'_>, version: &str, segment: &str) -> Baseline {
    let known = |metric| judge.setup().baseline_of(version, segment, metric).map(|value| (metric, value));
    Baseline {
        positive_ratio: judge.reference().and_then(|reference| reference.positive_ratio),
        metrics: Metric::ALL.into_iter().filter_map(known).collect(),
    }
}

fn window_report(
    window: WindowView,
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
        dataset: drift::dataset(&window, &assessment, judge),
        features: drift::features(&window, &assessment, judge, nulls),
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
        counts: window.pane.features,
    }
}
