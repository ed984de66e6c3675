//! The objects of a package: what pkgmap lists beside the installation files.

/// Mode, owner and group. `None` is written `?`: pkgadd keeps what it finds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Attributes {
    /// Permission bits with set-id and sticky bits, 0 to 0o7777.
    pub mode: Option<u16>,
    /// User name, resolved on the target when the object is installed.
    pub owner: Option<String>,
    /// Group name, resolved on the target when the object is installed.
    pub group: Option<String>,
}

impl Attributes {
    /// Fixed attributes.
    pub fn set(mode: u16, owner: impl Into<String>, group: impl Into<String>) -> Self {
        Attributes { mode: Some(mode), owner: Some(owner.into()), group: Some(group.into()) }
    }

    /// `? ? ?`: for directories that belong to the operating system.
    pub fn keep() -> Self {
        Attributes::default()
    }

    pub(crate) fn is_keep(&self) -> bool {
        self.mode.is_none() && self.owner.is_none() && self.group.is_none()
    }

    pub(crate) fn is_set(&self) -> bool {
        self.mode.is_some() && self.owner.is_some() && self.group.is_some()
    }
}

/// How pkgchk and pkgrm treat a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectoryKind {
    /// `d`: removed when it is empty and no package lists it any more.
    Shared,
    /// `x`: everything below belongs to the package and goes with it.
    Exclusive,
}

/// How pkgchk treats the content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// `f`: must stay as installed.
    Regular,
    /// `v`: changes on the host.
    Volatile,
    /// `e`: edited on installation and removal.
    Editable,
}

/// Kind of a device file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// `b`
    Block,
    /// `c`
    Character,
}

/// What an object is. `P` is what stands for a file's content: [`crate::Content`] in a
/// specification, [`crate::Sum`] in a pkgmap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKind<P> {
    /// A directory.
    Directory {
        /// `d` or `x`.
        kind: DirectoryKind,
        /// Mode and owner, or keep.
        attributes: Attributes,
    },
    /// A file with content.
    File {
        /// `f`, `v` or `e`.
        kind: FileKind,
        /// Mode and owner.
        attributes: Attributes,
        /// Seconds since 1970; pkgadd sets the installed file's time from it.
        mtime: u32,
        /// Content or its sum.
        payload: P,
    },
    /// A symbolic link, `s`.
    Symlink {
        /// As given to symlink(2).
        target: String,
    },
    /// A hard link, `l`. Its target is relative to the directory of the link.
    HardLink {
        /// The path linked to.
        target: String,
    },
    /// A device file.
    Device {
        /// `b` or `c`.
        kind: DeviceKind,
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
        /// Mode and owner.
        attributes: Attributes,
    },
    /// A named pipe, `p`.
    Pipe {
        /// Mode and owner.
        attributes: Attributes,
    },
}

/// One object of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<P> {
    /// Installation class; `none` unless a class action script handles the object.
    pub class: String,
    /// Relative to BASEDIR (payload under `reloc/`), or absolute (payload under `root/`).
    pub path: String,
    /// What it is.
    pub kind: ObjectKind<P>,
}

impl<P> Object<P> {
    fn none(path: impl Into<String>, kind: ObjectKind<P>) -> Self {
        Object { class: "none".into(), path: path.into(), kind }
    }

    /// A directory of the package, class `none`.
    pub fn directory(path: impl Into<String>, attributes: Attributes) -> Self {
        Self::none(path, ObjectKind::Directory { kind: DirectoryKind::Shared, attributes })
    }

    /// A directory of the operating system: `d none <path> ? ? ?`.
    pub fn os_directory(path: impl Into<String>) -> Self {
        Self::directory(path, Attributes::keep())
    }

    /// A regular file, class `none`. `mtime` is in seconds since 1970.
    pub fn file(path: impl Into<String>, attributes: Attributes, mtime: u32, payload: impl Into<P>) -> Self {
        Self::none(
            path,
            ObjectKind::File { kind: FileKind::Regular, attributes, mtime, payload: payload.into() },
        )
    }

    /// A symbolic link, class `none`.
    pub fn symlink(path: impl Into<String>, target: impl Into<String>) -> Self {
        Self::none(path, ObjectKind::Symlink { target: target.into() })
    }

    /// The same object in another class.
    #[must_use]
    pub fn in_class(mut self, class: impl Into<String>) -> Self {
        self.class = class.into();
        self
    }

    /// Mode and owner of an object that has them; links have none.
    pub fn attributes(&self) -> Option<&Attributes> {
        match &self.kind {
            ObjectKind::Directory { attributes, .. }
            | ObjectKind::File { attributes, .. }
            | ObjectKind::Device { attributes, .. }
            | ObjectKind::Pipe { attributes } => Some(attributes),
            ObjectKind::Symlink { .. } | ObjectKind::HardLink { .. } => None,
        }
    }

    /// Where the archive keeps the payload: `reloc/<path>` or `root<path>`.
    pub fn member_path(&self) -> String {
        if self.path.starts_with('/') { format!("root{}", self.path) } else { format!("reloc/{}", self.path) }
    }

    /// The same object with its payload replaced.
    ///
    /// # Errors
    /// Whatever `change` gives.
    pub fn map_payload<Q, E>(self, change: impl FnOnce(P) -> Result<Q, E>) -> Result<Object<Q>, E> {
        let Object { class, path, kind } = self;
        let kind = match kind {
            ObjectKind::File { kind, attributes, mtime, payload } => {
                ObjectKind::File { kind, attributes, mtime, payload: change(payload)? }
            }
            ObjectKind::Directory { kind, attributes } => ObjectKind::Directory { kind, attributes },
            ObjectKind::Symlink { target } => ObjectKind::Symlink { target },
            ObjectKind::HardLink { target } => ObjectKind::HardLink { target },
            ObjectKind::Device { kind, major, minor, attributes } => {
                ObjectKind::Device { kind, major, minor, attributes }
            }
            ObjectKind::Pipe { attributes } => ObjectKind::Pipe { attributes },
        };
        Ok(Object { class, path, kind })
    }
}

/// The directory part of a path: `opt` for `opt/acme`, `/opt` for `/opt/acme`, `None` at the top.
pub(crate) fn parent(path: &str) -> Option<&str> {
    match path.rfind('/') {
        None | Some(0) => None,
        Some(at) => Some(&path[..at]),
    }
}
