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

    /// The record at the start of `bytes` and the bytes it takes; `None` when it is not whole and sound.
    pub(super) fn decode(bytes: &Bytes) -> Option<(Record, usize)> {
        let length = u32_at(bytes, 0..4)? as usize;
        let checksum = u32_at(bytes, 4..8)?;
        let end = HEAD.checked_add(length)?;
        let content = bytes.get(HEAD..end)?;
        if length < FIXED || crc32fast::hash(content) != checksum {
            return None;
        }
        let received_at = Time(i64::from_le_bytes(content[..8].try_into().ok()?));
        let format = match content[8] {
            0 => Format::Ndjson,
            1 => Format::Json,
            _ => return None,
        };
        Some((Record { received_at, format, body: bytes.slice(HEAD + FIXED..end) }, end))
    }
}

fn u32_at(bytes: &Bytes, range: Range<usize>) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(range)?.try_into().ok()?))
}
