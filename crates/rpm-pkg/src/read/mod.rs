//! The strict reader.

mod cpio;
mod files;
mod metadata;

use std::io::Read;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::error::ReadError;
use crate::header::{self, Header, Layout, MAIN_LIMITS, SIGNATURE_LIMITS};
use crate::package::Package;
use crate::spec::Spec;
use crate::{lead, payload, tags, validate};

/// How much a reader takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest package in bytes.
    pub package: u64,
    /// Largest archive after decompression in bytes.
    pub archive: u64,
}

impl Default for Limits {
    /// 1 GiB each.
    fn default() -> Self {
        Limits { package: 1 << 30, archive: 1 << 30 }
    }
}

const SIGNATURE: Layout = Layout {
    part: "signature header",
    region: tags::REGION_SIGNATURES,
    limits: SIGNATURE_LIMITS,
    type_of: tags::signature_type,
};

const MAIN: Layout = Layout {
    part: "main header",
    region: tags::REGION_IMMUTABLE,
    limits: MAIN_LIMITS,
    type_of: tags::header_type,
};

pub(crate) fn read(input: impl Read, limits: &Limits) -> Result<Package, ReadError> {
    let mut bytes = Vec::new();
    input.take(limits.package.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits.package {
        return Err(ReadError::Limit { what: "the package", limit: limits.package });
    }
    let rest = bytes.get(lead::LEN..).ok_or(ReadError::Truncated { part: "lead" })?;
    let signature = header::parse(rest, &SIGNATURE)?;
    let signature_end = lead::LEN + signature.length;
    let header_start = signature_end.next_multiple_of(8);
    let padding =
        bytes.get(signature_end..header_start).ok_or(ReadError::Truncated { part: "signature header" })?;
    if let Some(offset) = padding.iter().position(|&byte| byte != 0) {
        let rule = "padding after the signature header is not zero".into();
        return Err(ReadError::Structure { part: "padding", offset, rule });
    }
    let header = header::parse(&bytes[header_start..], &MAIN)?;
    let payload_start = header_start + header.length;
    check_outer(&signature, &bytes[header_start..], header.length)?;

    let (mut spec, raw) = metadata::spec(&header)?;
    check_lead(&bytes[..lead::LEN], &spec)?;
    let archive_size = signature.word(tags::SIG_PAYLOAD_SIZE)?;
    if u64::from(archive_size) > limits.archive {
        return Err(ReadError::Limit { what: "the archive", limit: limits.archive });
    }
    let compressed = &bytes[payload_start..];
    check_payload_digest(&header, tags::PAYLOAD_SHA256, "SHA-256 of the payload", compressed)?;
    let archive = payload::decompress(compressed, spec.compression, archive_size.into())?;
    check_payload_digest(&header, tags::PAYLOAD_SHA256_ALT, "SHA-256 of the archive", &archive)?;

    let records = files::records(&header, spec.profile, spec.source_date)?;
    let files = cpio::read(&archive, records)?;
    spec.entries = files.iter().map(|file| file.entry.clone()).collect();
    metadata::dependencies(&header, &mut spec, &raw)?;
    metadata::check_size(&header, &spec)?;
    validate::validate(&spec)?;
    Ok(Package {
        rsa_header: signature.optional_bytes(tags::SIG_RSA_HEADER).map(<[u8]>::to_vec),
        rsa_both: signature.optional_bytes(tags::SIG_PGP).map(<[u8]>::to_vec),
        header_sha1: signature.string(tags::SIG_SHA1_HEADER)?.to_owned(),
        bytes,
        header_start,
        payload_start,
        spec,
        files,
        requires: raw.requires,
        provides: raw.provides,
    })
}

/// Digests and sizes of the signature header over main header and payload (`both`).
fn check_outer(signature: &Header, both: &[u8], header_length: usize) -> Result<(), ReadError> {
    let header = &both[..header_length];
    same(
        "SHA-1 of the main header",
        signature.string(tags::SIG_SHA1_HEADER)?,
        &hex::encode(Sha1::digest(header)),
    )?;
    same(
        "SHA-256 of the main header",
        signature.string(tags::SIG_SHA256_HEADER)?,
        &hex::encode(Sha256::digest(header)),
    )?;
    same(
        "size of header and payload",
        &signature.word(tags::SIG_SIZE)?.to_string(),
        &both.len().to_string(),
    )?;
    let md5 = signature
        .optional_bytes(tags::SIG_MD5)
        .ok_or_else(|| signature.error(tags::SIG_MD5, "is missing"))?;
    same("MD5 of header and payload", &hex::encode(md5), &hex::encode(Md5::digest(both)))?;
    if signature.has(tags::SIG_RSA_HEADER) != signature.has(tags::SIG_PGP) {
        return Err(signature.error(tags::SIG_RSA_HEADER, "only one of the two signatures is there"));
    }
    Ok(())
}

fn check_lead(found: &[u8], spec: &Spec) -> Result<(), ReadError> {
    let expected = lead::encode(&spec.nevr());
    match (0..lead::LEN).find(|&at| found[at] != expected[at]) {
        None => Ok(()),
        Some(offset) => {
            let rule = format!("is {:#04x}, must be {:#04x}", found[offset], expected[offset]);
            Err(ReadError::Structure { part: "lead", offset, rule })
        }
    }
}

fn check_payload_digest(header: &Header, tag: u32, what: &str, bytes: &[u8]) -> Result<(), ReadError> {
    same(what, header.string(tag)?, &hex::encode(Sha256::digest(bytes)))
}

fn same(what: &str, stated: &str, found: &str) -> Result<(), ReadError> {
    if stated == found {
        return Ok(());
    }
    Err(ReadError::Mismatch { what: what.into(), stated: stated.into(), found: found.into() })
}
