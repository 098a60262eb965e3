//! Which families the models' part of `/metrics` has, and what of a report goes into them.

mod drift;
mod quality;
mod totals;

use bytes::Bytes;
use modelwatch_exporter_core::event::Reason;
use modelwatch_exporter_core::idempotency::KeyTotals;
use modelwatch_exporter_core::report::{ModelReport, VersionReport, WindowReport};

use super::{Exposition, Kind};

/// The source of events that come over HTTP, the only one there is.
const SOURCE: &str = "http";

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

/// The text, and how many series it has.
#[must_use]
pub fn write(reports: &[ModelReport], rejected: &[(Reason, u64)], keys: KeyTotals) -> (Bytes, usize) {
    let mut out = Exposition::new();
    for report in reports {
        totals::model(&mut out, report);
        for (version, of_version) in &report.versions {
            totals::version(&mut out, report, version, of_version);
            slices(report, version, of_version, |slice| {
                drift::slice(&mut out, slice);
                quality::slice(&mut out, slice);
            });
        }
    }
    totals::rejected(&mut out, rejected);
    totals::keys(&mut out, keys);
    let series = out.samples();
    (out.finish(), series)
}

fn slices<'a>(
    report: &'a ModelReport,
    version: &'a str,
    of_version: &'a VersionReport,
    mut each: impl FnMut(&Slice<'a>),
) {
    for (segment, of_segment) in &of_version.segments {
        for (window, of_window) in &of_segment.windows {
            each(&Slice { model: &report.model, version, segment, window, report: of_window });
        }
    }
}

/// A gauge whose value may be unknown, which then is absent.
fn gauge(out: &mut Exposition, name: &str, help: &str, labels: super::Labels<'_>, value: Option<f64>) {
    if let Some(value) = value {
        out.family(name, Kind::Gauge, help).sample(labels, value);
    }
}

/// 1 for yes, 0 for no.
fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}
