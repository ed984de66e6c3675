//! Programs that tests use as foreign readers, and the Debian packages that bring them.

use std::path::PathBuf;

/// A program.
pub struct Tool {
    pub program: &'static str,
    pub debian_package: &'static str,
    pub purpose: &'static str,
}

const fn tool(program: &'static str, debian_package: &'static str, purpose: &'static str) -> Tool {
    Tool { program, debian_package, purpose }
}

/// Everything that `cargo xtask test` needs and a fresh Debian 12 lacks.
pub const ALL: &[Tool] = &[
    tool("rpm", "rpm", "reads and installs RPMs"),
    tool("rpm2cpio", "rpm2cpio", "unpacks RPMs"),
    tool("cpio", "cpio", "lists RPM payloads"),
    tool("dpkg-deb", "dpkg", "reads debs"),
    tool("ar", "binutils", "lists debs"),
    tool("gpg", "gnupg", "verifies signatures"),
    tool("gpgv", "gpgv", "verifies signatures"),
    tool("debsig-verify", "debsig-verify", "verifies signatures inside debs"),
    tool("lintian", "lintian", "lints debs"),
    tool("rpmlint", "rpmlint", "lints RPMs"),
    tool("debootstrap", "debootstrap", "makes the roots that packages are installed in"),
    tool("unshare", "util-linux", "isolates installations"),
    tool("kill", "procps", "kills the daemons of tests"),
    tool("xmllint", "libxml2-utils", "reads JUnit XML"),
    tool("xz", "xz-utils", "unpacks payloads"),
    tool("file", "file", "names formats"),
    tool("bzip2", "bzip2", "unpacks bundles"),
    tool("openssl", "openssl", "stands in for an HSM"),
    tool("dpkg-gencontrol", "dpkg-dev", "computes Installed-Size"),
    tool("gpgconf", "gpgconf", "stops the agents of test keyrings"),
    tool("powerpc64-linux-gnu-ar", "binutils-powerpc64-linux-gnu", "reads AIX archives"),
    tool("bsdtar", "libarchive-tools", "reads Solaris archives"),
    tool("7zz", "7zip", "reads Solaris archives"),
    tool("sum", "coreutils", "recomputes inventory sums"),
    tool("dash", "dash", "runs scriptlets"),
    tool("bash", "bash", "runs scriptlets"),
    tool("busybox", "busybox", "runs scriptlets"),
    tool("mksh", "mksh", "runs scriptlets"),
    tool("ksh93", "ksh93u+m", "runs scriptlets"),
    tool("ksh", "ksh", "runs Solaris scripts"),
    tool("yash", "yash", "runs scriptlets"),
    tool("posh", "posh", "runs scriptlets"),
    tool("shellcheck", "shellcheck", "lints scriptlets"),
];

impl Tool {
    /// Where the program is, if it is there.
    pub fn find(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
        folders.map(|dir| dir.join(self.program)).find(|candidate| candidate.is_file())
    }
}
