//! Asking Alertmanager whether alerts still fire, in a task of its own: no webhook ever waits for an answer.
//!
//! One request at a time answers for all alerts that are asked about. What is to be asked stands in the store, so that it
//! is asked after a restart too, and by another receiver where the one that began to is gone. What an answer means is
//! decided in the core, and written by intake.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use modelwatch_common::backoff::Backoff;
use modelwatch_common::shutdown::Shutdown;
use modelwatch_common::time::Clock;
use modelwatch_receiver_core::alert::{Listing, Standing};
use modelwatch_receiver_core::occurrence::{Testimony, Witness};
use tokio::sync::watch;
use tokio::time::Instant;

mod metrics;
mod settings;
mod upstream;

pub use metrics::AlertmanagerMetrics;
pub use settings::Settings;
pub use upstream::{Limits, Trouble, Upstream, UpstreamError};

use crate::intake::{Answered, Intake, Terms};
use crate::store::{Question, Store};

/// How often it is looked for questions that nobody answers: those of a receiver that is gone, or of one that could not
/// ask. It is the age from which they are taken for that, too.
const LEFT_AFTER: Duration = Duration::from_secs(5);

/// How many questions one request answers at most.
const QUESTIONS: usize = 10_000;

/// How many answers are handed to intake at once.
const ANSWERS: usize = 256;

/// A request is followed by a rest of at least so long, or as long as it took: a large Alertmanager has other things to do.
const REST: Duration = Duration::from_millis(200);

/// The rests while it cannot be asked.
const BACKOFF: Backoff =
    Backoff { initial: Duration::from_secs(2), max: Duration::from_secs(60), jitter: 0.2 };

/// The part that asks.
pub struct Asker {
    /// Where questions stand.
    pub store: Store,
    /// Where answers go.
    pub intake: Intake,
    /// Which alerts are the same, and who can be asked about which.
    pub terms: Arc<ArcSwap<Terms>>,
    /// Who is asked, if anybody; replaced by a reload.
    pub upstream: watch::Receiver<Option<Arc<Upstream>>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where it is counted.
    pub metrics: AlertmanagerMetrics,
}

/// How the last requests went.
#[derive(Default)]
struct Contact {
    /// So many in a row failed.
    failures: u32,
    /// Nothing is asked before.
    rests_until: Option<Instant>,
}

/// Why it is looked for questions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    /// There are new ones, or somebody else is to be asked.
    News,
    /// Some may have been left.
    Round,
}

impl Asker {
    /// Asks until `shutdown`.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut bell = self.intake.questions();
        let mut contact = Contact::default();
        loop {
            let call = tokio::select! {
                () = shutdown.cancelled() => return,
                Ok(()) = bell.changed() => Call::News,
                Ok(()) = self.upstream.changed() => {
                    contact = Contact::default();
                    Call::News
                }
                () = tokio::time::sleep(LEFT_AFTER) => Call::Round,
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = contact.rest() => {}
                Ok(()) = self.upstream.changed() => contact = Contact::default(),
            }
            let Some(upstream) = self.upstream.borrow_and_update().clone() else { continue };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.ask(&upstream, call, &mut contact) => {}
            }
        }
    }

    /// Answers what is to be asked, if anything is.
    async fn ask(&self, upstream: &Upstream, call: Call, contact: &mut Contact) {
        let until = match call {
            Call::News => Timestamp::MAX,
            Call::Round => self.clock.now().saturating_sub(LEFT_AFTER).unwrap_or(Timestamp::MIN),
        };
        let questions = match self.store.questions(until, QUESTIONS).await {
            Ok(questions) => questions,
            Err(error) => {
                tracing::error!(%error, "what Alertmanager is to be asked could not be read");
                return;
            }
        };
        if questions.is_empty() {
            return;
        }
        let began = Instant::now();
        let (answer, trouble) = self.answer(upstream, &questions).await;
        contact.went(trouble.as_ref(), began.elapsed());
        self.settle(questions, answer.as_ref()).await;
    }

    /// What is listed, and how much that says if something is not; and what went wrong meanwhile.
    async fn answer(&self, upstream: &Upstream, questions: &[Question]) -> (Option<Answer>, Option<Trouble>) {
        let ignored = self.terms.load().policy.ignored_labels().clone();
        let listing = upstream.listing(ignored).await;
        self.metrics.requested(&listing);
        let listing = match listing {
            Ok(listing) => listing,
            Err(trouble) => return (None, Some(trouble)),
        };
        if questions.iter().all(|question| listing.has(question.fingerprint)) {
            return (Some(Answer { listing, standing: None }), None);
        }
        let standing = upstream.standing().await;
        self.metrics.requested(&standing);
        match standing {
            Ok(standing) => (Some(Answer { listing, standing: Some(standing) }), None),
            Err(trouble) => (Some(Answer { listing, standing: None }), Some(trouble)),
        }
    }

    /// Hands the answers to intake, a few at a time, so that webhooks get their turns in between.
    async fn settle(&self, questions: Vec<Question>, answer: Option<&Answer>) {
        let terms = self.terms.load_full();
        let answered = |question: Question| {
            let testimony = match terms.policy.witness(&question.source) {
                Witness::Alertmanager => answer.map_or(Testimony::Unheard, |answer| answer.to(&question)),
                Witness::Nobody => Testimony::Unknown,
            };
            self.metrics.answered(&testimony);
            Answered { occurrence: question.occurrence, asked: question.since, testimony }
        };
        let mut answers = questions.into_iter().map(answered).peekable();
        while answers.peek().is_some() {
            self.intake.settle(answers.by_ref().take(ANSWERS).collect()).await;
        }
    }
}

/// What Alertmanager said.
struct Answer {
    listing: Listing,
    standing: Option<Standing>,
}

impl Answer {
    fn to(&self, question: &Question) -> Testimony {
        self.listing.testimony(question.fingerprint, self.standing.as_ref(), question.since)
    }
}

impl Contact {
    async fn rest(&self) {
        if let Some(until) = self.rests_until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Notes how a request went that took so long; the log says it when that changes.
    fn went(&mut self, trouble: Option<&Trouble>, took: Duration) {
        let rest = match trouble {
            None => {
                if self.failures > 0 {
                    tracing::info!("Alertmanager can be asked again whether alerts still fire");
                }
                self.failures = 0;
                REST.max(took)
            }
            Some(trouble) => {
                if self.failures == 0 {
                    tracing::warn!(%trouble, "Alertmanager cannot be asked whether alerts still fire, dedupe.reorder_window and dedupe.stale_after decide");
                }
                self.failures = self.failures.saturating_add(1);
                BACKOFF.delay(self.failures - 1, rand::random())
            }
        };
        self.rests_until = Some(Instant::now() + rest);
    }
}

#[cfg(test)]
mod tests;
