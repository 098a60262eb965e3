//! What happens in the demo, in event time, and what people are expected to be told.
//!
//! The stretches are those of `demo/data/README.md`: the order of the rows is the order in which they arrive.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

/// The model, as in `demo/exporter.yaml`.
pub(crate) const MODEL: &str = "employment";
/// What the model was trained on.
const VERSION: &str = "2015";
/// When the first row arrives.
const FROM: &str = "2016-01-01T00:00:00Z";
/// When the last one does: 50 days of 1 500 rows.
const TO: &str = "2016-02-20T00:00:00Z";
/// How long after its prediction a label comes: two months.
const LABEL_DELAY: &str = "60d";
/// Seconds of events in one second: a day a second.
const SPEED: &str = "86400";
/// How long the replay takes at that speed: 50 days of predictions, the last label 60 days later.
pub(crate) const LENGTH: Duration = Duration::from_secs(110);

/// Something that happens at a moment of event time.
pub(crate) struct Chapter {
    /// RFC 3339.
    pub(crate) at: &'static str,
    /// What it is.
    pub(crate) told: &'static str,
}

/// What arrives, by the model's clock: the time of the newest prediction.
pub(crate) const ARRIVALS: [Chapter; 4] = [
    Chapter {
        at: "2016-01-01T00:00:00Z",
        told: "people of all ages arrive, as in the reference; no labels yet",
    },
    Chapter {
        at: "2016-01-14T00:00:00Z",
        told: "from here on only people of 16 to 24 without a disability arrive",
    },
    Chapter { at: "2016-01-22T00:00:00Z", told: "people of all ages arrive again" },
    Chapter { at: "2016-02-19T12:00:00Z", told: "the last predictions; labels come two months after theirs" },
];

/// What labels make known, by the end of the quality window.
pub(crate) const LABELS: [Chapter; 3] = [
    Chapter {
        at: "2016-01-01T00:00:00Z",
        told: "the first labels are in: how good the model was becomes known",
    },
    Chapter { at: "2016-01-14T00:00:00Z", told: "labels reach the predictions for people of 16 to 24" },
    Chapter { at: "2016-01-22T00:00:00Z", told: "labels reach the predictions for people of all ages again" },
];

/// What every channel must say, exactly once: (alertname, kind).
pub(crate) const EXPECTED: [(&str, &str); 6] = [
    ("DataDriftDetected", "new"),
    ("FeatureDriftSevere", "new"),
    ("DataDriftDetected", "resolved"),
    ("FeatureDriftSevere", "resolved"),
    ("ModelAccuracyDrop", "new"),
    ("ModelAccuracyDrop", "resolved"),
];

/// The replay of the story by the exporter's own command.
pub(crate) fn replay(exporter: &Path, root: &Path, url: &str) -> Command {
    let data = root.join("demo/data");
    let mut command = Command::new(exporter);
    command.arg("replay").arg(data.join("production.parquet"));
    command.args(["--url", url, "--model", MODEL, "--version", VERSION]);
    command.args([
        "--id",
        "id",
        "--prediction",
        "prediction",
        "--score",
        "predicted_probability",
        "--ignore",
        "year",
    ]);
    command.args(["--from", FROM, "--to", TO, "--speed", SPEED]);
    command.arg("--labels").arg(data.join("targets.parquet")).args([
        "--label",
        "employed",
        "--label-delay",
        LABEL_DELAY,
    ]);
    command
}
