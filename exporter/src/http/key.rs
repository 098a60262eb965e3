//! `Idempotency-Key`: the name that a sender gives a body, so that sending it again does not count it again.

use axum::http::{HeaderMap, StatusCode};
use modelwatch_common::http::{Problem, TokenName};
use modelwatch_exporter_core::idempotency::Key;

/// The header.
const NAME: &str = "idempotency-key";
/// Bytes of a key at most.
const LONGEST: usize = 255;

/// The key of a request, if it has one. Keys of different tokens are different keys: senders do not know of each other.
pub(super) fn key(headers: &HeaderMap, token: Option<&TokenName>) -> Result<Option<Key>, Problem> {
    let mut given = headers.get_all(NAME).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let bytes = first.as_bytes();
    let sound = (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    if !sound || given.next().is_some() {
        let message = format!("Idempotency-Key, expected one of 1 to {LONGEST} visible ASCII characters");
        return Err(Problem::new(StatusCode::BAD_REQUEST, message));
    }
    let sender = token.map_or("", |token| &token.0);
    Ok(Some(Key::new(sender, &String::from_utf8_lossy(bytes))))
}
