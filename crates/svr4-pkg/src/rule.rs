//! The named rules a package has to keep, shared by the writer and the reader.

use std::fmt;

macro_rules! rules {
    ($($variant:ident, $name:literal, $mend:literal;)*) => {
        /// A rule of the format or of the portable profile. [`Rule::name`] is what messages and
        /// FORMAT.md call it, [`Rule::mend`] says what to do when it is broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!("`", $name, "`: ", $mend)] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of FORMAT.md.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// The stable name used in messages and in FORMAT.md.
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name,)* }
            }

            /// What the author of the package has to do.
            pub const fn mend(self) -> &'static str {
                match self { $(Rule::$variant => $mend,)* }
            }
        }
    };
}

rules! {
    // pkginfo
    PkgName, "pkg-name", "use a letter followed by letters, digits, `+` or `-`, and not all, install or new";
    PkgNameLength, "pkg-name-length", "use at most 31 characters: the readers of Solaris 10 hold 32 with the NUL";
    ParameterMissing, "parameter-missing", "set PKG, NAME, ARCH, VERSION and CATEGORY";
    ParameterKey, "parameter-key", "use letters, digits and `_`, starting with a letter; PATH is not allowed";
    ParameterDuplicate, "parameter-duplicate", "set each parameter once";
    ParameterValue, "parameter-value", "use one line without control characters or blanks at either end";
    ParameterQuote, "parameter-quote", "remove quotes and backslashes: readers disagree about them";
    ParameterAscii, "parameter-ascii", "use ASCII only";
    ParameterLine, "parameter-line", "write one KEY=value per line, each line ended by LF";
    NameLength, "name-length", "use 1 to 256 characters in NAME and VERSION";
    Version, "version", "do not start VERSION with `(`";
    Arch, "arch", "use comma separated tokens of 1 to 16 characters, such as sparc or i386";
    Category, "category", "use comma separated words of 1 to 16 letters or digits, such as application";
    Zones, "zones", "allow at most the combinations pkgmk accepts: no THISZONE with ALLZONES, no HOLLOW without ALLZONES";
    RequestThisZone, "request-thiszone", "drop the request script or set SUNW_PKG_THISZONE=false";
    BasedirMissing, "basedir-missing", "set BASEDIR to an absolute path when paths are relative";
    ClassName, "class-name", "use 1 to 12 letters or digits (64 bytes at the very most)";
    ClassUnlisted, "class-unlisted", "list the class in CLASSES (default: none)";
    // objects
    PathEmpty, "path-empty", "give the object a path";
    PathLength, "path-length", "use at most 1023 bytes";
    PathBlank, "path-blank", "remove blanks: pkgmap has no quoting";
    PathControl, "path-control", "remove control characters";
    PathEquals, "path-equals", "remove `=`: it separates a path from a link target";
    PathDollar, "path-dollar", "remove `$`: pkgadd substitutes variables in paths";
    PathComponent, "path-component", "write no empty, `.` or `..` component and no slash at the end";
    PathReserved, "path-reserved", "do not use PKG_INSTALL_ROOT, BASEDIR or CLIENT_BASEDIR as a component";
    PathDuplicate, "path-duplicate", "list each path once";
    ParentKind, "parent-kind", "make every listed parent a directory";
    LinkParentMissing, "link-parent-missing", "list the parent directory: pkgadd makes it for files, not for links";
    LinkTarget, "link-target", "give a target without blanks, `=`, `$` and control characters, at most 1023 bytes";
    HardLink, "hard-link", "ship a symbolic link or a copy: releases disagree about hard link targets";
    DeviceFile, "device-file", "make devices and pipes in postinstall";
    OsDirectory, "os-directory", "list directories of the operating system only as `? ? ?`: anything else changes them";
    KeepAttributes, "keep-attributes", "give `?` for mode, owner and group together, and only for directories";
    Mode, "mode", "use four octal digits, 0000 to 7777";
    OwnerName, "owner-name", "use a user or group name of 1 to 14 characters (63 at the very most)";
    FileSize, "file-size", "keep each file below 4 GiB: newc sizes have 32 bits";
    Mtime, "mtime", "use seconds since 1970 that fit 31 bits";
    // install/
    InstallName, "install-name", "use a plain file name of letters, digits, `.`, `_`, `+` and `-`";
    InstallDuplicate, "install-duplicate", "give each installation file once";
    InstallEmpty, "install-empty", "give the script or information file a content";
    DependLine, "depend-line", "write `P|I|R <pkg> <name>`, optionally followed by indented `(arch)version` lines";
    SpaceLine, "space-line", "write `<path> <512-byte blocks> <inodes>`";
    BourneShell, "bourne-shell", "write what the /sbin/sh of Solaris 10 knows";
    // files of the administrator
    AdminKey, "admin-key", "use the keys of admin(4), each once";
    AdminValue, "admin-value", "use a value of admin(4), without a comment behind it";
    ResponseKey, "response-key", "start the name with a capital letter, and leave the parameters of the package alone";
    // datastream
    StreamEmpty, "stream-empty", "put at least one package in the stream";
    StreamDuplicate, "stream-duplicate", "put each package in the stream once";
    StreamSize, "stream-size", "keep the stream below 4 GiB: pkgadd reads no more";
    HeaderMagic, "header-magic", "the stream must begin with `# PaCkAgE DaTaStReAm`";
    HeaderLine, "header-line", "header lines are `<pkg> 1 <blocks>`, closed by `# end of header`";
    HeaderMismatch, "header-mismatch", "header and pkgmap must give the same parts and size";
    Padding, "padding", "padding must be NUL bytes to the next boundary";
    Truncated, "truncated", "the data ends too early: fetch the file again";
    TrailingData, "trailing-data", "nothing may follow the last archive";
    CpioMagic, "cpio-magic", "members must be newc, magic 070701";
    CpioField, "cpio-field", "member fields are eight lower-case hex digits";
    CpioLink, "cpio-link", "regular members have one link";
    CpioKind, "cpio-kind", "archives hold regular files and directories without set-id bits only";
    CpioName, "cpio-name", "member names are relative, NUL terminated and have no `.` or `..` component";
    CpioChecksum, "cpio-checksum", "newc members carry checksum 0";
    MemberUnexpected, "member-unexpected", "the archive may hold only what pkgmap lists";
    MemberMissing, "member-missing", "the archive must hold everything pkgmap lists";
    MemberDuplicate, "member-duplicate", "each member may occur once";
    MemberOrder, "member-order", "pkginfo and pkgmap come first, a directory before its files";
    MemberSize, "member-size", "a member's size must be the one in pkgmap";
    MemberSum, "member-sum", "a member's checksum must be the one in pkgmap";
    CopyDiffers, "copy-differs", "pkginfo and pkgmap must be the same in both archives";
    Signature, "signature", "a signature member holds one PEM PKCS7 block";
    // pkgmap text
    MapHeader, "map-header", "pkgmap begins with `: 1 <blocks>`; more parts and compression are not supported";
    MapLine, "map-line", "pkgmap lines hold the fields of their type separated by single spaces";
    MapPkginfo, "map-pkginfo", "pkgmap must hold an `i pkginfo` line";
    // forms and bounds
    Limit, "limit", "raise the reader's limit if the package is trusted";
    NotCanonical, "not-canonical", "the bytes must be those this writer gives for the same meaning";
    ContentChanged, "content-changed", "do not change files while they are packaged";
    TreeEntry, "tree-entry", "the directory form holds regular files and directories only";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which rules a package is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ruleset {
    /// What every release of pkgadd demands. Enough to read packages made by Sun's pkgmk.
    Format,
    /// Format, and what makes a package install the same everywhere: no hard links, no devices, no
    /// changed directories of the operating system, listed parents of links, plain ASCII values,
    /// scripts for the Solaris 10 shell. For packages that are built.
    #[default]
    Portable,
}

/// One broken rule, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule.
    pub rule: Rule,
    /// The file, parameter or path concerned, such as `pkginfo VERSION` or `pkgmap opt/acme`.
    pub place: String,
    /// What was found.
    pub detail: String,
}

impl Problem {
    pub(crate) fn new(rule: Rule, place: impl Into<String>, detail: impl Into<String>) -> Self {
        Problem { rule, place: place.into(), detail: detail.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]; {}", self.place, self.detail, self.rule, self.rule.mend())
    }
}

/// Several problems as one text, a line each.
pub(crate) fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
