//! A whole package as a value: what the writer takes and the reader returns.

mod control;
mod metadata;
mod read;
mod validate;
mod write;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

pub use control::Control;
pub use read::{Dialect, Installable, PayloadItem, ReadError, read, read_with};
pub use validate::{Problem, Problems};
pub use write::{WriteError, Written, write};

use crate::{
    checksum::FileSum,
    lpp_name::{Bosboot, Requisite},
    name::{InstallPath, Name},
    text::ConfigHandling,
    vrmf::Vrmf,
};

/// A package to write, with contents in memory or in files.
pub type Spec = Package<Source>;

/// A package of one or more filesets. `C` is where the contents of its files are (see [`Content`]), or
/// what is known of them ([`Contents`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package<C> {
    /// Name of the package; its control files are in `/usr/lpp/<name>`.
    pub name: Name,
    /// The one time of everything in the package: seconds since 1970, at most 0x7fffffff.
    pub timestamp: u32,
    /// Further members of the archives of control files, by part and name; scripts of that part find them
    /// in their working directory.
    pub extra: BTreeMap<(PartKind, String), Vec<u8>>,
    /// Text of the `productid` member, by convention `<fileset> <identifier>` and a newline.
    pub product_id: Option<String>,
    /// The filesets, at least one.
    pub filesets: Vec<Fileset<C>>,
}

/// What installp installs, updates and removes as a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fileset<C> {
    /// Its name.
    pub name: Name,
    /// Its level.
    pub level: Vrmf,
    /// One line of 1 to 60 ASCII characters for people.
    pub description: String,
    /// Locale of its messages, for example `en_US`.
    pub language: String,
    /// What the system needs around its installation.
    pub bosboot: Bosboot,
    /// What must be installed.
    pub requisites: Vec<Requisite>,
    /// Text that installp shows: ASCII lines.
    pub copyright: Option<String>,
    /// What goes below /usr and /opt.
    pub usr: Part<C>,
    /// What goes anywhere else. Its files stay in `/usr/lpp/<package>/inst_root` and are copied from
    /// there, so they take twice their size.
    pub root: Option<Part<C>>,
}

/// Files and control scripts of the usr or the root part of a fileset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<C> {
    /// Directories, files and links. The order does not matter: the writer sorts by path.
    pub entries: Vec<Entry<C>>,
    /// Control scripts: text that starts with `#!`.
    pub scripts: BTreeMap<ControlScript, Vec<u8>>,
}

/// An empty part.
impl<C> Default for Part<C> {
    fn default() -> Self {
        Self { entries: Vec::new(), scripts: BTreeMap::new() }
    }
}

/// Something that is on the host after the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<C> {
    /// Where.
    pub path: InstallPath,
    /// Name of the owner; the account must exist when sysck runs, after `post_i`.
    pub owner: String,
    /// Name of the group.
    pub group: String,
    /// Low 12 mode bits.
    pub mode: u16,
    /// What it is.
    pub kind: EntryKind<C>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind<C> {
    /// A directory.
    Directory,
    /// A file.
    File(FileEntry<C>),
    /// A symbolic link. It is only in the inventory: sysck makes it, after `post_i`.
    Symlink {
        /// What the link points at.
        target: String,
    },
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry<C> {
    /// Its content.
    pub content: C,
    /// Whether it changes on the host.
    pub upkeep: Upkeep,
    /// Further names, made by sysck as hard links.
    pub links: Vec<InstallPath>,
}

/// Whether a file changes on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Upkeep {
    /// It does not: size and checksum are in the inventory.
    Fixed,
    /// It does: the inventory says VOLATILE.
    Volatile,
    /// The user edits it: VOLATILE, and listed in `.cfgfiles`.
    Config(ConfigHandling),
}

/// The parts of a fileset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKind {
    /// /usr and /opt.
    Usr,
    /// Everything else.
    Root,
}

/// Control scripts, in the order of an installation and then of a deinstallation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ControlScript {
    /// Of the new package, before the files of an older level are removed.
    PreRm,
    /// Before the files are restored.
    PreI,
    /// After the files are restored, before sysck sets owners, modes and links.
    PostI,
    /// Last, after sysck.
    Config,
    /// Decides whether the fileset may be deinstalled.
    PreD,
    /// Undoes `config`.
    Unconfig,
    /// Undoes `post_i`.
    UnpostI,
    /// Undoes `pre_i`.
    UnpreI,
    /// Replaces the three before at a deinstallation.
    UnconfigD,
}

impl ControlScript {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::PreRm,
        Self::PreI,
        Self::PostI,
        Self::Config,
        Self::PreD,
        Self::Unconfig,
        Self::UnpostI,
        Self::UnpreI,
        Self::UnconfigD,
    ];

    /// The member is named `<fileset>.<suffix>`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::PreRm => "pre_rm",
            Self::PreI => "pre_i",
            Self::PostI => "post_i",
            Self::Config => "config",
            Self::PreD => "pre_d",
            Self::Unconfig => "unconfig",
            Self::UnpostI => "unpost_i",
            Self::UnpreI => "unpre_i",
            Self::UnconfigD => "unconfig_d",
        }
    }
}

/// What is known of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Length in bytes, less than 2 GiB.
    pub size: u32,
    /// BSD checksum, as in the inventory.
    pub sum: FileSum,
    /// SHA-256; not part of the format.
    pub sha256: [u8; 32],
}

/// Where the writer finds the content of a file. It is read twice and must not change in between.
pub trait Content {
    /// Opens the content from its start.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;

    /// Its length in bytes if that is known without reading: a file that is too large is then refused at
    /// once.
    fn size(&self) -> Option<u64> {
        None
    }

    /// What to call it in errors, for example the path on the build host.
    fn describe(&self) -> String;
}

/// Content in memory or in a file of the build host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file.
    File(PathBuf),
}

impl Content for Source {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(bytes.as_slice()),
            Self::File(path) => Box::new(File::open(path)?),
        })
    }

    fn size(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Bytes(bytes) => format!("{} bytes in memory", bytes.len()),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl<C> Fileset<C> {
    /// The parts that the fileset has.
    pub fn parts(&self) -> impl Iterator<Item = (PartKind, &Part<C>)> {
        [(PartKind::Usr, Some(&self.usr)), (PartKind::Root, self.root.as_ref())]
            .into_iter()
            .filter_map(|(kind, part)| part.map(|part| (kind, part)))
    }

    fn part_mut(&mut self, kind: PartKind) -> Option<&mut Part<C>> {
        match kind {
            PartKind::Usr => Some(&mut self.usr),
            PartKind::Root => self.root.as_mut(),
        }
    }
}

impl<C> Package<C> {
    /// Whether any fileset has a root part.
    pub fn has_root(&self) -> bool {
        self.filesets.iter().any(|fileset| fileset.root.is_some())
    }

    /// The same package with every content replaced by what `content` makes of it.
    ///
    /// # Errors
    ///
    /// The first of `content`.
    pub fn try_map<D, E>(
        &self,
        mut content: impl FnMut(&InstallPath, &C) -> Result<D, E>,
    ) -> Result<Package<D>, E> {
        let mut part = |part: &Part<C>| {
            let entries = part.entries.iter().map(|entry| {
                let Entry { path, owner, group, mode, kind } = entry;
                let kind = match kind {
                    EntryKind::Directory => EntryKind::Directory,
                    EntryKind::Symlink { target } => EntryKind::Symlink { target: target.clone() },
                    EntryKind::File(file) => EntryKind::File(FileEntry {
                        content: content(path, &file.content)?,
                        upkeep: file.upkeep,
                        links: file.links.clone(),
                    }),
                };
                Ok(Entry {
                    path: path.clone(),
                    owner: owner.clone(),
                    group: group.clone(),
                    mode: *mode,
                    kind,
                })
            });
            let entries = entries.collect::<Result<_, E>>()?;
            Ok(Part { entries, scripts: part.scripts.clone() })
        };
        let filesets = self.filesets.iter().map(|fileset| {
            Ok(Fileset {
                name: fileset.name.clone(),
                level: fileset.level,
                description: fileset.description.clone(),
                language: fileset.language.clone(),
                bosboot: fileset.bosboot,
                requisites: fileset.requisites.clone(),
                copyright: fileset.copyright.clone(),
                usr: part(&fileset.usr)?,
                root: fileset.root.as_ref().map(&mut part).transpose()?,
            })
        });
        let filesets = filesets.collect::<Result<_, E>>()?;
        Ok(Package {
            name: self.name.clone(),
            timestamp: self.timestamp,
            extra: self.extra.clone(),
            product_id: self.product_id.clone(),
            filesets,
        })
    }

    /// Brings the entries into the order of the package: by path, so that directories come first.
    fn sort(&mut self) {
        for fileset in &mut self.filesets {
            for kind in [PartKind::Usr, PartKind::Root] {
                if let Some(part) = fileset.part_mut(kind) {
                    part.entries.sort_by(|a, b| a.path.cmp(&b.path));
                }
            }
        }
    }
}
