//! Writing: a spec becomes header entries and an archive, these become a package.

use std::io::Write;
use std::sync::Arc;

use md5::Md5;
use rpm::{
    BuildConfig, CompressionWithLevel, FileOptions, FileVerifyFlags, Header, HeaderEntry, IndexData,
    IndexSignatureTag, IndexTag, PackageBuilder, PackageMetadata, Timestamp,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::dependencies::{self, HeaderDependency};
use crate::error::{DraftError, WriteError};
use crate::header;
use crate::payload::{CompressedPayload, Payload};
use crate::signature::{SignaturePacket, SignatureVersion, Signer};
use crate::spec::{Compression, Entry, FileClass, Kind, Profile, Spec};
use crate::validate::{self, SIZE_MAX};
use crate::{lead, tags};

/// A checked spec with its header laid out and its archive made.
#[derive(Clone, Debug)]
pub struct Draft {
    package: String,
    nevr: String,
    profile: Profile,
    compression: Compression,
    entries: Vec<HeaderEntry>,
    payload: Payload,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Size of the package in bytes.
    pub size: u64,
    /// SHA-256 of the package.
    pub sha256: [u8; 32],
    /// SHA-1 of the main header, hexadecimal: rpm's package identity (`%{SHA1HEADER}`).
    pub header_sha1: String,
    /// Size of the compressed payload in bytes.
    pub payload_size: u64,
    /// Size of the archive before compression in bytes.
    pub archive_size: u64,
}

impl Draft {
    /// Check the spec, lay out the header, make the archive.
    ///
    /// # Errors
    /// [`DraftError::Invalid`] with every problem of the spec.
    pub fn new(spec: &Spec) -> Result<Self, DraftError> {
        validate::validate(spec)?;
        let package = spec.nevr();
        let builder = |source| DraftError::Builder { package: package.clone(), source: Box::new(source) };
        let built = build(spec).map_err(builder)?;
        let payload = Payload::new(built.payload);
        let mut entries: Vec<_> = built
            .metadata
            .header
            .get_all_entries()
            .map_err(builder)?
            .into_iter()
            .map(|(tag, data)| HeaderEntry { tag, data })
            .collect();
        adjust(spec, &payload, &mut entries);
        Ok(Draft {
            nevr: spec.nevr(),
            profile: spec.profile,
            compression: spec.compression,
            entries,
            payload,
            package,
        })
    }

    /// The archive, to be compressed once for all drafts which share it.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Write the package, signed if there is a signer.
    ///
    /// # Errors
    /// If the payload is not this draft's, if a part exceeds what rpm reads, if the signer fails or returns
    /// a signature which the profile's rpm cannot verify, or if `out` cannot be written.
    pub fn finish(
        &self,
        payload: &CompressedPayload,
        signer: Option<&dyn Signer>,
        mut out: impl Write,
    ) -> Result<Written, WriteError> {
        self.check_payload(payload)?;
        let header = self.main_header(payload);
        let mut metadata = PackageMetadata {
            lead: rpm::Lead::new(&self.nevr),
            signature: Header::from_entries([], IndexSignatureTag::HEADER_SIGNATURES),
            header,
        };
        let header_bytes = metadata.header_bytes().map_err(|source| self.header_error(source))?;
        self.limit("main header", header::data_length(&header_bytes), header::MAIN_LIMITS.data_bytes)?;
        let size = header_bytes.len() as u64 + payload.bytes.len() as u64;
        self.limit("header and payload together", size, SIZE_MAX)?;

        let header_sha1 = hex::encode(Sha1::digest(&header_bytes));
        let mut digests = vec![
            entry(tags::SIG_SHA1_HEADER, IndexData::StringTag(header_sha1.clone())),
            entry(tags::SIG_SHA256_HEADER, IndexData::StringTag(hex::encode(Sha256::digest(&header_bytes)))),
            entry(tags::SIG_SIZE, IndexData::Int32(vec![size as u32])),
            entry(tags::SIG_PAYLOAD_SIZE, IndexData::Int32(vec![payload.archive_size as u32])),
        ];
        let md5 = Md5::new().chain_update(&header_bytes).chain_update(&payload.bytes).finalize();
        digests.push(entry(tags::SIG_MD5, IndexData::Bin(md5.to_vec())));
        if let Some(signer) = signer {
            let packet = self.sign(signer, "header", &header_bytes)?;
            digests.push(entry(tags::SIG_RSA_HEADER, IndexData::Bin(packet)));
            let both = [&header_bytes[..], &payload.bytes].concat();
            let packet = self.sign(signer, "header and payload", &both)?;
            digests.push(entry(tags::SIG_PGP, IndexData::Bin(packet)));
        }
        metadata.signature = Header::from_entries(digests, IndexSignatureTag::HEADER_SIGNATURES);

        let mut front = Vec::new();
        metadata.write(&mut front).map_err(|source| self.header_error(source))?;
        let signature_data = header::data_length(&front[lead::LEN..]);
        self.limit("signature header", signature_data, header::SIGNATURE_LIMITS.data_bytes)?;
        let io = |source| WriteError::Io { action: "writing the package", source };
        out.write_all(&front).and_then(|()| out.write_all(&payload.bytes)).map_err(io)?;
        out.flush().map_err(io)?;
        Ok(Written {
            size: front.len() as u64 + payload.bytes.len() as u64,
            sha256: Sha256::new().chain_update(&front).chain_update(&payload.bytes).finalize().into(),
            header_sha1,
            payload_size: payload.bytes.len() as u64,
            archive_size: payload.archive_size,
        })
    }

    fn check_payload(&self, payload: &CompressedPayload) -> Result<(), WriteError> {
        if payload.archive_sha256 != self.payload.sha256() {
            return Err(WriteError::OtherPayload {
                package: self.package.clone(),
                expected: hex::encode(self.payload.sha256()),
                found: hex::encode(payload.archive_sha256),
            });
        }
        if payload.compression != self.compression {
            return Err(WriteError::OtherCompression {
                package: self.package.clone(),
                expected: self.compression,
                found: payload.compression,
            });
        }
        self.limit("archive", payload.archive_size, SIZE_MAX)
    }

    fn main_header(&self, payload: &CompressedPayload) -> Header<IndexTag> {
        let sha256 = IndexData::StringArray(vec![hex::encode(payload.sha256)]);
        let entries = self.entries.iter().cloned().chain([entry(tags::PAYLOAD_SHA256, sha256)]);
        Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE)
    }

    /// The signer's packet, which must be one that our reader and the profile's rpm accept.
    fn sign(&self, signer: &dyn Signer, region: &'static str, data: &[u8]) -> Result<Vec<u8>, WriteError> {
        let expected = signature_version(self.profile);
        let packet = signer.sign(data, expected).map_err(|source| WriteError::Signer {
            package: self.package.clone(),
            region,
            source,
        })?;
        let bad = |source| WriteError::BadSignature { package: self.package.clone(), region, source };
        let parsed = SignaturePacket::parse(&packet).map_err(bad)?;
        if parsed.version() != expected {
            let (package, found) = (self.package.clone(), parsed.version());
            return Err(WriteError::SignatureVersion { package, expected, found });
        }
        parsed.check_digest(data).map_err(bad)?;
        Ok(packet)
    }

    fn limit(&self, part: &'static str, size: u64, max: u64) -> Result<(), WriteError> {
        if size <= max {
            return Ok(());
        }
        Err(WriteError::TooLarge { package: self.package.clone(), part, size, max })
    }

    fn header_error(&self, source: rpm::Error) -> WriteError {
        WriteError::Header { package: self.package.clone(), source: Box::new(source) }
    }
}

/// rpm 4.4 leaves the V4 trailer out of the digest and calls every V4 signature BAD.
pub(crate) fn signature_version(profile: Profile) -> SignatureVersion {
    match profile {
        Profile::El5 => SignatureVersion::V3,
        Profile::El6 => SignatureVersion::V4,
    }
}

fn entry(tag: u32, data: IndexData) -> HeaderEntry {
    HeaderEntry { tag, data }
}

/// File lists, archive and descriptive tags, by the `rpm` crate. It knows nothing of dependencies here:
/// those it would add by itself (`user(…)`, sysusers) are not wanted, and [`adjust`] writes the arrays.
fn build(spec: &Spec) -> Result<rpm::Package, rpm::Error> {
    let config = BuildConfig::v4()
        .compression(CompressionWithLevel::None)
        .source_date(spec.source_date)
        .reserved_space(None);
    let mut builder =
        PackageBuilder::new(&spec.name, &spec.version, &spec.license, spec.arch.as_str(), &spec.summary);
    builder
        .using_config(config)
        .release(&spec.release)
        .description(&spec.description)
        .group(&spec.group)
        .build_host(&spec.build_host);
    if let Some(epoch) = spec.epoch {
        builder.epoch(epoch);
    }
    if let Some(vendor) = &spec.vendor {
        builder.vendor(vendor);
    }
    if let Some(packager) = &spec.packager {
        builder.packager(packager);
    }
    if let Some(url) = &spec.url {
        builder.url(url);
    }
    for change in &spec.changelog {
        builder.add_changelog_entry(&change.author, &change.text, Timestamp(change.time));
    }
    for entry in &spec.entries {
        add(&mut builder, entry, spec.source_date)?;
    }
    for (name, script) in spec.scriptlets.iter() {
        let scriptlet = rpm::Scriptlet::new(&script.body).prog(vec![script.interpreter.as_str().to_owned()]);
        match name {
            "pre" => builder.pre_install_script(scriptlet),
            "post" => builder.post_install_script(scriptlet),
            "preun" => builder.pre_uninstall_script(scriptlet),
            "postun" => builder.post_uninstall_script(scriptlet),
            "pretrans" => builder.pre_trans_script(scriptlet),
            _ => builder.post_trans_script(scriptlet),
        };
    }
    builder.build()
}

fn add(builder: &mut PackageBuilder, entry: &Entry, source_date: u32) -> Result<(), rpm::Error> {
    let options = match &entry.kind {
        Kind::Dir => FileOptions::dir(&entry.path).permissions(entry.mode),
        Kind::File { .. } => FileOptions::new(&entry.path).permissions(entry.mode),
        Kind::Symlink { target } => FileOptions::symlink(&entry.path, target),
        Kind::Ghost => FileOptions::ghost(&entry.path).permissions(entry.mode),
    };
    let options = options
        .user(&entry.owner)
        .group(&entry.group)
        .modified_at(Timestamp(source_date))
        .verify(FileVerifyFlags::from_bits_retain(entry.verify.0)); // ghosts lose what they lack
    let options = match entry.class {
        FileClass::Normal => options,
        FileClass::Config => options.config(),
        FileClass::ConfigNoReplace => options.config().noreplace(),
        FileClass::Doc => options.doc(),
    };
    match &entry.kind {
        Kind::Dir => builder.with_dir_entry(options)?,
        Kind::File { content } => builder.with_file_contents(content.to_vec(), options)?,
        Kind::Symlink { .. } => builder.with_symlink(options)?,
        Kind::Ghost => builder.with_ghost(options)?,
    };
    Ok(())
}

/// What the builder cannot do, or does in its own way.
fn adjust(spec: &Spec, payload: &Payload, entries: &mut Vec<HeaderEntry>) {
    // Regions are made anew; tags the crate adds for sysusers files are no part of the format here.
    entries.retain(|entry| entry.tag != tags::REGION_IMMUTABLE && tags::header_type(entry.tag).is_some());
    let mut set = |tag: u32, data: Option<IndexData>| {
        entries.retain(|entry| entry.tag != tag);
        entries.extend(data.map(|data| entry(tag, data)));
    };
    let string = |value: &str| Some(IndexData::StringTag(value.to_owned()));
    set(tags::RPM_VERSION, string(&spec.rpm_version));
    set(tags::BUILD_TIME, Some(IndexData::Int32(vec![spec.source_date]))); // the crate clamps to now
    set(tags::PREFIXES, (!spec.prefixes.is_empty()).then(|| IndexData::StringArray(spec.prefixes.clone())));
    if spec.profile == Profile::El5 {
        set(tags::FILE_DIGEST_ALGO, None);
        set(tags::FILE_DIGESTS, md5_digests(spec));
    }

    let (compressor, flags) = compression_tags(spec.compression);
    set(tags::PAYLOAD_COMPRESSOR, compressor.and_then(string));
    set(tags::PAYLOAD_FLAGS, string(&flags));
    set(tags::PAYLOAD_SHA256, None); // of the compressed payload, set by `finish`
    let archive_sha256 = hex::encode(payload.sha256());
    set(tags::PAYLOAD_SHA256_ALT, Some(IndexData::StringArray(vec![archive_sha256])));
    set(tags::PAYLOAD_SHA256_ALGO, Some(IndexData::Int32(vec![tags::SHA256])));

    let all = &spec.dependencies;
    for (names, versions, flags, list) in [
        (tags::REQUIRE_NAME, tags::REQUIRE_VERSION, tags::REQUIRE_FLAGS, dependencies::requires(spec)),
        (tags::PROVIDE_NAME, tags::PROVIDE_VERSION, tags::PROVIDE_FLAGS, dependencies::provides(spec)),
        (
            tags::CONFLICT_NAME,
            tags::CONFLICT_VERSION,
            tags::CONFLICT_FLAGS,
            dependencies::plain(&all.conflicts),
        ),
        (
            tags::OBSOLETE_NAME,
            tags::OBSOLETE_VERSION,
            tags::OBSOLETE_FLAGS,
            dependencies::plain(&all.obsoletes),
        ),
        (
            tags::RECOMMEND_NAME,
            tags::RECOMMEND_VERSION,
            tags::RECOMMEND_FLAGS,
            dependencies::plain(&all.recommends),
        ),
    ] {
        let strings = |field: fn(&HeaderDependency) -> &String| {
            let values: Vec<String> = list.iter().map(|item| field(item).clone()).collect();
            (!values.is_empty()).then_some(IndexData::StringArray(values))
        };
        set(names, strings(|item| &item.name));
        set(versions, strings(|item| &item.version));
        let numbers: Vec<u32> = list.iter().map(|item| item.flags).collect();
        set(flags, (!numbers.is_empty()).then_some(IndexData::Int32(numbers)));
    }
}

/// `RPMTAG_PAYLOADCOMPRESSOR` and `RPMTAG_PAYLOADFLAGS`.
pub(crate) fn compression_tags(compression: Compression) -> (Option<&'static str>, String) {
    match compression {
        Compression::None => (None, String::new()),
        Compression::Gzip { level } => (Some("gzip"), level.to_string()),
        Compression::Xz { level } => (Some("xz"), level.to_string()),
    }
}

/// rpm 4.4 knows no other file digest than MD5. In the order of the header: sorted by path.
fn md5_digests(spec: &Spec) -> Option<IndexData> {
    let mut files: Vec<(&str, &Kind)> =
        spec.entries.iter().map(|entry| (entry.path.as_str(), &entry.kind)).collect();
    files.sort_by_key(|(path, _)| *path);
    let digest = |kind: &Kind| match kind {
        Kind::File { content } => hex::encode(Md5::digest(Arc::as_ref(content))),
        Kind::Dir | Kind::Symlink { .. } | Kind::Ghost => String::new(),
    };
    let digests: Vec<String> = files.into_iter().map(|(_, kind)| digest(kind)).collect();
    (!digests.is_empty()).then_some(IndexData::StringArray(digests))
}
