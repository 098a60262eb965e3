//! One webhook, inside a transaction: what it says of each alert, and who is to be told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Alert, Fingerprint, Group, Snapshot, Status};
use modelwatch_receiver_core::dedupe::{self, Seen, Suppression, Verdict};
use modelwatch_receiver_core::occurrence::{Occurrence, Report, Sighting, observe};

use super::{Policy, Terms};
use crate::store::{
    DueOccurrence, Intent, OccurrenceRow, StoreError, StoredOccurrence, TEST_SOURCE, Transaction, Wording,
    new_id,
};

/// A webhook to be accepted.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Who sent it.
    pub source: String,
    /// What it says.
    pub snapshot: Snapshot,
    /// Where its alerts go whatever the routes say; `None` for those that come from outside.
    pub channels: Option<Vec<String>>,
}

/// A notification that a webhook caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its id.
    pub notification: String,
    /// The destination.
    pub channel: String,
}

/// What accepting came to; counted once it is on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many alerts were received.
    pub received: BTreeMap<Status, u64>,
    /// What was not told, by channel (empty where it concerns none) and reason.
    pub suppressed: BTreeMap<(String, Suppression), u64>,
    /// Notifications that newer ones took the place of, by channel.
    pub superseded: BTreeMap<String, usize>,
    /// The dead man's switches that were fed.
    pub beats: BTreeSet<String>,
    /// Whether somebody is to be told something.
    pub queued: bool,
}

/// One alert of a webhook, after it was looked at.
struct Seeing {
    occurrence: String,
    status: Status,
    old_copy: bool,
}

/// The transaction, what it goes by, and what it comes to.
pub(super) struct Acceptance<'a> {
    transaction: &'a mut Transaction,
    policy: &'a Policy,
    wording: &'a Wording,
    now: Timestamp,
    pub(super) tally: Tally,
    queued: Vec<Queued>,
}

impl<'a> Acceptance<'a> {
    /// Accepts at `now`, and nothing yet.
    pub(super) fn new(transaction: &'a mut Transaction, terms: &'a Terms, now: Timestamp) -> Acceptance<'a> {
        let Terms { policy, wording } = terms;
        Acceptance { transaction, policy, wording, now, tally: Tally::default(), queued: Vec::new() }
    }

    /// Accepts one webhook; returns what is to be told because of it.
    pub(super) async fn webhook(&mut self, webhook: &Webhook) -> Result<Vec<Queued>, StoreError> {
        let snapshot = &webhook.snapshot;
        let group = Group {
            source: webhook.source.clone(),
            key: snapshot.group_key.clone(),
            labels: snapshot.group_labels.clone(),
            external_url: snapshot.external_url.clone(),
            truncated_alerts: snapshot.truncated_alerts,
        };
        if webhook.channels.is_none() {
            self.note(snapshot, &group).await?;
        }
        let mut routed = Routed::default();
        for alert in &snapshot.alerts {
            let fingerprint = alert.fingerprint(self.policy.ignored_labels());
            let labels = self.policy.with_environment(alert.labels.clone());
            let told = Alert { labels, ..alert.clone() };
            if let Some(channels) = &webhook.channels {
                let seeing = self.see(fingerprint, alert.report(), &told, &group).await?;
                channels.iter().for_each(|channel| routed.add(channel, &seeing));
            } else if let Some(heartbeat) = self.policy.heartbeat_of(&told.labels) {
                self.beat(heartbeat.name(), alert.status).await?;
            } else {
                let seeing = self.see(fingerprint, alert.report(), &told, &group).await?;
                self.route(&told, &seeing, &mut routed);
            }
        }
        self.tell_all(&group, &routed, snapshot.is_repeat).await?;
        Ok(std::mem::take(&mut self.queued))
    }

    /// Notes and counts what came from outside.
    async fn note(&mut self, snapshot: &Snapshot, group: &Group) -> Result<(), StoreError> {
        for alert in &snapshot.alerts {
            *self.tally.received.entry(alert.status).or_default() += 1;
        }
        let firing = snapshot.alerts.iter().filter(|alert| alert.status == Status::Firing).count();
        self.transaction.note_webhook(group, firing, snapshot.alerts.len() - firing, self.now).await
    }

    /// Looks at an occurrence that no webhook spoke of: a firing copy held against it counts after all, since nothing
    /// refuted it; else it is forgotten.
    pub(super) async fn due(&mut self, due: DueOccurrence) -> Result<(), StoreError> {
        let StoredOccurrence { id, occurrence } = due.stored;
        let newest = self.transaction.newest_occurrence(&due.group.source, due.fingerprint).await?;
        let is_newest = newest.is_some_and(|newest| newest.id == id);
        let Some(report) = occurrence.counts_after_all(is_newest) else {
            return self.transaction.update_state(&id, &occurrence.forgotten(), None).await;
        };
        let mut routed = Routed::default();
        let seeing = self.see(due.fingerprint, report, &due.alert, &due.group).await?;
        self.route(&due.alert, &seeing, &mut routed);
        self.tell_all(&due.group, &routed, false).await
    }

    /// A resolved heartbeat is none.
    async fn beat(&mut self, name: &str, status: Status) -> Result<(), StoreError> {
        self.suppress("", Suppression::Heartbeat);
        if status == Status::Firing {
            self.transaction.note_heartbeat(name, self.now).await?;
            self.tally.beats.insert(name.to_owned());
        }
        Ok(())
    }

    /// Merges one copy of an alert into its occurrence.
    async fn see(
        &mut self,
        fingerprint: Fingerprint,
        report: Report,
        alert: &Alert,
        group: &Group,
    ) -> Result<Seeing, StoreError> {
        if group.source == TEST_SOURCE {
            return self.stage(fingerprint, report, alert, group).await;
        }
        let windows = self.policy.windows();
        let newest = self.transaction.newest_occurrence(&group.source, fingerprint).await?;
        let sighting = observe(newest.as_ref().map(|stored| &stored.occurrence), report, self.now, windows);
        let occurrence = sighting.occurrence();
        let check_at = occurrence.check_at(windows);
        let row = OccurrenceRow { occurrence, fingerprint, alert, group, check_at };
        let id = match (&sighting, newest) {
            (Sighting::Opened(_), Some(before)) => {
                self.transaction.update_state(&before.id, &before.occurrence.followed(), None).await?;
                self.transaction.open_occurrence(row).await?
            }
            (_, None) => self.transaction.open_occurrence(row).await?,
            (Sighting::Known(_), Some(known)) => {
                self.transaction.update_occurrence(&known.id, row).await?;
                known.id
            }
            (Sighting::OldCopy(_), Some(known)) => {
                self.transaction.update_state(&known.id, occurrence, check_at).await?;
                known.id
            }
        };
        let old_copy = matches!(sighting, Sighting::OldCopy(_));
        Ok(Seeing { occurrence: id, status: occurrence.state.status(), old_copy })
    }

    /// Opens the occurrence of a fire drill, which is compared with nothing and never looked at again.
    async fn stage(
        &mut self,
        fingerprint: Fingerprint,
        report: Report,
        alert: &Alert,
        group: &Group,
    ) -> Result<Seeing, StoreError> {
        let occurrence = &Occurrence::test(report, self.now);
        let row = OccurrenceRow { occurrence, fingerprint, alert, group, check_at: None };
        let id = self.transaction.open_occurrence(row).await?;
        Ok(Seeing { occurrence: id, status: occurrence.state.status(), old_copy: false })
    }

    fn route(&mut self, alert: &Alert, seeing: &Seeing, routed: &mut Routed) {
        let destinations = self.policy.destinations(&alert.labels);
        if destinations.is_empty() {
            self.suppress("", Suppression::NoRoute);
        }
        for channel in destinations {
            routed.add(channel, seeing);
        }
    }

    async fn tell_all(&mut self, group: &Group, routed: &Routed, is_repeat: bool) -> Result<(), StoreError> {
        for (channel, alerts) in &routed.0 {
            self.tell(channel, group, alerts, is_repeat).await?;
        }
        Ok(())
    }

    /// Decides for one destination, and queues one notification if there is something to tell.
    async fn tell(
        &mut self,
        channel: &str,
        group: &Group,
        alerts: &BTreeMap<String, Seen>,
        is_repeat: bool,
    ) -> Result<(), StoreError> {
        let id = new_id();
        let intent = Intent { id: &id, channel, group, at: self.now };
        let mut won = Vec::new();
        let mut firing = Vec::new();
        for (occurrence, seen) in alerts {
            match self.decide(intent, occurrence, Seen { is_repeat, ..*seen }).await? {
                None => won.push(occurrence.as_str()),
                Some(reason @ (Suppression::Duplicate | Suppression::Repeat))
                    if seen.status == Status::Firing =>
                {
                    firing.push((occurrence.as_str(), reason));
                }
                Some(reason) => self.suppress(channel, reason),
            }
        }
        if won.is_empty() {
            firing.iter().for_each(|(_, reason)| self.suppress(channel, *reason));
            return Ok(());
        }
        // whoever hears news of the group also hears what still fires in it
        won.extend(firing.iter().map(|(occurrence, _)| *occurrence));
        self.queue(intent, &won).await
    }

    /// Wins the transition that is to be told of an occurrence, if there is one; else says why there is none.
    async fn decide(
        &mut self,
        intent: Intent<'_>,
        occurrence: &str,
        seen: Seen,
    ) -> Result<Option<Suppression>, StoreError> {
        let told = self.transaction.told(intent.channel, occurrence).await?;
        Ok(match dedupe::decide(seen, told, self.policy.rules(intent.channel), self.now) {
            Verdict::Tell(transition) => {
                let won = self.transaction.win(intent.channel, occurrence, transition, None).await?;
                (!won).then_some(Suppression::Duplicate)
            }
            Verdict::Settle(transition, reason) => {
                self.transaction.win(intent.channel, occurrence, transition, Some(reason)).await?;
                Some(reason)
            }
            Verdict::Suppress(reason) => Some(reason),
        })
    }

    async fn queue(&mut self, intent: Intent<'_>, mentioned: &[&str]) -> Result<(), StoreError> {
        self.transaction.enqueue(intent, mentioned).await?;
        let superseded = self.transaction.supersede(intent).await?;
        if superseded > 0 {
            *self.tally.superseded.entry(intent.channel.to_owned()).or_default() += superseded;
        }
        self.tally.queued = true;
        self.queued.push(Queued { notification: intent.id.to_owned(), channel: intent.channel.to_owned() });
        match self.transaction.word(intent.id, self.wording, self.now).await {
            // an older alert of the group is damaged: delivery makes a dead letter of it, no webhook is refused for it
            Err(StoreError::Damaged(_)) => Ok(()),
            worded => worded.map(drop),
        }
    }

    fn suppress(&mut self, channel: &str, reason: Suppression) {
        *self.tally.suppressed.entry((channel.to_owned(), reason)).or_default() += 1;
    }
}

/// What a webhook says to each destination about each occurrence.
#[derive(Default)]
struct Routed(BTreeMap<String, BTreeMap<String, Seen>>);

impl Routed {
    /// Copies that are one but for ignored labels say one thing: the newest state, old only if all of them are.
    fn add(&mut self, channel: &str, seeing: &Seeing) {
        let seen = Seen { status: seeing.status, old_copy: seeing.old_copy, is_repeat: false };
        let alerts = self.0.entry(channel.to_owned()).or_default();
        let entry = alerts.entry(seeing.occurrence.clone()).or_insert(seen);
        entry.status = seeing.status;
        entry.old_copy &= seeing.old_copy;
    }
}
