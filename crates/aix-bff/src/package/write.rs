//! Writes a package to any output.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Content, Contents, EntryKind, Package, Problem, Problems, metadata};
use crate::{
    ar::ArchiveError,
    backup::{MAX_FILE_SIZE, StreamWriter},
    checksum::BsdSum,
    name::InstallPath,
};

/// Largest archive of control files, in bytes: the reader holds it in memory.
pub(crate) const MAX_CONTROL: u64 = 16 << 20;
/// Largest `lpp_name`, in bytes.
pub(crate) const MAX_LPP_NAME: u64 = 4 << 20;

pub(crate) const HEAD_DIRECTORY_MODE: u16 = 0o755;
pub(crate) const CONTROL_MODE: u16 = 0o644;

/// Why a package was not written. What went to the output before the error is no package.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The package breaks rules; nothing was written.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The control files cannot be an archive.
    #[error("cannot write the archive of control files")]
    Control(#[from] ArchiveError),
    /// Too many or too large control files.
    #[error(
        "{what} has {size} bytes: more than the {limit} that are read back; ship fewer files or smaller scripts"
    )]
    ControlTooLarge {
        /// Which control file.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A content that could not be read the second time.
    #[error("cannot read the content of {path} from {source_name}")]
    Content {
        /// The file.
        path: InstallPath,
        /// What the content is called on the build host.
        source_name: String,
        /// Why.
        source: io::Error,
    },
    /// A content that changed while it was packaged.
    #[error("the content of {path} changed in {source_name} while it was packaged: build again")]
    ContentChanged {
        /// The file.
        path: InstallPath,
        /// What the content is called on the build host.
        source_name: String,
    },
    /// The output failed.
    #[error("cannot write the package")]
    Output(#[source] io::Error),
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Length of the package in bytes, a multiple of 512.
    pub size: u64,
    /// SHA-256 of the package.
    pub sha256: [u8; 32],
    /// The package as it was written: sorted, its contents measured.
    pub package: Package<Contents>,
}

impl Written {
    /// SHA-256 of the package in hexadecimal.
    pub fn sha256_hex(&self) -> String {
        hex::encode(self.sha256)
    }
}

/// Writes `spec` to `output`.
///
/// The same package gives the same bytes, whatever the order of its entries. Every content is read
/// twice: its checksum stands in front of it. Memory does not grow with the contents.
///
/// # Errors
///
/// All broken rules together before anything is written; later those of the contents and of `output`.
pub fn write<C: Content, W: Write>(spec: &Package<C>, output: W) -> Result<Written, WriteError> {
    let mut package = measure(spec)?;
    package.sort();
    let metadata = metadata::build(&package)?;
    check_control("lpp_name", metadata.lpp_name.len(), MAX_LPP_NAME)?;
    check_control("liblpp.a", metadata.usr.len(), MAX_CONTROL)?;
    check_control("inst_root/liblpp.a", metadata.root.as_ref().map_or(0, Vec::len), MAX_CONTROL)?;

    let output = Hashed { output, hash: Sha256::new() };
    let mut stream = StreamWriter::new(output, package.timestamp).map_err(WriteError::Output)?;
    let mut controls = [metadata.lpp_name, metadata.usr].into_iter().chain(metadata.root);
    for (name, is_directory) in metadata::head(&package.name, package.has_root()) {
        let written = if is_directory {
            stream.directory(&name, HEAD_DIRECTORY_MODE)
        } else {
            let bytes = controls.next().unwrap_or_default();
            stream.file(&name, CONTROL_MODE, bytes.len() as u32, &mut bytes.as_slice())
        };
        written.map_err(WriteError::Output)?;
    }
    put_payload(spec, &package, &mut stream)?;
    let (output, size) = stream.finish().map_err(WriteError::Output)?;
    Ok(Written { size, sha256: output.hash.finalize().into(), package })
}

fn check_control(what: &'static str, size: usize, limit: u64) -> Result<(), WriteError> {
    let size = size as u64;
    if size > limit { Err(WriteError::ControlTooLarge { what, size, limit }) } else { Ok(()) }
}

/// Reads every content once; all problems are collected.
fn measure<C: Content>(spec: &Package<C>) -> Result<Package<Contents>, Problems> {
    let mut problems = spec.problems();
    let measured: Result<_, std::convert::Infallible> = spec.try_map(|path, content| {
        Ok(measure_one(path, content).unwrap_or_else(|problem| {
            problems.push(problem);
            Contents { size: 0, sum: BsdSum::default().finish(), sha256: [0; 32] }
        }))
    });
    let Ok(measured) = measured;
    if problems.is_empty() { Ok(measured) } else { Err(Problems(problems)) }
}

fn measure_one<C: Content>(path: &InstallPath, content: &C) -> Result<Contents, Problem> {
    let source_name = || content.describe();
    let unreadable = |error| Problem::Unreadable { path: path.clone(), source_name: source_name(), error };
    let too_large = || Problem::FileTooLarge { path: path.clone(), source_name: source_name() };
    let limit = u64::from(MAX_FILE_SIZE) + 1;
    if content.size().is_some_and(|size| size >= limit) {
        return Err(too_large());
    }
    let mut meter = Meter::default();
    let mut input = content.open().map_err(unreadable)?.take(limit);
    io::copy(&mut input, &mut meter).map_err(unreadable)?;
    if meter.length == limit {
        return Err(too_large());
    }
    Ok(meter.finish())
}

fn put_payload<C: Content, W: Write>(
    spec: &Package<C>,
    package: &Package<Contents>,
    stream: &mut StreamWriter<W>,
) -> Result<(), WriteError> {
    let mut contents = std::collections::BTreeMap::new();
    for part in spec.filesets.iter().flat_map(|fileset| fileset.parts().map(|(_, part)| part)) {
        for entry in &part.entries {
            if let EntryKind::File(file) = &entry.kind {
                contents.insert(&entry.path, &file.content);
            }
        }
    }
    for item in metadata::payload(package) {
        let path = &item.entry.path;
        let (EntryKind::File(file), Some(content)) = (&item.entry.kind, contents.get(path)) else {
            stream.directory(&item.record, item.entry.mode).map_err(WriteError::Output)?;
            continue;
        };
        let source_name = || content.describe();
        let failed = |source| WriteError::Content { path: path.clone(), source_name: source_name(), source };
        let mut input = Measured {
            input: content.open().map_err(failed)?,
            meter: Meter::default(),
            error: None,
            ended: false,
        };
        let written = stream.file(&item.record, item.entry.mode, file.content.size, &mut input);
        if let Some(error) = input.error.take() {
            return Err(failed(error));
        }
        let changed = || WriteError::ContentChanged { path: path.clone(), source_name: source_name() };
        match written {
            Err(_) if input.ended => return Err(changed()),
            written => written.map_err(WriteError::Output)?,
        }
        let grown = input.read(&mut [0]).map_err(failed)? > 0;
        if grown || input.meter.finish() != file.content {
            return Err(changed());
        }
    }
    Ok(())
}

/// Length and digests of what goes through.
#[derive(Default)]
pub(crate) struct Meter {
    length: u64,
    sum: BsdSum,
    sha256: Sha256,
}

impl Meter {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.sum.update(bytes);
        self.sha256.update(bytes);
    }

    /// The length is below 2 GiB: longer contents are refused before.
    pub(crate) fn finish(self) -> Contents {
        let size = u32::try_from(self.length).unwrap_or(u32::MAX);
        Contents { size, sum: self.sum.finish(), sha256: self.sha256.finalize().into() }
    }
}

impl Write for Meter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A content on its second way through; tells its own errors from those of the output.
struct Measured<R> {
    input: R,
    meter: Meter,
    error: Option<io::Error>,
    ended: bool,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buffer) {
            Ok(read) => {
                self.ended |= read == 0 && !buffer.is_empty();
                self.meter.update(&buffer[..read]);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.error = Some(error);
                Err(kind.into())
            }
        }
    }
}

struct Hashed<W> {
    output: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
