//! Many events in one body: parsed line by line, so that a bad one is refused alone.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::{Catalog, Event, Reason, Rejection, parse, quote_not_finite};

/// How a body holds its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// One event a line; empty lines are passed over.
    Ndjson,
    /// One event, or an array of events.
    Json,
}

/// The events of one body, each with its line (or place in the array), counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// In the order of the body.
    pub lines: Vec<(usize, Result<Event, Rejection>)>,
}

/// Events of one body at most: parsed, the smallest take far more memory than their text.
pub const MAX_EVENTS: usize = 100_000;

/// A body holds more than [`MAX_EVENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body holds more than {MAX_EVENTS} events, send fewer at once")]
pub struct TooManyEvents;

impl Batch {
    /// Parses a body. What cannot be read stands as a rejection in its place.
    ///
    /// # Errors
    /// When there are too many events, before they are parsed.
    pub fn parse(format: Format, body: &[u8], catalog: &Catalog) -> Result<Batch, TooManyEvents> {
        match format {
            Format::Ndjson => Batch::of_lines(body, catalog),
            Format::Json => Batch::of_json(body, catalog),
        }
    }

    fn of_lines(body: &[u8], catalog: &Catalog) -> Result<Batch, TooManyEvents> {
        if body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count() > MAX_EVENTS
        {
            return Err(TooManyEvents);
        }
        let lines = body.split(|byte| *byte == b'\n').enumerate();
        let filled = lines.map(|(at, line)| (at + 1, line.trim_ascii())).filter(|(_, line)| !line.is_empty());
        Ok(Batch { lines: filled.map(|(at, line)| (at, parse(line, catalog))).collect() })
    }

    fn of_json(body: &[u8], catalog: &Catalog) -> Result<Batch, TooManyEvents> {
        let body = body.trim_ascii();
        if !body.starts_with(b"[") {
            let lines = if body.is_empty() { Vec::new() } else { vec![(1, parse(body, catalog))] };
            return Ok(Batch { lines });
        }
        let fault = match Batch::of_array(body, catalog) {
            Ok(batch) => return batch,
            Err(fault) => fault,
        };
        let quoted = quote_not_finite(body).and_then(|quoted| Batch::of_array(&quoted, catalog).ok());
        quoted.unwrap_or_else(|| {
            let message = format!("the body is no JSON array: {fault}");
            Ok(Batch { lines: vec![(1, Err(Rejection::new(Reason::InvalidJson, message)))] })
        })
    }

    fn of_array(body: &[u8], catalog: &Catalog) -> serde_json::Result<Result<Batch, TooManyEvents>> {
        let events = serde_json::from_slice::<Vec<&RawValue>>(body)?;
        if events.len() > MAX_EVENTS {
            return Ok(Err(TooManyEvents));
        }
        let numbered = events.iter().enumerate();
        let lines = numbered.map(|(at, event)| (at + 1, parse(event.get().as_bytes(), catalog)));
        Ok(Ok(Batch { lines: lines.collect() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_refused_alone_and_named_by_its_number() {
        let batch = Batch::parse(Format::Ndjson, b"\n{\n[]\r\n\n", &Catalog::default()).unwrap();
        let reasons: Vec<_> =
            batch.lines.iter().map(|(at, r)| (*at, r.as_ref().unwrap_err().reason)).collect();
        assert_eq!(reasons, [(2, Reason::InvalidJson), (3, Reason::InvalidJson)]);
    }

    #[test]
    fn an_array_is_read_event_by_event() {
        let body = br#"[{"event":"label","model":"m","id":1,"label":1}, {"event":"party"}]"#;
        let batch = Batch::parse(Format::Json, body, &Catalog::default()).unwrap();
        let reasons: Vec<_> =
            batch.lines.iter().map(|(at, r)| (*at, r.as_ref().unwrap_err().reason)).collect();
        assert_eq!(reasons, [(1, Reason::UnknownModel), (2, Reason::UnknownEvent)]);
    }

    #[test]
    fn an_array_may_hold_bare_nan_as_python_writes_it() {
        let body =
            br#"[{"event":"label","model":"m","id":1,"label":1}, {"event":"label","model":"m","id":NaN}]"#;
        assert_eq!(Batch::parse(Format::Json, body, &Catalog::default()).unwrap().lines.len(), 2);
    }

    #[test]
    fn an_empty_body_holds_nothing() {
        assert!(Batch::parse(Format::Json, b" \n", &Catalog::default()).unwrap().lines.is_empty());
        assert!(Batch::parse(Format::Ndjson, b"", &Catalog::default()).unwrap().lines.is_empty());
    }

    #[test]
    fn too_many_events_are_refused_before_they_are_parsed() {
        let line = "1\n".repeat(MAX_EVENTS + 1);
        assert_eq!(Batch::parse(Format::Ndjson, line.as_bytes(), &Catalog::default()), Err(TooManyEvents));
        let array = format!("[{}1]", "1,".repeat(MAX_EVENTS));
        assert_eq!(Batch::parse(Format::Json, array.as_bytes(), &Catalog::default()), Err(TooManyEvents));
    }
}
