//! Mistakes that a release engineer makes, each with what the plan must say about it.

use xtask::plan::Request;

/// One seeded mistake.
pub struct Case {
    pub name: &'static str,
    /// File, text to replace, replacement. Text `a→b` is the first `b` after the first `a`; empty text appends;
    /// [`REMOVE`] removes the file, [`CREATE`] makes it.
    pub edits: Vec<(&'static str, &'static str, &'static str)>,
    pub flags: fn(&mut Request),
    pub rule: &'static str,
    /// Where the problem begins: a file, and a text in it after the edits (as above). Empty: its first byte.
    pub place: (&'static str, &'static str),
    pub message: &'static str,
    pub mend: &'static str,
    /// Rules of the further problems that this mistake also causes, and no others.
    pub also: &'static [&'static str],
}

pub const REMOVE: &str = "\0remove";
pub const CREATE: &str = "\0create";
/// The place of a mistake in a flag or a variable, whose name the case begins with.
pub const COMMAND_LINE: &str = "<>";

type Text = &'static str;

/// A mistake in one spec file.
#[expect(clippy::too_many_arguments, reason = "one row of the table")]
fn seed(
    name: Text,
    file: Text,
    from: Text,
    to: Text,
    rule: Text,
    place: Text,
    message: Text,
    mend: Text,
) -> Case {
    Case {
        name,
        edits: vec![(file, from, to)],
        flags: |_| {},
        rule,
        place: (file, place),
        message,
        mend,
        also: &[],
    }
}

/// A mistake on the command line.
fn flag(name: Text, flags: fn(&mut Request), rule: Text, message: Text, mend: Text) -> Case {
    let place = (COMMAND_LINE, "");
    Case { name, edits: vec![], flags, rule, place, message, mend, also: &[] }
}

impl Case {
    fn with(mut self, file: Text, from: Text, to: Text) -> Case {
        self.edits.push((file, from, to));
        self
    }
    fn also(mut self, rules: &'static [Text]) -> Case {
        self.also = rules;
        self
    }
    fn at(mut self, file: Text, place: Text) -> Case {
        self.place = (file, place);
        self
    }
    fn flags(mut self, flags: fn(&mut Request)) -> Case {
        self.flags = flags;
        self
    }
}

const PRODUCT: &str = "specs/product.toml";
const AGENT: &str = "specs/agent.toml";
const PAYLOAD: &str = "specs/payload.toml";
const BUNDLES: &str = "specs/bundles.toml";
const RULES: &str = "specs/compatibility.toml";
const TARGETS: &str = "specs/targets.toml";
const REDHAT: &str = "specs/platforms/redhat.toml";
const DEBIAN: &str = "specs/platforms/debian.toml";
const UBUNTU: &str = "specs/platforms/ubuntu.toml";
const PROFILES: &str = "signing/profiles.toml";
const SERVICE: &str = "templates/services/illumio-ven.service";

pub fn all() -> Vec<Case> {
    [
        form(),
        product(),
        agent(),
        platforms(),
        dependencies(),
        payload(),
        templates(),
        bundles(),
        rules(),
        keys(),
        flags(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Mistakes of TOML and of the files themselves.
#[rustfmt::skip]
fn form() -> Vec<Case> {
    vec![
        seed("a bracket is missing", PRODUCT, "[release]", "[release", "toml/syntax", "[release→\n", "", "TOML"),
        seed("a key is misspelt", PRODUCT, "vendor =", "vender =", "toml/unknown-key", "vender", "vender", "did you mean `vendor`?")
            .also(&["toml/missing-key"]),
        seed("a key is missing", REDHAT, "\"c7\"→compression = \"gzip\"\n", "", "toml/missing-key", "\"c6\"→[[platform]]", "compression", "compression = "),
        seed("a number is a string", PRODUCT, "build = 1234", "build = \"1234\"", "toml/type", "\"1234\"", "a string where a whole number", "whole number"),
        seed("a list is a string", REDHAT, "os_versions = [\"9\"]", "os_versions = \"9\"", "toml/type", "os_versions = →\"9\"\n", "list", "list of strings"),
        seed("a table is a value", PRODUCT, "[keys]", "[[keys]]", "toml/type", "[[keys]]", "a list where a table", "a table"),
        seed("a choice does not exist", REDHAT, "\"c9\"→\"el6\"", "\"el7\"", "toml/choice", "\"el7\"", "el7", "did you mean `el5`?"),
        seed("a format does not exist", UBUNTU, "format = \"deb\"", "format = \"dep\"", "toml/choice", "\"dep\"", "dep", "did you mean `deb`?"),
        seed("the build number is too big", PRODUCT, "1234", "1234567", "toml/range", "1234567", "1234567", "1 to 999999"),
        seed("the bundle would live for a century", PRODUCT, "1095", "36500", "toml/range", "36500", "valid_days", "3650"),
        seed("a platform has no OS versions", REDHAT, "os_versions = [\"9\"]", "os_versions = []", "toml/empty-list", "os_versions = →[]", "os_versions", "at least one"),
        seed("an architecture list is empty", DEBIAN, "\"d13\"→[\"x86_64\", \"aarch64\"]", "[]", "toml/empty-list", "\"d13\"→[]", "architectures", "at least one"),
        seed("a spec is missing", BUNDLES, REMOVE, "", "spec/unreadable", "", "cannot be read", "restore"),
        seed("a spec is not text", BUNDLES, CREATE, "\u{0}latin1", "spec/unreadable", "", "UTF-8", "restore"),
        seed("a platform file has the wrong extension", "specs/platforms/rocky.tml", CREATE, "", "spec/stray-file", "", "left out in silence", "NAME.toml"),
        seed("the targets are not TOML", TARGETS, "[zig]", "[zig", "targets/malformed", "[zig→\n", "", "target"),
        seed("a target has an unknown key", TARGETS, "std = ", "sdt = ", "targets/malformed", "sdt", "sdt", "target"),
        seed("a target is there twice", TARGETS, "", "\n# again\n[[target]]\ntriple = \"s390x-unknown-linux-musl\"\nstd = [\"rustup\"]\nlinker = { kind = \"zig-cc\", target = \"s390x-linux-musl\" }\nverify = { runner = \"native\" }\nexpect = { format = \"elf\", bits = 64, endian = \"big\", machine = \"s390x\", os-abi = [\"sysv\"] }\n",
            "targets/mistake", "# again→\"s390x-unknown-linux-musl\"", "twice", "correct the target"),
    ]
}

/// product.toml.
#[rustfmt::skip]
fn product() -> Vec<Case> {
    vec![
        seed("the name has capitals and a blank", PRODUCT, "\"illumio-ven\"", "\"Illumio VEN\"", "product/name", "\"Illumio VEN\"", "every format", "lower-case"),
        seed("the name has two hyphens in a row", PRODUCT, "\"illumio-ven\"", "\"illumio--ven\"", "product/name", "\"illumio--ven\"", "illumio--ven", "single `-`"),
        seed("the name ends with a hyphen", PRODUCT, "\"illumio-ven\"", "\"illumio-ven-\"", "product/name", "\"illumio-ven-\"", "illumio-ven-", "single `-`"),
        seed("the summary is two lines", PRODUCT, "agent of a PCE\"", "agent\\nof a PCE\"", "product/text", "\"Virtual", "one line", "one line"),
        seed("the summary is too long", PRODUCT, "agent of a PCE\"", "agent of a PCE, of which there is one for each and every host\"", "product/text", "\"Virtual", "80", "shorten"),
        seed("the vendor begins with a blank", PRODUCT, "vendor = \"", "vendor = \" ", "product/text", "\" VEN", "one line", "blanks"),
        seed("the description has a tab", PRODUCT, "\nThe Virtual", "\n\\tThe Virtual", "product/text", "\"\"\"", "tabs", "lines of text"),
        seed("a line of the description would begin with a dot", PRODUCT, "\nThe Virtual", "\n.NET is not needed. The Virtual", "product/text", "\"\"\"", "dot", "before it"),
        seed("the maintainer has no address", PRODUCT, " <ven-release@example.com>", "", "product/maintainer", "\"VEN Release Engineering\"\nhome", "address", "<name@example.com>"),
        seed("the maintainer has two addresses", PRODUCT, "example.com>", "example.com> <b@example.com>", "product/maintainer", "\"VEN Release Engineering <", "address", "<name@example.com>"),
        seed("the homepage has no scheme", PRODUCT, "https://www", "www", "product/homepage", "\"www", "URL", "https://"),
        seed("the homepage is only a scheme", PRODUCT, "https://www.example.com/ven", "https://", "product/homepage", "\"https", "URL", "https://"),
        seed("the version has two numbers", PRODUCT, "\"23.5.10\"", "\"23.5\"", "release/version", "\"23.5\"", "three numbers", "major.minor.patch"),
        seed("the version has a leading zero", PRODUCT, "\"23.5.10\"", "\"23.05.10\"", "release/version", "\"23.05.10\"", "leading zeros", "major.minor.patch"),
        seed("the version is a release candidate", PRODUCT, "\"23.5.10\"", "\"23.5.10-rc1\"", "release/version", "\"23.5.10-rc1\"", "rc1", "major.minor.patch"),
        seed("the date does not exist", PRODUCT, "2026-11-01T", "2026-02-30T", "release/date", "\"2026-02-30", "not a time", "write a time"),
        seed("the date has no time", PRODUCT, "2026-11-01T00:00:00Z", "2026-11-01", "release/date", "\"2026-11-01\"", "not a time", "write a time"),
        seed("the date is older than keys can be", PRODUCT, "2026-11", "1999-11", "release/date", "\"1999", "outside", "2020"),
        seed("the date has fractions of a second", PRODUCT, "00:00Z", "00:00.5Z", "release/date", "\"2026", "whole seconds", "fraction"),
        seed("the date is that of the year after next", PRODUCT, "2026-11-01T", "2028-11-01T", "release/future", "\"2028", "not come yet", "clock"),
        seed("the date was never raised, so the bundle has expired", PRODUCT, "2026-11-01T", "2021-11-01T", "release/expired", "1095", "expired", "released"),
        seed("the prefix is relative", PRODUCT, "\"/opt\"", "\"opt\"", "install/prefix", "\"opt\"", "relocatable", "/opt"),
        seed("the prefix is the root", PRODUCT, "\"/opt\"", "\"/\"", "install/prefix", "\"/\"", "relocatable", "/opt"),
        seed("the prefix ends with a slash", PRODUCT, "\"/opt\"", "\"/opt/\"", "install/prefix", "\"/opt/\"", "relocatable", "slash"),
        seed("the prefix has a blank", PRODUCT, "\"/opt\"", "\"/opt/my agent\"", "install/prefix", "\"/opt/my", "relocatable", "/opt"),
        seed("the prefix is a user's home", PRODUCT, "\"/opt\"", "\"/home/ven\"", "install/prefix", "\"/home/ven\"", "/home is no place", "every process"),
        seed("the prefix is cleared at boot", PRODUCT, "\"/opt\"", "\"/tmp\"", "install/prefix", "\"/tmp\"", "clear", "every process"),
        seed("the user is root", PRODUCT, "user = \"ilo-ven\"", "user = \"root\"", "install/account", "\"root\"", "unprivileged", "no account of the system"),
        seed("the user is one that hosts have already", PRODUCT, "user = \"ilo-ven\"", "user = \"nobody\"", "install/account", "\"nobody\"", "nobody", "no account of the system"),
        seed("the user's name is too long for a tar header", PRODUCT, "user = \"ilo-ven\"", "user = \"illumio-virtual-enforcement-node\"", "install/account", "\"illumio-virtual", "account", "31"),
        seed("the release has no platforms", PRODUCT, "platforms = [\"*\"]", "platforms = []", "toml/empty-list", "[]", "platforms", "at least one"),
        seed("the specs pick a platform that is gone", PRODUCT, "[\"*\"]", "[\"c4\"]", "platform/unknown", "\"c4\"", "matches no platform", "did you mean"),
    ]
}

/// agent.toml.
#[rustfmt::skip]
fn agent() -> Vec<Case> {
    vec![
        seed("the package is not in the workspace", AGENT, "\"ven-agent\"", "\"ven-agnt\"", "agent/package", "\"ven-agnt\"", "ven-agnt", "workspace"),
        seed("the build profile does not exist", AGENT, "profile = \"agent\"", "profile = \"agnet\"", "agent/profile", "\"agnet\"", "agnet", "did you mean `agent`?"),
        seed("the package has no such binary", AGENT, "[\"illumio-ven-ctl\"]", "[\"illumio-ven-ctl\", \"ven-ctl\"]", "agent/unknown-binary", "\"ven-ctl\"", "no binary", "illumio-ven-ctl")
            .also(&["agent/unpackaged-binary"]),
        seed("a binary is named twice", AGENT, "[\"illumio-ven-ctl\"]", "[\"illumio-ven-ctl\", \"illumio-ven-ctl\"]", "agent/binary", ", →\"illumio", "twice", "once"),
        seed("no package carries the agent", PAYLOAD, "agent:illumio-ven-ctl\"\nrole = \"program\"", "template:payload/version\"\nrole = \"script\"", "agent/unpackaged-binary", "", "no package would carry it", "agent:illumio-ven-ctl")
            .at(AGENT, "binaries = [→\"ill"),
        seed("an architecture is described twice", AGENT, "name = \"i686\"", "name = \"x86_64\"", "architecture/duplicate", "rpm = \"x86_64\"→\"x86_64\"\nt", "second architecture", "once")
            .also(&["platform/unknown-architecture"]),
        seed("an architecture has Debian's name in RPMs", AGENT, "rpm = \"aarch64\"", "rpm = \"arm64\"", "architecture/name", "\"arm64\"", "arm64", "aarch64"),
        seed("packages for arm would carry a program for x86", AGENT, "\"aarch64-unknown-linux-musl\"", "\"x86_64-unknown-linux-musl\"", "architecture/mismatch", "\"aarch64\"→\"x86_64-unknown-linux-musl\"", "aarch64 would carry", "same machine"),
        seed("the debs of one architecture have the name of another", AGENT, "deb = \"arm64\"", "deb = \"s390x\"", "architecture/mismatch", "\"aarch64\"→deb = →\"s390x\"", "s390x would carry", "same machine"),
        seed("a target is misspelt", AGENT, "x86_64-unknown-linux-musl", "x86_64-unknown-linux-muls", "architecture/unknown-target", "\"x86_64-unknown-linux-muls\"", "muls", "did you mean `x86_64-unknown-linux-musl`?"),
    ]
}

/// specs/platforms.
#[rustfmt::skip]
fn platforms() -> Vec<Case> {
    vec![
        seed("two files describe one family", UBUNTU, "name = \"ubuntu\"", "name = \"debian\"", "family/duplicate", "\"debian\"", "second family", "own family"),
        seed("a distribution has no name", UBUNTU, "\"Ubuntu\"", "\"\"", "family/text", "\"\"", "one line", "one line"),
        seed("a family has no platform", "specs/platforms/rocky.toml", CREATE, "[family]\nname = \"rocky\"\ndistribution = \"Rocky\"\nformat = \"rpm\"\n", "family/empty", "\"rocky\"", "no platform", "[[platform]]"),
        seed("a tag is used twice in one file", REDHAT, "tag = \"c9\"", "tag = \"c8\"", "platform/duplicate", "\"c8\"→\"c8\"", "same files", "own tag"),
        seed("a tag is used in two files", UBUNTU, "tag = \"u24\"", "tag = \"d12\"", "platform/duplicate", "\"d12\"", "second platform", "own tag"),
        seed("a tag has a hyphen", REDHAT, "tag = \"c9\"", "tag = \"c-9\"", "platform/tag", "\"c-9\"", "file name", "lower-case"),
        seed("an architecture is misspelt", REDHAT, "\"c9\"→\"aarch64\"", "\"aarch46\"", "platform/unknown-architecture", "\"aarch46\"", "aarch46", "did you mean `aarch64`?"),
        seed("an architecture is named twice", REDHAT, "\"c9\"→\"aarch64\"", "\"x86_64\"", "platform/duplicate-architecture", "\"c9\"→, →\"x86_64\"", "twice", "once"),
        seed("two architectures would write one file", AGENT, "", "\n[[architecture]]\nname = \"amd64\"\ntarget = \"x86_64-unknown-linux-musl\"\nrpm = \"x86_64\"\ndeb = \"amd64\"\n", "platform/duplicate-file", "\"u24\"→\"amd64\"", "illumio-ven-23.5.10-1234.u24.amd64.deb", "one architecture")
            .with(UBUNTU, "\"u24\"→\"aarch64\"", "\"amd64\"").at(UBUNTU, "\"u24\"→\"amd64\""),
        seed("an RPM platform has no profile", REDHAT, "\"c9\"→profile = \"el6\"\n", "", "platform/profile", "\"c8\"→[[platform]]", "no rpm profile", "el6"),
        seed("a deb platform has an rpm profile", UBUNTU, "\"u24\"→compression", "profile = \"el6\"\ncompression", "platform/profile", "\"el6\"", "deb", "remove"),
        seed("rpm 4.4 would get xz", REDHAT, "\"c5\"→\"gzip\"", "\"xz\"", "platform/compression", "\"xz\"", "gzip", "gzip"),
        seed("an OS version is no number", UBUNTU, "\"24.04\"", "\"noble\"", "platform/os-version", "\"noble\"", "noble", "numbers"),
        seed("an OS version is named twice", REDHAT, "\"6.10\"", "\"6.9\"", "platform/os-version", "\"6.9\", →\"6.9\"", "twice", "once"),
        seed("two platforms claim one OS version", REDHAT, "os_versions = [\"9\"]", "os_versions = [\"8\", \"9\"]", "platform/os-version-claimed", "\"c9\"→\"8\"", "\"c8\" already", "one platform"),
        seed("`since` is no version", REDHAT, "\"23.2.10\"", "\"23.2\"", "platform/since", "\"23.2\"", "23.2", "23.2.10"),
    ]
}

/// `requires` and `requires_pre`.
#[rustfmt::skip]
fn dependencies() -> Vec<Case> {
    const C9: &str = "\"c9\"→\"nftables\"";
    const U24: &str = "\"u24\"→\"nftables\"";
    vec![
        seed("a boolean dependency, which rpm before 4.13 cannot parse", REDHAT, C9, "\"(nftables or iptables)\"", "dependency/rich", "\"(nftables", "4.13", "one package"),
        seed("an alternative in an RPM", REDHAT, C9, "\"nftables | iptables\"", "dependency/rich", "\"nftables |", "4.13", "one package"),
        seed("no blanks around the comparison", REDHAT, C9, "\"nftables>=1.0\"", "dependency/syntax", "\"nftables>=1.0\"", "blanks", "name >= 1.2"),
        seed("a comparison as in C", REDHAT, C9, "\"nftables == 1.0\"", "dependency/syntax", "\"nftables ==", "==", ">="),
        seed("Debian's own comparison", UBUNTU, U24, "\"nftables (>= 1.0)\"", "dependency/syntax", "\"nftables (", "(>=", ">="),
        seed("an empty dependency", UBUNTU, U24, "\"\"", "dependency/syntax", "\"u24\"→\"\"", "not a dependency", "name"),
        seed("a file in a deb", UBUNTU, U24, "\"/bin/sh\"", "dependency/name", "\"/bin/sh\"", "deb", "lower-case"),
        seed("capitals in a deb", UBUNTU, U24, "\"NFTables\"", "dependency/name", "\"NFTables\"", "NFTables", "lower-case"),
        seed("a feature of rpm itself", REDHAT, C9, "\"rpmlib(FileDigests) <= 4.6.0-1\"", "dependency/name", "\"rpmlib", "writer", "remove"),
        seed("a tilde, which rpm before 4.10 misreads", REDHAT, C9, "\"nftables >= 1.0~rc1\"", "dependency/version", "\"nftables >", "1.0~rc1", "letters"),
        seed("two hyphens in a version", REDHAT, C9, "\"nftables >= 1-2-3\"", "dependency/version", "\"nftables >", "1-2-3", "release"),
        seed("an underscore in a deb's version", UBUNTU, U24, "\"nftables >= 1.0_2\"", "dependency/version", "\"nftables >", "1.0_2", "revision"),
        seed("a dependency is there twice", REDHAT, C9, "\"systemd\"", "dependency/duplicate", "\"c9\"→, \"systemd\", →\"systemd\"", "twice", "stricter"),
        seed("ca-certificates are named twice", UBUNTU, U24, "\"ca-certificates\"", "dependency/duplicate", "\"u24\"→ca_certificates = →\"ca", "twice", "stricter"),
        seed("the package requires itself", UBUNTU, U24, "\"nftables\", \"illumio-ven\"", "dependency/itself", "\"illumio-ven\"", "itself", "remove"),
        seed("the package requires itself before it is installed", REDHAT, "\"c9\"→\"shadow-utils\"", "\"illumio-ven\"", "dependency/itself", "\"illumio-ven\"", "itself", "remove"),
    ]
}

/// payload.toml.
#[rustfmt::skip]
fn payload() -> Vec<Case> {
    const DOC: &str = "\"illumio_ven/doc/copyright\"";
    const LINK: &str = "\n[[entry]]\npath = \"illumio_ven/etc/new\"\nkind = \"symlink\"\nowner = \"root\"\ngroup = \"root\"\n";
    vec![
        seed("a path is absolute", PAYLOAD, DOC, "\"/opt/illumio_ven/doc/copyright\"", "payload/absolute-path", "\"/opt", "absolute", "relative to the prefix").also(&["payload/parent"]),
        seed("the package would own /opt itself", PAYLOAD, "\"illumio_ven\"", "\".\"", "payload/packages-prefix", "\".\"", "/opt itself", "illumio_ven/")
            .also(&["payload/parent"]),
        seed("a path climbs out", PAYLOAD, DOC, "\"illumio_ven/../doc\"", "payload/path", "\"illumio_ven/../doc\"", "plain form", "..").also(&["payload/parent"]),
        seed("a path ends with a slash", PAYLOAD, "\"illumio_ven/doc\"", "\"illumio_ven/doc/\"", "payload/path", "\"illumio_ven/doc/\"", "plain form", "//").also(&["payload/parent"]),
        seed("a path has a blank", PAYLOAD, DOC, "\"illumio_ven/doc/copy right\"", "payload/path-characters", "\"illumio_ven/doc/copy right\"", "characters", "ASCII"),
        seed("a path lies outside of the package's directory", PAYLOAD, "\"illumio_ven/doc\"", "\"other\"", "payload/outside", "\"other\"", "outside", "scriptlets").also(&["payload/parent"]),
        seed("the directory of the product was renamed", PRODUCT, "\"illumio_ven\"", "\"illumio ven\"", "install/directory", "\"illumio ven\"", "name of one directory", "single name")
            .also(&["payload/outside"]),
        seed("a builder's user name is the owner", PAYLOAD, "copyright\"→\"root\"", "\"jenkins\"", "payload/owner", "\"jenkins\"", "jenkins", "ilo-ven"),
        seed("a group that no host has", PAYLOAD, "copyright\"→\"ilo-ven\"", "\"docker\"", "payload/owner", "\"docker\"", "docker", "ilo-ven"),
        seed("the account could replace the agent", PAYLOAD, "illumio-ven-ctl\"→\"root\"", "\"ilo-ven\"", "payload/privilege", "illumio-ven-ctl\"→\"ilo-ven\"", "could replace it", "data directory"),
        seed("the account could replace what lies in bin", PAYLOAD, "illumio_ven/bin\"→\"0750\"", "\"0770\"", "payload/privilege", "\"0770\"", "group \"ilo-ven\"", "0750"),
        seed("a mode is missing", PAYLOAD, "illumio-ven-ctl\"\n→mode = \"0750\"\n", "", "payload/mode", "etc/templates\"→[[entry]]", "no mode", "0750"),
        seed("a mode has no leading zero", PAYLOAD, "illumio-ven-ctl\"→\"0750\"", "\"750\"", "payload/mode", "\"750\"", "not a mode", "four octal digits"),
        seed("a mode is decimal", PAYLOAD, "illumio-ven-ctl\"→\"0750\"", "\"0789\"", "payload/mode", "\"0789\"", "not a mode", "octal"),
        seed("a program is setuid", PAYLOAD, "illumio-ven-ctl\"→\"0750\"", "\"4750\"", "payload/mode", "\"4750\"", "setuid", "0750"),
        seed("a file is writable for everyone", PAYLOAD, "copyright\"→\"0640\"", "\"0646\"", "payload/mode", "\"0646\"", "every user", "0640"),
        seed("a file that its owner cannot read", PAYLOAD, "copyright\"→\"0640\"", "\"0240\"", "payload/mode", "\"0240\"", "not read", "0640"),
        seed("a directory that its owner cannot enter", PAYLOAD, "illumio_ven/doc\"→\"0750\"", "\"0650\"", "payload/mode", "\"0650\"", "not enter", "0750"),
        seed("the agent cannot be run", PAYLOAD, "illumio-ven-ctl\"→\"0750\"", "\"0640\"", "payload/mode", "illumio-ven-ctl\"→\"0640\"", "could not run it", "0750"),
        seed("a script cannot be run", PAYLOAD, "init_Platform\"→\"0750\"", "\"0640\"", "payload/mode", "init_Platform\"→\"0640\"", "could not run it", "0750"),
        seed("a document is executable", PAYLOAD, "copyright\"→\"0640\"", "\"0750\"", "payload/mode", "copyright\"→\"0750\"", "nothing runs it", "0640"),
        seed("a role does not exist", PAYLOAD, "copyright\"→\"doc\"", "\"docs\"", "payload/role", "\"docs\"", "docs", "did you mean `doc`?"),
        seed("a file is called a directory", PAYLOAD, "copyright\"→\"doc\"", "\"directory\"", "payload/role", "copyright\"→\"directory\"", "role", "kind"),
        seed("the agent is called a script", PAYLOAD, "\"program\"", "\"script\"", "payload/role", "agent:→\"script\"", "program", "agent:NAME"),
        seed("a file has no source", PAYLOAD, "source = \"template:payload/copyright\"\n", "", "payload/source", "illumio-ven.cron\"→[[entry]]", "no source", "template:NAME"),
        seed("a source has no kind", PAYLOAD, "\"template:payload/copyright\"", "\"payload/copyright\"", "payload/source", "\"payload/copyright\"", "no source", "template:NAME"),
        seed("a binary that the agent does not build", PAYLOAD, "\"agent:illumio-ven-ctl\"", "\"agent:illumio-ven-clt\"", "payload/unknown-binary", "\"agent:illumio-ven-clt\"", "illumio-ven-clt", "did you mean `illumio-ven-ctl`?")
            .also(&["agent/unpackaged-binary"]),
        seed("a template is missing", PAYLOAD, "\"template:payload/copyright\"", "\"template:payload/copyrigth\"", "payload/missing-template", "\"template:payload/copyrigth\"", "copyrigth", "create it"),
        seed("a directory has a source", PAYLOAD, "\"illumio_ven/doc\"\n", "\"illumio_ven/doc\"\nsource = \"template:payload/version\"\n", "payload/stray-field", "\"template:payload/version\"", "directory", "remove"),
        seed("a path is there twice", PAYLOAD, DOC, "\"illumio_ven/etc/version\"", "payload/duplicate", "\"illumio_ven/etc/version\"→\"illumio_ven/etc/version\"", "second entry", "keep one"),
        seed("a directory above has no entry", PAYLOAD, DOC, "\"illumio_ven/share/copyright\"", "payload/parent", "\"illumio_ven/share", "no entry", "kind \"dir\""),
        seed("a file is a directory for another", PAYLOAD, DOC, "\"illumio_ven/etc/version/copyright\"", "payload/parent", "\"illumio_ven/etc/version/", "not a directory", "kind \"dir\""),
        seed("a link has no target", PAYLOAD, "", LINK, "payload/link", "template:payload/copyright→[[entry]]", "no target", "relative"),
        seed("a link points out of the package", PAYLOAD, "", "\n[[entry]]\npath = \"illumio_ven/etc/new\"\nkind = \"symlink\"\nowner = \"root\"\ngroup = \"root\"\ntarget = \"../../other/file\"\n", "payload/link", "\"../../other", "points out", "relative target"),
        seed("a link is absolute", PAYLOAD, "", "\n[[entry]]\npath = \"illumio_ven/etc/new\"\nkind = \"symlink\"\nowner = \"root\"\ngroup = \"root\"\ntarget = \"/opt/illumio_ven/etc/version\"\n", "payload/link", "\"/opt", "relocated", "relative target"),
        seed("a link has a mode", PAYLOAD, "", "\n[[entry]]\npath = \"illumio_ven/etc/new\"\nkind = \"symlink\"\nmode = \"0777\"\nowner = \"root\"\ngroup = \"root\"\ntarget = \"version\"\n", "payload/stray-field", "\"0777\"", "symbolic link", "remove"),
    ]
}

/// Templates and scriptlets.
#[rustfmt::skip]
fn templates() -> Vec<Case> {
    const PRE: &str = "templates/scriptlets/rpm/pre.sh";
    vec![
        seed("a scriptlet is missing", "templates/scriptlets/rpm/preun.sh", REMOVE, "", "script/missing", "", "preun", "write the script"),
        seed("an included template is missing", "templates/scriptlets/lib/base.sh", REMOVE, "", "template/missing", "", "base.sh", "create it"),
        seed("a variable is misspelt", SERVICE, "", "# {{ packge }}\n", "template/undefined-variable", "# {{ packge", "packge", "variable that is defined"),
        seed("a payload template asks for a scriptlet's variable", "templates/payload/version", "", "{{ family }}\n", "template/undefined-variable", "{{ family", "family", "variable that is defined"),
        seed("a block is never closed", PRE, "", "{% if package %}\n", "template/syntax", "{% if", "", "minijinja"),
        seed("a filter does not exist", SERVICE, "", "# {{ package | shellquote }}\n", "template/syntax", "# {{ package | shell", "filter", "minijinja"),
        seed("an include is misspelt in other quotes", PRE, "", "{% include 'scriptlets/lib/bsae.sh' %}\n", "template/syntax", "{% include 'scriptlets/lib/bsae", "bsae.sh", "minijinja"),
        seed("a template is not text", "templates/payload/version", CREATE, "\u{0}latin1", "template/unreadable", "", "UTF-8", "restore"),
    ]
}

/// bundles.toml.
#[rustfmt::skip]
fn bundles() -> Vec<Case> {
    vec![
        seed("there is no bundle", BUNDLES, CREATE, "# later\n", "bundle/none", "", "no bundle", "server bundle"),
        seed("a bundle's name lacks the release", BUNDLES, "illumio-ven-repo-{id}", "illumio-ven-repo", "bundle/file", "\"illumio-ven-repo.", "cannot name", "{id}"),
        seed("a bundle's name has an unknown placeholder", BUNDLES, "repo-{id}", "repo-{version}-{id}", "bundle/file", "\"illumio-ven-repo-{version}", "cannot name", "{id}"),
        seed("a bundle's name has a folder", BUNDLES, "illumio-ven-repo", "repo/illumio-ven-repo", "bundle/file", "\"repo/", "cannot name", "letters"),
        seed("a bundle's extension is not its kind's", BUNDLES, "packages-{id}.tar", "packages-{id}.tar.bz2", "bundle/extension", "\"illumio-ven-packages", ".tar", "end the name"),
        seed("two bundles have one name", BUNDLES, "compatibility-matrix-{id}", "repo-{id}", "bundle/duplicate-file", "\"matrix\"→\"illumio-ven-repo", "two bundles", "rename"),
        seed("a bundle of packages names no format", BUNDLES, "ctl→formats = [\"rpm\", \"deb\"]\n", "", "bundle/formats", "\"ctl\"", "carries some", "formats"),
        seed("a matrix names formats", BUNDLES, "", "formats = [\"rpm\"]\n", "bundle/formats", "\"matrix\"", "no packages", "formats"),
        seed("a bundle names an unknown format", BUNDLES, "\"deb\"", "\"debs\"", "bundle/unknown-format", "\"debs\"", "debs", "did you mean `deb`?"),
        seed("a bundle names a format twice", BUNDLES, "\"deb\"", "\"rpm\"", "bundle/duplicate-format", "\"rpm\", →\"rpm\"", "twice", "once"),
    ]
}

/// compatibility.toml.
#[rustfmt::skip]
fn rules() -> Vec<Case> {
    vec![
        seed("a range ends before it begins", RULES, "from = \"20.1.0\", to = \"21.99.99\"", "from = \"20.1.0\", to = \"20.0.99\"", "compatibility/range", "\"20.1.0\"", "ends before", "swap"),
        seed("a rule's version has a hot fix", RULES, "\"21.99.99\"", "\"21.5.9+H1\"", "compatibility/version", "\"21.5.9+H1\"", "21.5.9+H1", "23.5.10"),
        seed("a stepping stone is no version", RULES, "\"21.2.0+H2\"", "\"21.2+H2\"", "compatibility/version", "\"21.2+H2\"", "21.2", "19.3.6+H1"),
        seed("a stepping stone cannot be reached", RULES, "\"21.2.0+H2\"", "\"21.3.0\"", "compatibility/stepping-stone", "\"21.3.0\"", "not itself reachable", "inside"),
        seed("a rule's format does not exist", RULES, "\"msi\"", "\"mis\"", "compatibility/format", "\"mis\"", "mis", "did you mean `msi`?"),
        seed("a PCE would manage a VEN that is newer than itself", RULES, "from = \"22.2.0\" }", "from = \"21.2.0\" }", "compatibility/pce-older", "\"21.2.0\"", "newer than itself", "own version"),
        seed("no PCE takes the new version", PRODUCT, "\"23.5.10\"", "\"17.1.0\"", "compatibility/no-pce", "\"17.1.0\"", "17.1.0", "[[pce]]")
            .also(&["compatibility/no-upgrade"]),
        seed("debs of this version cannot be upgraded to", RULES, "formats = [\"rpm\", \"deb\"]", "formats = [\"rpm\"]", "compatibility/no-upgrade", "", "no deb upgrade", "[[upgrade]]")
            .at(PRODUCT, "\"23.5.10\""),
    ]
}

/// signing/profiles.toml.
#[rustfmt::skip]
fn keys() -> Vec<Case> {
    const RELEASE: &str = "\n[[profile]]\nname = \"release\"\nbackend = \"file\"\nsecret_key = \"/secure/key.asc\"\n";
    const HSM: &str = "\n[[profile]]\nname = \"hsm\"\nbackend = \"command\"\npublic_key = \"signing/hsm.asc\"\nprotocol = \"openpgp\"\ncommand = [\"sign\", \"{in}\", \"{out}\"]\n";
    // The profile that was added, behind the comments that show what one looks like.
    const ADDED: &str = "\"--out\", \"{out}\"]→[[profile]]";
    const KEY: &str = "\"/secure/key.asc\"\n";
    let added = |name, profile, from, to, rule, place, message, mend| {
        seed(name, PROFILES, "", profile, rule, place, message, mend).with(PROFILES, from, to)
    };
    vec![
        added("two profiles have one name", RELEASE, "\nname = \"release\"", "\nname = \"development\"", "keys/duplicate", "\"development\"→\"development\"", "second profile", "own name"),
        added("a profile's name is a path", RELEASE, "\nname = \"release\"", "\nname = \"../release\"", "keys/name", "\"../release\"", "key file", "letters"),
        added("a file profile names no file", RELEASE, "\nsecret_key = \"/secure/key.asc\"\n", "\n", "keys/missing-field", ADDED, "secret_key", "OpenPGP secret key"),
        added("a secret key would stand in the project", RELEASE, KEY, "\"signing/key.asc\"\n", "keys/secret-in-project", "\"signing/key.asc\"", "inside the project", "absolute path"),
        added("a passphrase has two sources", RELEASE, KEY, "\"/secure/key.asc\"\npassphrase_env = \"KEY_PASS\"\npassphrase_fd = 3\n", "keys/passphrase", "\"KEY_PASS\"→3", "two sources", "keep one"),
        added("the passphrase itself stands in the profile", RELEASE, KEY, "\"/secure/key.asc\"\npassphrase_env = \"correct horse\"\n", "keys/passphrase", "\"correct horse\"", "not the name of a variable", "replace the key"),
        added("the passphrase comes from standard input", RELEASE, KEY, "\"/secure/key.asc\"\npassphrase_fd = 0\n", "toml/range", "key.asc\"→passphrase_fd = →0", "passphrase_fd", "3 to"),
        added("a file profile has a command", RELEASE, KEY, "\"/secure/key.asc\"\ncommand = [\"sign\"]\n", "keys/stray-field", ADDED, "command", "remove"),
        seed("a development profile names a key file", PROFILES, "\"generated\"", "\"generated\"\nsecret_key = \"/secure/key.asc\"", "keys/stray-field", "[[profile]]", "secret_key", "remove"),
        added("a command has no public key to verify with", HSM, "public_key = \"signing/hsm.asc\"\n", "", "keys/missing-field", ADDED, "public_key", "verified"),
        added("a protocol does not exist", HSM, "\"openpgp\"\n", "\"open-pgp\"\n", "keys/protocol", "\"open-pgp\"", "open-pgp", "did you mean `openpgp`?"),
        added("a command never gets its output file", HSM, "[\"sign\"→, \"{out}\"]\n", "]\n", "keys/command", "\"sign\", \"{in}\"]", "{out}", "argv"),
        added("a command is one line for a shell", HSM, "[\"sign\", \"{in}\", \"{out}\"]\n", "[\"sign {in} {out}\"]\n", "keys/command", "\"sign {in}", "not a program", "no shell"),
        seed("a command that cannot sign for rpm 4.4", PROFILES, "", HSM, "keys/old-rpm", "\"openpgp\"", "c5.i686, c5.x86_64 need V3", "rsa-sha256-digest")
            .flags(|r| r.keys = Some("hsm".to_owned())),
        seed("the specs name a profile that is not there", PRODUCT, "profile = \"development\"", "profile = \"release\"", "keys/unknown-profile", "\"release\"", "release", "[[profile]]"),
    ]
}

/// Flags and variables of one run.
#[rustfmt::skip]
fn flags() -> Vec<Case> {
    vec![
        flag("--version is no version", |r| r.version = Some("23.5".to_owned()), "release/version", "three numbers", "major.minor.patch"),
        flag("--build is zero", |r| r.build = Some("0".to_owned()), "release/build", "1 to 999999", "1234"),
        flag("--build is a word", |r| r.build = Some("latest".to_owned()), "release/build", "latest", "1234"),
        flag("--platform matches nothing", |r| r.platforms = vec!["c99".to_owned()], "platform/unknown", "matches no platform", "did you mean `c9`?"),
        flag("--platform is no glob", |r| r.platforms = vec!["c[".to_owned()], "platform/glob", "no glob", "c*"),
        flag("--format does not exist", |r| r.formats = vec!["rmp".to_owned()], "format/unknown", "rmp", "did you mean `rpm`?"),
        flag("--platform and --format exclude each other", |r| { r.platforms = vec!["u22*".to_owned()]; r.formats = vec!["rpm".to_owned()]; }, "plan/empty", "nothing to make", "widen"),
        flag("--platform picks only what came with a later version", |r| { r.platforms = vec!["c5*".to_owned()]; r.version = Some("22.5.0".to_owned()); }, "plan/empty", "23.2.10", "widen"),
        flag("--keys names no profile", |r| r.keys = Some("release".to_owned()), "keys/unknown-profile", "release", "backend = \"file\""),
        flag("SOURCE_DATE_EPOCH is no number", |r| r.source_date_epoch = Some("yesterday".to_owned()), "release/date", "yesterday", "write a time"),
        flag("SOURCE_DATE_EPOCH is before the keys", |r| r.source_date_epoch = Some("0".to_owned()), "release/date", "1970", "2020"),
        flag("SOURCE_DATE_EPOCH is beyond 32 bits", |r| r.source_date_epoch = Some("4294967296".to_owned()), "release/date", "2106", "2105"),
        flag("SOURCE_DATE_EPOCH has milliseconds", |r| r.source_date_epoch = Some("1793491200000".to_owned()), "release/date", "", "write a time"),
    ]
}
