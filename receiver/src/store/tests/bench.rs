//! A store in a folder of its own, and what tests do with it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_receiver_core::alert::{Alert, Group, Labels, Status};
use modelwatch_receiver_core::dedupe::Transition;
use modelwatch_receiver_core::occurrence::{Sighting, Windows, observe};
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::Next;

use crate::store::*;

pub(super) const FIRING: Transition = Transition { status: Status::Firing, repeat: 0 };
pub(super) const RESOLVED: Transition = Transition { status: Status::Resolved, repeat: 0 };
pub(super) const WINDOWS: Windows =
    Windows { reorder: Duration::from_secs(900), stale_after: Duration::from_secs(28_800) };

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(super) fn wording() -> Wording {
    Wording { late_after: Duration::from_secs(600), external_url: Some("http://here".to_owned()) }
}

pub(super) fn group() -> Group {
    Group {
        source: "am".to_owned(),
        key: "g".to_owned(),
        labels: Labels::new(),
        external_url: "http://am".to_owned(),
        truncated_alerts: 0,
    }
}

pub(super) fn alert(name: &str, ends_at: Option<Timestamp>) -> Alert {
    Alert {
        status: if ends_at.is_some() { Status::Resolved } else { Status::Firing },
        labels: BTreeMap::from([("alertname".to_owned(), name.to_owned())]),
        annotations: Labels::new(),
        starts_at: at(0),
        ends_at,
        generator_url: String::new(),
    }
}

pub(super) struct Bench {
    _directory: std::sync::Arc<tempfile::TempDir>,
    pub(super) path: std::path::PathBuf,
    pub(super) store: Store,
}

impl Bench {
    pub(super) async fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/receiver.db");
        let store = Store::open(&path).await.unwrap();
        Bench { _directory: std::sync::Arc::new(directory), path, store }
    }

    /// The same folder, with this way to its store.
    pub(super) fn with(&self, store: Store) -> Bench {
        Bench { _directory: self._directory.clone(), path: self.path.clone(), store }
    }

    /// The store opened again; what was claimed and begun is as a process that died leaves it.
    pub(super) async fn restarted(self) -> Bench {
        let Bench { _directory, path, store } = self;
        store.close().await;
        drop(store);
        let store = Store::open(&path).await.unwrap();
        Bench { _directory, path, store }
    }

    /// Stores what a copy of an alert says, and returns its occurrence's id.
    pub(super) async fn see(&self, alert: &Alert, now: Timestamp) -> String {
        let mut transaction = self.store.begin().await.unwrap();
        let fingerprint = alert.fingerprint(&std::collections::BTreeSet::new());
        let newest = transaction.newest_occurrence("am", fingerprint).await.unwrap();
        let sighting =
            observe(newest.as_ref().map(|stored| &stored.occurrence), alert.report(), now, WINDOWS);
        let (occurrence, group) = (sighting.occurrence(), group());
        let check_at = occurrence.check_at(WINDOWS);
        let row = OccurrenceRow { occurrence, fingerprint, alert, group: &group, check_at };
        let id = match (&sighting, newest) {
            (Sighting::Opened(_), _) | (_, None) => transaction.open_occurrence(row).await.unwrap(),
            (_, Some(known)) => {
                transaction.update_occurrence(&known.id, row).await.unwrap();
                known.id
            }
        };
        transaction.commit().await.unwrap();
        id
    }

    /// Marks every occurrence stale that is to be looked at by `now`.
    pub(super) async fn forget_all(&self, now: Timestamp) {
        let mut transaction = self.store.begin().await.unwrap();
        for due in transaction.due_occurrences(now, 10).await.unwrap() {
            transaction.update_state(&due.stored.id, &due.stored.occurrence.forgotten(), None).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }

    /// Queues a notification to `channel` that wins `transition` of `occurrence`.
    pub(super) async fn queue(
        &self,
        channel: &str,
        occurrence: &str,
        transition: Transition,
        now: Timestamp,
    ) -> String {
        let id = new_id();
        let group = group();
        self.put(Intent { id: &id, channel, group: &group, at: now }, occurrence, transition).await;
        id
    }

    /// The same to `console`, about the group of that key.
    pub(super) async fn queue_in(
        &self,
        key: &str,
        occurrence: &str,
        transition: Transition,
        now: Timestamp,
    ) -> String {
        let id = new_id();
        let group = Group { key: key.to_owned(), ..group() };
        self.put(Intent { id: &id, channel: "console", group: &group, at: now }, occurrence, transition)
            .await;
        id
    }

    async fn put(&self, intent: Intent<'_>, occurrence: &str, transition: Transition) {
        let mut transaction = self.store.begin().await.unwrap();
        assert!(transaction.win(intent.channel, occurrence, transition, None).await.unwrap());
        transaction.enqueue(intent, &[occurrence]).await.unwrap();
        transaction.supersede(intent).await.unwrap();
        transaction.word(intent.id, &wording(), intent.at).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
    }

    pub(super) async fn claim(&self, channel: &str, now: Timestamp) -> Option<Claimed> {
        loop {
            match self.store.claim(channel, None, &wording(), now).await.unwrap() {
                Claim::Nothing => return None,
                Claim::Suppressed(_) | Claim::Dead(_) => {}
                Claim::Ours(claimed) => return Some(*claimed),
            }
        }
    }

    /// The same, once the destination may be sent to.
    pub(super) async fn claim_when_open(&self, channel: &str, now: Timestamp) -> Claimed {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(claimed) = self.claim(channel, now).await {
                return claimed;
            }
            assert!(std::time::Instant::now() < deadline, "it never opened");
        }
    }

    pub(super) async fn begin(&self, claimed: &Claimed, now: Timestamp) -> Option<String> {
        self.store.begin_attempt(claimed, "content", None, now).await.unwrap()
    }

    pub(super) async fn end(
        &self,
        claimed: &Claimed,
        outcome: &Outcome,
        next: Next,
        now: Timestamp,
    ) -> Ended {
        let attempt = self.begin(claimed, now).await.unwrap();
        let ending = Ending { outcome, next, at: now, fallback: None };
        self.store.end_attempt(&attempt, claimed, ending).await.unwrap()
    }

    pub(super) async fn status(&self, notification: &str) -> (String, Option<String>) {
        sqlx::query_as("select status, suppressed from notifications where id = $1")
            .bind(notification)
            .fetch_one(self.store.readers())
            .await
            .unwrap()
    }
}

pub(super) fn delivered() -> Outcome {
    Outcome::Delivered { detail: "ok".to_owned() }
}

pub(super) fn refused() -> Outcome {
    Outcome::Retryable {
        reason: Reason::Connect,
        retry_after: None,
        ambiguous: false,
        detail: "refused".to_owned(),
    }
}
