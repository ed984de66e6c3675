//! The payload: a cpio archive, and its compressed form.

use std::fmt;
use std::io::{BufRead, Read, Write};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::{ReadError, WriteError};
use crate::spec::Compression;

/// Memory the xz decoder may use. rpm 4.8 to 6.1 allow 100 MiB; the highest preset needs 65 MiB.
const XZ_MEMORY: u64 = 100 << 20;

/// The uncompressed archive of a draft.
#[derive(Clone)]
pub struct Payload {
    bytes: Arc<[u8]>,
    sha256: [u8; 32],
}

impl Payload {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let sha256 = Sha256::digest(&bytes).into();
        Payload { bytes: bytes.into(), sha256 }
    }

    /// The cpio archive.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the archive. Drafts with the same files and `source_date` have the same.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes, sha256 {})", self.bytes.len(), hex::encode(self.sha256))
    }
}

/// A compressed archive, made by [`compress`], usable for every draft with the same payload key.
#[derive(Clone)]
pub struct CompressedPayload {
    pub(crate) compression: Compression,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) sha256: [u8; 32],
    pub(crate) archive_sha256: [u8; 32],
    pub(crate) archive_size: u64,
}

impl CompressedPayload {
    /// The compressed bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How they were compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// SHA-256 of the archive before compression, [`Payload::sha256`].
    pub fn archive_sha256(&self) -> [u8; 32] {
        self.archive_sha256
    }
}

impl fmt::Debug for CompressedPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompressedPayload({:?}, {} bytes)", self.compression, self.bytes.len())
    }
}

/// Compress an archive. The same archive and compression always give the same bytes: one thread, no
/// time or name in the gzip header.
///
/// # Errors
/// [`WriteError::Io`] if the compressor refuses the level.
pub fn compress(payload: &Payload, compression: Compression) -> Result<CompressedPayload, WriteError> {
    let io = |source| WriteError::Io { action: "compressing the payload", source };
    let bytes: Arc<[u8]> = match compression {
        Compression::None => Arc::clone(&payload.bytes),
        Compression::Gzip { level } => {
            let level = flate2::Compression::new(level.into());
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(&payload.bytes).and_then(|()| encoder.finish()).map_err(io)?.into()
        }
        Compression::Xz { level } => {
            let stream = xz2::stream::Stream::new_easy_encoder(level.into(), xz2::stream::Check::Crc64)
                .map_err(|error| io(error.into()))?;
            let mut encoder = xz2::write::XzEncoder::new_stream(Vec::new(), stream);
            encoder.write_all(&payload.bytes).and_then(|()| encoder.finish()).map_err(io)?.into()
        }
    };
    Ok(CompressedPayload {
        compression,
        sha256: Sha256::digest(&bytes).into(),
        bytes,
        archive_sha256: payload.sha256,
        archive_size: payload.bytes.len() as u64,
    })
}

/// Decompress to exactly `size` bytes. Nothing may follow the one gzip member or xz stream.
pub(crate) fn decompress(bytes: &[u8], compression: Compression, size: u64) -> Result<Vec<u8>, ReadError> {
    let failed = |error: std::io::Error| ReadError::Compression(error.to_string());
    let mut archive = Vec::new();
    let rest = match compression {
        Compression::None => {
            archive.extend_from_slice(bytes);
            &[][..]
        }
        Compression::Gzip { .. } => {
            let mut decoder = flate2::bufread::GzDecoder::new(bytes);
            bounded(&mut decoder, size, &mut archive).map_err(failed)?;
            let plain = decoder.header().is_some_and(|header| {
                header.mtime() == 0
                    && header.filename().is_none()
                    && header.comment().is_none()
                    && header.extra().is_none()
            });
            if !plain {
                return Err(ReadError::Compression("the gzip header carries a time or name".into()));
            }
            decoder.into_inner()
        }
        Compression::Xz { .. } => {
            let stream = xz2::stream::Stream::new_stream_decoder(XZ_MEMORY, 0)
                .map_err(|error| ReadError::Compression(error.to_string()))?;
            let mut decoder = xz2::bufread::XzDecoder::new_stream(bytes, stream);
            bounded(&mut decoder, size, &mut archive).map_err(failed)?;
            decoder.into_inner()
        }
    };
    if !rest.is_empty() {
        return Err(ReadError::Compression(format!("{} bytes follow the compressed archive", rest.len())));
    }
    if archive.len() as u64 != size {
        return Err(ReadError::Mismatch {
            what: "size of the archive".into(),
            stated: size.to_string(),
            found: if archive.len() as u64 > size { "more".into() } else { archive.len().to_string() },
        });
    }
    Ok(archive)
}

/// Read to the end, but never more than one byte beyond `size`, so that a bomb stops early.
fn bounded(decoder: &mut impl Read, size: u64, archive: &mut Vec<u8>) -> std::io::Result<()> {
    let mut input = std::io::BufReader::new(decoder.take(size.saturating_add(1)));
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let length = chunk.len();
        archive.extend_from_slice(chunk);
        input.consume(length);
    }
}
