//! What the exporter says about itself, beside what it says of models.

use modelwatch_common::metrics::ProgramMetrics;
use prometheus::{GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// The prefix of all of them.
const PREFIX: &str = "modelwatch_exporter";

/// The program's own metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Requests to `/v1/events` by what they were answered.
    pub ingest_requests_total: IntCounterVec,
    /// Requests to `/v1/events` that were answered as before.
    pub ingest_repeated_total: IntCounter,
    /// Seconds from a request to `/v1/events` to its answer.
    pub ingest_seconds: Histogram,
    /// Seconds that a scrape takes.
    pub scrape_seconds: Histogram,
    /// Batches that wait to be counted.
    pub queue_length: IntGauge,
    /// Seconds that writing a group of batches to the journal takes.
    pub journal_commit_seconds: Histogram,
    /// Batches refused because the journal could not be written.
    pub journal_errors_total: IntCounter,
    /// When the state was last saved; nothing before the first time.
    snapshot_timestamp_seconds: GaugeVec,
    /// How often the state could not be saved.
    pub snapshot_errors_total: IntCounter,
    /// Seconds that computing all gauges takes.
    pub publish_seconds: Histogram,
    /// Series in the models' part of the last publication.
    pub published_series: IntGauge,
    /// Shared with the receiver: build and reload.
    pub program: ProgramMetrics,
}

impl Metrics {
    /// Registers all of them; every label value exists from the start.
    ///
    /// # Errors
    /// When `registry` has one of them already.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let metrics = Metrics {
            ingest_requests_total: IntCounterVec::new(
                opts("ingest_requests_total", "Requests to /v1/events by what they were answered."),
                &["code"],
            )?,
            ingest_repeated_total: IntCounter::with_opts(opts(
                "ingest_repeated_total",
                "Requests to /v1/events whose Idempotency-Key was known: answered as before, counted nothing.",
            ))?,
            ingest_seconds: Histogram::with_opts(histogram(
                "ingest_seconds",
                "Seconds from a request to /v1/events to its answer.",
            ))?,
            scrape_seconds: Histogram::with_opts(histogram(
                "scrape_seconds",
                "Seconds that answering a scrape takes.",
            ))?,
            queue_length: IntGauge::with_opts(opts("queue_length", "Batches that wait to be counted."))?,
            journal_commit_seconds: Histogram::with_opts(histogram(
                "journal_commit_seconds",
                "Seconds that writing a group of batches to the journal takes.",
            ))?,
            journal_errors_total: IntCounter::with_opts(opts(
                "journal_errors_total",
                "Batches refused because the journal could not be written.",
            ))?,
            snapshot_timestamp_seconds: GaugeVec::new(
                opts("snapshot_timestamp_seconds", "When the state was last saved, in seconds since 1970."),
                &[],
            )?,
            snapshot_errors_total: IntCounter::with_opts(opts(
                "snapshot_errors_total",
                "How often the state could not be saved.",
            ))?,
            publish_seconds: Histogram::with_opts(histogram(
                "publish_seconds",
                "Seconds that computing the gauges of all models takes.",
            ))?,
            published_series: IntGauge::with_opts(opts(
                "published_series",
                "Series in the models' part of the last publication.",
            ))?,
            program: ProgramMetrics::register(registry, PREFIX, env!("CARGO_PKG_VERSION"))?,
        };
        for code in ["200", "400", "413", "415", "422", "503"] {
            metrics.ingest_requests_total.with_label_values(&[code]).reset();
        }
        registry.register(Box::new(metrics.ingest_requests_total.clone()))?;
        registry.register(Box::new(metrics.ingest_repeated_total.clone()))?;
        registry.register(Box::new(metrics.ingest_seconds.clone()))?;
        registry.register(Box::new(metrics.scrape_seconds.clone()))?;
        registry.register(Box::new(metrics.queue_length.clone()))?;
        registry.register(Box::new(metrics.journal_commit_seconds.clone()))?;
        registry.register(Box::new(metrics.journal_errors_total.clone()))?;
        registry.register(Box::new(metrics.snapshot_timestamp_seconds.clone()))?;
        registry.register(Box::new(metrics.snapshot_errors_total.clone()))?;
        registry.register(Box::new(metrics.publish_seconds.clone()))?;
        registry.register(Box::new(metrics.published_series.clone()))?;
        Ok(metrics)
    }

    /// Notes that the state was saved just now.
    pub fn saved(&self) {
        let now = jiff::Timestamp::now().as_duration().as_secs_f64();
        self.snapshot_timestamp_seconds.with_label_values::<&str>(&[]).set(now);
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("{PREFIX}_{name}"), help)
}

fn histogram(name: &str, help: &str) -> HistogramOpts {
    let buckets = vec![0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    HistogramOpts::new(format!("{PREFIX}_{name}"), help).buckets(buckets)
}
