//! One accepted batch as it stands in a journal: length, checksum, time of receipt, format, key, body.
//!
//! A batch with a key has [`KEYED`] added to its format, then the key with its length; journals from before keys hold
//! no such batch and are read as they are.

use std::ops::Range;

use bytes::Bytes;
use modelwatch_exporter_core::batch::Format;
use modelwatch_exporter_core::idempotency::Key;
use modelwatch_exporter_core::time::Time;

/// Bytes before the body: length of what follows the checksum (4), CRC-32 of it (4), then time (8) and format (1).
const HEAD: usize = 8;
const FIXED: usize = 9;
/// Bytes before a key: its length.
const KEY_HEAD: usize = 4;
/// Stands in the byte of the format when a key follows.
const KEYED: u8 = 0x80;

/// An accepted batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it was received: what "now" was for its events.
    pub received_at: Time,
    /// How the body holds its events.
    pub format: Format,
    /// What its sender calls it, when it is to be counted once.
    pub key: Option<Key>,
    /// Uncompressed.
    pub body: Bytes,
}

/// What stands at a place of a journal.
#[derive(Debug)]
pub(super) enum Decoded {
    /// A record, and the bytes it takes.
    Sound(Record, usize),
    /// As many bytes as a record would take, but not what was written.
    Wrong(usize),
    /// Nothing, or not enough.
    Torn,
}

impl Decoded {
    pub(super) fn is_sound(&self) -> bool {
        matches!(self, Decoded::Sound(..))
    }
}

impl Record {
    pub(super) fn encoded_length(&self) -> usize {
        HEAD + self.content_length()
    }

    fn content_length(&self) -> usize {
        FIXED + self.key.as_ref().map_or(0, |key| KEY_HEAD + key.as_str().len()) + self.body.len()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&(self.content_length() as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.received_at.0.to_le_bytes());
        let keyed = if self.key.is_some() { KEYED } else { 0 };
        out.push(format_byte(self.format) | keyed);
        if let Some(key) = &self.key {
            out.extend_from_slice(&(key.as_str().len() as u32).to_le_bytes());
            out.extend_from_slice(key.as_str().as_bytes());
        }
        out.extend_from_slice(&self.body);
        let checksum = crc32fast::hash(&out[start + HEAD..]);
        out[start + 4..start + HEAD].copy_from_slice(&checksum.to_le_bytes());
    }

    /// The record at the start of `bytes`.
    pub(super) fn decode(bytes: &Bytes) -> Decoded {
        let length = u32_at(bytes, 0..4).map_or(0, |length| length as usize);
        let end = HEAD.saturating_add(length);
        let Some(content) = bytes.get(HEAD..end).filter(|content| content.len() >= FIXED) else {
            return Decoded::Torn;
        };
        let known = u32_at(bytes, 4..8) == Some(crc32fast::hash(content));
        match Record::of_content(&bytes.slice(HEAD..end)) {
            Some(record) if known => Decoded::Sound(record, end),
            _ => Decoded::Wrong(end),
        }
    }

    fn of_content(content: &Bytes) -> Option<Record> {
        let received_at = Time(i64::from_le_bytes(*content.first_chunk()?));
        let kind = *content.get(FIXED - 1)?;
        let format = match kind & !KEYED {
            0 => Format::Ndjson,
            1 => Format::Json,
            _ => return None,
        };
        if kind & KEYED == 0 {
            return Some(Record { received_at, format, key: None, body: content.slice(FIXED..) });
        }
        let key_at = FIXED + KEY_HEAD;
        let key_end = key_at.checked_add(u32_at(content, FIXED..key_at)? as usize)?;
        let key = std::str::from_utf8(content.get(key_at..key_end)?).ok()?;
        Some(Record { received_at, format, key: Some(Key::from_text(key)), body: content.slice(key_end..) })
    }
}

fn format_byte(format: Format) -> u8 {
    match format {
        Format::Ndjson => 0,
        Format::Json => 1,
    }
}

fn u32_at(bytes: &Bytes, range: Range<usize>) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(range)?.try_into().ok()?))
}
