//! Every rule over the values of a package: broken once, found with its name and place.

mod common;

use common::{MTIME, attributes, file, info, prepared, spec};
use svr4_pkg::{
    Attributes, Content, DeviceKind, DirectoryKind, InstallFile, Object, ObjectKind, PackageSpec, Rule,
    Ruleset, WriteError, write,
};

type Spoil = fn(&mut PackageSpec);

fn add(spec: &mut PackageSpec, object: Object<Content>) {
    spec.objects.push(object);
}

fn path(spec: &mut PackageSpec, path: &str) {
    add(spec, file(path, 0o644, b"x"));
}

fn set(spec: &mut PackageSpec, key: &str, value: &str) {
    spec.info = spec.info.clone().with(key, value);
}

fn install(spec: &mut PackageSpec, name: &str, text: &str) {
    spec.install.retain(|file| file.name.to_string() != name);
    spec.install.push(InstallFile::new(name, text, MTIME));
}

/// What breaks the rule for every release.
const ALWAYS: &[(Rule, &str, Spoil)] = &[
    (Rule::PkgName, "pkginfo PKG", |s| set(s, "PKG", "1acme")),
    (Rule::PkgName, "pkginfo PKG", |s| set(s, "PKG", "acme.agent")),
    (Rule::PkgName, "pkginfo PKG", |s| set(s, "PKG", "all")),
    (Rule::PkgNameLength, "pkginfo PKG", |s| set(s, "PKG", &"a".repeat(32))),
    (Rule::ParameterMissing, "pkginfo VERSION", |s| set(s, "VERSION", "")),
    (Rule::ParameterMissing, "pkginfo NAME", |s| set(s, "NAME", "")),
    (Rule::ParameterKey, "pkginfo A-B", |s| set(s, "A-B", "x")),
    (Rule::ParameterKey, "pkginfo PATH", |s| set(s, "PATH", "/usr/bin")),
    (Rule::ParameterValue, "pkginfo DESC", |s| set(s, "DESC", "two\nlines")),
    (Rule::ParameterValue, "pkginfo DESC", |s| set(s, "DESC", "blank ")),
    (Rule::ParameterQuote, "pkginfo DESC", |s| set(s, "DESC", "\"quoted\"")),
    (Rule::ParameterQuote, "pkginfo DESC", |s| set(s, "DESC", "goes on\\")),
    (Rule::NameLength, "pkginfo NAME", |s| set(s, "NAME", &"n".repeat(257))),
    (Rule::Version, "pkginfo VERSION", |s| set(s, "VERSION", "(1)2")),
    (Rule::Arch, "pkginfo ARCH", |s| set(s, "ARCH", "sparc,,i386")),
    (Rule::Arch, "pkginfo ARCH", |s| set(s, "ARCH", "a-very-long-token")),
    (Rule::Category, "pkginfo CATEGORY", |s| set(s, "CATEGORY", "my-app")),
    (Rule::Zones, "pkginfo SUNW_PKG_THISZONE", |s| {
        set(s, "SUNW_PKG_ALLZONES", "true");
        set(s, "SUNW_PKG_THISZONE", "true");
    }),
    (Rule::Zones, "pkginfo SUNW_PKG_HOLLOW", |s| set(s, "SUNW_PKG_HOLLOW", "true")),
    (Rule::RequestThisZone, "install/request", |s| set(s, "SUNW_PKG_THISZONE", "true")),
    (Rule::BasedirMissing, "pkginfo BASEDIR", |s| set(s, "BASEDIR", "opt")),
    (Rule::ClassName, "pkginfo CLASSES", |s| set(s, "CLASSES", "none a.b")),
    (Rule::ClassName, "pkgmap opt/x", |s| add(s, file("opt/x", 0o644, b"").in_class("a b"))),
    (Rule::PathEmpty, "pkgmap ", |s| path(s, "")),
    (Rule::PathLength, "pkgmap opt/", |s| path(s, &format!("opt/{}", "x".repeat(1020)))),
    (Rule::PathBlank, "pkgmap opt/a b", |s| path(s, "opt/a b")),
    (Rule::PathBlank, "pkgmap opt/a\tb", |s| path(s, "opt/a\tb")),
    (Rule::PathBlank, "pkgmap opt/a\u{a0}b", |s| path(s, "opt/a\u{a0}b")),
    (Rule::PathControl, "pkgmap opt/a\nb", |s| path(s, "opt/a\nb")),
    (Rule::PathControl, "pkgmap opt/a\u{7f}", |s| path(s, "opt/a\u{7f}")),
    (Rule::PathEquals, "pkgmap opt/a=b", |s| path(s, "opt/a=b")),
    (Rule::PathDollar, "pkgmap $OPT/a", |s| path(s, "$OPT/a")),
    (Rule::PathComponent, "pkgmap opt//a", |s| path(s, "opt//a")),
    (Rule::PathComponent, "pkgmap opt/../a", |s| path(s, "opt/../a")),
    (Rule::PathComponent, "pkgmap ./a", |s| path(s, "./a")),
    (Rule::PathComponent, "pkgmap opt/a/", |s| path(s, "opt/a/")),
    (Rule::PathReserved, "pkgmap opt/BASEDIR/x", |s| path(s, "opt/BASEDIR/x")),
    (Rule::PathDuplicate, "pkgmap opt/acme", |s| add(s, Object::symlink("opt/acme", "x"))),
    (Rule::PathDuplicate, "pkgmap /opt/acme/bin/blob", |s| path(s, "/opt/acme/bin/blob")),
    (Rule::ParentKind, "pkgmap opt/acme/bin/blob/x", |s| path(s, "opt/acme/bin/blob/x")),
    (Rule::ParentKind, "pkgmap opt/acme/etc/link/x", |s| path(s, "opt/acme/etc/link/x")),
    (Rule::LinkTarget, "pkgmap opt/l", |s| add(s, Object::symlink("opt/l", ""))),
    (Rule::LinkTarget, "pkgmap opt/l", |s| add(s, Object::symlink("opt/l", "a b"))),
    (Rule::LinkTarget, "pkgmap opt/l", |s| add(s, Object::symlink("opt/l", "a=b"))),
    (Rule::LinkTarget, "pkgmap opt/l", |s| add(s, Object::symlink("opt/l", "$HOME"))),
    (Rule::Mode, "pkgmap opt/x", |s| add(s, file("opt/x", 0o10000, b""))),
    (Rule::OwnerName, "pkgmap opt/x", |s| {
        add(s, Object::directory("opt/x", Attributes::set(0o755, "two words", "bin")));
    }),
    (Rule::OwnerName, "pkgmap opt/x", |s| {
        add(s, Object::directory("opt/x", Attributes::set(0o755, "root", "")));
    }),
    (Rule::Mtime, "pkgmap opt/x", |s| {
        add(s, Object::file("opt/x", attributes(0o644), 1 << 31, b"".as_slice()));
    }),
    (Rule::Mtime, "pkginfo", |s| s.mtime = u32::MAX),
    (Rule::InstallName, "install/a b", |s| install(s, "a b", "x\n")),
    (Rule::InstallName, "install/../x", |s| install(s, "../x", "x\n")),
    (Rule::InstallName, "install/pkginfo", |s| install(s, "pkginfo", "x\n")),
    (Rule::InstallDuplicate, "install/copyright", |s| {
        s.install.push(InstallFile::new("copyright", "x\n", MTIME));
    }),
];

/// What only the rules for packages that are built refuse.
const PORTABLE: &[(Rule, &str, Spoil)] = &[
    (Rule::InstallEmpty, "install/preinstall", |s| install(s, "preinstall", "")),
    (Rule::DependLine, "install/depend line 1", |s| install(s, "depend", "X SUNWcsu Core\n")),
    (Rule::DependLine, "install/depend line 1", |s| install(s, "depend", "P SUNWcsu Core\r\n")),
    (Rule::SpaceLine, "install/space line 1", |s| install(s, "space", "/a 1 2\r\n")),
    (Rule::SpaceLine, "install/space line 2", |s| install(s, "space", "/a 1 2\n/b many 2\n")),
    (Rule::ParameterQuote, "pkginfo DESC", |s| set(s, "DESC", "Acme's agent")),
    (Rule::ParameterAscii, "pkginfo VENDOR", |s| set(s, "VENDOR", "Ácme")),
    (Rule::BasedirMissing, "pkginfo BASEDIR", |s| {
        let params: Vec<_> = s.info.params().filter(|(key, _)| *key != "BASEDIR").collect();
        let plain = info("acme-agent");
        let mut without = svr4_pkg::PkgInfo::new(plain.pkg(), "Acme agent", "i386", "1", "application");
        for (key, value) in params.into_iter().filter(|(key, _)| *key == "CLASSES") {
            without = without.with(key, value);
        }
        s.info = without;
    }),
    (Rule::ClassName, "pkgmap opt/x", |s| add(s, file("opt/x", 0o644, b"").in_class("thirteenchars"))),
    (Rule::ClassUnlisted, "pkgmap opt/x", |s| add(s, file("opt/x", 0o644, b"").in_class("conf"))),
    (Rule::LinkParentMissing, "pkgmap usr/acme/link", |s| add(s, Object::symlink("usr/acme/link", "x"))),
    (Rule::HardLink, "pkgmap opt/hard", |s| {
        add(
            s,
            Object {
                kind: ObjectKind::HardLink { target: "acme".into() },
                ..Object::os_directory("opt/hard")
            },
        );
    }),
    (Rule::DeviceFile, "pkgmap opt/dev", |s| {
        let kind = ObjectKind::Device {
            kind: DeviceKind::Character,
            major: 1,
            minor: 2,
            attributes: attributes(0o600),
        };
        add(s, Object { kind, ..Object::os_directory("opt/dev") });
    }),
    (Rule::DeviceFile, "pkgmap opt/pipe", |s| {
        let kind = ObjectKind::Pipe { attributes: attributes(0o600) };
        add(s, Object { kind, ..Object::os_directory("opt/pipe") });
    }),
    (Rule::OsDirectory, "pkgmap var/opt", |s| add(s, Object::directory("var/opt", attributes(0o755)))),
    (Rule::OsDirectory, "pkgmap /usr", |s| add(s, Object::directory("/usr", attributes(0o755)))),
    (Rule::OsDirectory, "pkgmap var", |s| {
        let kind = ObjectKind::Directory { kind: DirectoryKind::Exclusive, attributes: Attributes::keep() };
        add(s, Object { kind, ..Object::os_directory("var") });
    }),
    (Rule::KeepAttributes, "pkgmap opt/x", |s| {
        let attributes = Attributes { mode: None, ..attributes(0) };
        add(s, Object::directory("opt/x", attributes));
    }),
    (Rule::KeepAttributes, "pkgmap opt/x", |s| {
        add(s, Object::file("opt/x", Attributes::keep(), MTIME, b"".as_slice()));
    }),
    (Rule::OwnerName, "pkgmap opt/x", |s| {
        add(s, Object::directory("opt/x", Attributes::set(0o755, "a".repeat(15), "bin")));
    }),
    (Rule::BourneShell, "install/preinstall line 2", |s| install(s, "preinstall", "x=1\ny=$(date)\n")),
    (Rule::BourneShell, "install/i.conf line 1", |s| install(s, "i.conf", "local x\n")),
    (Rule::BourneShell, "install/functions line 2", |s| install(s, "functions", "#!/sbin/sh\nlocal x\n")),
];

fn problems(spoil: Spoil, ruleset: Ruleset) -> Vec<(Rule, String)> {
    let mut spec = spec("acme-agent");
    spoil(&mut spec);
    spec.problems(ruleset).into_iter().map(|problem| (problem.rule, problem.place)).collect()
}

#[test]
fn each_broken_rule_is_named_with_its_place() {
    for (rule, place, spoil) in ALWAYS {
        for ruleset in [Ruleset::Format, Ruleset::Portable] {
            let found = problems(*spoil, ruleset);
            assert!(
                found.iter().any(|(named, at)| named == rule && at.starts_with(place)),
                "{rule} at {place} under {ruleset:?}: {found:?}"
            );
        }
    }
}

#[test]
fn the_portable_rules_go_beyond_the_format() {
    for (rule, place, spoil) in PORTABLE {
        let found = problems(*spoil, Ruleset::Portable);
        assert!(
            found.iter().any(|(named, at)| named == rule && at.starts_with(place)),
            "{rule} at {place}: {found:?}"
        );
        assert_eq!(problems(*spoil, Ruleset::Format), [], "{rule} at {place}");
    }
}

#[test]
fn a_spec_without_mistakes_has_no_problems() {
    assert_eq!(spec("acme-agent").problems(Ruleset::Portable), []);
    assert_eq!(spec(&"a".repeat(31)).problems(Ruleset::Portable), []);
}

#[test]
fn all_mistakes_are_reported_together_with_what_to_do() {
    let mut spec = spec("acme-agent");
    set(&mut spec, "VERSION", "(1)");
    path(&mut spec, "opt/a b");
    add(&mut spec, Object::directory("var", attributes(0o755)));
    install(&mut spec, "preremove", "[[ -f x ]]\n");
    let Err(WriteError::Rules(problems)) = spec.prepare(Ruleset::Portable) else { panic!("accepted") };
    let rules: Vec<Rule> = problems.iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, [Rule::Version, Rule::PathBlank, Rule::OsDirectory, Rule::BourneShell]);
    let text = WriteError::Rules(problems).to_string();
    for wanted in ["4 rule(s)", "[path-blank]", "pkgmap opt/a b", "`? ? ?`", "install/preremove line 1"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}

#[test]
fn a_stream_holds_each_package_once_and_at_least_one() {
    let rules = |packages: &[_]| match write(packages, std::io::sink()) {
        Err(WriteError::Rules(problems)) => problems.iter().map(|problem| problem.rule).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rules(&[]), [Rule::StreamEmpty]);
    assert_eq!(rules(&[prepared("acme"), prepared("acme")]), [Rule::StreamDuplicate]);
}

#[test]
fn every_rule_is_described_in_the_format_document() {
    let document = include_str!("../FORMAT.md");
    let mut names = std::collections::HashSet::new();
    for rule in Rule::ALL {
        assert!(names.insert(rule.name()), "{rule} twice");
        assert!(document.contains(&format!("`{}`", rule.name())), "FORMAT.md does not mention `{rule}`");
        assert!(!rule.mend().is_empty());
    }
}
