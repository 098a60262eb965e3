//! Raising `HeartbeatMissing` when a dead man's switch stays away, and resolving it when it returns.
//!
//! The alarm goes the way of every alert, so it is deduplicated, repeated, retried and remembered; whether one is open
//! is asked of the store, so that it survives a restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use modelwatch_common::shutdown::Shutdown;
use modelwatch_common::time::Clock;
use modelwatch_receiver_core::alert::{Alert, Labels, Sender, Snapshot};

use super::{Heartbeat, words};
use crate::intake::{Intake, Terms, Webhook};
use crate::metrics::Metrics;
use crate::store::{HEARTBEAT_SOURCE, OpenAlarm, Store, StoreError, alarm_group};

/// How often the dead man's switches are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// How often an open alarm is reported again at the least, so that it can be repeated and does not go stale.
const REPORT_AGAIN: Duration = Duration::from_secs(300);

/// Looks after all dead man's switches.
pub struct Watch {
    /// Where beats are remembered.
    pub store: Store,
    /// The way of every alert.
    pub intake: Intake,
    /// Which switches there are.
    pub terms: Arc<ArcSwap<Terms>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where they are shown.
    pub metrics: Arc<Metrics>,
}

/// Since when it is listened for them.
#[derive(Debug, Default)]
struct Listening {
    /// By the name of a switch: since it was taken up, or since webhooks can be stored again.
    taken_up: BTreeMap<String, Timestamp>,
    /// How often that was impossible before.
    troubles: u64,
}

/// Whether a switch was heard of in time, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pulse {
    /// It beats.
    Beating { last: Timestamp },
    /// It may still come.
    Waiting,
    /// It stays away since then.
    Missing { since: Timestamp },
}

impl Pulse {
    /// Whether it is not missing. One that was missing before a restart still is while it may yet come.
    fn is_up(self, was_missing: bool) -> bool {
        match self {
            Pulse::Beating { .. } => true,
            Pulse::Waiting => !was_missing,
            Pulse::Missing { .. } => false,
        }
    }
}

impl Watch {
    /// Looks after them until `shutdown`.
    pub async fn run(self, shutdown: Shutdown) {
        let mut listening = Listening::default();
        while !shutdown.is_cancelled() {
            self.look(&mut listening).await;
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Looks after all of them once.
    async fn look(&self, listening: &mut Listening) {
        let (terms, now) = (self.terms.load_full(), self.clock.now());
        self.take_up(&mut listening.taken_up, now, terms.policy.heartbeats());
        let troubles = self.store.troubles().count();
        if troubles != listening.troubles {
            listening.troubles = troubles;
            listening.taken_up.values_mut().for_each(|since| *since = now);
        }
        for heartbeat in terms.policy.heartbeats() {
            let up = listening.taken_up.get(heartbeat.name()).copied().unwrap_or(now);
            if let Err(error) = self.look_after(heartbeat, up, troubles).await {
                self.store.troubles().note();
                tracing::error!(%error, heartbeat = heartbeat.name(), "a heartbeat could not be looked after");
            }
        }
    }

    /// Shows which switches were missing when this receiver last ran, and are until they are heard of.
    pub async fn recall(&self) {
        for heartbeat in self.terms.load().policy.heartbeats() {
            match self.store.open_alarm(heartbeat.name()).await {
                Ok(open) => self.metrics.heartbeat(heartbeat.name(), open.is_none()),
                Err(error) => {
                    tracing::error!(%error, heartbeat = heartbeat.name(), "whether a heartbeat was missing cannot be read");
                }
            }
        }
    }

    /// Takes up new switches, which are given their patience from now on, and shows only those that there are.
    fn take_up(&self, taken_up: &mut BTreeMap<String, Timestamp>, now: Timestamp, heartbeats: &[Heartbeat]) {
        let since = |name: &str| taken_up.get(name).map_or(now, |since| now.min(*since));
        let current: BTreeMap<String, Timestamp> = heartbeats
            .iter()
            .map(|heartbeat| (heartbeat.name().to_owned(), since(heartbeat.name())))
            .collect();
        let gone = taken_up.keys().filter(|name| !current.contains_key(*name));
        gone.for_each(|gone| self.metrics.forget_heartbeat(gone));
        *taken_up = current;
    }

    async fn look_after(
        &self,
        heartbeat: &Heartbeat,
        up: Timestamp,
        troubles: u64,
    ) -> Result<(), StoreError> {
        let mut pulse = self.pulse(heartbeat, up).await?;
        let open = self.store.open_alarm(heartbeat.name()).await?;
        let every = REPORT_AGAIN.min(self.terms.load().policy.shortest_silence() / 2);
        if matches!(pulse, Pulse::Missing { .. }) && open.is_none() {
            // it may have come just now, or not have been let in: that shows when something is written
            self.store.renew().await?;
            let is_well = self.store.troubles().count() == troubles;
            pulse = self.pulse(heartbeat, if is_well { up } else { self.clock.now() }).await?;
        }
        let now = self.clock.now();
        self.metrics.heartbeat(heartbeat.name(), pulse.is_up(open.is_some()));
        match (pulse, open) {
            (Pulse::Missing { since }, open) if is_due(open, every, now) => {
                self.report(heartbeat, words::stays_away(heartbeat.name(), since)).await;
            }
            (Pulse::Beating { last }, Some(open)) => {
                self.report(heartbeat, words::is_back(heartbeat.name(), open.since, last)).await;
            }
            _ => {}
        }
        Ok(())
    }

    async fn pulse(&self, heartbeat: &Heartbeat, up: Timestamp) -> Result<Pulse, StoreError> {
        let now = self.clock.now();
        let last = self.last_beat(heartbeat.name(), now).await?;
        Ok(pulse(last, up, heartbeat.patience(), now))
    }

    /// The last beat; one from the future, left by a clock that went back, is set to now, or it would beat until then.
    async fn last_beat(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let last = self.store.last_beat(name).await?;
        if last.is_none_or(|last| last <= now) {
            return Ok(last);
        }
        let mut transaction = self.store.begin().await?;
        transaction.note_heartbeat(name, now).await?;
        transaction.commit().await?;
        Ok(Some(now))
    }

    async fn report(&self, heartbeat: &Heartbeat, alarm: Alert) {
        let snapshot = Snapshot {
            sender: Sender::Own,
            group_key: alarm_group(heartbeat.name()),
            truncated_alerts: 0,
            group_labels: Labels::from([("alertname".to_owned(), "HeartbeatMissing".to_owned())]),
            external_url: String::new(),
            is_repeat: false,
            alerts: vec![alarm],
        };
        let channels = Some(heartbeat.channels().to_vec());
        let webhook = Webhook { source: HEARTBEAT_SOURCE.to_owned(), snapshot, channels };
        if let Err(error) = self.intake.accept(webhook).await {
            tracing::error!(%error, heartbeat = heartbeat.name(), "an alarm could not be raised yet");
        }
    }
}

/// A switch is missing when none came by the last one (or the moment from which on one could be stored, whichever is later)
/// and patience.
fn pulse(last: Option<Timestamp>, up: Timestamp, patience: Duration, now: Timestamp) -> Pulse {
    let after = |at: Timestamp| at.saturating_add(patience).unwrap_or(Timestamp::MAX);
    match last {
        Some(last) if now <= after(last) => Pulse::Beating { last },
        _ => {
            let deadline = after(last.map_or(up, |last| last.max(up)));
            if now > deadline { Pulse::Missing { since: deadline } } else { Pulse::Waiting }
        }
    }
}

fn is_due(open: Option<OpenAlarm>, every: Duration, now: Timestamp) -> bool {
    open.is_none_or(|open| now.duration_since(open.reported_at).unsigned_abs() >= every)
}

#[cfg(test)]
mod tests;
