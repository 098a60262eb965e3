//! One notification on its way: rendered, noted as begun, sent, and its result recorded.

use std::sync::Arc;
use std::time::Duration;

use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::{self, Next, Patience};
use tracing::Instrument as _;

use super::Delivery;
use super::queue::Gate;
use crate::metrics::Ended;
use crate::notify::{Notifier, Rendered};
use crate::store::{Claimed, Ending};

/// How long to wait before what could not be written down is tried again.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// What a notification needs on its way.
pub(super) struct Send {
    pub(super) delivery: Delivery,
    pub(super) channel: Arc<str>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) gate: Gate,
}

impl Send {
    /// Sends what was claimed, once, and records what came of it.
    pub(super) async fn run(self, claimed: Claimed) {
        let span = tracing::info_span!("delivery", channel = %self.channel, notification = %claimed.id);
        self.attempt(claimed).instrument(span).await;
        self.delivery.0.means.bell.send_replace(());
    }

    async fn attempt(&self, claimed: Claimed) {
        let rendered = self.notifier.render(&claimed.message);
        let Some(attempt) = self.begin(&claimed, &rendered).await else { return };
        let outcome = self.notifier.send(&rendered).await;
        let next = self.next(&claimed, &outcome);
        log(&outcome, next);
        if let Outcome::Retryable { retry_after: Some(pause), .. } = &outcome {
            self.gate.shut_for((*pause).min(retry::MAX_RETRY_AFTER));
        }
        let superseded = self.record(&attempt, &claimed, &outcome, next).await;
        self.count(&claimed, &outcome, next, superseded);
    }

    /// Notes that the attempt begins, and tries until it is noted; `None` if the program ends before.
    async fn begin(&self, claimed: &Claimed, rendered: &Rendered) -> Option<String> {
        let problem = rendered.problem.as_deref();
        loop {
            let now = self.delivery.0.means.clock.now();
            let noted =
                self.delivery.0.means.store.begin_attempt(&claimed.id, &rendered.content, problem, now).await;
            match noted {
                Ok(attempt) => return Some(attempt),
                Err(error) => tracing::error!(%error, "nothing is sent until the attempt is noted"),
            }
            if self.stops_within(RECORD_AGAIN).await {
                return None;
            }
        }
    }

    async fn stops_within(&self, wait: Duration) -> bool {
        let shutdown = self.delivery.0.means.tasks.shutdown();
        tokio::time::timeout(wait, shutdown.cancelled()).await.is_ok()
    }

    fn next(&self, claimed: &Claimed, outcome: &Outcome) -> Next {
        let settings = self.delivery.0.plan.load().settings;
        let delay = settings.backoff.delay(claimed.attempts, rand::random());
        let patience = Patience { accepted_at: claimed.accepted_at, give_up_after: settings.give_up_after };
        retry::next(outcome, delay, patience, self.delivery.0.means.clock.now())
    }

    /// Records the result, and tries until it is recorded or the program ends: what is not recorded is sent again.
    async fn record(&self, attempt: &str, claimed: &Claimed, outcome: &Outcome, next: Next) -> bool {
        loop {
            let ending = Ending { outcome, next, at: self.delivery.0.means.clock.now() };
            match self.delivery.0.means.store.end_attempt(attempt, &claimed.id, ending).await {
                Ok(superseded) => return superseded,
                Err(error) => tracing::error!(%error, "the result could not be recorded yet"),
            }
            if self.stops_within(RECORD_AGAIN).await {
                return false;
            }
        }
    }

    fn count(&self, claimed: &Claimed, outcome: &Outcome, next: Next, superseded: bool) {
        let metrics = &self.delivery.0.means.metrics;
        metrics.attempted(&self.channel, outcome.reason());
        match next {
            Next::Done => {
                let waited = self.delivery.0.means.clock.now().duration_since(claimed.waiting_since);
                metrics.told_after(&self.channel, waited.as_secs_f64().max(0.0));
                metrics.ended(&self.channel, Ended::Delivered);
            }
            Next::Dead => metrics.ended(&self.channel, Ended::Dead),
            Next::Again(_) if superseded => metrics.suppressed(&self.channel, Suppression::Superseded),
            Next::Again(_) => {}
        }
    }
}

fn log(outcome: &Outcome, next: Next) {
    let detail = outcome.detail();
    match next {
        Next::Done => tracing::info!(detail, "a notification was delivered"),
        Next::Again(_) => log_failure(outcome, "a notification will be tried again"),
        Next::Dead => log_failure(outcome, "a notification is a dead letter"),
    }
}

fn log_failure(outcome: &Outcome, what: &'static str) {
    let (reason, ambiguous) = (outcome.reason().map_or("", Reason::as_str), outcome.is_ambiguous());
    tracing::warn!(reason, detail = outcome.detail(), ambiguous, "{what}");
}
