//! One webhook, inside a transaction: what it says of each alert, and who is to be told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Alert, Fingerprint, Snapshot, Status};
use modelwatch_receiver_core::dedupe::{self, Seen, Suppression, Verdict};
use modelwatch_receiver_core::occurrence::{Report, Sighting, observe};

use super::Policy;
use crate::store::{DueOccurrence, Group, Intent, OccurrenceRow, StoreError, Transaction, Wording, new_id};

/// A webhook to be accepted.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Who sent it.
    pub source: String,
    /// What it says.
    pub snapshot: Snapshot,
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
    pub(super) transaction: &'a mut Transaction,
    pub(super) policy: &'a Policy,
    pub(super) wording: &'a Wording,
    pub(super) now: Timestamp,
    pub(super) tally: Tally,
}

impl Acceptance<'_> {
    /// Accepts one webhook.
    pub(super) async fn webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        let snapshot = &webhook.snapshot;
        let group = Group {
            source: webhook.source.clone(),
            key: snapshot.group_key.clone(),
            labels: snapshot.group_labels.clone(),
            external_url: snapshot.external_url.clone(),
            truncated_alerts: snapshot.truncated_alerts,
        };
        let firing = snapshot.alerts.iter().filter(|alert| alert.status == Status::Firing).count();
        let resolved = snapshot.alerts.len() - firing;
        self.transaction.note_webhook(&group, firing, resolved, self.now).await?;
        let mut routed = Routed::default();
        for alert in &snapshot.alerts {
            *self.tally.received.entry(alert.status).or_default() += 1;
            let labels = self.policy.with_environment(alert.labels.clone());
            match self.policy.heartbeat_of(&labels) {
                Some(heartbeat) => self.beat(heartbeat.name(), alert.status).await?,
                None => {
                    let fingerprint = alert.fingerprint(self.policy.ignored_labels());
                    let told = Alert { labels, ..alert.clone() };
                    let seeing = self.see(fingerprint, alert.report(), (&told, &group)).await?;
                    self.route(&told, seeing, &mut routed);
                }
            }
        }
        self.tell_all(&group, &routed, snapshot.is_repeat).await
    }

    /// Looks at an occurrence that no webhook spoke of: a firing copy held against it counts after all, since nothing
    /// refuted it; one that was firing is forgotten.
    pub(super) async fn due(&mut self, due: DueOccurrence) -> Result<(), StoreError> {
        let Some(report) = due.stored.occurrence.held() else {
            return self
                .transaction
                .update_state(&due.stored.id, &due.stored.occurrence.forgotten(), None)
                .await;
        };
        let mut routed = Routed::default();
        let seeing = self.see(due.fingerprint, report, (&due.alert, &due.group)).await?;
        self.route(&due.alert, seeing, &mut routed);
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
        (alert, group): (&Alert, &Group),
    ) -> Result<Seeing, StoreError> {
        let windows = self.policy.windows();
        let newest = self.transaction.newest_occurrence(&group.source, fingerprint).await?;
        let sighting = observe(newest.as_ref().map(|stored| &stored.occurrence), report, self.now, windows);
        let occurrence = sighting.occurrence();
        let check_at = occurrence.check_at(windows);
        let row = OccurrenceRow { occurrence, fingerprint, alert, group, check_at };
        let id = match (&sighting, newest) {
            (Sighting::Opened(_), _) | (_, None) => self.transaction.open_occurrence(row).await?,
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

    fn route(&mut self, alert: &Alert, seeing: Seeing, routed: &mut Routed) {
        let destinations = self.policy.destinations(&alert.labels);
        if destinations.is_empty() {
            self.suppress("", Suppression::NoRoute);
        }
        for channel in destinations {
            routed.add(channel, &seeing);
        }
    }

    async fn tell_all(&mut self, group: &Group, routed: &Routed, is_repeat: bool) -> Result<(), StoreError> {
        for (channel, alerts) in &routed.0 {
            self.tell(channel, group, (alerts, is_repeat)).await?;
        }
        Ok(())
    }

    /// Decides for one destination, and queues one notification if there is something to tell.
    async fn tell(
        &mut self,
        channel: &str,
        group: &Group,
        (alerts, is_repeat): (&BTreeMap<String, Seen>, bool),
    ) -> Result<(), StoreError> {
        let id = new_id();
        let intent = Intent { id: &id, channel, group, at: self.now };
        let rules = self.policy.rules(channel);
        let mut mentioned = Vec::with_capacity(alerts.len());
        let mut quiet = Vec::new();
        let mut news = false;
        for (occurrence, seen) in alerts {
            let told = self.transaction.told(channel, occurrence).await?;
            let verdict = dedupe::decide(Seen { is_repeat, ..*seen }, told, rules, self.now);
            let suppressed = match verdict {
                Verdict::Tell(transition) if self.transaction.win(intent, occurrence, transition).await? => {
                    None
                }
                Verdict::Tell(_) => Some(Suppression::Duplicate),
                Verdict::Settle(transition, reason) => {
                    self.transaction.settle(intent, occurrence, (transition, reason)).await?;
                    Some(reason)
                }
                Verdict::Suppress(reason) => Some(reason),
            };
            news |= suppressed.is_none();
            match suppressed {
                None => mentioned.push(occurrence.as_str()),
                Some(Suppression::Duplicate | Suppression::Repeat) if seen.status == Status::Firing => {
                    mentioned.push(occurrence);
                    quiet.extend(suppressed);
                }
                Some(reason) => self.suppress(channel, reason),
            }
        }
        if news {
            return self.queue(intent, &mentioned).await;
        }
        for reason in quiet {
            self.suppress(channel, reason);
        }
        Ok(())
    }

    async fn queue(&mut self, intent: Intent<'_>, mentioned: &[&str]) -> Result<(), StoreError> {
        self.transaction.enqueue(intent, mentioned).await?;
        let superseded = self.transaction.supersede(intent).await?;
        if superseded > 0 {
            *self.tally.superseded.entry(intent.channel.to_owned()).or_default() += superseded;
        }
        self.transaction.word(intent.id, self.wording, self.now).await?;
        self.tally.queued = true;
        Ok(())
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
