//! Accepting webhooks: many of them share one transaction and one sync to disk, and each is answered after it.
//!
//! Nothing is sent here. When the queue is full or the store fails, the sender is told to come again, and it will.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use modelwatch_common::shutdown::Shutdown;
use modelwatch_common::time::Clock;
use modelwatch_receiver_core::book::Posting;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

mod answers;
mod entry;
mod hearing;
mod names;
mod policy;
mod prepare;
mod room;

pub use answers::Answered;
use answers::Answers;
use entry::Failure;
pub use entry::{Queued, Tally};
use hearing::Hearing;
pub use names::ChannelNames;
pub use policy::{Policy, Way};
pub use prepare::Webhook;
pub use room::Room;

use crate::metrics::Metrics;
use crate::store::{Store, StoreError, TOO_SLOW, Troubles, Wording};

/// How many webhooks wait at most.
pub(crate) const QUEUE: usize = 1024;

/// How many bytes of webhooks are read, or wait, at most: 64 MiB, of which one alone may be all.
const QUEUE_BYTES: usize = 64 << 20;

/// How many webhooks share a transaction at most.
const BATCH: usize = 256;

/// How many bytes of webhooks share a transaction at most, unless one alone has more.
const BATCH_BYTES: usize = 8 << 20;

/// How often in a row a part of a batch may fail before the rest is believed to fail too. Finding the one webhook of a
/// batch that cannot be stored takes nine.
const TRIES: u32 = 24;

/// How often occurrences are looked at that no webhook speaks of.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

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
pub struct Intake {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    terms: Arc<ArcSwap<Terms>>,
    answers: mpsc::Sender<Answers>,
    questions: watch::Receiver<()>,
    troubles: Troubles,
}

/// A webhook about which everything is worked out that needs no store.
pub struct Prepared {
    posting: Posting,
    room: Room,
}

struct Job {
    posting: Posting,
    answer: oneshot::Sender<Result<Vec<Queued>, IntakeError>>,
    /// Free again once it is answered.
    room: Room,
}

/// The one task that accepts.
pub struct Intaker {
    jobs: mpsc::Receiver<Job>,
    answers: mpsc::Receiver<Answers>,
    /// Rung when somebody is to be asked about alerts.
    questions: watch::Sender<()>,
    store: Store,
    terms: Arc<ArcSwap<Terms>>,
    clock: Arc<dyn Clock>,
    /// Since when it can have asked somebody about alerts.
    up_since: Timestamp,
    metrics: Arc<Metrics>,
    bell: watch::Sender<()>,
    hearing: Hearing,
    /// Occurrences that could not be looked at, and until when they are left alone.
    left: HashMap<String, Instant>,
}

impl Intake {
    /// Room for a webhook that is about to come, as yet none.
    pub fn room(&self) -> Room {
        Room { all: Arc::clone(&self.room), taken: None }
    }

    /// Works out who the alerts of a webhook are and where they go; `room` is what it was given while it was read. It may
    /// take long, if the webhook is long.
    pub fn prepare(&self, webhook: Webhook, room: Room) -> Prepared {
        Prepared { posting: prepare::posting(webhook, &self.terms.load().policy), room }
    }

    /// Accepts a webhook; it is on disk when this returns, and so is what is to be told because of it.
    ///
    /// # Errors
    /// When it is not on disk; the sender is to try again.
    pub async fn take(&self, prepared: Prepared) -> Result<Vec<Queued>, IntakeError> {
        let Prepared { posting, room } = prepared;
        let (answer, accepted) = oneshot::channel();
        self.jobs.try_send(Job { posting, answer, room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                self.note_refusal();
                IntakeError::Full
            }
            mpsc::error::TrySendError::Closed(_) => IntakeError::Store,
        })?;
        accepted.await.unwrap_or(Err(IntakeError::Store))
    }

    /// Notes that something was refused that might have been word from somebody who is waited for.
    pub fn note_refusal(&self) {
        self.troubles.note();
    }

    /// Rings when somebody is to be asked about alerts.
    pub fn questions(&self) -> watch::Receiver<()> {
        self.questions.clone()
    }

    /// Accepts a short webhook, as [`take`](Self::take).
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub async fn accept(&self, webhook: Webhook) -> Result<Vec<Queued>, IntakeError> {
        self.take(self.prepare(webhook, self.room())).await
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
        let room = QUEUE_BYTES;
        let (answering, answers) = mpsc::channel(1);
        let (asking, questions) = watch::channel(());
        let intake = Intake {
            jobs: sender,
            room: Arc::new(Semaphore::new(room)),
            terms: Arc::clone(&terms),
            answers: answering,
            questions,
            troubles: store.troubles().clone(),
        };
        let (hearing, left) = (Hearing::new(), HashMap::new());
        let (questions, up_since) = (asking, clock.now());
        let intaker =
            Intaker { jobs, answers, questions, store, terms, clock, up_since, metrics, bell, hearing, left };
        (intake, intaker)
    }

    /// Accepts until every [`Intake`] is gone, so that whoever is being answered at shutdown still is.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                received = self.jobs.recv_many(&mut batch, BATCH) => match received {
                    0 => break,
                    _ => self.accept(std::mem::take(&mut batch)).await,
                },
                Some(answers) = self.answers.recv() => self.settle(answers).await,
                _ = sweep.tick(), if !shutdown.is_cancelled() => self.sweep().await,
                () = std::future::ready(()), if self.hearing.is_writing() => self.write_some().await,
            }
        }
        self.write_down().await;
    }

    /// Accepts a batch; should it fail, each half of it alone, so that no webhook falls with another.
    async fn accept(&mut self, batch: Vec<Job>) {
        let (began, mut failures) = (Instant::now(), 0);
        let mut parts = in_parts(batch);
        while let Some(mut part) = parts.pop() {
            let postings: Vec<&Posting> = part.iter().map(|job| &job.posting).collect();
            match self.commit(&postings).await {
                Ok(queued) => {
                    failures = 0;
                    part.into_iter().zip(queued).for_each(|(job, queued)| job.answer(Ok(queued)));
                }
                Err(Failure::Within(_)) if part.len() > 1 && failures < TRIES => {
                    failures += 1;
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                Err(failure) => {
                    failures += 1;
                    if matches!(failure, Failure::Begin(_)) || failures > TRIES {
                        part.extend(parts.drain(..).flatten());
                    }
                    // what fails at once may be this webhook's own fault
                    if matches!(failure, Failure::Begin(_)) || began.elapsed() > TOO_SLOW {
                        self.store.troubles().note();
                    }
                    refuse(part, &failure.into_error());
                }
            }
        }
    }

    async fn sweep(&mut self) {
        self.hearing.begin();
        if let Err(error) = self.look_again().await {
            tracing::error!(%error, "held and stale alerts could not be looked at");
        }
    }
}

impl Job {
    /// Whoever asked may have gone; what is stored stays stored.
    fn answer(self, answer: Result<Vec<Queued>, IntakeError>) {
        let _ = self.answer.send(answer);
    }
}

/// Parts of so many bytes, the first one last.
fn in_parts(batch: Vec<Job>) -> Vec<Vec<Job>> {
    let mut parts: Vec<Vec<Job>> = Vec::new();
    let mut bytes = 0;
    for job in batch {
        bytes += job.room.bytes();
        match parts.last_mut().filter(|_| bytes <= BATCH_BYTES) {
            Some(part) => part.push(job),
            None => {
                bytes = job.room.bytes();
                parts.push(vec![job]);
            }
        }
    }
    parts.reverse();
    parts
}

fn refuse(jobs: Vec<Job>, error: &StoreError) {
    for job in jobs {
        tracing::error!(%error, source = job.posting.group.source, "a webhook could not be stored");
        job.answer(Err(IntakeError::Store));
    }
}

#[cfg(test)]
mod tests;
