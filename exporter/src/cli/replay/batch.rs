//! Batches: the bodies of single requests, cut by number, size and span of event time.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use modelwatch_exporter_core::time::Time;
use serde::Serialize;

/// A batch with this many bytes before compression takes no more events; well under the exporter's default `web.max_body`.
const FULL: usize = 4 << 20;

/// Some consecutive events, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// Event time of the first event.
    pub(super) first: Time,
    /// Event time of the last event.
    pub(super) last: Time,
    /// How many events there are.
    pub(super) events: usize,
    /// How many of them are predictions.
    pub(super) predictions: usize,
    /// One event a line, gzipped.
    pub(super) body: Bytes,
}

/// Which kind of event is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Prediction,
    Label,
}

/// Collects events, which come in the order of time, into batches.
#[derive(Debug)]
pub(super) struct Packer {
    most: usize,
    span: Duration,
    lines: Vec<u8>,
    events: usize,
    predictions: usize,
    first: Time,
    last: Time,
}

impl Packer {
    /// Batches of at most so many events, which are less than `span` apart.
    pub(super) fn new(most: usize, span: Duration) -> Packer {
        let start = Time(0);
        Packer { most, span, lines: Vec::new(), events: 0, predictions: 0, first: start, last: start }
    }

    /// Adds an event; when it does not fit, the batch before it is complete and returned.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        time: Time,
        event: &impl Serialize,
    ) -> anyhow::Result<Option<Batch>> {
        let full =
            self.events == self.most || self.lines.len() >= FULL || time.since(self.first) >= self.span;
        let complete = if full { self.take()? } else { None };
        if self.events == 0 {
            self.first = time;
        }
        serde_json::to_writer(&mut self.lines, event)?;
        self.lines.push(b'\n');
        self.events += 1;
        self.predictions += usize::from(kind == Kind::Prediction);
        self.last = time;
        Ok(complete)
    }

    /// The batch as far as it is, unless there is nothing in it.
    pub(super) fn take(&mut self) -> anyhow::Result<Option<Batch>> {
        if self.events == 0 {
            return Ok(None);
        }
        let mut gzip = GzEncoder::new(Vec::with_capacity(self.lines.len() / 8), Compression::fast());
        gzip.write_all(&self.lines)?;
        let batch = Batch {
            first: self.first,
            last: self.last,
            events: self.events,
            predictions: self.predictions,
            body: gzip.finish()?.into(),
        };
        self.lines.clear();
        (self.events, self.predictions) = (0, 0);
        Ok(Some(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_before_it_is_too_large_or_too_long() {
        let event = "x".repeat(FULL / 4);
        let mut packer = Packer::new(100, Duration::from_millis(50));
        let mut batches = Vec::new();
        for at in [0, 10, 20, 30, 40, 49, 90, 95] {
            batches.extend(packer.add(Kind::Label, Time(at), &event).unwrap());
        }
        batches.extend(packer.take().unwrap());
        let cut: Vec<_> = batches.iter().map(|batch| (batch.first.0, batch.last.0, batch.events)).collect();
        assert_eq!(cut, [(0, 30, 4), (40, 49, 2), (90, 95, 2)]);
        assert!(packer.take().unwrap().is_none());
    }
}
