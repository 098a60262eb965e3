//! One destination's queue: waits until something is due and may be sent, claims it, and lets it go its way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use modelwatch_common::shutdown::Shutdown;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::send::Send;
use super::{Delivery, Destination};
use crate::metrics::Ended;
use crate::store::{Claim, Claimed, StoreError};

/// However far away the next notification is, the outbox is looked at again after this long.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long to wait when the store fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// From when on a destination may be sent to; shared with the sends under way, which learn of `Retry-After`.
#[derive(Clone)]
pub(super) struct Gate(Arc<Mutex<Instant>>);

impl Gate {
    fn open() -> Gate {
        Gate(Arc::new(Mutex::new(Instant::now())))
    }

    /// Keeps it shut for at least so long.
    pub(super) fn shut_for(&self, pause: Duration) {
        let mut opens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *opens = (*opens).max(Instant::now() + pause);
    }

    fn opens(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queue of one destination.
pub(super) struct Queue {
    delivery: Delivery,
    channel: Arc<str>,
    gate: Gate,
    slots: Arc<Semaphore>,
    bell: watch::Receiver<()>,
    shutdown: Shutdown,
}

impl Queue {
    pub(super) fn new(delivery: Delivery, channel: &str) -> Queue {
        let workers = delivery.0.plan.load().settings.workers;
        Queue {
            channel: Arc::from(channel),
            gate: Gate::open(),
            slots: Arc::new(Semaphore::new(workers)),
            bell: delivery.means().bell.subscribe(),
            shutdown: delivery.means().tasks.shutdown(),
            delivery,
        }
    }

    /// Delivers until the shutdown, or until a reload takes the destination away.
    pub(super) async fn run(mut self) {
        while !self.shutdown.is_cancelled() && !self.delivery.may_end(&self.channel) {
            self.bell.mark_unchanged();
            let wait = match self.send_next().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, channel = %self.channel, "the outbox could not be read");
                    STORE_PAUSE
                }
            };
            self.pause(wait).await;
        }
    }

    /// Sends what may be sent now; returns how long to wait, unless the bell rings.
    ///
    /// The slot comes first: while one is waited for, the gate may shut and the program may be told to stop.
    async fn send_next(&self) -> Result<Duration, StoreError> {
        let means = self.delivery.means();
        let wait = means.store.next_due(&self.channel).await?.unwrap_or(LONGEST_WAIT);
        if !wait.is_zero() {
            return Ok(wait.min(LONGEST_WAIT));
        }
        let Some(slot) = self.slot().await else { return Ok(Duration::ZERO) };
        let shut = self.gate.opens().saturating_duration_since(Instant::now());
        if !shut.is_zero() {
            return Ok(shut);
        }
        let plan = self.delivery.0.plan.load_full();
        let Some(destination) = plan.destinations.get(&*self.channel) else { return Ok(Duration::ZERO) };
        match means.store.claim(&self.channel, &plan.wording, means.clock.now()).await? {
            Claim::Ours(claimed) => self.send(destination, *claimed, slot),
            Claim::Suppressed(reason) => means.metrics.suppressed(&self.channel, reason),
            Claim::Dead(problem) => {
                tracing::error!(channel = %self.channel, problem, "a notification cannot be read and is a dead letter");
                means.metrics.ended(&self.channel, Ended::Dead);
            }
            // what was due is not any more, and whoever changed that rang the bell
            Claim::Nothing => return Ok(LONGEST_WAIT),
        }
        Ok(Duration::ZERO)
    }

    /// A place among those under way; `None` once the program is to stop.
    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => None,
            slot = Arc::clone(&self.slots).acquire_owned() => slot.ok(),
        }
    }

    fn send(&self, destination: &Destination, claimed: Claimed, slot: OwnedSemaphorePermit) {
        if let Some(rate) = destination.rate {
            self.gate.shut_for(rate.interval());
        }
        let send = Send {
            delivery: self.delivery.clone(),
            channel: Arc::clone(&self.channel),
            notifier: Arc::clone(&destination.notifier),
            gate: self.gate.clone(),
        };
        self.delivery.means().tasks.spawn("delivery", async move {
            let _slot = slot;
            send.run(claimed).await;
        });
    }

    async fn pause(&mut self, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = self.bell.changed() => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}
