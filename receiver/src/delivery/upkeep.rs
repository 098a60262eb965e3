//! What goes on beside the queues: this receiver says that it is alive and takes over from those that are not, and what
//! waits is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_common::shutdown::Shutdown;
use tokio::sync::watch;

use super::Delivery;
use crate::metrics::Ended;
use crate::store::{RENEW_EVERY, StoreError};

/// How often the backlog's gauges are brought up to date.
const GAUGES_EVERY: Duration = Duration::from_secs(1);

/// Counts what is under way for as long as it lives.
pub(super) struct UnderWay(watch::Sender<usize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|number| *number -= 1);
    }
}

impl Delivery {
    /// One more is under way.
    pub(super) fn under_way(&self) -> UnderWay {
        self.0.under_way.send_modify(|number| *number += 1);
        UnderWay(self.0.under_way.clone())
    }

    /// Keeps what this receiver claimed its own, until the shutdown and for as long as something is under way then.
    pub(super) async fn stay_alive(self) {
        let shutdown = self.means().tasks.shutdown();
        let mut under_way = self.0.under_way.subscribe();
        loop {
            self.renew().await;
            tokio::select! {
                () = tokio::time::sleep(RENEW_EVERY) => {}
                () = all_ended(&shutdown, &mut under_way) => return,
            }
        }
    }

    async fn renew(&self) {
        match self.means().store.renew().await {
            Ok(0) => {}
            Ok(taken) => {
                tracing::warn!(taken, "notifications of a receiver that is gone were taken over");
                self.means().bell.send_replace(());
            }
            Err(error) => tracing::error!(%error, "other receivers may take this one for dead"),
        }
    }

    /// Shows what waits, until the shutdown.
    pub(super) async fn show_backlogs(self) {
        let shutdown = self.means().tasks.shutdown();
        let mut shown = BTreeMap::new();
        loop {
            if let Err(error) = self.show_backlog(&mut shown).await {
                tracing::error!(%error, "the backlog could not be read");
            }
            tokio::select! {
                () = tokio::time::sleep(GAUGES_EVERY) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Of every destination, also of those that are gone and for which something waits; `shown` is what was shown last, and
    /// whether it was configured.
    async fn show_backlog(&self, shown: &mut BTreeMap<String, bool>) -> Result<(), StoreError> {
        let backlogs = self.means().store.backlogs().await?;
        let now = self.means().store.now();
        let plan = self.0.plan.load();
        let waiting = backlogs.iter().map(|backlog| (backlog.channel.clone(), false));
        let configured = plan.destinations.keys().map(|channel| (channel.clone(), true));
        let now_shown: BTreeMap<String, bool> = waiting.chain(configured).collect();
        for (channel, configured) in &now_shown {
            let backlog = backlogs.iter().find(|backlog| backlog.channel == *channel);
            let waiting = backlog.map(|b| (b, now.duration_since(b.oldest).as_secs_f64().max(0.0)));
            self.means().metrics.backlog(channel, waiting);
            if !configured && shown.get(channel) != Some(&false) {
                tracing::warn!(
                    channel,
                    "notifications wait for a channel that the configuration no longer has"
                );
            }
        }
        if now_shown.values().any(|configured| !configured) {
            self.bury_orphans().await?;
        }
        let gone = shown.keys().filter(|channel| !now_shown.contains_key(*channel));
        gone.for_each(|channel| self.means().metrics.forget_backlog(channel));
        *shown = now_shown;
        Ok(())
    }

    /// What waited for too long for channels that the configuration no longer has is a dead letter.
    async fn bury_orphans(&self) -> Result<(), StoreError> {
        let means = self.means();
        let give_up_after = self.0.plan.load().settings.give_up_after;
        let before = means.store.now().saturating_sub(give_up_after).unwrap_or(Timestamp::MIN);
        for channel in means.store.bury_orphans(&self.channels(), before, means.clock.now()).await? {
            means.metrics.ended(&channel, Ended::Dead);
            tracing::warn!(
                channel,
                "a notification for a channel that the configuration no longer has is a dead letter"
            );
        }
        Ok(())
    }
}

/// Waits until the program is to stop and nothing is under way any more.
async fn all_ended(shutdown: &Shutdown, under_way: &mut watch::Receiver<usize>) {
    shutdown.cancelled().await;
    // the sender lives as long as who asks
    let _ = under_way.wait_for(|number| *number == 0).await;
}
