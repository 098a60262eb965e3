//! The one owner of state. It runs on a thread of its own: many waiting batches share one write to the journal, are
//! counted in that order, and only then answered.
//!
//! Nothing is computed for a scrape here: at most once a second, when something changed, a still of the state goes to
//! the publisher's thread.

mod batches;
mod recovery;
mod snapshots;
mod stills;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use modelwatch_common::time::Clock;
use modelwatch_exporter_core::batch::{Batch, Format};
use modelwatch_exporter_core::event::Reason;
use modelwatch_exporter_core::idempotency::{Answer, KeyTotals, Once, OtherBody};
use modelwatch_exporter_core::state::{BegunAnew, Setup, State};
use modelwatch_exporter_core::time::Time;
use modelwatch_exporter_core::view::ModelView;
use tokio::sync::oneshot;

use crate::journal::Journal;
use crate::telemetry::Metrics;
pub use recovery::recover;
use snapshots::Snapshots;
pub use stills::{StillSender, Stills, stills};

/// Batches that wait at most; beyond, senders are told to come again.
pub const QUEUE: usize = 256;
/// How often gauges are computed at most.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// How often gauges are computed when nothing came in: windows that end now move by themselves.
const IDLE_PUBLISH_EVERY: Duration = Duration::from_secs(10);

/// A body on its way to being counted.
#[derive(Debug)]
pub struct Delivery {
    /// How the body holds its events.
    pub format: Format,
    /// Uncompressed; it goes to the journal as it is.
    pub body: bytes::Bytes,
    /// The events in it.
    pub batch: Batch,
    /// What they were parsed with.
    pub setup: Arc<Setup>,
    /// Set when they are to be counted once, however often they are sent.
    pub once: Option<Once>,
    /// Hears what became of them.
    pub reply: oneshot::Sender<Result<Answer, Refusal>>,
}

/// Why a batch was not counted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not now.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// Never under this key.
    #[error(transparent)]
    OtherBody(OtherBody),
}

/// Why a batch could not be accepted now; the sender may come again.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct Unavailable(pub Arc<std::io::Error>);

/// What the engine is asked for.
#[derive(Debug)]
pub enum Request {
    /// Count these events.
    Count(Box<Delivery>),
    /// Go on under another configuration.
    Reload {
        /// The new one.
        setup: Arc<Setup>,
        /// Hears when it is in force, or why it is not.
        reply: oneshot::Sender<Result<(), Unavailable>>,
    },
}

/// A still of everything, for the publisher.
#[derive(Debug)]
pub struct Still {
    /// All models.
    pub models: Vec<ModelView>,
    /// Events refused, by reason.
    pub rejected: Vec<(Reason, u64)>,
    /// Answers that are remembered by key.
    pub keys: KeyTotals,
    /// Series that one family keeps apart.
    pub series_per_family: usize,
}

/// The state and what keeps it.
pub struct Engine {
    setup: Arc<Setup>,
    state: State,
    journal: Journal,
    snapshots: Snapshots,
    stills: StillSender,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    changed: bool,
    published: Instant,
    now: Time,
}

impl Engine {
    /// Goes on from a recovered state.
    pub fn new(
        recovered: recovery::Recovered,
        stills: StillSender,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Engine {
        let recovery::Recovered { setup, state, journal } = recovered;
        Engine {
            setup,
            state,
            journal,
            snapshots: Snapshots::new(metrics.clone()),
            stills,
            clock,
            metrics,
            changed: true,
            published: Instant::now(),
            now: Time(i64::MIN),
        }
    }

    /// Serves requests until nobody can send any more, then saves the state.
    pub fn run(mut self, requests: &Receiver<Request>) {
        self.publish_now();
        loop {
            match requests.recv_timeout(PUBLISH_EVERY) {
                Ok(first) => self.serve(first, requests),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.pass_time();
            if self.journal.length() >= snapshots::AFTER_BYTES {
                self.snapshots.begin(&mut self.journal, &self.state);
            }
        }
        self.snapshots.finish(&mut self.journal, &self.state);
    }

    /// Now, in event time: never before a batch that was accepted.
    fn tick(&mut self) -> Time {
        self.now = self.now.max(self.clock.now().into());
        self.now
    }

    fn pass_time(&mut self) {
        let due = if self.changed { PUBLISH_EVERY } else { IDLE_PUBLISH_EVERY };
        if self.published.elapsed() < due {
            return;
        }
        self.publish_now();
    }

    fn publish_now(&mut self) {
        let now = self.tick();
        self.state.advance(&self.setup, now);
        self.publish();
    }

    /// Takes a still when the publisher can use it; while it is busy nothing is computed for it.
    fn publish(&mut self) {
        if !self.stills.is_wanted() {
            return;
        }
        let models = self.state.views(&self.setup);
        let rejected = self.state.rejected().iter().map(|(reason, count)| (*reason, *count)).collect();
        let series_per_family = self.setup.series_per_family;
        self.stills.send(Still { models, rejected, keys: self.state.keys(), series_per_family });
        self.published = Instant::now();
        self.changed = false;
    }

    fn reload(&mut self, setup: Arc<Setup>) -> Result<(), Unavailable> {
        // The journal holds events as they were sent: those under the old configuration must be in a snapshot first.
        self.snapshots.now(&mut self.journal, &self.state).map_err(|error| Unavailable(Arc::new(error)))?;
        tell_of(&self.state.adopt(&setup));
        self.setup = setup;
        self.changed = true;
        Ok(())
    }
}

/// Says which features have lost what was counted of them.
fn tell_of(begun: &[BegunAnew]) {
    for BegunAnew { model, features } in begun {
        tracing::warn!(
            model = &**model,
            features = features.join(", "),
            "these features are new or their references changed: their windows begin anew, everything else goes on"
        );
    }
}
