//! From a specification to a package whose every byte is determined.

use std::io;

use crate::check::package_problems;
use crate::content::Content;
use crate::install::InstallFile;
use crate::layout::{Filling, Slot, slots};
use crate::object::{Object, ObjectKind};
use crate::pkginfo::PkgInfo;
use crate::pkgmap::{InstallLine, PkgMap};
use crate::rule::{Problem, Rule, Ruleset, lines};
use crate::sum::{Sum, copy_summed};

/// Why a package was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The specification breaks rules: all of them.
    #[error("the package breaks {} rule(s):\n{}", .0.len(), lines(.0))]
    Rules(Vec<Problem>),
    /// Content could not be read.
    #[error("reading {from} for `{path}`: {source}")]
    Content {
        /// Path in the package.
        path: String,
        /// Where the content comes from.
        from: String,
        /// The cause.
        source: io::Error,
    },
    /// Content was not the same when it was read again.
    #[error("{from} for `{path}` changed while it was packaged [{}]; {}", Rule::ContentChanged, Rule::ContentChanged.mend())]
    Changed {
        /// Path in the package.
        path: String,
        /// Where the content comes from.
        from: String,
    },
    /// The output could not be written.
    #[error("writing {what}: {source}")]
    Output {
        /// What was being written.
        what: String,
        /// The cause.
        source: io::Error,
    },
}

impl WriteError {
    pub(crate) fn output(what: impl Into<String>) -> impl FnOnce(io::Error) -> WriteError {
        let what = what.into();
        move |source| WriteError::Output { what, source }
    }
}

/// A package to be written.
#[derive(Debug, Clone)]
pub struct PackageSpec {
    /// The parameters.
    pub info: PkgInfo,
    /// Directories, files and links; any order.
    pub objects: Vec<Object<Content>>,
    /// Scripts and information files; any order.
    pub install: Vec<InstallFile>,
    /// Time of pkginfo, pkgmap and the archive's directories, in seconds since 1970.
    pub mtime: u32,
}

impl PackageSpec {
    /// Everything wrong with the specification, without reading any content.
    pub fn problems(&self, ruleset: Ruleset) -> Vec<Problem> {
        let mut found = package_problems(&self.info, &self.objects, &self.install, ruleset);
        if i32::try_from(self.mtime).is_err() {
            found.push(Problem::new(Rule::Mtime, "pkginfo", format!("mtime {}", self.mtime)));
        }
        found
    }

    /// Checks the specification, reads all content once for its sums and settles pkgmap.
    ///
    /// # Errors
    /// [`WriteError::Rules`] with every broken rule, [`WriteError::Content`] when a file cannot be read.
    pub fn prepare(self, ruleset: Ruleset) -> Result<Prepared, WriteError> {
        let mut problems = self.problems(ruleset);
        if !problems.is_empty() {
            return Err(WriteError::Rules(problems));
        }
        let PackageSpec { info, objects, install, mtime } = self;
        let pkginfo = info.render();
        let mut map = PkgMap { blocks: 0, install: Vec::new(), objects: Vec::new() };
        let mut too_long = |path: &str| {
            problems.push(Problem::new(Rule::FileSize, path, "4 GiB or more"));
            Sum { size: 0, cksum: 0 }
        };
        let sum = Sum::of(&pkginfo).unwrap_or_else(|| too_long("pkginfo"));
        map.install.push(InstallLine { name: "pkginfo".into(), sum, mtime });
        for file in &install {
            let name = file.name.to_string();
            let sum = Sum::of(&file.text).unwrap_or_else(|| too_long(&name));
            map.install.push(InstallLine { name, sum, mtime: file.mtime });
        }
        let mut contents = Vec::with_capacity(objects.len());
        for object in objects {
            let path = object.path.clone();
            let mut content = None;
            let summed = object.map_payload(|payload| {
                let sum = sum_content(&path, &payload)?;
                content = Some(payload);
                Ok::<_, WriteError>(sum.unwrap_or_else(|| too_long(&path)))
            })?;
            map.objects.push(summed);
            contents.push(content);
        }
        if map.settle().is_none() {
            problems.push(Problem::new(Rule::StreamSize, "pkgmap", "more blocks than 31 bits hold"));
        }
        let pkgmap = map.render();
        let Ok(pkgmap_size) = u32::try_from(pkgmap.len()) else {
            problems.push(Problem::new(Rule::FileSize, "pkgmap", "4 GiB or more"));
            return Err(WriteError::Rules(problems));
        };
        if !problems.is_empty() {
            return Err(WriteError::Rules(problems));
        }
        let slots = slots(&map, pkgmap_size);
        Ok(Prepared { info, map, pkginfo, pkgmap, install, contents, slots })
    }
}

/// `None` when there are 4 GiB or more.
fn sum_content(path: &str, content: &Content) -> Result<Option<Sum>, WriteError> {
    let failed = |source| WriteError::Content { path: path.to_owned(), from: content.describe(), source };
    let mut reader = content.open().map_err(failed)?;
    // One byte more than fits tells a file that is too long from one that just fits.
    let limit = u64::from(u32::MAX) + 1;
    Ok(copy_summed(&mut reader, &mut io::sink(), limit).map_err(failed)?.finish())
}

/// A checked package with its pkginfo and pkgmap: ready for the datastream, the directory form, or
/// any other archive made from [`Prepared::members`].
#[derive(Debug, Clone)]
pub struct Prepared {
    info: PkgInfo,
    map: PkgMap,
    pkginfo: Vec<u8>,
    pkgmap: Vec<u8>,
    install: Vec<InstallFile>,
    /// By index of the pkgmap's objects.
    contents: Vec<Option<Content>>,
    pub(crate) slots: Vec<Slot>,
}

/// What a member of the directory form holds.
#[derive(Debug, Clone, Copy)]
pub enum MemberBody<'a> {
    /// A directory.
    Directory,
    /// pkginfo, pkgmap or an installation file.
    Bytes(&'a [u8]),
    /// A packaged file; copy it with [`Member::copy_to`], which notices a changed source.
    Payload {
        /// Where the bytes come from.
        content: &'a Content,
        /// What they must add up to.
        sum: Sum,
    },
}

/// One member of the directory form, in the order of [`Prepared::members`].
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Relative to the package's directory, such as `reloc/opt/acme`.
    pub path: &'a str,
    /// Permission bits, 0 to 0o777. Owner and group are root (0).
    pub permissions: u32,
    /// Seconds since 1970.
    pub mtime: u32,
    /// Length in bytes; 0 for directories.
    pub size: u32,
    /// The content.
    pub body: MemberBody<'a>,
}

impl Member<'_> {
    /// Writes the content.
    ///
    /// # Errors
    /// [`WriteError::Changed`] when the source no longer has the size and sum of pkgmap, otherwise
    /// whatever keeps it from being read or written.
    pub fn copy_to(&self, out: &mut dyn io::Write) -> Result<(), WriteError> {
        match self.body {
            MemberBody::Directory => Ok(()),
            MemberBody::Bytes(bytes) => out.write_all(bytes).map_err(WriteError::output(self.path)),
            MemberBody::Payload { content, sum } => copy_payload(self.path, content, sum, out),
        }
    }
}

fn copy_payload(path: &str, content: &Content, sum: Sum, out: &mut dyn io::Write) -> Result<(), WriteError> {
    let from = || content.describe();
    let failed = |source| WriteError::Content { path: path.to_owned(), from: from(), source };
    let mut reader = content.open().map_err(failed)?;
    let mut sink = Output { out, failed: None };
    let copied = copy_summed(&mut reader, &mut sink, sum.size.into());
    if let Some(source) = sink.failed {
        return Err(WriteError::Output { what: path.to_owned(), source });
    }
    let summed = copied.map_err(failed)?.finish();
    // The source may also have grown beyond the recorded size.
    let rest = copy_summed(&mut reader, &mut io::sink(), 1).map_err(failed)?;
    if summed != Some(sum) || rest.size() != 0 {
        return Err(WriteError::Changed { path: path.to_owned(), from: from() });
    }
    Ok(())
}

/// Tells errors of the output from errors of the input of a copy.
struct Output<'a> {
    out: &'a mut dyn io::Write,
    failed: Option<io::Error>,
}

impl io::Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.out.write_all(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failed = Some(error);
                Err(io::Error::other("output failed"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Prepared {
    /// The parameters.
    pub fn info(&self) -> &PkgInfo {
        &self.info
    }

    /// The table with every size and sum.
    pub fn map(&self) -> &PkgMap {
        &self.map
    }

    /// The bytes of pkginfo.
    pub fn pkginfo(&self) -> &[u8] {
        &self.pkginfo
    }

    /// The bytes of pkgmap.
    pub fn pkgmap(&self) -> &[u8] {
        &self.pkgmap
    }

    /// The members of the directory form in the order of the archive: each directory before what
    /// it holds. A tar writer can stream them.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.slots.iter().map(|slot| Member {
            path: &slot.path,
            permissions: slot.mode & 0o777,
            mtime: slot.mtime,
            size: slot.size,
            body: self.body(slot),
        })
    }

    fn body(&self, slot: &Slot) -> MemberBody<'_> {
        match slot.filling {
            Filling::Directory => MemberBody::Directory,
            Filling::PkgInfo => MemberBody::Bytes(&self.pkginfo),
            Filling::PkgMap => MemberBody::Bytes(&self.pkgmap),
            // The first `i` line is pkginfo, the others follow the order of `install`.
            Filling::Install(index) => MemberBody::Bytes(&self.install[index - 1].text),
            Filling::Payload(index) => match (&self.map.objects[index].kind, &self.contents[index]) {
                (ObjectKind::File { payload, .. }, Some(content)) => {
                    MemberBody::Payload { content, sum: *payload }
                }
                // Slots of this filling are made from file objects only.
                _ => MemberBody::Directory,
            },
        }
    }
}
