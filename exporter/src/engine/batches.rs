//! Many batches, one write: the way from the queue through the journal into the state.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use modelwatch_exporter_core::batch::Batch;
use modelwatch_exporter_core::time::Time;

use super::{Delivery, Engine, QUEUE, Refusal, Request, Unavailable};
use crate::journal::Record;

/// Bytes that are written together at most.
const GROUP_BYTES: usize = 64 << 20;

impl Engine {
    /// Serves a request and those that wait behind it.
    pub(super) fn serve(&mut self, first: Request, requests: &Receiver<Request>) {
        let mut group: Vec<Delivery> = Vec::new();
        let mut bytes = 0;
        for request in std::iter::once(first).chain(requests.try_iter().take(QUEUE)) {
            match request {
                Request::Count(delivery) => {
                    bytes += delivery.body.len();
                    group.push(*delivery);
                    if bytes >= GROUP_BYTES {
                        self.accept(std::mem::take(&mut group));
                        bytes = 0;
                    }
                }
                Request::Reload { setup, reply } => {
                    self.accept(std::mem::take(&mut group));
                    // whoever asked may have gone away
                    let _ = reply.send(self.reload(setup));
                }
            }
        }
        self.accept(group);
    }

    /// Answers what was answered before, and counts the rest. Of several bodies with one key, the first is counted and
    /// the others find its answer.
    fn accept(&mut self, group: Vec<Delivery>) {
        let now = self.tick();
        let mut open = self.answer_known(group, now);
        while !open.is_empty() {
            let (first, again) = first_of_each_key(open);
            self.count_all(first, now);
            open = self.answer_known(again, now);
        }
    }

    /// What is left are bodies without a key, and keys that are new.
    fn answer_known(&self, group: Vec<Delivery>, now: Time) -> Vec<Delivery> {
        let mut open = Vec::with_capacity(group.len());
        for delivery in group {
            let known = delivery.once.as_ref().and_then(|once| self.state.answered(once, now));
            let answer = match known {
                None => {
                    open.push(delivery);
                    continue;
                }
                Some(Ok(answer)) => {
                    self.metrics.ingest_repeated_total.inc();
                    Ok(answer.clone())
                }
                Some(Err(other)) => Err(Refusal::OtherBody(other)),
            };
            // the sender may have gone away again
            let _ = delivery.reply.send(answer);
        }
        open
    }

    fn count_all(&mut self, group: Vec<Delivery>, now: Time) {
        let records: Vec<Record> = group.iter().map(|delivery| record(delivery, now)).collect();
        let timer = self.metrics.journal_commit_seconds.start_timer();
        let written = self.journal.append(&records.iter().collect::<Vec<_>>());
        timer.observe_duration();
        match written {
            Ok(()) => group.into_iter().for_each(|delivery| self.count(delivery, now)),
            Err(error) => {
                tracing::error!(%error, "the journal cannot be written, events are refused until it can");
                self.metrics.journal_errors_total.inc_by(group.len() as u64);
                let error = Arc::new(error);
                for delivery in group {
                    let _ = delivery.reply.send(Err(Refusal::Unavailable(Unavailable(Arc::clone(&error)))));
                }
            }
        }
    }

    fn count(&mut self, delivery: Delivery, now: Time) {
        let Delivery { format, body, batch, setup, once, reply } = delivery;
        // After a reload the places of models and features are others.
        let batch = if Arc::ptr_eq(&setup, &self.setup) {
            batch
        } else {
            // it held no more events before than it does now
            Batch::parse(format, &body, &self.setup.catalog).unwrap_or(batch)
        };
        let answer = self.state.accept(&self.setup, &batch, once.as_ref(), now);
        self.changed = true;
        // the sender may have gone away; its events are counted all the same
        let _ = reply.send(Ok(answer));
    }
}

/// Those whose key none before them has, and the others.
fn first_of_each_key(group: Vec<Delivery>) -> (Vec<Delivery>, Vec<Delivery>) {
    let mut seen = HashSet::new();
    group.into_iter().partition(|delivery| match &delivery.once {
        Some(once) => seen.insert(once.key.clone()),
        None => true,
    })
}

fn record(delivery: &Delivery, received_at: Time) -> Record {
    let key = delivery.once.as_ref().map(|once| once.key.clone());
    Record { received_at, format: delivery.format, key, body: delivery.body.clone() }
}
