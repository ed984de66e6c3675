//! Compressed archives: one gzip member or one xz stream, nothing before or after.

use std::io::{self, Read, Write};
use std::sync::Arc;

use flate2::{GzBuilder, bufread::GzDecoder};
use sha2::{Digest as _, Sha256};
use xz2::stream::{Action, Check, Status, Stream};
use xz2::write::XzEncoder;

/// How an archive inside a package is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// gzip (RFC 1952) without name and time; read by every dpkg.
    Gzip {
        /// 0 (stored) to 9.
        level: u32,
    },
    /// xz with CRC64, one thread; for `data.tar` read by dpkg 1.15.6 and later, for `control.tar` by 1.17.6.
    Xz {
        /// Preset 0 to 9.
        level: u32,
    },
}

impl Compression {
    /// The end of the member name: `gz` or `xz`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gzip { .. } => "gz",
            Self::Xz { .. } => "xz",
        }
    }

    /// The level as given.
    pub fn level(self) -> u32 {
        match self {
            Self::Gzip { level } | Self::Xz { level } => level,
        }
    }
}

/// Why [`compress`] failed.
#[derive(Debug, thiserror::Error)]
pub enum CompressError {
    /// The level is not in 0 to 9.
    #[error("compression level {0}: gzip and xz have levels 0 to 9")]
    Level(u32),
    /// The compressor failed, for want of memory.
    #[error("compression: {0}")]
    Compressor(#[from] io::Error),
}

/// Why an archive of a package could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum DecompressError {
    /// The header has options that this crate does not write.
    #[error("the {0} header is not canonical")]
    Header(&'static str),
    /// The stream is damaged.
    #[error("damaged stream: {0}")]
    Damaged(io::Error),
    /// The stream ends early.
    #[error("truncated stream")]
    Truncated,
    /// Bytes follow the stream.
    #[error("bytes follow the compressed stream")]
    Trailing,
    /// The content is larger than the reader was told to accept.
    #[error("unpacks to more than the limit of {0} bytes")]
    Limit(usize),
}

/// A compressed `data.tar`, for [`Draft::finish`](crate::Draft::finish) of every draft with that content.
#[derive(Debug, Clone)]
pub struct CompressedData {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) compression: Compression,
    pub(crate) tar_sha256: [u8; 32],
}

impl CompressedData {
    /// The compressed bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How they were compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// SHA-256 of the uncompressed archive.
    pub fn tar_sha256(&self) -> [u8; 32] {
        self.tar_sha256
    }
}

/// Compresses an uncompressed `data.tar`. The same bytes and compression give the same result on every host.
///
/// # Errors
/// A level above 9; no memory for the compressor.
pub fn compress(tar: &[u8], compression: Compression) -> Result<CompressedData, CompressError> {
    let bytes = pack(tar, compression)?.into();
    Ok(CompressedData { bytes, compression, tar_sha256: Sha256::digest(tar).into() })
}

/// OS field of the gzip header: unknown (RFC 1952, 2.3.1).
const GZIP_OS: u8 = 255;

pub(crate) fn pack(bytes: &[u8], compression: Compression) -> Result<Vec<u8>, CompressError> {
    if compression.level() > 9 {
        return Err(CompressError::Level(compression.level()));
    }
    match compression {
        Compression::Gzip { level } => {
            let level = flate2::Compression::new(level);
            let mut encoder = GzBuilder::new().mtime(0).operating_system(GZIP_OS).write(Vec::new(), level);
            encoder.write_all(bytes)?;
            Ok(encoder.finish()?)
        }
        Compression::Xz { level } => {
            let stream = Stream::new_easy_encoder(level, Check::Crc64).map_err(io::Error::from)?;
            let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
            encoder.write_all(bytes)?;
            Ok(encoder.finish()?)
        }
    }
}

/// Unpacks at most `limit` bytes from `bytes`, which must be one whole stream named by `extension`.
pub(crate) fn unpack(bytes: &[u8], extension: &str, limit: usize) -> Result<Vec<u8>, DecompressError> {
    if extension == "gz" { unpack_gzip(bytes, limit) } else { unpack_xz(bytes, limit) }
}

fn unpack_gzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>, DecompressError> {
    // Magic, deflate, no flags, no time; extra flags 0, 2 (best) or 4 (fastest); OS.
    let canonical = matches!(bytes, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0 | 2 | 4, GZIP_OS, ..]);
    if !canonical {
        return Err(DecompressError::Header("gzip"));
    }
    let mut decoder = GzDecoder::new(bytes);
    let mut out = Vec::new();
    let read = decoder.by_ref().take(limit as u64 + 1).read_to_end(&mut out);
    read.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => DecompressError::Truncated,
        _ => DecompressError::Damaged(error),
    })?;
    if out.len() > limit {
        return Err(DecompressError::Limit(limit));
    }
    if decoder.into_inner().is_empty() { Ok(out) } else { Err(DecompressError::Trailing) }
}

/// Decoder memory: preset 9 has a dictionary of 64 MiB.
const XZ_MEMORY: u64 = 80 << 20;

fn unpack_xz(bytes: &[u8], limit: usize) -> Result<Vec<u8>, DecompressError> {
    // Magic and stream flags with CRC64; the CRC32 that follows is checked by the decoder.
    if !bytes.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0, 0, 4]) {
        return Err(DecompressError::Header("xz"));
    }
    let damaged = |error: xz2::stream::Error| DecompressError::Damaged(error.into());
    let mut stream = Stream::new_stream_decoder(XZ_MEMORY, 0).map_err(damaged)?;
    let mut out = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let (consumed, produced) = (stream.total_in(), stream.total_out());
        let rest = &bytes[consumed as usize..];
        let status = stream.process(rest, &mut chunk, Action::Run).map_err(damaged)?;
        let new = (stream.total_out() - produced) as usize;
        if out.len() + new > limit {
            return Err(DecompressError::Limit(limit));
        }
        out.extend_from_slice(&chunk[..new]);
        match status {
            Status::StreamEnd => break,
            _ if new == 0 && stream.total_in() == consumed => return Err(DecompressError::Truncated),
            _ => {}
        }
    }
    if stream.total_in() as usize == bytes.len() { Ok(out) } else { Err(DecompressError::Trailing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Compression; 2] = [Compression::Gzip { level: 9 }, Compression::Xz { level: 6 }];

    #[test]
    fn unpacking_stops_at_the_limit() {
        let zeros = vec![0; 1 << 20];
        for compression in BOTH {
            let packed = pack(&zeros, compression).unwrap();
            let extension = compression.extension();
            assert_eq!(unpack(&packed, extension, 1 << 20).unwrap(), zeros);
            let refused = unpack(&packed, extension, (1 << 20) - 1);
            assert!(matches!(refused, Err(DecompressError::Limit(_))), "{compression:?}: {refused:?}");
        }
    }

    #[test]
    fn a_second_stream_or_trailing_bytes_are_refused() {
        for compression in BOTH {
            let packed = pack(b"content", compression).unwrap();
            for tail in [&packed[..], &[0, 0, 0, 0], b"x"] {
                let refused = unpack(&[&packed[..], tail].concat(), compression.extension(), 100);
                assert!(matches!(refused, Err(DecompressError::Trailing)), "{compression:?}: {refused:?}");
            }
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        for compression in BOTH {
            let packed = pack(b"content content content", compression).unwrap();
            for length in 0..packed.len() {
                assert!(unpack(&packed[..length], compression.extension(), 100).is_err(), "{length}");
            }
        }
    }

    #[test]
    fn levels_above_nine_are_refused() {
        for compression in [Compression::Gzip { level: 10 }, Compression::Xz { level: 10 }] {
            assert!(matches!(compress(b"", compression), Err(CompressError::Level(10))));
        }
    }
}
