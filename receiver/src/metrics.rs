//! What the receiver says about itself: `modelwatch_receiver_*` on a registry that the program owns.

use modelwatch_receiver_core::alert::Status;
use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::outcome::Reason;
use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};

use crate::intake::Tally;
use crate::store::Backlog;

const PREFIX: &str = "modelwatch_receiver";

/// From a tenth of a millisecond to the seconds in which a disk has given up.
const COMMIT_BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];

/// From what a person calls at once to half a day.
const LATENCY_BUCKETS: [f64; 12] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0];

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is on disk.
    Accepted,
    /// It can never be accepted.
    Invalid,
    /// Its body is too large.
    TooLarge,
    /// Too many waited.
    Overloaded,
    /// The store failed, or the body did not come in time.
    Failed,
}

impl Received {
    const ALL: [Received; 5] =
        [Received::Accepted, Received::Invalid, Received::TooLarge, Received::Overloaded, Received::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Received::Accepted => "accepted",
            Received::Invalid => "invalid",
            Received::TooLarge => "too_large",
            Received::Overloaded => "overloaded",
            Received::Failed => "failed",
        }
    }
}

/// How a notification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The destination said yes.
    Delivered,
    /// It was not sent, mostly because a newer one took its place.
    Suppressed,
    /// It is a dead letter.
    Dead,
}

impl Ended {
    const ALL: [Ended; 3] = [Ended::Delivered, Ended::Suppressed, Ended::Dead];

    fn as_str(self) -> &'static str {
        match self {
            Ended::Delivered => "delivered",
            Ended::Suppressed => "suppressed",
            Ended::Dead => "dead",
        }
    }
}

/// The metrics; every label value that the configuration makes possible exists from the start.
pub struct Metrics {
    /// How long it takes to put a batch of webhooks on disk.
    pub store_commit_seconds: Histogram,
    webhooks: IntCounterVec,
    alerts_received: IntCounterVec,
    notifications: IntCounterVec,
    delivery_attempts: IntCounterVec,
    delivery_latency: HistogramVec,
    queue_depth: IntGaugeVec,
    oldest_pending: GaugeVec,
    suppressed: IntCounterVec,
    heartbeat_up: IntGaugeVec,
}

impl Metrics {
    /// Registers them on `registry`.
    ///
    /// # Errors
    /// When one of them is there already.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let metrics = Metrics {
            store_commit_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    name("store_commit_seconds"),
                    "How long a commit of webhooks to disk takes.",
                )
                .buckets(COMMIT_BUCKETS.to_vec()),
            )?,
            webhooks: counters("webhooks_total", "Webhooks by what became of them.", &["result"])?,
            alerts_received: counters("alerts_received_total", "Alerts in accepted webhooks.", &["status"])?,
            notifications: counters(
                "notifications_total",
                "Notifications by how they ended.",
                &["channel", "result"],
            )?,
            delivery_attempts: counters(
                "delivery_attempts_total",
                "Attempts to deliver by why they failed; the reason is empty for those that did not.",
                &["channel", "reason"],
            )?,
            delivery_latency: HistogramVec::new(
                HistogramOpts::new(
                    name("delivery_latency_seconds"),
                    "From the acceptance of an alert to the destination's yes.",
                )
                .buckets(LATENCY_BUCKETS.to_vec()),
                &["channel"],
            )?,
            queue_depth: IntGaugeVec::new(opts("queue_depth", "Notifications that wait."), &["channel"])?,
            oldest_pending: GaugeVec::new(
                opts("oldest_pending_seconds", "How long the oldest news waits; 0 when none does."),
                &["channel"],
            )?,
            suppressed: counters(
                "suppressed_total",
                "Alerts that were not told to a channel, and notifications that were not sent, by reason.",
                &["channel", "reason"],
            )?,
            heartbeat_up: IntGaugeVec::new(
                opts("heartbeat_up", "0 while a dead man's switch is missing, else 1."),
                &["name"],
            )?,
        };
        metrics.register_all(registry)?;
        metrics.touch();
        Ok(metrics)
    }

    fn register_all(&self, registry: &Registry) -> prometheus::Result<()> {
        let collectors: [Box<dyn Collector>; 10] = [
            Box::new(self.store_commit_seconds.clone()),
            Box::new(self.webhooks.clone()),
            Box::new(self.alerts_received.clone()),
            Box::new(self.notifications.clone()),
            Box::new(self.delivery_attempts.clone()),
            Box::new(self.delivery_latency.clone()),
            Box::new(self.queue_depth.clone()),
            Box::new(self.oldest_pending.clone()),
            Box::new(self.suppressed.clone()),
            Box::new(self.heartbeat_up.clone()),
        ];
        collectors.into_iter().try_for_each(|collector| registry.register(collector))
    }

    /// Makes what exists whatever the configuration says.
    fn touch(&self) {
        for result in Received::ALL {
            self.webhooks.with_label_values(&[result.as_str()]);
        }
        for status in [Status::Firing, Status::Resolved] {
            self.alerts_received.with_label_values(&[status.as_str()]);
        }
        for reason in [Suppression::NoRoute, Suppression::Heartbeat] {
            self.suppressed.with_label_values(&["", reason.as_str()]);
        }
    }

    /// Makes what exists for one channel.
    pub fn touch_channel(&self, channel: &str) {
        for result in Ended::ALL {
            self.notifications.with_label_values(&[channel, result.as_str()]);
        }
        self.delivery_attempts.with_label_values(&[channel, ""]);
        for reason in Reason::ALL {
            self.delivery_attempts.with_label_values(&[channel, reason.as_str()]);
        }
        for reason in Suppression::OF_CHANNEL {
            self.suppressed.with_label_values(&[channel, reason.as_str()]);
        }
        self.delivery_latency.with_label_values(&[channel]);
        self.queue_depth.with_label_values(&[channel]);
        self.oldest_pending.with_label_values(&[channel]);
    }

    /// Counts a webhook.
    pub fn received(&self, result: Received) {
        self.webhooks.with_label_values(&[result.as_str()]).inc();
    }

    /// Counts what accepting a batch came to.
    pub fn count(&self, tally: &Tally) {
        for (status, number) in &tally.received {
            self.alerts_received.with_label_values(&[status.as_str()]).inc_by(*number);
        }
        for ((channel, reason), number) in &tally.suppressed {
            self.suppressed.with_label_values(&[channel.as_str(), reason.as_str()]).inc_by(*number);
        }
        for ((channel, reason), number) in &tally.unsent {
            for _ in 0..*number {
                self.suppressed(channel, *reason);
            }
        }
        for name in &tally.beats {
            self.heartbeat(name, true);
        }
    }

    /// Counts a notification that is not sent after all.
    pub fn suppressed(&self, channel: &str, reason: Suppression) {
        self.suppressed.with_label_values(&[channel, reason.as_str()]).inc();
        self.ended(channel, Ended::Suppressed);
    }

    /// Counts alerts that a notification does not tell after all, although it tells others.
    pub fn untold(&self, channel: &str, reason: Suppression, alerts: usize) {
        let alerts = u64::try_from(alerts).unwrap_or(u64::MAX);
        self.suppressed.with_label_values(&[channel, reason.as_str()]).inc_by(alerts);
    }

    /// Counts a notification that is done with.
    pub fn ended(&self, channel: &str, ended: Ended) {
        self.notifications.with_label_values(&[channel, ended.as_str()]).inc();
    }

    /// Counts an attempt; `None` is one that delivered.
    pub fn attempted(&self, channel: &str, reason: Option<Reason>) {
        let reason = reason.map_or("", Reason::as_str);
        self.delivery_attempts.with_label_values(&[channel, reason]).inc();
    }

    /// Observes how long something waited to be told.
    pub fn told_after(&self, channel: &str, seconds: f64) {
        self.delivery_latency.with_label_values(&[channel]).observe(seconds);
    }

    /// Shows what waits for one channel; `None` when nothing does.
    pub fn backlog(&self, channel: &str, backlog: Option<(&Backlog, f64)>) {
        let (waiting, seconds) = backlog.map_or((0, 0.0), |(backlog, seconds)| (backlog.waiting, seconds));
        self.queue_depth.with_label_values(&[channel]).set(waiting);
        self.oldest_pending.with_label_values(&[channel]).set(seconds);
    }

    /// Shows nothing any more of a channel that is gone.
    pub fn forget_backlog(&self, channel: &str) {
        // not there is as good as removed
        let _ = self.queue_depth.remove_label_values(&[channel]);
        let _ = self.oldest_pending.remove_label_values(&[channel]);
    }

    /// Shows nothing any more of a dead man's switch that is gone.
    pub fn forget_heartbeat(&self, name: &str) {
        let _ = self.heartbeat_up.remove_label_values(&[name]);
    }

    /// Shows whether a dead man's switch is not missing.
    pub fn heartbeat(&self, name: &str, up: bool) {
        self.heartbeat_up.with_label_values(&[name]).set(i64::from(up));
    }
}

fn name(suffix: &str) -> String {
    format!("{PREFIX}_{suffix}")
}

fn opts(suffix: &str, help: &str) -> Opts {
    Opts::new(name(suffix), help)
}

fn counters(suffix: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(opts(suffix, help), labels)
}
