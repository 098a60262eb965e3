//! `Content-Encoding`: how a body is packed, and unpacking it into no more than a body may be.

use std::io::{self, Read};

use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use modelwatch_common::config::ByteSize;
use modelwatch_common::http::Problem;

/// What is read, as `Accept-Encoding` says it.
pub(super) const ACCEPTED: &str = "gzip, zstd";
/// How much longer than its packed form a gzip body can be at most.
const GZIP_RATIO: u64 = 1032;
/// The same of zstd: a block that repeats one byte takes 4 bytes and holds 128 KiB (RFC 8878, 3.1.1.2).
const ZSTD_RATIO: u64 = 32 << 10;
/// What a zstd frame may ask its reader to keep: 2^23 bytes, the most that this content encoding allows (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

impl Encoding {
    /// The encoding that the headers name, which is one at most.
    pub(super) fn of(headers: &HeaderMap) -> Result<Encoding, Problem> {
        let given = headers.get_all(CONTENT_ENCODING);
        let texts: Vec<_> = given.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let text = texts.join(", ");
        match text.trim().to_ascii_lowercase().as_str() {
            "identity" | "" => Ok(Encoding::Plain),
            "gzip" | "x-gzip" => Ok(Encoding::Gzip),
            "zstd" => Ok(Encoding::Zstd),
            other => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("content encoding `{other}`, expected one of gzip and zstd, or none"),
            )),
        }
    }

    /// How long a body can be when it is unpacked; above `max` it is refused.
    pub(super) fn unpacked_at_most(self, packed: u64, max: ByteSize) -> u64 {
        match self {
            Encoding::Plain => packed,
            Encoding::Gzip => packed.saturating_mul(GZIP_RATIO).min(max.bytes()),
            Encoding::Zstd => packed.saturating_mul(ZSTD_RATIO).min(max.bytes()),
        }
    }

    /// The body as it was before it was packed: all gzip members or zstd frames, one after the other.
    pub(super) fn unpack(self, body: Bytes, max: ByteSize) -> Result<Bytes, Problem> {
        match self {
            Encoding::Plain => Ok(body),
            Encoding::Gzip => self.read(MultiGzDecoder::new(&body[..]), max),
            Encoding::Zstd => self.read(zstd_decoder(&body).map_err(|error| self.invalid(&error))?, max),
        }
    }

    fn read(self, packed: impl Read, max: ByteSize) -> Result<Bytes, Problem> {
        let mut unpacked = Vec::new();
        packed.take(max.bytes() + 1).read_to_end(&mut unpacked).map_err(|error| self.invalid(&error))?;
        if unpacked.len() as u64 > max.bytes() {
            let message = format!("the body is longer than {max} when unpacked");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        Ok(unpacked.into())
    }

    fn invalid(self, error: &io::Error) -> Problem {
        let message = match self {
            _ if error.kind() == io::ErrorKind::UnexpectedEof => {
                format!("the {} body is cut short", self.name())
            }
            Encoding::Zstd => "the body is not valid zstd with a window of at most 8 MiB".to_owned(),
            Encoding::Gzip | Encoding::Plain => format!("the body is not valid {}", self.name()),
        };
        Problem::new(StatusCode::BAD_REQUEST, message).because(error)
    }

    fn name(self) -> &'static str {
        match self {
            Encoding::Plain => "plain",
            Encoding::Gzip => "gzip",
            Encoding::Zstd => "zstd",
        }
    }
}

fn zstd_decoder(body: &[u8]) -> io::Result<zstd::Decoder<'static, &[u8]>> {
    let mut decoder = zstd::Decoder::with_buffer(body)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}
