//! The reader refuses, by name, what the writer never writes.

use deb_pkg::{ArError, DecompressError, Limits, Member, ReadError, TarError, read, read_with_limits};

use crate::support::{
    DATE, GZIP, Parts, TarItem, XZ, ar, assemble, build, full, gunzip, gzip, item, output, place, small,
    small_parts, tar_archive, utf8,
};

/// Reads the small package after a change to its parts.
fn changed(change: impl FnOnce(&mut Parts)) -> ReadError {
    let mut parts = small_parts();
    change(&mut parts);
    read(&assemble(&parts)).expect_err("the changed package was accepted")
}

fn named<'a>(items: &'a mut [TarItem], name: &str) -> &'a mut TarItem {
    items.iter_mut().find(|item| item.name == name).unwrap()
}

/// Replaces text in a file of the control archive.
fn edited(name: &str, from: &str, to: &str) -> ReadError {
    changed(|parts| {
        let item = named(&mut parts.control, name);
        let text = String::from_utf8(item.content.clone()).unwrap();
        assert!(text.contains(from), "{from:?} in {text}");
        item.content = text.replace(from, to).into_bytes();
    })
}

#[test]
fn a_package_assembled_by_hand_is_the_package_that_is_written() {
    let by_hand = read(&assemble(&small_parts())).unwrap();
    let written = build(&small(), GZIP, None);
    let package = read(&written).unwrap();
    assert_eq!(by_hand.spec(), package.spec());
    assert_eq!(by_hand.control(), package.control());
    let placed = place(&written);
    for (name, items) in [("control.tar.gz", small_parts().control), ("data.tar.gz", small_parts().data)] {
        assert_eq!(gunzip(&crate::support::member(&placed.path, name)), tar_archive(&items), "{name}");
    }
}

#[test]
fn md5sums_must_match_every_file_and_nothing_else() {
    let refused = |from, to| match edited("./md5sums", from, to) {
        ReadError::Md5 { path, rule } => (path, rule),
        other => panic!("{other}"),
    };
    assert_eq!(refused("9001", "9002"), ("/opt/demo/a.conf".to_owned(), "the file has another digest"));
    assert_eq!(refused("opt/demo/empty", "opt/demo/other").1, "the file is not listed");
    assert_eq!(
        refused("9001509", "d41d8cd98f00b204e9800998ecf8427e  opt/x\n9001509").1,
        "listed, but no file of the package"
    );
    assert_eq!(refused("opt/demo/empty", "opt/demo/a.conf").1, "listed more than once");
    assert!(matches!(edited("./md5sums", "9001", "9001 "), ReadError::Md5 { .. }));
    // Right digests in upper case or in another order are not what is written.
    assert!(matches!(edited("./md5sums", "d41d8cd9", "D41D8CD9"), ReadError::Md5 { .. }));
    let reversed = changed(|parts| {
        let sums = named(&mut parts.control, "./md5sums");
        let text = String::from_utf8(sums.content.clone()).unwrap();
        sums.content = text.lines().rev().flat_map(|line| [line, "\n"]).collect::<String>().into_bytes();
    });
    assert!(matches!(reversed, ReadError::NotCanonical(Member::Control)), "{reversed}");
}

#[test]
fn the_control_file_must_be_in_the_one_form() {
    assert!(matches!(
        edited("./control", "Installed-Size: 5", "Installed-Size: 6"),
        ReadError::InstalledSize { found: 6, expected: 5 }
    ));
    assert!(matches!(
        edited("./control", "Installed-Size: 5", "Installed-Size: +5"),
        ReadError::NotCanonical(_)
    ));
    for (from, to) in [
        ("Package: demo-agent\n", ""),
        ("Package: demo-agent\n", "Package: demo-agent\nPackage: demo-agent\n"),
        ("Version: 1.2.3~rc1-45", "Version: v1"),
        ("Architecture: all", "Architecture: x86_64"),
        ("Section: admin", "Section:admin"),
        ("Section: admin", "Section: admin\n more"),
        ("Section: admin", "Depends: a b\nSection: admin"),
        ("Installed-Size: 5", "Installed-Size: many"),
        ("made.\n", "made.\nHomepage: https://example.com\n"),
    ] {
        assert!(matches!(edited("./control", from, to), ReadError::Control(_)), "{from:?} to {to:?}");
    }
    for (from, to) in [
        ("Section: admin", "section: admin"),
        ("Package: ", "Package:  "),
        ("Maintainer: Demo Team <demo@example.com>", "Maintainer: nobody"),
    ] {
        let error = edited("./control", from, to);
        let named = matches!(error, ReadError::Invalid(_) | ReadError::Control(_));
        assert!(named, "{from:?} to {to:?}: {error}");
    }
    for (from, to) in [
        ("Section: admin\nPriority: optional", "Priority: optional\nSection: admin"),
        ("Section: admin", "Depends: libc6(>=1)\nSection: admin"),
        ("made.\n", "made."),
        (" An agent", " \n An agent"),
        ("Section: admin\n", "Section: admin\r\n"),
    ] {
        assert!(matches!(edited("./control", from, to), ReadError::NotCanonical(_)), "{from:?} to {to:?}");
    }
}

#[test]
fn the_control_archive_holds_known_files_only() {
    let error = changed(|parts| parts.control.push(item("./triggers", b'0', "x\n")));
    assert!(matches!(error, ReadError::ControlMember { ref path, .. } if path == "/triggers"), "{error}");
    let error = changed(|parts| parts.control.push(item("./sub/", b'5', "")));
    assert!(matches!(error, ReadError::ControlMember { .. }), "{error}");
    let error = changed(|parts| parts.control.retain(|item| item.name != "./md5sums"));
    assert!(matches!(error, ReadError::ControlMember { ref path, .. } if path == "/md5sums"), "{error}");
    let error = changed(|parts| named(&mut parts.control, "./postinst").mode = 0o644);
    assert!(matches!(error, ReadError::NotCanonical(Member::Control)), "{error}");
    let error = changed(|parts| named(&mut parts.control, "./postinst").content[0] = b'x');
    assert!(matches!(error, ReadError::Invalid(_)), "{error}");
    let error = changed(|parts| named(&mut parts.control, "./postinst").content[12] = 0xff);
    assert!(matches!(error, ReadError::NotText(_)), "{error}");
}

#[test]
fn conffiles_must_be_files_of_the_package() {
    assert!(matches!(edited("./conffiles", "a.conf", "b.conf"), ReadError::Invalid(_)));
    assert!(matches!(edited("./conffiles", "a.conf", "dir"), ReadError::Invalid(_)));
    assert!(matches!(edited("./conffiles", "a.conf\n", "a.conf"), ReadError::NotCanonical(Member::Control)));
}

#[test]
fn the_tree_must_be_sorted_complete_and_plain() {
    let data_error = |change: fn(&mut Vec<TarItem>)| match changed(|parts| change(&mut parts.data)) {
        ReadError::Tar { member: Member::Data, source } => source,
        other => panic!("{other}"),
    };
    assert!(matches!(data_error(|data| data.swap(3, 4)), TarError::Order { .. }));
    assert!(matches!(data_error(|data| data.insert(3, data[3].clone())), TarError::Order { .. }));
    assert!(matches!(data_error(|data| data[3].mtime += 1), TarError::Time { .. }));
    for flag in [b'1', b'3', b'4', b'6', b'7', b'x', b'g', b'S', 0] {
        let mut parts = small_parts();
        parts.data[5].flag = flag;
        let error = read(&assemble(&parts)).unwrap_err();
        assert!(matches!(error, ReadError::Tar { source: TarError::Type { .. }, .. }), "{flag}: {error}");
    }
    assert!(matches!(data_error(|data| data[4].name = "./opt/demo/dir".to_owned()), TarError::Field { .. }));
    assert!(matches!(data_error(|data| data[5].name = "opt/demo/empty".to_owned()), TarError::Field { .. }));
    assert!(matches!(data_error(|data| data[5].name = "/opt/demo/empty".to_owned()), TarError::Field { .. }));
    assert!(matches!(data_error(Vec::clear), TarError::Empty));

    let error = changed(|parts| parts.data.push(item("./opt/../etc/x", b'5', "")));
    assert!(matches!(error, ReadError::Tar { .. } | ReadError::Invalid(_)), "{error}");
    let error = changed(|parts| parts.data.push(item("./srv/../etc/", b'5', "")));
    assert!(matches!(error, ReadError::Invalid(_)), "{error}");
    // A directory that is implied but not there, and a root directory that is not the plain one.
    let error = changed(|parts| parts.data.retain(|item| item.name != "./opt/"));
    assert!(matches!(error, ReadError::NotCanonical(Member::Data)), "{error}");
    let error = changed(|parts| parts.data[0].mode = 0o777);
    assert!(matches!(error, ReadError::NotCanonical(Member::Data)), "{error}");
}

#[test]
fn zero_blocks_and_padding_must_be_exact() {
    let parts = small_parts();
    let control = gzip(&tar_archive(&parts.control));
    let good = tar_archive(&parts.data);
    let with_data = |data: &[u8]| {
        let data = gzip(data);
        read(&ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control), ("data.tar.gz", &data)]))
    };
    assert!(with_data(&good).is_ok());
    let cut = |length: usize| good[..good.len() - length].to_vec();
    for bad in
        [cut(512), cut(1024), cut(1), [&good[..], &[0; 512]].concat(), [&good[..], &[0]].concat(), vec![]]
    {
        let error = with_data(&bad).unwrap_err();
        assert!(matches!(error, ReadError::Tar { member: Member::Data, .. }), "{error}");
    }
}

#[test]
fn members_must_be_the_right_ones_in_the_right_order() {
    let package = assemble(&small_parts());
    let placed = place(&package);
    let [control, data] =
        ["control.tar.gz", "data.tar.gz"].map(|name| crate::support::member(&placed.path, name));
    let version: (&str, &[u8]) = ("debian-binary", b"2.0\n");
    let control = ("control.tar.gz", &control[..]);
    let data = ("data.tar.gz", &data[..]);
    assert!(read(&ar(&[version, control, data])).is_ok());
    let junk: (&str, &[u8]) = ("_gpgbuilder", b"x");
    for members in [
        &[control, version, data][..],
        &[version, data, control],
        &[version, control],
        &[version],
        &[],
        &[version, version, control, data],
        &[version, control, data, junk],
        &[version, junk, control, data],
        &[version, ("control.tar", control.1), data],
        &[version, ("control.tar.gz/", control.1), data],
    ] {
        assert!(matches!(read(&ar(members)), Err(ReadError::Members { .. })));
    }
    assert!(matches!(read(&ar(&[("debian-binary", b"2.1\n"), control, data])), Err(ReadError::Version)));
    assert!(matches!(
        read(&ar(&[version, ("control.tar.xz", control.1), data])),
        Err(ReadError::Compression { .. })
    ));
    assert!(matches!(
        read(&ar(&[version, control, data, ("_gpgorigin", b"x")])),
        Err(ReadError::Signature(_))
    ));
    assert!(matches!(read(b"!<thin>\n"), Err(ReadError::Ar(ArError::Magic))));
    assert!(matches!(read(&[&package[..], b"\n"].concat()), Err(ReadError::Ar(_))));
}

#[test]
fn headers_of_members_must_be_canonical() {
    let package = assemble(&small_parts());
    let changed = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = package.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut package = package.clone();
        package[at..at + to.len()].copy_from_slice(to.as_bytes());
        read(&package).unwrap_err()
    };
    for (from, to) in [
        ("0     0     100644  ", "1     0     100644  "),
        ("0     0     100644  ", "0     00    100644  "),
        ("0     0     100644  ", "0     0     100755  "),
        ("4         `\n", "+4        `\n"),
        ("4         `\n", " 4        `\n"),
        ("4         `\n", "4         `\r"),
    ] {
        assert!(matches!(changed(from, to), ReadError::Ar(ArError::Header { .. })), "{from:?} to {to:?}");
    }
    assert!(matches!(
        changed("debian-binary   ", "debian-binary\u{e9} "),
        ReadError::Ar(ArError::Header { .. })
    ));
    let (date, other) = (DATE.to_string(), (DATE + 1).to_string());
    assert!(matches!(changed(&date, &other), ReadError::Time(Member::Version)));
}

#[test]
fn content_beyond_the_limits_is_refused() {
    for (spec_compression, data) in [(GZIP, XZ), (XZ, GZIP)] {
        let package = build(&deb_pkg::Spec { control_compression: spec_compression, ..full() }, data, None);
        let limits = |control, data| read_with_limits(&package, Limits { control, data });
        assert!(limits(1 << 16, 1 << 16).is_ok());
        for (control, data, which) in [(1000, 1 << 16, Member::Control), (1 << 16, 1000, Member::Data)] {
            let error = limits(control, data).unwrap_err();
            let expected = matches!(error, ReadError::Compression { member, source: DecompressError::Limit(1000) }
                if member == which);
            assert!(expected, "{error}");
        }
    }
}

#[test]
fn what_dpkg_deb_writes_is_refused_as_foreign() {
    let placed = place(&build(&small(), GZIP, None));
    let root = placed.directory.path().join("root");
    output("dpkg", "dpkg-deb", &["-R", utf8(&placed.path), utf8(&root)]);
    let repacked = placed.directory.path().join("again.deb");
    let arguments =
        ["--root-owner-group", "--uniform-compression", "-Zgzip", "-b", utf8(&root), utf8(&repacked)];
    output("dpkg", "dpkg-deb", &arguments);
    assert!(read(&std::fs::read(repacked).unwrap()).is_err());
}
