//! Which families the models' part of `/metrics` has, and what of a report goes into them.

mod drift;
mod quality;
mod totals;
mod versions;

use bytes::Bytes;
use modelwatch_exporter_core::event::Reason;
use modelwatch_exporter_core::idempotency::KeyTotals;
use modelwatch_exporter_core::report::{ModelReport, WindowReport};
use modelwatch_exporter_core::schema::Kind;
use modelwatch_exporter_core::segment::ALL_ROWS;

use super::admission::PlacedSlice;
use super::scope::{Needs, Scope};
use super::{Exposition, admission};

/// The source of events that come over HTTP, the only one there is.
const SOURCE: &str = "http";
/// What series beyond a budget are folded into.
const OTHER: &str = "other";

/// One window of one slice, with the names that become labels.
struct Slice<'a> {
    model: &'a str,
    version: &'a str,
    segment: &'a str,
    window: &'a str,
    report: &'a WindowReport,
}

impl<'a> Slice<'a> {
    /// The labels of everything that belongs to the slice as a whole.
    fn labels(&self) -> [(&'static str, &'a str); 4] {
        [("model", self.model), ("version", self.version), ("segment", self.segment), ("window", self.window)]
    }

    /// The labels of everything that belongs to one of its features.
    fn feature_labels(&self, feature: &'a str) -> [(&'static str, &'a str); 5] {
        [
            ("model", self.model),
            ("version", self.version),
            ("feature", feature),
            ("segment", self.segment),
            ("window", self.window),
        ]
    }
}

/// The text, and how many series it has. A family keeps about `budget` series apart.
#[must_use]
pub fn write(
    reports: &[ModelReport],
    rejected: &[(Reason, u64)],
    keys: KeyTotals,
    budget: usize,
) -> (Bytes, usize) {
    let mut out = Exposition::new();
    let admitted = admission::admit(reports, budget);
    let mut features_left = budget / Kind::COUNT;
    for (report, admitted) in reports.iter().zip(&admitted) {
        totals::model(&mut out, report);
        let kept = report.feature_names.len().min(features_left);
        features_left -= kept;
        totals::values(&mut out, report, kept);
        versions::write(&mut out, report, admitted);
    }
    slices(reports, budget, |scope, slice| {
        out.enter(Some(scope));
        drift::slice(&mut out, slice);
        quality::slice(&mut out, slice);
    });
    out.enter(None);
    for report in reports {
        quality::fairness(&mut out, report);
    }
    totals::rejected(&mut out, rejected);
    totals::dropped(&mut out);
    totals::keys(&mut out, keys);
    let series = out.samples();
    (out.finish(), series)
}

/// Every window of every slice, from the oldest slice to the youngest, that of all rows before its segments.
fn slices<'a>(reports: &'a [ModelReport], budget: usize, mut each: impl FnMut(Scope, &Slice<'a>)) {
    let slices = admission::slices_in_order(&admission::in_order(reports));
    for (number, PlacedSlice { placed, segment, report: of_segment }) in slices.into_iter().enumerate() {
        let report = &reports[placed.model];
        let features = &report.setup.features;
        let needs = Needs {
            windows: of_segment.windows.len(),
            features: features.len(),
            methods: features.iter().map(|feature| feature.methods.len()).sum(),
        };
        let scope = Scope { number, always: *segment == *ALL_ROWS, budget, needs };
        for (window, of_window) in &of_segment.windows {
            let (model, version) = (&report.model, placed.name);
            each(scope, &Slice { model, version, segment, window, report: of_window });
        }
    }
}

/// A gauge whose value may be unknown, which then is absent.
fn gauge(out: &mut Exposition, name: &str, help: &str, labels: super::Labels<'_>, value: Option<f64>) {
    out.gauge(name, help, labels, value);
}

fn counter(out: &mut Exposition, name: &str, help: &str, labels: super::Labels<'_>, value: u64) {
    out.family(name, super::Kind::Counter, help).sample(labels, value as f64);
}

/// 1 for yes, 0 for no.
fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}
