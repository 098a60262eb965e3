//! One accepted batch as it stands in a journal: length, checksum, time of receipt, format, body.

use std::ops::Range;

use bytes::Bytes;
use modelwatch_exporter_core::batch::Format;
use modelwatch_exporter_core::time::Time;

/// Bytes before the body: length of what follows the checksum (4), CRC-32 of it (4), then time (8) and format (1).
const HEAD: usize = 8;
const FIXED: usize = 9;

/// An accepted batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it was received: what "now" was for its events.
    pub received_at: Time,
    /// How the body holds its events.
    pub format: Format,
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
        HEAD + FIXED + self.body.len()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let format = match self.format {
            Format::Ndjson => 0u8,
            Format::Json => 1,
        };
        let length = (FIXED + self.body.len()) as u32;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&self.received_at.0.to_le_bytes());
        checksum.update(&[format]);
        checksum.update(&self.body);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&checksum.finalize().to_le_bytes());
        out.extend_from_slice(&self.received_at.0.to_le_bytes());
        out.push(format);
        out.extend_from_slice(&self.body);
    }

    /// The record at the start of `bytes`.
    pub(super) fn decode(bytes: &Bytes) -> Decoded {
        let length = u32_at(bytes, 0..4).map_or(0, |length| length as usize);
        let end = HEAD.saturating_add(length);
        let Some(content) = bytes.get(HEAD..end).filter(|content| content.len() >= FIXED) else {
            return Decoded::Torn;
        };
        let known = u32_at(bytes, 4..8) == Some(crc32fast::hash(content));
        let received_at = content.first_chunk().map(|bytes| Time(i64::from_le_bytes(*bytes)));
        let format = match content[FIXED - 1] {
            0 => Some(Format::Ndjson),
            1 => Some(Format::Json),
            _ => None,
        };
        match received_at.zip(format) {
            Some((received_at, format)) if known => {
                Decoded::Sound(Record { received_at, format, body: bytes.slice(HEAD + FIXED..end) }, end)
            }
            _ => Decoded::Wrong(end),
        }
    }
}

fn u32_at(bytes: &Bytes, range: Range<usize>) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(range)?.try_into().ok()?))
}
