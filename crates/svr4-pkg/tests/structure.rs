//! Streams and directories that break one rule of their structure each.

mod common;

use std::os::unix::fs::{PermissionsExt, symlink};

use common::{MTIME, file, info, prepared, read_all, stream};
use svr4_pkg::{
    Form, InstallFile, Limits, PackageReader, PackageSpec, ReadError, ReadOptions, Rule, Ruleset, read,
    read_directory, write_directory,
};

/// A member as this test writes it, independent of the writer under test.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    mode: u32,
    nlink: u32,
    check: u32,
    data: Vec<u8>,
}

/// A stream in parts.
#[derive(Debug, Clone)]
struct Raw {
    header: Vec<u8>,
    facts: Vec<Member>,
    package: Vec<Member>,
    end: Vec<u8>,
}

const TRAILER: &str = "07070100000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000b00000000TRAILER!!!\0\0\0\0";

fn member(name: &str, mode: u32, data: &[u8]) -> Member {
    let nlink = if mode & 0o040_000 != 0 { 2 } else { 1 };
    Member { name: name.to_owned(), mode, nlink, check: 0, data: data.to_vec() }
}

fn archive(members: &[Member], out: &mut Vec<u8>) {
    for Member { name, mode, nlink, check, data } in members {
        let header = format!(
            "070701{:08x}{mode:08x}{:08x}{:08x}{nlink:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{check:08x}{name}\0",
            5,
            10002,
            10000,
            MTIME,
            data.len(),
            254,
            0,
            0,
            u32::MAX,
            name.len() + 1,
        );
        out.extend_from_slice(header.as_bytes());
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend_from_slice(data);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out.extend_from_slice(TRAILER.as_bytes());
    out.resize(out.len().next_multiple_of(512), 0);
}

impl Raw {
    fn bytes(&self) -> Vec<u8> {
        let mut out = self.header.clone();
        out.resize(512, 0);
        archive(&self.facts, &mut out);
        archive(&self.package, &mut out);
        out.extend_from_slice(&self.end);
        out
    }

    /// Replaces text in every copy of pkginfo and pkgmap.
    fn retext(&mut self, from: &str, to: &str) {
        for member in self.facts.iter_mut().chain(&mut self.package) {
            if member.name.ends_with("pkginfo") || member.name.ends_with("pkgmap") {
                let text = String::from_utf8(member.data.clone()).unwrap();
                member.data = text.replace(from, to).into_bytes();
            }
        }
    }

    fn find(&mut self, name: &str) -> &mut Member {
        self.package.iter_mut().find(|member| member.name == name).unwrap()
    }
}

/// A stream as pkgtrans might have made it.
fn raw() -> Raw {
    let spec = PackageSpec {
        info: info("acme-agent"),
        objects: vec![file("opt/acme/a", 0o644, b"hello\n"), file("opt/acme/b", 0o644, b"world\n")],
        install: vec![InstallFile::new("postinstall", *b"exit 0\n", MTIME)],
        mtime: MTIME,
    };
    let prepared = spec.prepare(Ruleset::Portable).unwrap();
    let (pkginfo, pkgmap) = (prepared.pkginfo(), prepared.pkgmap());
    let package = vec![
        member("pkginfo", 0o100_600, pkginfo),
        member("pkgmap", 0o100_644, pkgmap),
        member("install", 0o040_755, b""),
        member("install/postinstall", 0o100_644, b"exit 0\n"),
        member("reloc", 0o040_755, b""),
        member("reloc/opt", 0o042_755, b""),
        member("reloc/opt/acme", 0o040_755, b""),
        member("reloc/opt/acme/b", 0o100_644, b"world\n"),
        member("reloc/opt/acme/a", 0o100_644, b"hello\n"),
    ];
    Raw {
        header: b"# PaCkAgE DaTaStReAm\nacme-agent 1 12\n# end of header\n".to_vec(),
        facts: vec![
            member("acme-agent/pkginfo", 0o100_600, pkginfo),
            member("acme-agent/pkgmap", 0o100_644, pkgmap),
        ],
        package,
        end: Vec::new(),
    }
}

fn rules_of(bytes: &[u8]) -> Vec<Rule> {
    match read_all(bytes, &ReadOptions::default()) {
        Ok(_) => Vec::new(),
        Err(error) => error.rules(),
    }
}

type Spoil = fn(&mut Raw);

const BROKEN: &[(Rule, Spoil)] = &[
    (Rule::HeaderMagic, |r| r.header[2] = b'p'),
    (Rule::HeaderLine, |r| r.header = b"# PaCkAgE DaTaStReAm\nacme-agent 2 12\n# end of header\n".to_vec()),
    (Rule::HeaderLine, |r| r.header = b"# PaCkAgE DaTaStReAm\nacme-agent 1 012\n# end of header\n".to_vec()),
    (Rule::HeaderLine, |r| r.header = b"# PaCkAgE DaTaStReAm\nacme-agent 1 +12\n# end of header\n".to_vec()),
    (Rule::HeaderLine, |r| r.header = b"# PaCkAgE DaTaStReAm\nacme-agent 1 12 1\n# end of header\n".to_vec()),
    (Rule::HeaderLine, |r| r.header = b"# PaCkAgE DaTaStReAm\n../x 1 12\n# end of header\n".to_vec()),
    (Rule::HeaderLine, |r| r.header.extend_from_slice(b"more\n")),
    (Rule::StreamEmpty, |r| r.header = b"# PaCkAgE DaTaStReAm\n# end of header\n".to_vec()),
    (Rule::StreamDuplicate, |r| {
        r.header = b"# PaCkAgE DaTaStReAm\nacme-agent 1 12\nacme-agent 1 12\n# end of header\n".to_vec();
    }),
    (Rule::HeaderMismatch, |r| {
        r.header = b"# PaCkAgE DaTaStReAm\nacme-agent 1 13\n# end of header\n".to_vec()
    }),
    (Rule::Padding, |r| r.header.extend_from_slice(b"\0\0x")),
    (Rule::TrailingData, |r| r.end = vec![0; 512]),
    (Rule::CpioKind, |r| r.find("reloc/opt/acme/a").mode = 0o120_777),
    (Rule::CpioKind, |r| r.find("reloc/opt/acme/a").mode = 0o020_644),
    (Rule::CpioKind, |r| r.find("reloc/opt/acme/a").mode = 0o104_755),
    (Rule::CpioKind, |r| r.find("reloc/opt/acme/a").mode |= 0o1_000_000),
    (Rule::CpioLink, |r| r.find("reloc/opt/acme/a").nlink = 2),
    (Rule::CpioLink, |r| r.find("reloc/opt/acme/a").nlink = 0),
    (Rule::CpioLink, |r| r.find("reloc/opt").nlink = 0),
    (Rule::CpioField, |r| r.find("reloc/opt").data = b"data".to_vec()),
    (Rule::CpioField, |r| r.package.push(member("TRAILER!!!", 0, b""))),
    (Rule::CpioChecksum, |r| r.find("reloc/opt/acme/a").check = 542),
    (Rule::CpioName, |r| r.find("reloc/opt/acme/a").name = "reloc/../../etc/passwd".into()),
    (Rule::CpioName, |r| r.find("reloc/opt/acme/a").name = "/etc/passwd".into()),
    (Rule::CpioName, |r| r.find("reloc/opt/acme/a").name = "./reloc/opt/acme/a".into()),
    (Rule::CpioName, |r| r.find("reloc/opt/acme/a").name = String::new()),
    (Rule::CpioName, |r| r.find("reloc/opt/acme/a").name = "a\0b".into()),
    (Rule::CpioName, |r| r.find("reloc/opt/acme/a").name = "a".repeat(2000)),
    (Rule::MemberUnexpected, |r| r.package.push(member("reloc/opt/acme/c", 0o100_644, b""))),
    (Rule::MemberUnexpected, |r| r.package.push(member("root", 0o040_755, b""))),
    (Rule::MemberUnexpected, |r| r.package.push(member("install/preinstall", 0o100_644, b""))),
    (Rule::MemberUnexpected, |r| r.facts.push(member("acme-agent/depend", 0o100_644, b""))),
    (Rule::MemberUnexpected, |r| *r.find("reloc/opt/acme") = member("reloc/opt/acme", 0o100_644, b"")),
    (Rule::MemberMissing, |r| r.package.retain(|member| member.name != "reloc/opt/acme/b")),
    (Rule::MemberMissing, |r| r.package.retain(|member| member.name != "install/postinstall")),
    (Rule::MemberMissing, |r| {
        r.facts.pop();
    }),
    (Rule::MemberDuplicate, |r| r.package.push(member("reloc/opt/acme/a", 0o100_644, b"hello\n"))),
    (Rule::MemberDuplicate, |r| r.package.insert(5, member("reloc", 0o040_755, b""))),
    (Rule::MemberOrder, |r| r.facts.swap(0, 1)),
    (Rule::MemberOrder, |r| r.package.swap(0, 1)),
    (Rule::MemberOrder, |r| r.package.swap(1, 2)),
    (Rule::MemberOrder, |r| r.package.swap(6, 7)),
    (Rule::MemberSize, |r| r.find("reloc/opt/acme/a").data.push(b'x')),
    (Rule::MemberSum, |r| r.find("reloc/opt/acme/a").data = b"hullo\n".to_vec()),
    (Rule::MemberSum, |r| r.find("install/postinstall").data = b"exit 1\n".to_vec()),
    (Rule::MemberSum, |r| r.retext("Acme Inc", "Acme Ltd")),
    (Rule::CopyDiffers, |r| r.find("pkginfo").data[5] ^= 1),
    (Rule::CopyDiffers, |r| {
        let text = String::from_utf8(r.find("pkgmap").data.clone()).unwrap();
        r.find("pkgmap").data = text.replace("0644", "4755").into_bytes();
    }),
    (Rule::Signature, |r| r.facts.push(member("signature", 0o100_644, b"signed"))),
    (Rule::MapHeader, |r| r.retext(": 1 12\n", ": 2 12\n")),
    (Rule::MapHeader, |r| r.retext(": 1 12\n", ": 1 12 3\n")),
    (Rule::MapHeader, |r| r.retext(": 1 12\n", "")),
    (Rule::MapLine, |r| r.retext("1 f none opt/acme/a 0644", "1 f none opt/acme/a  0644")),
    (Rule::MapLine, |r| r.retext("1 f none opt/acme/a 0644", "2 f none opt/acme/a 0644")),
    (Rule::MapLine, |r| r.retext("1 f none opt/acme/a 0644", "1 q none opt/acme/a 0644")),
    (Rule::MapLine, |r| r.retext("1 f none opt/acme/a 0644", "1 f none opt/acme/a 0684")),
    (Rule::MapLine, |r| r.retext("1 f none opt/acme/a 0644", "1 f none opt/acme/a 644")),
    (Rule::MapLine, |r| r.retext("root bin 6 542", "root bin 06 542")),
    (Rule::MapLine, |r| r.retext("root bin 6 542", "root bin 6 65536")),
    (Rule::MapLine, |r| r.retext("1 i postinstall", "\n1 i postinstall")),
    (Rule::MapLine, |r| r.retext("1 f none opt/acme/a 0644", "# comment\n1 f none opt/acme/a 0644")),
    (Rule::MapPkginfo, |r| r.retext("1 i pkginfo", "1 i copyright")),
    (Rule::InstallName, |r| r.retext("1 i postinstall", "1 i ../../etc/x")),
    (Rule::InstallDuplicate, |r| {
        r.retext("1 i postinstall", "1 i postinstall 7 532 1704164645\n1 i postinstall")
    }),
    (Rule::PathComponent, |r| r.retext("opt/acme/a 0644", "opt/../../a 0644")),
    (Rule::PathDuplicate, |r| r.retext("opt/acme/b 0644", "opt/acme/a 0644")),
    (Rule::ParameterLine, |r| r.retext("VENDOR=Acme Inc", "VENDOR Acme Inc")),
    (Rule::ParameterDuplicate, |r| r.retext("VENDOR=", "NAME=")),
    (Rule::ParameterMissing, |r| r.retext("CATEGORY=", "CATEGORIES=")),
    (Rule::ParameterQuote, |r| r.retext("VENDOR=Acme Inc", "VENDOR=\"Acme \"Inc\"\"")),
];

#[test]
fn a_stream_in_any_member_order_with_any_owner_is_genuine() {
    let bytes = raw().bytes();
    let (stream, contents) = read_all(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(contents[&("acme-agent".to_owned(), "opt/acme/b".to_owned())], b"world\n");
    assert_eq!(stream.packages[0].install.len(), 1);
    let canonical = read_all(&bytes, &ReadOptions::canonical()).unwrap_err();
    assert_eq!(canonical.rules(), [Rule::NotCanonical]);
}

#[test]
fn directories_may_be_left_out_and_a_signature_may_be_there() {
    let mut plain = raw();
    plain.package.retain(|member| member.mode & 0o040_000 == 0);
    assert_eq!(rules_of(&plain.bytes()), []);
    let pem = b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n";
    plain.facts.push(member("signature", 0o100_644, pem));
    let (stream, _) = read_all(&plain.bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(stream.signature.as_deref(), Some(pem.as_slice()));
}

#[test]
fn quoted_values_and_comments_in_pkginfo_are_read() {
    let mut raw = raw();
    raw.retext("VENDOR=Acme Inc\n", "# maker\n\nVENDOR=\"Acme Inc\"  \n");
    let text = raw.find("pkginfo").data.clone();
    let sum = svr4_pkg::Sum::of(&text).unwrap();
    let old = svr4_pkg::Sum::of(&info("acme-agent").render()).unwrap();
    raw.retext(
        &format!("pkginfo {} {}", old.size, old.cksum),
        &format!("pkginfo {} {}", sum.size, sum.cksum),
    );
    let (stream, _) = read_all(&raw.bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(stream.packages[0].info, info("acme-agent"));
}

#[test]
fn each_broken_rule_of_the_structure_is_named() {
    for (index, (rule, spoil)) in BROKEN.iter().enumerate() {
        let mut raw = raw();
        spoil(&mut raw);
        let found = rules_of(&raw.bytes());
        assert!(found.contains(rule), "case {index}: expected {rule}, found {found:?}");
    }
}

#[test]
fn members_of_other_cpio_formats_are_refused() {
    for (at, byte, rule) in [
        (5, b'2', Rule::CpioMagic),
        (5, b'7', Rule::CpioMagic),
        (13, b'A', Rule::CpioField),
        (13, b'g', Rule::CpioField),
    ] {
        let mut bytes = raw().bytes();
        bytes[512 + at] = byte;
        assert_eq!(rules_of(&bytes), [rule]);
    }
}

#[test]
fn an_error_tells_where_in_the_stream_it_is() {
    let mut raw = raw();
    raw.find("reloc/opt/acme/a").data = b"hullo\n".to_vec();
    let bytes = raw.bytes();
    let at = bytes.windows(16).rposition(|window| window == b"reloc/opt/acme/a").unwrap() - 110;
    let error = read_all(&bytes, &ReadOptions::default()).unwrap_err();
    let ReadError::Refused { offset, problem } = &error else { panic!("{error}") };
    assert_eq!((*offset, problem.place.as_str()), (at as u64, "reloc/opt/acme/a"));
    assert!(error.to_string().contains("[member-sum]"), "{error}");
}

#[test]
fn what_is_kept_in_memory_is_bounded() {
    let bytes = raw().bytes();
    let with = |limits| {
        let options = ReadOptions { limits, ..ReadOptions::default() };
        read_all(&bytes, &options).map(|_| ()).map_err(|error| error.rules())
    };
    let all = Limits::default();
    assert_eq!(with(all), Ok(()));
    assert_eq!(with(Limits { packages: 0, ..all }), Err(vec![Rule::Limit]));
    assert_eq!(with(Limits { pkginfo: 100, ..all }), Err(vec![Rule::Limit]));
    assert_eq!(with(Limits { pkgmap: 100, ..all }), Err(vec![Rule::Limit]));
    assert_eq!(with(Limits { install_file: 6, ..all }), Err(vec![Rule::Limit, Rule::Limit]));
    assert_eq!(with(Limits { install_total: 6, ..all }), Err(vec![Rule::Limit]));

    // A header without end.
    let mut endless = b"# PaCkAgE DaTaStReAm\n".to_vec();
    endless.extend(b"# filler\n".iter().cycle().take(1 << 20));
    assert_eq!(rules_of(&endless), [Rule::Limit]);
}

#[test]
fn a_visitor_may_read_little_and_may_refuse() {
    let bytes = raw().bytes();
    let mut names = Vec::new();
    read(bytes.as_slice(), &ReadOptions::default(), &mut |file, content| {
        content.read_exact(&mut [0; 2])?;
        names.push(file.object.path.clone());
        Ok(())
    })
    .unwrap();
    assert_eq!(names, ["opt/acme/b", "opt/acme/a"]);
    let error =
        read(bytes.as_slice(), &ReadOptions::default(), &mut |_, _| Err(std::io::Error::other("unwanted")))
            .unwrap_err();
    assert!(matches!(&error, ReadError::Visitor { path, .. } if path == "reloc/opt/acme/b"), "{error}");
}

#[test]
fn swapped_bytes_pass_the_checksum_of_the_format_but_not_the_digest() {
    let mut raw = raw();
    let before = read_all(&raw.bytes(), &ReadOptions::default()).unwrap().0;
    raw.find("reloc/opt/acme/a").data = b"ehllo\n".to_vec();
    let after = read_all(&raw.bytes(), &ReadOptions::default()).unwrap().0;
    assert_ne!(before.packages[0].sha256["opt/acme/a"], after.packages[0].sha256["opt/acme/a"]);
    assert_eq!(before.packages[0].sha256["opt/acme/b"], after.packages[0].sha256["opt/acme/b"]);
}

/// The directory form of the example, in a directory of the package's name.
fn directory() -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("acme-agent");
    write_directory(&prepared("acme-agent"), &path).unwrap();
    (directory, path)
}

#[test]
fn the_directory_form_holds_the_members_of_the_archive_with_their_modes() {
    let (_keep, path) = directory();
    let mode = |name: &str| std::fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("pkgmap"), mode("install/request"), mode("reloc/opt/acme")), (0o644, 0o644, 0o755));
    assert_eq!((mode("reloc/opt/acme/bin/acmed"), mode("reloc/opt/acme/bin/blob")), (0o755, 0o644));
    let package = read_directory(&path, &ReadOptions::canonical(), &mut |_, _| Ok(())).unwrap();
    let (stream, _) = read_all(&stream(), &ReadOptions::canonical()).unwrap();
    assert_eq!(package, stream.packages[0]);
}

type SpoilTree = fn(&std::path::Path);

#[test]
fn a_directory_form_with_anything_else_in_it_is_refused() {
    let cases: &[(Rule, SpoilTree)] = &[
        (Rule::MemberUnexpected, |p| std::fs::write(p.join("reloc/opt/extra"), "x").unwrap()),
        (Rule::MemberUnexpected, |p| std::fs::create_dir(p.join("reloc/usr")).unwrap()),
        (Rule::MemberMissing, |p| std::fs::remove_file(p.join("reloc/opt/acme/etc/empty")).unwrap()),
        (Rule::MemberMissing, |p| std::fs::remove_file(p.join("install/request")).unwrap()),
        (Rule::MemberSum, |p| std::fs::write(p.join("install/request"), "exit 1\n").unwrap()),
        (Rule::MemberSize, |p| std::fs::write(p.join("reloc/opt/acme/etc/acme.conf"), "a=10\n").unwrap()),
        (Rule::MemberSum, |p| {
            std::fs::write(p.join("pkginfo"), "PKG=acme-agent\nNAME=x\nARCH=x\nVERSION=1\nCATEGORY=x\n")
                .unwrap()
        }),
        (Rule::TreeEntry, |p| {
            std::fs::remove_file(p.join("reloc/opt/acme/etc/empty")).unwrap();
            symlink("/dev/null", p.join("reloc/opt/acme/etc/empty")).unwrap();
        }),
        (Rule::TreeEntry, |p| {
            std::fs::remove_file(p.join("pkgmap")).unwrap();
            symlink("/etc/passwd", p.join("pkgmap")).unwrap();
        }),
        (Rule::NotCanonical, |p| {
            std::fs::set_permissions(p.join("pkgmap"), std::fs::Permissions::from_mode(0o600)).unwrap();
        }),
        (Rule::NotCanonical, |p| {
            let file = std::fs::File::open(p.join("reloc/opt")).unwrap();
            file.set_modified(std::time::SystemTime::now()).unwrap();
        }),
        (Rule::NotCanonical, |p| std::fs::create_dir(p.join("reloc/opt/acme/spool")).unwrap()),
    ];
    for (index, (rule, spoil)) in cases.iter().enumerate() {
        let (_keep, path) = directory();
        spoil(&path);
        let form = if *rule == Rule::NotCanonical { Form::Canonical } else { Form::Genuine };
        let options = ReadOptions { form, ..ReadOptions::default() };
        let error = read_directory(&path, &options, &mut |_, _| Ok(())).unwrap_err();
        assert!(error.rules().contains(rule), "case {index}: expected {rule}, found {error}");
    }
}

#[test]
fn a_directory_of_another_name_is_refused_because_pkgadd_would_not_find_the_package() {
    let (keep, path) = directory();
    let other = keep.path().join("other");
    std::fs::rename(path, &other).unwrap();
    let error = read_directory(&other, &ReadOptions::default(), &mut |_, _| Ok(())).unwrap_err();
    assert_eq!(error.rules(), [Rule::HeaderMismatch]);
}

#[test]
fn an_existing_directory_is_not_written_into() {
    let (_keep, path) = directory();
    let error = write_directory(&prepared("acme-agent"), &path).unwrap_err().to_string();
    assert!(error.contains("acme-agent") && error.contains("exists"), "{error}");
}

#[test]
fn members_from_any_other_archive_are_judged_the_same() {
    let prepared = prepared("acme-agent");
    let options = ReadOptions::canonical();
    let mut reader =
        PackageReader::new(prepared.pkginfo().to_vec(), prepared.pkgmap().to_vec(), &options).unwrap();
    for member in prepared.members() {
        if member.path.starts_with("install")
            || member.path.starts_with("pkg")
            || member.path.contains('/')
            || member.size > 0
        {
            let mut bytes = Vec::new();
            member.copy_to(&mut bytes).unwrap();
            match member.body {
                svr4_pkg::MemberBody::Directory => reader.directory(member.path).unwrap(),
                _ => reader
                    .file(member.path, bytes.len() as u64, &mut bytes.as_slice(), &mut |_, _| Ok(()))
                    .unwrap(),
            }
        }
    }
    let package = reader.finish().unwrap();
    assert_eq!(package.sha256.len(), 6);

    // A source that ends early is noticed whatever it claims.
    let mut reader =
        PackageReader::new(prepared.pkginfo().to_vec(), prepared.pkgmap().to_vec(), &options).unwrap();
    let size = prepared.pkginfo().len() as u64;
    let error = reader.file("pkginfo", size, &mut &b"short"[..], &mut |_, _| Ok(())).unwrap_err();
    assert_eq!(error.rules(), [Rule::Truncated]);
}
