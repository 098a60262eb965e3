//! Counters and histograms of versions since the beginning. What the budget does not keep apart is folded into `other`,
//! so that sums over a family are what they would be without a budget.

use std::collections::BTreeMap;

use modelwatch_exporter_core::histogram::{Histogram, LATENCY_BOUNDS, SCORE_BOUNDS};
use modelwatch_exporter_core::quality::{ClassIndex, Confusion};
use modelwatch_exporter_core::report::{ModelReport, VersionReport};
use modelwatch_exporter_core::segment::ALL_ROWS;

use super::OTHER;
use crate::exposition::admission::Admitted;
use crate::exposition::{Exposition, Kind};

/// The status that versions beyond the budget keep apart.
const SUCCESS: &str = "success";

pub(super) fn write(out: &mut Exposition, report: &ModelReport, admitted: &[Admitted<'_>]) {
    let mut folded = Folded::default();
    for (name, version) in &report.versions {
        folded.add(report, name, version, &admitted[version.birth.place]);
    }
    folded.counters(out, &report.model);
    let help = "Seconds that predictions took.";
    folded.latency.write(out, ("model_prediction_latency_seconds", help), &report.model, LATENCY_BOUNDS);
    let help = "Probability of the positive class.";
    folded.score.write(out, ("model_prediction_score", help), &report.model, SCORE_BOUNDS);
}

/// Series of one family by the values of their labels but the model.
#[derive(Default)]
struct Series<'a, const N: usize> {
    counts: BTreeMap<[&'a str; N], u64>,
    folded: usize,
}

impl<'a, const N: usize> Series<'a, N> {
    /// Counts what stands at `own` where it is kept.
    fn add(&mut self, own: [&'a str; N], kept: [&'a str; N], count: u64) {
        self.folded += usize::from(own != kept);
        *self.counts.entry(kept).or_default() += count;
    }

    fn write(&self, out: &mut Exposition, (name, help): (&str, &str), model: &str, labels: [&str; N]) {
        let family = out.family(name, Kind::Counter, help).fold(self.folded);
        for (values, count) in &self.counts {
            let mut all = vec![("model", model)];
            all.extend(labels.iter().copied().zip(values.iter().copied()));
            family.sample(&all, *count as f64);
        }
    }
}

/// Histograms of one family by version.
#[derive(Default)]
struct Histograms<'a> {
    by_version: BTreeMap<&'a str, Histogram>,
    folded: usize,
}

impl<'a> Histograms<'a> {
    fn add(&mut self, own: &'a str, kept: &'a str, histogram: &Histogram) {
        if own != kept {
            // its buckets, the sum and the count
            self.folded += histogram.counts().len() + 2;
        }
        match self.by_version.get_mut(kept) {
            Some(known) => known.merge(histogram),
            None => drop(self.by_version.insert(kept, histogram.clone())),
        }
    }

    fn write(&self, out: &mut Exposition, (name, help): (&str, &str), model: &str, bounds: &[f64]) {
        let family = out.family(name, Kind::Histogram, help).fold(self.folded);
        for (version, histogram) in &self.by_version {
            let labels = [("model", model), ("version", *version)];
            family.histogram(&labels, bounds, histogram.counts(), histogram.sum());
        }
    }
}

/// All counts of a model's versions.
#[derive(Default)]
struct Folded<'a> {
    statuses: Series<'a, 2>,
    classes: Series<'a, 2>,
    confusion: Series<'a, 4>,
    labels: Series<'a, 1>,
    alerts: Series<'a, 1>,
    latency: Histograms<'a>,
    score: Histograms<'a>,
}

impl<'a> Folded<'a> {
    fn add(
        &mut self,
        report: &'a ModelReport,
        own: &'a str,
        version: &'a VersionReport,
        admitted: &Admitted<'_>,
    ) {
        let kept = if admitted.version { own } else { OTHER };
        let totals = &version.totals;
        for (status, count) in &totals.statuses {
            let apart = admitted.version || **status == *SUCCESS;
            self.statuses.add([own, status], [kept, if apart { status } else { OTHER }], *count);
        }
        let by_class = ByClass { report, own, most: admitted.classes };
        for (class, count) in &totals.classes {
            let (own, kept) = by_class.names(*class);
            self.classes.add([by_class.own, own], [by_class.version(), kept], *count);
        }
        for (segment, of_segment) in &version.segments {
            let most = admitted.confusion.get(&**segment).copied();
            self.confusion_of(ByClass { most, ..by_class }, segment, &of_segment.confusion);
        }
        self.labels.add([own], [kept], totals.labels);
        self.alerts.add([own], [kept], version.dataset_detections);
        self.latency.add(own, kept, &totals.latency);
        self.score.add(own, kept, &totals.score);
    }

    /// Segments that are not kept apart are counted together, but never with all rows.
    fn confusion_of(&mut self, by_class: ByClass<'a>, segment: &'a str, confusion: &Confusion) {
        let apart = by_class.most.is_some() || *segment == *ALL_ROWS;
        let kept_segment = if apart { segment } else { OTHER };
        for (actual, predicted, count) in confusion.cells() {
            let (actual, kept_actual) = by_class.names(actual);
            let (predicted, kept_predicted) = by_class.names(predicted);
            let kept = [by_class.version(), kept_segment, kept_actual, kept_predicted];
            self.confusion.add([by_class.own, segment, actual, predicted], kept, count);
        }
    }

    fn counters(&self, out: &mut Exposition, model: &str) {
        let help = "Requests for a prediction, by how they ended.";
        self.statuses.write(out, ("model_predictions_total", help), model, ["version", "status"]);
        let help = "Predictions by class.";
        self.classes.write(out, ("model_prediction_class_total", help), model, ["version", "class"]);
        let help = "Labelled predictions by true and predicted class, as their first labels said.";
        let labels = ["version", "segment", "actual", "predicted"];
        self.confusion.write(out, ("model_confusion_total", help), model, labels);
        let help = "Predictions that got a label.";
        self.labels.write(out, ("model_labels_total", help), model, ["version"]);
        let help = "How often the data set of all rows came to drift, over all windows.";
        self.alerts.write(out, ("data_drift_alerts_total", help), model, ["version"]);
    }
}

/// What one version keeps apart by class in one family.
#[derive(Clone, Copy)]
struct ByClass<'a> {
    report: &'a ModelReport,
    own: &'a str,
    most: Option<usize>,
}

impl<'a> ByClass<'a> {
    fn version(&self) -> &'a str {
        if self.most.is_some() { self.own } else { OTHER }
    }

    /// A class and the class that it is counted under.
    fn names(&self, class: ClassIndex) -> (&'a str, &'a str) {
        let name = self.report.classes.name(class);
        let apart = self.most.is_some_and(|most| usize::from(class.0) < most);
        (name, if apart { name } else { OTHER })
    }
}
