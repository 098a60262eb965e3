//! What copies said that changed nothing: kept in memory, and written a little at a time between webhooks, so that none of
//! them waits for all of it.

use std::time::{Duration, Instant};

use modelwatch_receiver_core::book::{Hearsay, Written};

use super::Intaker;
use crate::store::StoreError;

/// Of so many occurrences, and of so many things that were not told, is written at once.
const SLICE: usize = 512;

/// How often what is more than a slice is written; a slice is with every sweep.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// What was heard and is not written yet.
#[derive(Debug)]
pub(super) struct Hearing {
    /// What was heard since.
    heard: Hearsay,
    /// What was heard before, and is being written.
    writing: Hearsay,
    /// Since when.
    began: Instant,
}

impl Hearing {
    pub(super) fn new() -> Hearing {
        Hearing { heard: Hearsay::default(), writing: Hearsay::default(), began: Instant::now() }
    }

    /// Takes in what a batch came to, while these occurrences were written.
    pub(super) fn hear(&mut self, hearsay: Hearsay, written: &[Written]) {
        self.heard.merge(hearsay, written);
    }

    /// Begins to write, unless that is under way or can wait.
    pub(super) fn begin(&mut self) {
        let is_due = self.heard.len() <= SLICE || self.began.elapsed() >= WRITE_EVERY;
        if self.writing.is_empty() && is_due {
            self.writing = std::mem::take(&mut self.heard);
            self.began = Instant::now();
        }
    }

    /// Whether something is being written.
    pub(super) fn is_writing(&self) -> bool {
        !self.writing.is_empty()
    }

    /// Everything that is not written yet is heard again; `slice` was heard first.
    fn keep(&mut self, slice: Hearsay) {
        let mut all = slice;
        all.merge(std::mem::take(&mut self.writing), &[]);
        all.merge(std::mem::take(&mut self.heard), &[]);
        self.heard = all;
    }
}

impl Intaker {
    /// Writes a slice of what is being written; what cannot be written yet is kept.
    pub(super) async fn write_some(&mut self) {
        complain(self.write_slice(SLICE).await);
    }

    /// Writes everything that was heard, at the end.
    pub(super) async fn write_down(&mut self) {
        complain(self.write_all().await);
    }

    /// Writes everything that was heard; what cannot be written yet is kept.
    pub(super) async fn write_all(&mut self) -> Result<(), StoreError> {
        self.hearing.keep(Hearsay::default());
        self.hearing.writing = std::mem::take(&mut self.hearing.heard);
        self.write_slice(usize::MAX).await
    }

    async fn write_slice(&mut self, limit: usize) -> Result<(), StoreError> {
        let slice = self.hearing.writing.take(limit);
        if slice.is_empty() {
            return Ok(());
        }
        let written = self.note(&slice).await;
        if written.is_err() {
            self.hearing.keep(slice);
        }
        written
    }

    async fn note(&self, slice: &Hearsay) -> Result<(), StoreError> {
        let mut transaction = self.store.begin().await?;
        transaction.note_hearsay(slice).await?;
        transaction.commit().await
    }
}

fn complain(written: Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::error!(%error, "when alerts were last heard of could not be written");
    }
}
