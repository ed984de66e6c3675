//! The strict reader: accepts what this crate writes and nothing else.
//!
//! Everything is read into a [`Spec`], with an error that names the first rule broken; at last the specification
//! is rendered again, and both archives must come out byte for byte as they were.

use std::collections::BTreeMap;
use std::fmt;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::ar::{self, ArError};
use crate::compress::{Compression, DecompressError, unpack};
use crate::control::{ControlError, Fields};
use crate::draft::{Draft, FORMAT_VERSION, SIGNATURE_MEMBER};
use crate::openpgp::{SignatureError, SignaturePacket};
use crate::spec::{Entry, EntryKind, Scripts, Spec};
use crate::tar::{self, TarError};
use crate::validate::InvalidSpec;

/// A member of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// `debian-binary`.
    Version,
    /// `control.tar.gz` or `control.tar.xz`.
    Control,
    /// `data.tar.gz` or `data.tar.xz`.
    Data,
    /// `_gpgorigin`.
    Signature,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "debian-binary",
            Self::Control => "control.tar",
            Self::Data => "data.tar",
            Self::Signature => SIGNATURE_MEMBER,
        })
    }
}

/// Why bytes are not a package that this crate writes.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The outer archive.
    #[error(transparent)]
    Ar(#[from] ArError),
    /// A member is missing, misplaced or unknown.
    #[error("member {found:?} where {expected} must stand")]
    Members {
        /// Name of the member, empty at the end of the package.
        found: String,
        /// What must stand there.
        expected: &'static str,
    },
    /// Not all members have the time of the files.
    #[error("the time of {0} is not that of the other members and of the files")]
    Time(Member),
    /// Bytes that must be text.
    #[error("control.tar: {0} is not UTF-8 text")]
    NotText(String),
    /// Not format version 2.0.
    #[error("debian-binary does not hold {:?}", "2.0\n")]
    Version,
    /// A compressed archive.
    #[error("{member}: {source}")]
    Compression {
        /// Which archive.
        member: Member,
        /// What is wrong.
        source: DecompressError,
    },
    /// An archive.
    #[error("{member}: {source}")]
    Tar {
        /// Which archive.
        member: Member,
        /// What is wrong.
        source: TarError,
    },
    /// A member of the control archive that this crate never writes, or one that is missing.
    #[error("control.tar: {path}: {rule}")]
    ControlMember {
        /// Path in the control archive.
        path: String,
        /// What must be.
        rule: &'static str,
    },
    /// The control file.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// `md5sums` and the files do not agree.
    #[error("md5sums: {path:?}: {rule}")]
    Md5 {
        /// The file, or the line of `md5sums`.
        path: String,
        /// What does not agree.
        rule: &'static str,
    },
    /// `Installed-Size` is not the size of the tree.
    #[error("Installed-Size is {found}, the files have {expected}")]
    InstalledSize {
        /// What the control file says.
        found: u64,
        /// What was counted.
        expected: u64,
    },
    /// The package could be read but breaks a rule of [`Spec`].
    #[error(transparent)]
    Invalid(#[from] InvalidSpec),
    /// The archive is not, byte for byte, what this crate makes of its content.
    #[error("{0}: not in canonical form")]
    NotCanonical(Member),
    /// The signature member.
    #[error("{SIGNATURE_MEMBER}: {0}")]
    Signature(#[from] SignatureError),
}

/// How much a package may unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the uncompressed control archive.
    pub control: usize,
    /// Bytes of the uncompressed data archive.
    pub data: usize,
}

impl Default for Limits {
    /// 16 MiB and 1 GiB.
    fn default() -> Self {
        Self { control: 16 << 20, data: 1 << 30 }
    }
}

/// A package that was read.
#[derive(Debug, Clone)]
pub struct Package {
    spec: Spec,
    control: String,
    installed_size: u64,
    data_extension: &'static str,
    signed: Vec<u8>,
    signature: Option<(Vec<u8>, SignaturePacket)>,
}

impl Package {
    /// Everything that the package says, parents included among the entries. The level of
    /// [`Spec::control_compression`] is not recorded in a package and 0 here.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The control file.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// The entries to install, sorted by path, without `/`.
    pub fn entries(&self) -> &[Entry] {
        &self.spec.entries
    }

    /// `Installed-Size` in KiB.
    pub fn installed_size(&self) -> u64 {
        self.installed_size
    }

    /// Member name of the control archive.
    pub fn control_member(&self) -> String {
        format!("control.tar.{}", self.spec.control_compression.extension())
    }

    /// Member name of the data archive.
    pub fn data_member(&self) -> String {
        format!("data.tar.{}", self.data_extension)
    }

    /// The bytes that a signature covers: `debian-binary`, control archive and data archive.
    pub fn signed_bytes(&self) -> &[u8] {
        &self.signed
    }

    /// The OpenPGP signature packet, if the package is signed.
    ///
    /// Verify it over [`Package::signed_bytes`], and call [`Package::check_unprotected`] besides.
    pub fn signature(&self) -> Option<&[u8]> {
        self.signature.as_ref().map(|(bytes, _)| bytes.as_slice())
    }

    /// The signature packet, taken apart.
    pub fn signature_packet(&self) -> Option<&SignaturePacket> {
        self.signature.as_ref().map(|(_, packet)| packet)
    }

    /// Checks the parts of the signature that it does not protect itself, for the key that verifies it: see
    /// [`SignaturePacket::check_unprotected`].
    ///
    /// # Errors
    /// The package is not signed, or names another key.
    pub fn check_unprotected(&self, key_id: [u8; 8]) -> Result<(), SignatureError> {
        let packet = self.signature_packet().ok_or(SignatureError::Packet("the package is not signed"))?;
        packet.check_unprotected(key_id, &self.signed)
    }
}

/// Reads a package with the default [`Limits`].
///
/// # Errors
/// See [`read_with_limits`].
pub fn read(bytes: &[u8]) -> Result<Package, ReadError> {
    read_with_limits(bytes, Limits::default())
}

/// Reads a package. Memory: at most twice the unpacked size, the size of the package, and 80 MiB for xz.
///
/// # Errors
/// The first thing that this crate would not have written.
pub fn read_with_limits(bytes: &[u8], limits: Limits) -> Result<Package, ReadError> {
    let outer = Outer::read(bytes)?;
    let control_archive = Archive::open(Member::Control, outer.control, limits.control)?;
    let data_archive = Archive::open(Member::Data, outer.data, limits.data)?;
    let mtime = data_archive.mtime;
    if control_archive.mtime != mtime {
        return Err(ReadError::Time(Member::Control));
    }
    if let Some((member, _)) = outer.times.iter().find(|(_, time)| *time != mtime) {
        return Err(ReadError::Time(*member));
    }

    let entries = data_archive.entries;
    let control_compression = match outer.control.extension {
        "gz" => Compression::Gzip { level: 0 },
        _ => Compression::Xz { level: 0 },
    };
    let mut files = ControlFiles::collect(control_archive.entries)?;
    check_md5sums(&files.take("md5sums")?, &entries)?;
    let control = files.take("control")?;
    let fields = Fields::parse(&control)?;
    let installed_size = fields.installed_size()?;
    let spec = Spec {
        name: fields.typed("Package")?,
        version: fields.typed("Version")?,
        architecture: fields.typed("Architecture")?,
        maintainer: fields.required("Maintainer")?.to_owned(),
        section: fields.required("Section")?.to_owned(),
        priority: fields.typed("Priority")?,
        homepage: fields.optional("Homepage").map(str::to_owned),
        description: fields.description()?,
        pre_depends: fields.relations("Pre-Depends")?,
        depends: fields.relations("Depends")?,
        recommends: fields.relations("Recommends")?,
        suggests: fields.relations("Suggests")?,
        conflicts: fields.relations("Conflicts")?,
        breaks: fields.relations("Breaks")?,
        replaces: fields.relations("Replaces")?,
        provides: fields.relations("Provides")?,
        extra_fields: fields.extra.clone(),
        scripts: Scripts {
            preinst: files.take_if_there("preinst"),
            postinst: files.take_if_there("postinst"),
            prerm: files.take_if_there("prerm"),
            postrm: files.take_if_there("postrm"),
        },
        conffiles: files
            .take_if_there("conffiles")
            .map(|list| list.lines().map(str::to_owned).collect())
            .unwrap_or_default(),
        entries,
        source_date: mtime,
        control_compression,
    };

    files.finish()?;
    let draft = Draft::new(&spec)?;
    if draft.installed_size() != installed_size {
        return Err(ReadError::InstalledSize { found: installed_size, expected: draft.installed_size() });
    }
    if Sha256::digest(draft.control_tar())[..] != control_archive.sha256 {
        return Err(ReadError::NotCanonical(Member::Control));
    }
    if draft.data_sha256() != data_archive.sha256 {
        return Err(ReadError::NotCanonical(Member::Data));
    }
    let signed = [FORMAT_VERSION, outer.control.bytes, outer.data.bytes].concat();
    let signature = match outer.signature {
        None => None,
        Some(signature) => {
            let packet = SignaturePacket::parse(signature)?;
            packet.check_digest_prefix(&signed)?;
            Some((signature.to_vec(), packet))
        }
    };
    Ok(Package { spec, control, installed_size, data_extension: outer.data.extension, signed, signature })
}

/// A compressed archive as it stands in the package.
#[derive(Clone, Copy)]
struct Packed<'a> {
    extension: &'static str,
    bytes: &'a [u8],
}

/// The members of the outer archive.
struct Outer<'a> {
    control: Packed<'a>,
    data: Packed<'a>,
    signature: Option<&'a [u8]>,
    times: Vec<(Member, u64)>,
}

impl<'a> Outer<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let mut members = ar::read(bytes)?.into_iter();
        let mut times = Vec::new();
        let mut next = |member: Member, expected: &'static str, names: [(&str, &'static str); 2]| {
            let Some(found) = members.next() else {
                return Err(ReadError::Members { found: String::new(), expected });
            };
            times.push((member, found.mtime));
            match names.into_iter().find(|(name, _)| *name == found.name) {
                Some((_, extension)) => Ok(Packed { extension, bytes: found.content }),
                None => Err(ReadError::Members { found: found.name.to_owned(), expected }),
            }
        };
        let version = next(Member::Version, "debian-binary", [("debian-binary", ""); 2])?;
        if version.bytes != FORMAT_VERSION {
            return Err(ReadError::Version);
        }
        let names = [("control.tar.gz", "gz"), ("control.tar.xz", "xz")];
        let control = next(Member::Control, "control.tar.gz or control.tar.xz", names)?;
        let names = [("data.tar.gz", "gz"), ("data.tar.xz", "xz")];
        let data = next(Member::Data, "data.tar.gz or data.tar.xz", names)?;
        let signature = match members.next() {
            None => None,
            Some(found) if found.name == SIGNATURE_MEMBER => {
                times.push((Member::Signature, found.mtime));
                Some(found.content)
            }
            Some(found) => {
                let expected = "_gpgorigin or the end of the package";
                return Err(ReadError::Members { found: found.name.to_owned(), expected });
            }
        };
        if let Some(found) = members.next() {
            let expected = "the end of the package";
            return Err(ReadError::Members { found: found.name.to_owned(), expected });
        }
        Ok(Self { control, data, signature, times })
    }
}

/// An unpacked archive.
struct Archive {
    /// Entries without `/`.
    entries: Vec<Entry>,
    mtime: u64,
    sha256: [u8; 32],
}

impl Archive {
    fn open(member: Member, packed: Packed<'_>, limit: usize) -> Result<Self, ReadError> {
        let bytes = unpack(packed.bytes, packed.extension, limit)
            .map_err(|source| ReadError::Compression { member, source })?;
        let (mut entries, mtime) = tar::read(&bytes).map_err(|source| ReadError::Tar { member, source })?;
        // What `/` must be is left to the comparison with the rendered archive.
        if entries.first().is_some_and(|entry| entry.path == "/" && entry.kind == EntryKind::Directory) {
            entries.remove(0);
        }
        Ok(Self { entries, mtime, sha256: Sha256::digest(&bytes).into() })
    }
}

/// The files of the control archive that were not yet read.
struct ControlFiles(BTreeMap<String, String>);

impl ControlFiles {
    fn collect(entries: Vec<Entry>) -> Result<Self, ReadError> {
        let mut files = BTreeMap::new();
        for Entry { path, kind, .. } in entries {
            let EntryKind::File { content } = kind else {
                return Err(ReadError::ControlMember { path, rule: "must be a regular file" });
            };
            let text = String::from_utf8(content.to_vec()).map_err(|_| ReadError::NotText(path.clone()))?;
            files.insert(path, text);
        }
        Ok(Self(files))
    }

    fn take(&mut self, name: &str) -> Result<String, ReadError> {
        let missing = || ReadError::ControlMember { path: format!("/{name}"), rule: "is missing" };
        self.take_if_there(name).ok_or_else(missing)
    }

    fn take_if_there(&mut self, name: &str) -> Option<String> {
        self.0.remove(&format!("/{name}"))
    }

    /// Nothing may be left.
    fn finish(self) -> Result<(), ReadError> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(path) => {
                Err(ReadError::ControlMember { path, rule: "is not a file that this crate writes" })
            }
        }
    }
}

/// Every regular file must stand in `md5sums` with its digest, and nothing else.
fn check_md5sums(md5sums: &str, entries: &[Entry]) -> Result<(), ReadError> {
    let refuse = |path: &str, rule| Err(ReadError::Md5 { path: path.to_owned(), rule });
    let mut listed = BTreeMap::new();
    for line in md5sums.lines() {
        let Some((digest, path)) = line.split_once("  ") else {
            return refuse(line, "the line is not a digest, two spaces and a path");
        };
        if listed.insert(path, digest).is_some() {
            return refuse(path, "listed more than once");
        }
    }
    for entry in entries {
        let EntryKind::File { content } = &entry.kind else { continue };
        match listed.remove(&entry.path[1..]) {
            None => return refuse(&entry.path, "the file is not listed"),
            Some(digest) if digest != hex::encode(Md5::digest(content)) => {
                return refuse(&entry.path, "the file has another digest");
            }
            Some(_) => {}
        }
    }
    match listed.into_keys().next() {
        None => Ok(()),
        Some(path) => refuse(path, "listed, but no file of the package"),
    }
}
