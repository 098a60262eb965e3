//! From stills of the state to what is served: reports, their text for Prometheus, their JSON.
//!
//! Runs on a thread of its own, so that neither a scrape nor an event waits for a computation.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use modelwatch_common::http::admin::Readiness;
use modelwatch_exporter_core::drift::NullCache;
use modelwatch_exporter_core::report::{ModelReport, report};
use tokio::sync::watch;

use crate::engine::Stills;
use crate::exposition::models;
use crate::telemetry::Metrics;

/// What is served until the next publication.
#[derive(Debug, Default)]
pub struct Published {
    /// The models' part of `/metrics`.
    pub metrics: Bytes,
    /// By name.
    pub models: BTreeMap<Box<str>, ModelReport>,
}

/// Computes and publishes until the engine is gone.
pub fn run(
    stills: Stills,
    published: &watch::Sender<Arc<Published>>,
    readiness: &Readiness,
    metrics: &Metrics,
) {
    let mut nulls = NullCache::default();
    for still in stills {
        let timer = metrics.publish_seconds.start_timer();
        nulls.next();
        let reports: Vec<ModelReport> =
            still.models.into_iter().map(|view| report(view, &mut nulls)).collect();
        let (text, series) = models::write(&reports, &still.rejected, still.keys, still.series_per_family);
        let models = reports.into_iter().map(|report| (report.model.clone(), report)).collect();
        published.send_replace(Arc::new(Published { metrics: text, models }));
        metrics.published_series.set(i64::try_from(series).unwrap_or(i64::MAX));
        timer.observe_duration();
        readiness.ready();
    }
}
