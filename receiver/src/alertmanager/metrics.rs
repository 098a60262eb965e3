//! Whether Alertmanager can be asked, and what it says: `modelwatch_receiver_alertmanager_*`.

use modelwatch_receiver_core::occurrence::Testimony;
use prometheus::{IntCounterVec, Opts, Registry};

use super::Trouble;

/// What the part that asks says about itself; every label value exists from the start.
pub struct AlertmanagerMetrics {
    requests: IntCounterVec,
    answers: IntCounterVec,
}

/// The result of a request that was answered.
const ANSWERED: &str = "answered";

impl AlertmanagerMetrics {
    /// Registers them on `registry`.
    ///
    /// # Errors
    /// When one of them is there already.
    pub fn register(registry: &Registry) -> prometheus::Result<AlertmanagerMetrics> {
        let requests = Opts::new(
            "modelwatch_receiver_alertmanager_requests_total",
            "Requests to Alertmanager whether alerts still fire, by what became of them.",
        );
        let answers = Opts::new(
            "modelwatch_receiver_alertmanager_answers_total",
            "Alerts that Alertmanager was asked about, by what it said.",
        );
        let metrics = AlertmanagerMetrics {
            requests: IntCounterVec::new(requests, &["result"])?,
            answers: IntCounterVec::new(answers, &["answer"])?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.answers.clone()))?;
        metrics.touch();
        Ok(metrics)
    }

    fn touch(&self) {
        self.requests.with_label_values(&[ANSWERED]);
        for result in Trouble::RESULTS {
            self.requests.with_label_values(&[result]);
        }
        for testimony in [Testimony::Fires(Vec::new()), Testimony::Gone, Testimony::Unknown] {
            self.answers.with_label_values(&[name(&testimony)]);
        }
    }

    pub(super) fn requested<T>(&self, result: &Result<T, Trouble>) {
        let result = result.as_ref().err().map_or(ANSWERED, Trouble::result);
        self.requests.with_label_values(&[result]).inc();
    }

    /// Counts what was said of an alert; that nothing was is counted as a request.
    pub(super) fn answered(&self, testimony: &Testimony) {
        if *testimony != Testimony::Unheard {
            self.answers.with_label_values(&[name(testimony)]).inc();
        }
    }
}

fn name(testimony: &Testimony) -> &'static str {
    match testimony {
        Testimony::Fires(_) => "fires",
        Testimony::Gone => "gone",
        Testimony::Unknown | Testimony::Unheard => "unknown",
    }
}
