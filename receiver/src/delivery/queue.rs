//! One destination's queue: waits until something is due and may be sent, claims it, and lets it go its way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use modelwatch_common::shutdown::Shutdown;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::send::Send;
use super::{Delivery, Destination};
use crate::store::{Claim, Claimed, StoreError};

/// How long a claim lasts; far longer than any attempt, so that it only ends if its task died.
const LEASE: Duration = Duration::from_secs(300);

/// However far away the next notification is, the wall clock is looked at again after this long.
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
            bell: delivery.0.means.bell.subscribe(),
            shutdown: delivery.0.means.tasks.shutdown(),
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
    async fn send_next(&self) -> Result<Duration, StoreError> {
        let now = self.delivery.0.means.clock.now();
        let Some(due) = self.delivery.0.means.store.next_due(&self.channel).await? else {
            return Ok(LONGEST_WAIT);
        };
        if due > now {
            return Ok(due.duration_since(now).unsigned_abs().min(LONGEST_WAIT));
        }
        let shut = self.gate.opens().saturating_duration_since(Instant::now());
        if !shut.is_zero() {
            return Ok(shut);
        }
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return Ok(LONGEST_WAIT) };
        let plan = self.delivery.0.plan.load_full();
        let Some(destination) = plan.destinations.get(&*self.channel) else { return Ok(Duration::ZERO) };
        match self.delivery.0.means.store.claim(&self.channel, LEASE, &plan.wording, now).await? {
            Claim::Ours(claimed) => self.send(destination, *claimed, slot),
            Claim::Suppressed(reason) => self.delivery.0.means.metrics.suppressed(&self.channel, reason),
            // what is due waits for another of its group, and the bell rings when that has ended
            Claim::Nothing => return Ok(LONGEST_WAIT),
        }
        Ok(Duration::ZERO)
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
        self.delivery.0.means.tasks.spawn_expendable("delivery", async move {
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
