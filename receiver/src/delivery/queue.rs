//! One destination's queue: waits until something is due and may be sent, claims it, and lets it go its way.

use std::sync::Arc;
use std::time::Duration;

use modelwatch_common::shutdown::Shutdown;
use modelwatch_receiver_core::dedupe::Suppression;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::send::Send;
use super::{Delivery, Destination};
use crate::failpoint::{self, Point};
use crate::metrics::Ended;
use crate::store::{Claim, Claimed, Outlet, StoreError};

/// However far away the next notification is, the outbox is looked at again after this long: other receivers queue, and
/// leave behind, without ringing a bell here.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How long to wait when the store fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The queue of one destination.
pub(super) struct Queue {
    delivery: Delivery,
    channel: Arc<str>,
    slots: Arc<Semaphore>,
    bell: watch::Receiver<()>,
    shutdown: Shutdown,
}

impl Queue {
    pub(super) fn new(delivery: Delivery, channel: &str) -> Queue {
        let workers = delivery.0.plan.load().settings.workers;
        Queue {
            channel: Arc::from(channel),
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
    /// The slot comes first: while one is waited for, the destination may shut and the program may be told to stop.
    async fn send_next(&self) -> Result<Duration, StoreError> {
        let means = self.delivery.means();
        let wait = means.store.next_due(&self.channel).await?.unwrap_or(LONGEST_WAIT);
        if !wait.is_zero() {
            return Ok(wait.min(LONGEST_WAIT));
        }
        let Some(slot) = self.slot().await else { return Ok(Duration::ZERO) };
        let plan = self.delivery.0.plan.load_full();
        let Some(destination) = plan.destinations.get(&*self.channel) else { return Ok(Duration::ZERO) };
        failpoint::reach(Point::BeforeClaim).await;
        let outlet = Outlet {
            channel: &self.channel,
            rate: destination.rate,
            has_recipients: destination.notifier.has_recipients(),
            keeps_posts: destination.notifier.keeps_posts(),
        };
        let claim = means.store.claim(outlet, &plan.wording, means.clock.now()).await?;
        match claim {
            Claim::Ours(claimed) => {
                means.metrics.untold(&self.channel, Suppression::NeverTold, claimed.never_told);
                self.send(destination, *claimed, slot);
            }
            Claim::Suppressed(reason) => means.metrics.suppressed(&self.channel, reason),
            Claim::Told => means.metrics.ended(&self.channel, Ended::Delivered),
            Claim::Dead(problem) => {
                tracing::error!(channel = %self.channel, problem, "a notification cannot be read and is a dead letter");
                means.metrics.ended(&self.channel, Ended::Dead);
            }
            // what was due is not any more; who of this receiver changed that rang the bell
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
        let send = Send {
            delivery: self.delivery.clone(),
            channel: Arc::clone(&self.channel),
            notifier: Arc::clone(&destination.notifier),
            fallback: destination.fallback.clone(),
            _under_way: self.delivery.under_way(),
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
