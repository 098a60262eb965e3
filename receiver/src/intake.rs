//! Accepting webhooks: many of them share one transaction and one sync to disk, and each is answered after it.
//!
//! Nothing is sent here. When the queue is full or the store fails, the sender is told to come again, and it will.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use modelwatch_common::shutdown::Shutdown;
use modelwatch_common::time::Clock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

mod accept;
mod names;
mod policy;

use accept::Acceptance;
pub use accept::{Queued, Tally, Webhook};
pub use names::ChannelNames;
pub use policy::{Policy, Way};

use crate::failpoint::{self, Point};
use crate::metrics::Metrics;
use crate::store::{Store, StoreError, Transaction, Wording};

/// How many webhooks wait at most.
const QUEUE: usize = 256;

/// How many webhooks share a transaction at most.
const BATCH: usize = 64;

/// How often occurrences are looked at that no webhook speaks of.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How many of those share a transaction at most.
const SWEEP_BATCH: usize = 256;

/// Why a webhook was not accepted; both pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// Too many wait.
    #[error("too many webhooks wait to be stored, try again")]
    Full,
    /// The store failed, or the program ends.
    #[error("the webhook could not be stored, try again")]
    Store,
}

/// What intake goes by; replaced as a whole by a reload.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Who is told what.
    pub policy: Policy,
    /// What messages say besides.
    pub wording: Wording,
}

/// The way in, for whoever receives webhooks; cloning is cheap.
#[derive(Clone)]
pub struct Intake(mpsc::Sender<Job>);

struct Job {
    webhook: Webhook,
    answer: oneshot::Sender<Result<Vec<Queued>, IntakeError>>,
}

/// The one task that accepts.
pub struct Intaker {
    jobs: mpsc::Receiver<Job>,
    store: Store,
    terms: Arc<ArcSwap<Terms>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    bell: watch::Sender<()>,
}

impl Intake {
    /// Accepts a webhook; it is on disk when this returns, and so is what is to be told because of it.
    ///
    /// # Errors
    /// When it is not on disk; the sender is to try again.
    pub async fn accept(&self, webhook: Webhook) -> Result<Vec<Queued>, IntakeError> {
        let (answer, accepted) = oneshot::channel();
        self.0.try_send(Job { webhook, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => IntakeError::Full,
            mpsc::error::TrySendError::Closed(_) => IntakeError::Store,
        })?;
        accepted.await.unwrap_or(Err(IntakeError::Store))
    }
}

impl Intaker {
    /// The way in, and the task behind it; `bell` is rung when something is to be told.
    pub fn new(
        store: Store,
        terms: Arc<ArcSwap<Terms>>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        bell: watch::Sender<()>,
    ) -> (Intake, Intaker) {
        let (sender, jobs) = mpsc::channel(QUEUE);
        (Intake(sender), Intaker { jobs, store, terms, clock, metrics, bell })
    }

    /// Accepts until every [`Intake`] is gone, so that whoever is being answered at shutdown still is.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                received = self.jobs.recv_many(&mut batch, BATCH) => match received {
                    0 => return,
                    _ => self.accept(std::mem::take(&mut batch)).await,
                },
                _ = sweep.tick(), if !shutdown.is_cancelled() => self.sweep().await,
            }
        }
    }

    /// Accepts a batch; should it fail, each webhook alone, so that none falls with another.
    async fn accept(&self, batch: Vec<Job>) {
        let webhooks: Vec<&Webhook> = batch.iter().map(|job| &job.webhook).collect();
        let mut together = self.commit(&webhooks).await.map(Vec::into_iter);
        for job in batch {
            let result = match &mut together {
                Ok(queued) => Ok(queued.next().unwrap_or_default()),
                Err(_) => self.commit(&[&job.webhook]).await.map(|queued| queued.concat()),
            };
            let answer = result.map_err(|error| {
                tracing::error!(%error, source = job.webhook.source, "a webhook could not be stored");
                IntakeError::Store
            });
            // Whoever asked may have gone; what is stored stays stored.
            let _ = job.answer.send(answer);
        }
    }

    /// Accepts them in one transaction; returns what is to be told because of each.
    async fn commit(&self, webhooks: &[&Webhook]) -> Result<Vec<Vec<Queued>>, StoreError> {
        let terms = self.terms.load_full();
        let mut transaction = self.store.begin().await?;
        let mut acceptance = Acceptance::new(&mut transaction, &terms, self.clock.now());
        let mut queued = Vec::with_capacity(webhooks.len());
        for webhook in webhooks {
            queued.push(acceptance.webhook(webhook).await?);
        }
        let tally = acceptance.tally;
        self.finish(transaction, &tally).await?;
        Ok(queued)
    }

    /// Looks at the occurrences whose time has come although no webhook spoke of them.
    async fn sweep(&self) {
        if let Err(error) = self.look_again(self.clock.now()).await {
            tracing::error!(%error, "held and stale alerts could not be looked at");
        }
    }

    async fn look_again(&self, now: Timestamp) -> Result<(), StoreError> {
        if !self.store.has_due_occurrences(now).await? {
            return Ok(());
        }
        let terms = self.terms.load_full();
        let mut transaction = self.store.begin().await?;
        let due = transaction.due_occurrences(now, SWEEP_BATCH).await?;
        let mut acceptance = Acceptance::new(&mut transaction, &terms, now);
        for found in due {
            acceptance.due(found).await?;
        }
        let tally = acceptance.tally;
        self.finish(transaction, &tally).await
    }

    /// Puts it on disk; only what is there is counted, and only then is delivery woken.
    async fn finish(&self, transaction: Transaction, tally: &Tally) -> Result<(), StoreError> {
        let began = Instant::now();
        failpoint::reach(Point::BeforeCommit).await;
        transaction.commit().await?;
        failpoint::reach(Point::Committed).await;
        self.metrics.store_commit_seconds.observe(began.elapsed().as_secs_f64());
        self.metrics.count(tally);
        if tally.queued {
            self.bell.send_replace(());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
