//! One transaction of intake: what is known is read at once, the book makes of it what is to be written, and that is
//! written at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use modelwatch_receiver_core::alert::Status;
use modelwatch_receiver_core::book::{self, AlertKey, Book, Bound, Entries, Known, Origin, Posting};
use modelwatch_receiver_core::dedupe::Suppression;

use super::{Intaker, TRIES, Terms, prepare};
use crate::failpoint::{self, Point};
use crate::store::{HEARTBEAT_SOURCE, StoreError, Transaction, Unsent, new_id};

/// How many occurrences that are due share a transaction at most.
const SWEEP_BATCH: usize = 256;

/// How long an occurrence that could not be looked at is left alone.
const LEFT_FOR: Duration = Duration::from_secs(60);

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
    /// Notifications that are not sent after all, by channel and reason.
    pub unsent: Unsent,
    /// The dead man's switches that were fed.
    pub beats: BTreeSet<String>,
    /// Whether somebody is to be told something.
    pub queued: bool,
}

/// Why a transaction came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// It could not even begin: no other can.
    Begin(StoreError),
    /// Something in it failed.
    Within(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Within(error)
    }
}

impl Failure {
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Failure::Begin(error) | Failure::Within(error) => error,
        }
    }
}

impl Intaker {
    /// Accepts them in one transaction; returns what is to be told because of each.
    pub(super) async fn commit(&mut self, postings: &[&Posting]) -> Result<Vec<Vec<Queued>>, Failure> {
        let terms = self.terms.load_full();
        let mut transaction = self.store.begin().await.map_err(Failure::Begin)?;
        let now = self.clock.now();
        let known = transaction.known(&keys(postings)).await?;
        let (entries, queued) = entered(postings, known, &terms, now);
        self.finish(transaction, entries, &terms, now).await?;
        Ok(queued)
    }

    /// Looks at the occurrences whose time has come although no webhook spoke of them. Should that fail, fewer of them share
    /// a transaction; one that fails alone is left alone for a while, so that it keeps no other waiting.
    pub(super) async fn look_again(&mut self) -> Result<(), StoreError> {
        if !self.store.has_due_occurrences(self.clock.now()).await? {
            return Ok(());
        }
        // what was only heard may say that they are not
        self.write_all().await?;
        self.left.retain(|_, until| *until > Instant::now());
        let (mut limit, mut looked_at, mut failures) = (SWEEP_BATCH, 0, 0);
        while looked_at < SWEEP_BATCH {
            let mut some = Vec::new();
            match self.look_at(limit, &mut some).await {
                Ok(()) if some.len() < limit => break,
                Ok(()) => {
                    (looked_at, failures) = (looked_at + some.len(), 0);
                    limit = SWEEP_BATCH.min(limit * 2);
                }
                Err(Failure::Within(_)) if some.len() > 1 && failures < TRIES => {
                    (limit, failures) = (some.len() / 2, failures + 1);
                }
                Err(Failure::Within(error)) if some.len() == 1 && failures < TRIES => {
                    failures += 1;
                    self.leave(some.swap_remove(0), &error);
                }
                Err(failure) => return Err(failure.into_error()),
            }
        }
        Ok(())
    }

    fn leave(&mut self, occurrence: String, error: &StoreError) {
        tracing::error!(%error, occurrence, "an occurrence could not be looked at and is left alone for a while");
        self.left.insert(occurrence, Instant::now() + LEFT_FOR);
    }

    /// Looks at so many of them in one transaction, and says at which.
    async fn look_at(&mut self, limit: usize, looked_at: &mut Vec<String>) -> Result<(), Failure> {
        let terms = self.terms.load_full();
        let mut transaction = self.store.begin().await.map_err(Failure::Begin)?;
        let now = self.clock.now();
        let mut found = transaction.due_occurrences(now, limit + self.left.len()).await?;
        found.retain(|due| !self.left.contains_key(&due.stored.id));
        found.truncate(limit);
        looked_at.extend(found.iter().map(|due| due.stored.id.clone()));
        let due: Vec<book::Due> = found.into_iter().map(|found| prepare::due(found, &terms.policy)).collect();
        let keys: Vec<AlertKey> = due.iter().map(|due| due.key.clone()).collect();
        let known = transaction.known(&keys).await?;
        let up_since = self.up_since;
        let look = |book: &mut Book<'_>, due: book::Due| match due.was_left_before(up_since) {
            true => book.ask_anew(&due),
            false => book.due(due),
        };
        let entries = with_book(known, &terms, now, |book| due.into_iter().for_each(|due| look(book, due))).0;
        Ok(self.finish(transaction, entries, &terms, now).await?)
    }

    /// Puts it on disk; only what is there is counted, and only then is delivery woken.
    pub(super) async fn finish(
        &mut self,
        mut transaction: Transaction,
        entries: Entries,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let unsent = transaction.write(&entries.changes, &terms.wording, now).await?;
        let began = Instant::now();
        failpoint::reach(Point::BeforeCommit).await;
        transaction.commit().await?;
        failpoint::reach(Point::Committed).await;
        self.metrics.store_commit_seconds.observe(began.elapsed().as_secs_f64());
        let tally = tally(&entries, unsent);
        self.metrics.count(&tally);
        if tally.queued {
            self.bell.send_replace(());
        }
        if entries.changes.occurrences.iter().any(|written| written.occurrence.question().is_some()) {
            self.questions.send_replace(());
        }
        self.hearing.hear(entries.hearsay, &entries.changes.occurrences);
        Ok(())
    }
}

/// The alerts of which it matters what is known.
fn keys(postings: &[&Posting]) -> Vec<AlertKey> {
    let compared = postings.iter().filter(|posting| posting.origin != Origin::Drill);
    let copies = compared.flat_map(|posting| &posting.copies);
    let routed = copies.filter(|copy| matches!(copy.bound, Bound::Channels(_)));
    let keys: BTreeSet<&AlertKey> = routed.map(|copy| &copy.key).collect();
    keys.into_iter().cloned().collect()
}

/// What these webhooks change, and what is to be told because of each.
fn entered(
    postings: &[&Posting],
    known: impl IntoIterator<Item = (AlertKey, Known)>,
    terms: &Terms,
    now: Timestamp,
) -> (Entries, Vec<Vec<Queued>>) {
    let enter = |book: &mut Book<'_>, posting: &Posting| {
        let notices = book.webhook(posting).iter();
        notices
            .map(|notice| Queued { notification: notice.id.clone(), channel: notice.channel.clone() })
            .collect()
    };
    with_book(known, terms, now, |book| postings.iter().map(|posting| enter(book, posting)).collect())
}

pub(super) fn with_book<T>(
    known: impl IntoIterator<Item = (AlertKey, Known)>,
    terms: &Terms,
    now: Timestamp,
    enter: impl FnOnce(&mut Book<'_>) -> T,
) -> (Entries, T) {
    let rules = |channel: &str| terms.policy.rules(channel);
    let exists = |channel: &str| terms.policy.has_channel(channel);
    let (windows, own, mut ids) = (terms.policy.windows(), HEARTBEAT_SOURCE, new_id);
    let ground = book::Terms { windows, own, rules: &rules, exists: &exists, new_id: &mut ids };
    let mut book = Book::new(known, ground, now);
    let value = enter(&mut book);
    (book.close(), value)
}

fn tally(entries: &Entries, unsent: Unsent) -> Tally {
    let mut suppressed: BTreeMap<(String, Suppression), u64> = BTreeMap::new();
    for ((channel, _, reason), times) in &entries.hearsay.untold {
        *suppressed.entry((channel.clone(), *reason)).or_default() += times.times;
    }
    Tally {
        received: entries.received.clone(),
        suppressed,
        unsent,
        beats: entries.changes.beats.keys().cloned().collect(),
        queued: !entries.changes.notices.is_empty(),
    }
}
