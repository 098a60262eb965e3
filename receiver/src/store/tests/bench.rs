//! A store in a folder of its own, and what tests do with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use modelwatch_common::secret::Secret;
use modelwatch_postgres::Server;
use modelwatch_receiver_core::alert::{Alert, Group, Labels, Status};
use modelwatch_receiver_core::book::{AlertKey, Changes, Notice, Receipt, Won, Written};
use modelwatch_receiver_core::dedupe::{Phase, Suppression, Transition};
use modelwatch_receiver_core::occurrence::{Flap, Occurrence, Sighting, Windows, observe};
use modelwatch_receiver_core::outcome::{Outcome, Reason};
use modelwatch_receiver_core::retry::Next;

use crate::store::*;

pub(in crate::store) const FIRING: Transition = Transition { status: Phase::Firing, repeat: 0 };
pub(in crate::store) const RESOLVED: Transition = Transition { status: Phase::Resolved, repeat: 0 };
pub(in crate::store) const WINDOWS: Windows = Windows {
    reorder: Duration::from_secs(900),
    stale_after: Duration::from_secs(28_800),
    flap: Flap { changes: 0, within: Duration::ZERO },
};

pub(in crate::store) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(in crate::store) fn wording() -> Wording {
    Wording { late_after: Duration::from_secs(600), external_url: Some("http://here".to_owned()) }
}

/// The destination of that name; it is known of each recipient of `mail` what it has, and messages in `chat` can be changed.
pub(in crate::store) fn outlet(channel: &str) -> Outlet<'_> {
    Outlet { channel, rate: None, has_recipients: channel == "mail", keeps_posts: channel == "chat" }
}

pub(in crate::store) fn group() -> Group {
    Group {
        source: "am".to_owned(),
        key: "g".to_owned(),
        labels: Labels::new(),
        external_url: "http://am".to_owned(),
        truncated_alerts: 0,
    }
}

pub(in crate::store) fn alert(name: &str, ends_at: Option<Timestamp>) -> Alert {
    Alert {
        status: if ends_at.is_some() { Status::Resolved } else { Status::Firing },
        labels: BTreeMap::from([("alertname".to_owned(), name.to_owned())]),
        annotations: Labels::new(),
        starts_at: at(0),
        ends_at,
        generator_url: String::new(),
    }
}

/// Whether this copy of the tests is the one that runs on PostgreSQL.
const fn on_postgres() -> bool {
    // `…::store::tests::bench` and `…::store::on_postgres::bench`
    module_path!().len() > concat!(env!("CARGO_CRATE_NAME"), "::store::tests::bench").len()
}

/// Where a store of a test is; gone with the last who knows it.
pub(in crate::store) enum Home {
    File(tempfile::TempDir),
    Server(Server),
}

impl Home {
    fn new() -> Home {
        if on_postgres() {
            Home::Server(Server::start().unwrap())
        } else {
            Home::File(tempfile::tempdir().unwrap())
        }
    }

    fn place(&self) -> Place {
        match self {
            Home::File(directory) => Place::from(&directory.path().join("deep/er/receiver.db")),
            Home::Server(server) => Place::parse(&Secret::new(server.url("postgres"))).unwrap(),
        }
    }
}

pub(in crate::store) struct Bench {
    pub(in crate::store) home: Arc<Home>,
    pub(in crate::store) store: Store,
}

impl Bench {
    pub(in crate::store) async fn new() -> Bench {
        let home = Arc::new(Home::new());
        let store = Store::open(&home.place()).await.unwrap();
        Bench { home, store }
    }

    /// The same place, with this way to its store.
    pub(in crate::store) fn with(&self, store: Store) -> Bench {
        Bench { home: Arc::clone(&self.home), store }
    }

    /// Where the store is.
    pub(in crate::store) fn place(&self) -> Place {
        self.home.place()
    }

    /// The store opened again; what was claimed and begun is as a process that died some time ago leaves it.
    pub(in crate::store) async fn restarted(self) -> Bench {
        let Bench { home, store } = self;
        store.close().await;
        drop(store);
        let store = Store::open(&home.place()).await.unwrap();
        store.reap_after(Duration::from_secs(15)).await;
        Bench { home, store }
    }

    /// Holds the store's clock at that second.
    pub(in crate::store) fn hold(&self, second: i64) {
        self.store.steady.hold(Some(at(second)));
    }

    /// Stores what a copy of an alert says, and returns its occurrence's id.
    pub(in crate::store) async fn see(&self, alert: &Alert, now: Timestamp) -> String {
        self.see_in(group(), alert, now).await
    }

    /// The same of a copy that comes in that group.
    pub(in crate::store) async fn see_in(&self, group: Group, alert: &Alert, now: Timestamp) -> String {
        let fingerprint = alert.fingerprint(&std::collections::BTreeSet::new());
        let key = AlertKey { source: group.source.clone(), fingerprint };
        let mut transaction = self.store.begin().await.unwrap();
        let newest = transaction.known(std::slice::from_ref(&key)).await.unwrap().remove(&key);
        let sighting = observe(newest.as_ref().map(|known| &known.occurrence), alert.report(), now, WINDOWS);
        let known = newest.filter(|_| !matches!(sighting, Sighting::Opened(_)));
        let is_new = known.is_none();
        let id = known.map_or_else(new_id, |known| known.id);
        let occurrence = sighting.into_occurrence();
        let check_at = occurrence.check_at(WINDOWS);
        let copy = Some((alert.clone(), group, 0));
        let written = Written { id: id.clone(), key, is_new, occurrence, check_at, copy };
        write(&mut transaction, &Changes { occurrences: vec![written], ..Changes::default() }, now).await;
        transaction.commit().await.unwrap();
        id
    }

    /// Marks every occurrence stale that is to be looked at by `now`.
    pub(in crate::store) async fn forget_all(&self, now: Timestamp) {
        let mut transaction = self.store.begin().await.unwrap();
        let due = transaction.due_occurrences(now, 10).await.unwrap().into_iter();
        let forgotten = due.map(|due| Written {
            id: due.stored.id,
            key: AlertKey { source: due.group.source, fingerprint: due.fingerprint },
            is_new: false,
            occurrence: due.stored.occurrence.forgotten(),
            check_at: None,
            copy: None,
        });
        let changes = Changes { occurrences: forgotten.collect(), ..Changes::default() };
        write(&mut transaction, &changes, now).await;
        transaction.commit().await.unwrap();
    }

    /// Stores what becomes of an occurrence that is in the store.
    pub(in crate::store) async fn rewrite(
        &self,
        alert: &Alert,
        now: Timestamp,
        become_of: impl FnOnce(Occurrence) -> Occurrence,
    ) {
        let fingerprint = alert.fingerprint(&std::collections::BTreeSet::new());
        let key = AlertKey { source: group().source, fingerprint };
        let mut transaction = self.store.begin().await.unwrap();
        let known = transaction.known(std::slice::from_ref(&key)).await.unwrap().remove(&key).unwrap();
        let occurrence = become_of(known.occurrence);
        let check_at = occurrence.check_at(WINDOWS);
        let written = Written { id: known.id, key, is_new: false, occurrence, check_at, copy: None };
        write(&mut transaction, &Changes { occurrences: vec![written], ..Changes::default() }, now).await;
        transaction.commit().await.unwrap();
    }

    /// Queues a notification to `channel` that wins `transition` of `occurrence`.
    pub(in crate::store) async fn queue(
        &self,
        channel: &str,
        occurrence: &str,
        transition: Transition,
        now: Timestamp,
    ) -> String {
        self.put(notice(channel, group(), occurrence, now), transition).await
    }

    /// The same to `console`, about the group of that key.
    pub(in crate::store) async fn queue_in(
        &self,
        key: &str,
        occurrence: &str,
        transition: Transition,
        now: Timestamp,
    ) -> String {
        let group = Group { key: key.to_owned(), ..group() };
        self.put(notice("console", group, occurrence, now), transition).await
    }

    /// Settles that `channel` is not told of a transition, and why.
    pub(in crate::store) async fn settle(
        &self,
        channel: &str,
        occurrence: &str,
        transition: Transition,
        why: Suppression,
    ) {
        let (channel, occurrence) = (channel.to_owned(), occurrence.to_owned());
        let won = vec![Won { channel, occurrence, transition, suppressed: Some(why) }];
        let mut transaction = self.store.begin().await.unwrap();
        write(&mut transaction, &Changes { won, ..Changes::default() }, at(0)).await;
        transaction.commit().await.unwrap();
    }

    async fn put(&self, notice: Notice, transition: Transition) -> String {
        let (id, at) = (notice.id.clone(), notice.at);
        let mut transaction = self.store.begin().await.unwrap();
        let won = notice.mentions.iter().map(|occurrence| Won {
            channel: notice.channel.clone(),
            occurrence: occurrence.clone(),
            transition,
            suppressed: None,
        });
        let changes = Changes { won: won.collect(), notices: vec![notice], ..Changes::default() };
        write(&mut transaction, &changes, at).await;
        transaction.commit().await.unwrap();
        id
    }

    pub(in crate::store) async fn claim(&self, channel: &str, now: Timestamp) -> Option<Claimed> {
        loop {
            match self.store.claim(outlet(channel), &wording(), now).await.unwrap() {
                Claim::Nothing => return None,
                Claim::Suppressed(_) | Claim::Told | Claim::Dead(_) => {}
                Claim::Ours(claimed) => return Some(*claimed),
            }
        }
    }

    /// The same, once the destination may be sent to.
    pub(in crate::store) async fn claim_when_open(&self, channel: &str, now: Timestamp) -> Claimed {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(claimed) = self.claim(channel, now).await {
                return claimed;
            }
            assert!(std::time::Instant::now() < deadline, "it never opened");
        }
    }

    pub(in crate::store) async fn begin(&self, claimed: &Claimed, now: Timestamp) -> Option<String> {
        let id = new_id();
        let beginning = Beginning { id: &id, content: "content", problem: None, at: now };
        self.store.begin_attempt(claimed, beginning).await.unwrap().then_some(id)
    }

    pub(in crate::store) async fn end(
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

    pub(in crate::store) async fn status(&self, notification: &str) -> (String, Option<String>) {
        sqlx::query_as("select status, suppressed from notifications where id = $1")
            .bind(notification)
            .fetch_one(self.store.readers())
            .await
            .unwrap()
    }
}

pub(in crate::store) fn delivered() -> Outcome {
    Outcome::Delivered { detail: "ok".to_owned() }
}

pub(in crate::store) fn refused() -> Outcome {
    Outcome::Retryable {
        reason: Reason::Connect,
        retry_after: None,
        ambiguous: false,
        detail: "refused".to_owned(),
    }
}

/// An attempt of which nobody knows whether it arrived.
pub(in crate::store) fn no_answer() -> Outcome {
    Outcome::Retryable {
        reason: Reason::Timeout,
        retry_after: None,
        ambiguous: true,
        detail: "no answer".to_owned(),
    }
}

fn notice(channel: &str, group: Group, occurrence: &str, at: Timestamp) -> Notice {
    Notice { id: new_id(), channel: channel.to_owned(), group, at, mentions: vec![occurrence.to_owned()] }
}

async fn write(transaction: &mut Transaction, changes: &Changes, now: Timestamp) {
    transaction.write(changes, &wording(), now).await.unwrap();
}

/// Notes that a webhook came, and says how that went.
pub(in crate::store) async fn note(
    transaction: &mut Transaction,
    group: Group,
    at: Timestamp,
) -> Result<(), StoreError> {
    let receipts = vec![Receipt { group, at, firing: 1, resolved: 0 }];
    transaction.write(&Changes { receipts, ..Changes::default() }, &wording(), at).await.map(drop)
}
