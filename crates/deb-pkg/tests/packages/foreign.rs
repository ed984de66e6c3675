//! What dpkg-deb, ar and tar see in a package.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use deb_pkg::{EntryKind, read};

use crate::support::{
    DATE, GZIP, TestSigner, XZ, build, full, link, long_paths, member, output, place, run, text, utf8,
};

#[test]
fn dpkg_deb_shows_the_control_fields() {
    let placed = place(&build(&full(), XZ, None));
    let field = |name: &str| {
        text(output("dpkg", "dpkg-deb", &["-f", utf8(&placed.path), name])).trim_end_matches('\n').to_owned()
    };
    for (name, value) in [
        ("Package", "demo-agent"),
        ("Version", "1.2.3~rc1-45"),
        ("Architecture", "all"),
        ("Maintainer", "Demo Team <demo@example.com>"),
        ("Pre-Depends", "dpkg (>= 1.15.6~)"),
        ("Depends", "libc6 (>= 2.17) | musl, adduser"),
        ("Recommends", "iptables | nftables"),
        ("Suggests", "python3:any"),
        ("Conflicts", "demo-agent-old"),
        ("Breaks", "demo-tools (<< 1.0)"),
        ("Replaces", "demo-tools (<< 1.0)"),
        ("Provides", "demo-api (= 4)"),
        ("Section", "admin"),
        ("Priority", "optional"),
        ("Homepage", "https://example.com/demo"),
        ("X-Build", "1234"),
        (
            "Description",
            "demonstration agent\n An agent that shows how packages are made, with a text that is long enough to\n \
             be folded at least once or twice.\n .\n   * kept as it is\n   * and this\n .\n The end.",
        ),
    ] {
        assert_eq!(field(name), value, "{name}");
    }
    let info = text(output("dpkg", "dpkg-deb", &["-I", utf8(&placed.path)]));
    for script in ["preinst", "postinst", "prerm", "postrm"] {
        assert!(info.lines().any(|line| line.contains(&format!("*  {script}"))), "{script} in {info}");
    }
}

#[test]
fn dpkg_deb_lists_owners_modes_times_and_targets() {
    for data in [GZIP, XZ] {
        let placed = place(&build(&full(), data, None));
        let listing = text(output("dpkg", "dpkg-deb", &["-c", utf8(&placed.path)]));
        let lines: BTreeMap<&str, Vec<&str>> = listing
            .lines()
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                (line.split_once(" ./").unwrap().1, words)
            })
            .collect();
        let (deep, exact, target) = long_paths();
        for (path, mode, owner, size) in [
            ("", "drwxr-xr-x", "root/root", "0"),
            ("opt/", "drwxr-xr-x", "root/root", "0"),
            ("opt/demo/", "drwxr-x---", "root/demo", "0"),
            ("opt/demo/var/", "drwxrwx--T", "demo/demo", "0"),
            ("opt/demo/empty", "-rwsr-xr-x", "root/root", "0"),
            ("opt/demo/bin/agent", "-rwxr-xr-x", "root/root", "5000"),
            ("opt/demo/etc/a b", "-rw-r-----", "root/root", "4"),
            ("opt/demo/current -> bin/agent", "lrwxrwxrwx", "root/root", "0"),
            (&format!("opt/demo/far -> {target}"), "lrwxrwxrwx", "root/root", "0"),
            (&deep[1..], "-rw-r--r--", "root/root", "5"),
            (&exact[1..], "-rw-r--r--", "root/root", "6"),
            ("opt/demo/été", "-rw-r--r--", "root/root", "7"),
        ] {
            let line = lines.get(path).unwrap_or_else(|| panic!("{path:?} in {listing}"));
            assert_eq!(line[..5], [mode, owner, size, "2024-02-29", "12:00"], "{path}");
        }
    }
}

#[test]
fn dpkg_deb_extracts_every_file_with_its_content() {
    let spec = full();
    for data in [GZIP, XZ] {
        let placed = place(&build(&spec, data, None));
        let root = placed.directory.path().join("root");
        output("dpkg", "dpkg-deb", &["-x", utf8(&placed.path), utf8(&root)]);
        for entry in &spec.entries {
            let path = root.join(&entry.path[1..]);
            let metadata = path.symlink_metadata().unwrap();
            match &entry.kind {
                EntryKind::Directory => assert!(metadata.is_dir()),
                EntryKind::File { content } => assert_eq!(std::fs::read(&path).unwrap(), content[..]),
                EntryKind::Symlink { target } => {
                    assert_eq!(utf8(&std::fs::read_link(&path).unwrap()), target)
                }
            }
            if !matches!(entry.kind, EntryKind::Symlink { .. }) {
                assert_eq!(metadata.permissions().mode() & 0o1777, entry.mode & 0o1777, "{}", entry.path);
            }
        }
        output(
            "dpkg",
            "dpkg-deb",
            &["-e", utf8(&placed.path), utf8(&placed.directory.path().join("DEBIAN"))],
        );
    }
}

#[test]
fn the_control_archive_holds_scripts_checksums_and_conffiles() {
    let placed = place(&build(&full(), XZ, None));
    let control_tar = output("dpkg", "dpkg-deb", &["--ctrl-tarfile", utf8(&placed.path)]);
    let mut archive = tar::Archive::new(&control_tar[..]);
    let mut names = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, DATE));
        assert_eq!((header.username(), header.groupname()), (Ok(Some("root")), Ok(Some("root"))));
        let name = text(entry.path_bytes().to_vec());
        let mode = header.mode().unwrap();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut entry, &mut content).unwrap();
        match name.as_str() {
            "./" | "./preinst" | "./postinst" | "./prerm" | "./postrm" => assert_eq!(mode, 0o755, "{name}"),
            _ => assert_eq!(mode, 0o644, "{name}"),
        }
        if name == "./conffiles" {
            assert_eq!(content, "/opt/demo/etc/a.conf\n/opt/demo/etc/b.conf\n");
        }
        names.push(name);
    }
    let expected =
        ["./", "./conffiles", "./control", "./md5sums", "./postinst", "./postrm", "./preinst", "./prerm"];
    assert_eq!(names, expected);
}

#[test]
fn md5sum_accepts_the_checksums_of_the_extracted_files() {
    let placed = place(&build(&full(), GZIP, None));
    let root = placed.directory.path().join("root");
    output("dpkg", "dpkg-deb", &["-R", utf8(&placed.path), utf8(&root)]);
    let script = format!("cd '{}' && md5sum --strict -c DEBIAN/md5sums", utf8(&root));
    let checked = text(output("coreutils", "sh", &["-c", &script]));
    assert_eq!(checked.lines().count(), 9, "{checked}");
    assert!(checked.lines().all(|line| line.ends_with(": OK")), "{checked}");
}

#[test]
fn ar_lists_the_members_in_order_with_one_date() {
    let signer = TestSigner { unhashed_issuer: false };
    let package = build(&full(), XZ, Some(&signer));
    let placed = place(&package);
    let names = text(output("binutils", "ar", &["t", utf8(&placed.path)]));
    assert_eq!(names, "debian-binary\ncontrol.tar.gz\ndata.tar.xz\n_gpgorigin\n");
    let listing = text(output("binutils", "ar", &["tv", utf8(&placed.path)]));
    assert!(listing.lines().all(|line| line.starts_with("rw-r--r-- 0/0")), "{listing}");
    assert!(listing.lines().all(|line| line.contains("Feb 29 12:00 2024")), "{listing}");
    let read = read(&package).unwrap();
    assert_eq!(member(&placed.path, "_gpgorigin"), read.signature().unwrap());
    let signed: Vec<u8> = ["debian-binary", "control.tar.gz", "data.tar.xz"]
        .iter()
        .flat_map(|name| member(&placed.path, name))
        .collect();
    assert_eq!(signed, read.signed_bytes());
}

#[test]
fn gnu_tar_lists_the_data_archive_without_complaint() {
    let spec = full();
    let placed = place(&build(&spec, XZ, None));
    let data = placed.directory.path().join("data.tar.xz");
    std::fs::write(&data, member(&placed.path, "data.tar.xz")).unwrap();
    let listed = run("tar", "tar", &["--quoting-style=literal", "-tvJf", utf8(&data)]);
    assert!(listed.status.success());
    assert_eq!(text(listed.stderr), "");
    let listing = text(listed.stdout);
    // The entries, `./` and the four directories that they imply.
    assert_eq!(listing.lines().count(), spec.entries.len() + 5, "{listing}");
}

#[test]
fn installed_size_is_what_dpkg_gencontrol_counts() {
    let mut spec = full();
    spec.entries.push(link("/opt/demo/very-far", &"x/".repeat(1000)));
    let package = build(&spec, GZIP, None);
    let placed = place(&package);
    let root = placed.directory.path().join("root");
    output("dpkg", "dpkg-deb", &["-x", utf8(&placed.path), utf8(&root)]);
    let source = placed.directory.path().join("control");
    let control = "Source: demo-agent\nMaintainer: Demo Team <demo@example.com>\n\n\
                   Package: demo-agent\nArchitecture: all\nDescription: demo\n demo\n";
    std::fs::write(&source, control).unwrap();
    let changelog = placed.directory.path().join("changelog");
    let entry = "demo-agent (1-1) unstable; urgency=low\n\n  * x\n\n \
                 -- Demo Team <demo@example.com>  Thu, 29 Feb 2024 12:00:00 +0000\n";
    std::fs::write(&changelog, entry).unwrap();
    let files = placed.directory.path().join("files");
    let arguments = [
        format!("-c{}", utf8(&source)),
        format!("-l{}", utf8(&changelog)),
        format!("-f{}", utf8(&files)),
        format!("-P{}", utf8(&root)),
        "-O".to_owned(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let generated = text(output("dpkg-dev", "dpkg-gencontrol", &arguments));
    let counted = generated.lines().find_map(|line| line.strip_prefix("Installed-Size: ")).unwrap();
    assert_eq!(read(&package).unwrap().installed_size().to_string(), counted);
}
