//! Getting notifications out: one queue and one limiter for each destination, so that a stuck one delays no other.
//!
//! An attempt is on disk before its first byte goes out, and its result after; what lies between is the window in
//! which a crash leaves an ambiguous attempt behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use modelwatch_common::shutdown::Tasks;
use modelwatch_common::time::Clock;
use modelwatch_receiver_core::retry::Rate;
use tokio::sync::watch;

mod queue;
mod send;
mod settings;
mod upkeep;

pub use settings::Settings;

use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::store::{Fallback, Store, Wording};

/// Where a channel's notifications go.
#[derive(Clone)]
pub struct Destination {
    /// What renders and sends them.
    pub notifier: Arc<dyn Notifier>,
    /// How often it may be sent to; `None` for as often as there is something to say.
    pub rate: Option<Rate>,
    /// Who gets what is a dead letter here.
    pub fallback: Option<Fallback>,
}

/// Everything that delivery goes by; replaced as a whole by a reload.
pub struct Plan {
    /// The destinations by name.
    pub destinations: BTreeMap<String, Destination>,
    /// How often and how long to try.
    pub settings: Settings,
    /// What messages say besides their alerts.
    pub wording: Wording,
}

/// Delivery, shared by its queues; cloning is cheap.
#[derive(Clone)]
pub struct Delivery(Arc<Inner>);

struct Inner {
    means: Means,
    plan: ArcSwap<Plan>,
    running: Mutex<BTreeSet<String>>,
    under_way: watch::Sender<usize>,
}

/// What delivery works with; a reload does not change it.
pub struct Means {
    /// Where the outbox is.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// What its tasks run among.
    pub tasks: Tasks,
    /// Rung by whoever queues something.
    pub bell: watch::Sender<()>,
}

impl Delivery {
    /// Delivers by `plan` from now on.
    pub fn start(means: Means, plan: Plan) -> Delivery {
        let inner = Inner {
            means,
            plan: ArcSwap::from_pointee(plan),
            running: Mutex::default(),
            under_way: watch::Sender::new(0),
        };
        let delivery = Delivery(Arc::new(inner));
        delivery.start_queues();
        delivery.means().tasks.spawn("lease", delivery.clone().stay_alive());
        delivery.means().tasks.spawn("backlog gauges", delivery.clone().show_backlogs());
        delivery
    }

    /// Goes by another plan; notifications of destinations that are gone wait in the store until they return.
    pub fn replan(&self, plan: Plan) {
        self.0.plan.store(Arc::new(plan));
        self.start_queues();
        self.ring();
    }

    /// Says that something was queued.
    pub fn ring(&self) {
        self.means().bell.send_replace(());
    }

    /// The names of the channels that can be told.
    pub fn channels(&self) -> BTreeSet<String> {
        self.0.plan.load().destinations.keys().cloned().collect()
    }

    fn means(&self) -> &Means {
        &self.0.means
    }

    fn start_queues(&self) {
        let plan = self.0.plan.load();
        for channel in plan.destinations.keys() {
            self.means().metrics.touch_channel(channel);
            let is_new = self.running().insert(channel.clone());
            if is_new {
                self.means().tasks.spawn("delivery queue", queue::Queue::new(self.clone(), channel).run());
            }
        }
    }

    /// Whether a queue whose destination is gone may end; after a `true` it has to.
    fn may_end(&self, channel: &str) -> bool {
        let mut running = self.running();
        let gone = !self.0.plan.load().destinations.contains_key(channel);
        if gone {
            running.remove(channel);
        }
        gone
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
