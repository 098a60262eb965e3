//! One notification on its way: rendered, noted as begun, sent, and its result recorded.

use std::future::{Future as _, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use modelwatch_receiver_core::dedupe::Suppression;
use modelwatch_receiver_core::message::Post;
use modelwatch_receiver_core::outcome::{Outcome, Reason, Receipt};
use modelwatch_receiver_core::retry::{self, Next, Patience};
use tracing::Instrument as _;

use super::Delivery;
use super::upkeep::UnderWay;
use crate::failpoint::{self, Point};
use crate::metrics;
use crate::notify::{BoxFuture, Ledger, Notifier, Parcel, Rendered};
use crate::store::{Beginning, Claimed, Ended, Ending, Fallback, new_id};

/// How long to wait before what could not be written down is tried again.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// What a notification needs on its way.
pub(super) struct Send {
    pub(super) delivery: Delivery,
    pub(super) channel: Arc<str>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) fallback: Option<Fallback>,
    pub(super) _under_way: UnderWay,
}

impl Send {
    /// Sends what was claimed, once, and records what came of it.
    pub(super) async fn run(self, claimed: Claimed) {
        let span = tracing::info_span!("delivery", channel = %self.channel, notification = %claimed.id);
        self.attempt(claimed).instrument(span).await;
        self.delivery.means().bell.send_replace(());
    }

    async fn attempt(&self, claimed: Claimed) {
        let rendered = self.render(&claimed).await;
        failpoint::reach(Point::Claimed).await;
        let Some(attempt) = self.begin(&claimed, rendered.as_ref().ok()).await else { return };
        failpoint::reach(Point::Begun).await;
        let outcome = match &rendered {
            // noting the attempt may have taken so long that others took over
            Ok(_) if !self.delivery.means().store.holds(&claimed) => unsent(),
            Ok(rendered) => self.send(&claimed, rendered).await,
            Err(outcome) => outcome.clone(),
        };
        failpoint::reach(Point::Answered).await;
        let next = self.next(&claimed, &outcome);
        let ended = self.record(&attempt, &claimed, &outcome, next).await;
        log(&outcome, next, ended);
        self.count(&claimed, &outcome, next, ended);
    }

    /// Renders away from the I/O threads, since a message may be about thousands of alerts; a panic is a failed attempt.
    async fn render(&self, claimed: &Claimed) -> Result<Rendered, Outcome> {
        let (notifier, message) = (Arc::clone(&self.notifier), Arc::clone(&claimed.message));
        let render = move || {
            failpoint::reach_blocking(Point::Rendering);
            notifier.render(&message)
        };
        let rendered = tokio::task::spawn_blocking(render).await;
        rendered.map_err(|_| panicked(Reason::Template, false))
    }

    /// Sends once; a panic is a failed attempt, of which nobody knows how far it came.
    async fn send(&self, claimed: &Claimed, rendered: &Rendered) -> Outcome {
        let ledger = Receipts { send: self, claimed };
        let parcel = Parcel {
            id: &claimed.id,
            rendered,
            message: &claimed.message,
            earlier: &claimed.receipts,
            post: claimed.post.as_ref(),
            ledger: &ledger,
        };
        let mut sending = pin!(async { self.notifier.send(parcel).await });
        let poll = |context: &mut Context<'_>| {
            catch_unwind(AssertUnwindSafe(|| sending.as_mut().poll(context)))
                .unwrap_or_else(|_| Poll::Ready(panicked(Reason::Protocol, true)))
        };
        poll_fn(poll).await
    }

    /// Notes that the attempt begins, and tries until it is noted; `None` if the program ends before, or others took over.
    async fn begin(&self, claimed: &Claimed, rendered: Option<&Rendered>) -> Option<String> {
        let content = rendered.map_or("", |rendered| &rendered.content);
        let problem = rendered.and_then(|rendered| rendered.problem.as_deref());
        let means = self.delivery.means();
        // one attempt, however often it is tried to note it
        let id = new_id();
        loop {
            let beginning = Beginning { id: &id, content, problem, at: means.clock.now() };
            match means.store.begin_attempt(claimed, beginning).await {
                Ok(true) => return Some(id),
                Ok(false) => {
                    tracing::warn!("another receiver took over before anything was sent");
                    return None;
                }
                Err(error) => tracing::error!(%error, "nothing is sent until the attempt is noted"),
            }
            if self.stops_within(RECORD_AGAIN).await {
                return None;
            }
        }
    }

    async fn stops_within(&self, wait: Duration) -> bool {
        let shutdown = self.delivery.means().tasks.shutdown();
        tokio::time::timeout(wait, shutdown.cancelled()).await.is_ok()
    }

    fn next(&self, claimed: &Claimed, outcome: &Outcome) -> Next {
        let settings = self.delivery.0.plan.load().settings;
        let delay = settings.backoff.delay(claimed.attempts, rand::random());
        let patience = Patience { since: claimed.patience_from, give_up_after: settings.give_up_after };
        retry::next(outcome, delay, patience, self.delivery.means().store.now())
    }

    /// Records the result, and tries until it is recorded, also during a shutdown for as long as that waits: what is not
    /// recorded is sent again. Returns what became of the notification.
    async fn record(&self, attempt: &str, claimed: &Claimed, outcome: &Outcome, next: Next) -> Ended {
        let means = self.delivery.means();
        let ending = Ending { outcome, next, at: means.clock.now(), fallback: self.fallback.as_ref() };
        loop {
            match means.store.end_attempt(attempt, claimed, ending).await {
                Ok(ended) => return ended,
                Err(error) => tracing::error!(%error, "the result could not be recorded yet"),
            }
            tokio::time::sleep(RECORD_AGAIN).await;
        }
    }

    fn count(&self, claimed: &Claimed, outcome: &Outcome, next: Next, ended: Ended) {
        let metrics = &self.delivery.means().metrics;
        metrics.attempted(&self.channel, outcome.reason());
        match (next, ended) {
            (_, Ended::Lost) => {}
            (Next::Done, _) => {
                let waited = self.delivery.means().store.now().duration_since(claimed.waiting_since);
                metrics.told_after(&self.channel, waited.as_secs_f64().max(0.0));
                metrics.ended(&self.channel, metrics::Ended::Delivered);
            }
            (Next::Dead, _) => metrics.ended(&self.channel, metrics::Ended::Dead),
            (Next::Again(_), Ended::Superseded) => {
                metrics.suppressed(&self.channel, Suppression::Superseded);
            }
            (Next::Again(_), Ended::Told) => metrics.ended(&self.channel, metrics::Ended::Delivered),
            (Next::Again(_), _) => {}
        }
    }
}

/// Keeps what recipients of one notification came to, and where its message is, in the store.
struct Receipts<'a> {
    send: &'a Send,
    claimed: &'a Claimed,
}

impl Ledger for Receipts<'_> {
    fn stopped(&self) -> Option<&'static str> {
        let means = self.send.delivery.means();
        if means.tasks.shutdown().is_cancelled() {
            Some("not asked, the receiver stopped")
        } else if means.store.holds(self.claimed) {
            None
        } else {
            Some("not asked, others may have taken over")
        }
    }

    fn keep<'a>(&'a self, receipt: &'a Receipt) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            failpoint::reach(Point::RecipientAnswered).await;
            let store = &self.send.delivery.means().store;
            while let Err(error) = store.keep_receipt(&self.claimed.id, receipt).await {
                tracing::error!(%error, "what a recipient answered is not noted yet");
                tokio::time::sleep(RECORD_AGAIN).await;
            }
            failpoint::reach(Point::RecipientNoted).await;
        })
    }

    fn keep_post<'a>(&'a self, post: &'a Post) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            failpoint::reach(Point::PlaceAnswered).await;
            let store = &self.send.delivery.means().store;
            while let Err(error) = store.keep_post(self.claimed, post).await {
                tracing::error!(%error, "where a message is is not noted yet");
                tokio::time::sleep(RECORD_AGAIN).await;
            }
            failpoint::reach(Point::PlaceNoted).await;
        })
    }
}

fn panicked(reason: Reason, ambiguous: bool) -> Outcome {
    let detail = "the channel failed inside, the log says where".to_owned();
    Outcome::Retryable { reason, retry_after: None, ambiguous, detail }
}

/// An attempt that was begun too late to be made.
fn unsent() -> Outcome {
    let detail = "nothing was sent: the store took too long to note the attempt".to_owned();
    Outcome::Retryable { reason: Reason::Timeout, retry_after: None, ambiguous: false, detail }
}

fn log(outcome: &Outcome, next: Next, ended: Ended) {
    let detail = without_addresses(outcome.detail());
    match (next, ended) {
        (_, Ended::Lost) => log_failure(outcome, "another receiver had taken over when an attempt ended"),
        (Next::Done, _) => tracing::info!(detail, "a notification was delivered"),
        (Next::Again(_), _) => log_failure(outcome, "a notification will be tried again"),
        (Next::Dead, _) => log_failure(outcome, "a notification is a dead letter"),
    }
}

fn log_failure(outcome: &Outcome, what: &'static str) {
    let (reason, ambiguous) = (outcome.reason().map_or("", Reason::as_str), outcome.is_ambiguous());
    tracing::warn!(reason, detail = without_addresses(outcome.detail()), ambiguous, "{what}");
}

/// The history says who it was about; a log goes to more places than that, and mail addresses are of people.
fn without_addresses(detail: &str) -> String {
    let words = detail.split(' ').map(|word| {
        let end = word.trim_end_matches([',', ':', ';', '.']).len();
        if word.contains('@') {
            format!("<address>{}", word.get(end..).unwrap_or_default())
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_no_mail_addresses() {
        let detail = "b@x.org, c@x.org: 550 5.1.1 <b@x.org>: no such user; a@x.org: 250 ok";
        let logged = "<address>, <address>: 550 5.1.1 <address>: no such user; <address>: 250 ok";
        assert_eq!(without_addresses(detail), logged);
        assert_eq!(without_addresses("200 ok"), "200 ok");
    }
}
