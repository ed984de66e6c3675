//! The same specification gives the same bytes, and any tree comes back as it went in.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use deb_pkg::{Compression, Draft, Entry, EntryKind, FinishError, Owner, Scripts, Spec, compress, read};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::support::{
    DATE, GZIP, TestSigner, XZ, bare, build, directory, file, full, link, output, owner, place, utf8,
};

#[test]
fn a_package_is_read_back_as_it_was_specified() {
    for (control, data) in [(GZIP, XZ), (XZ, GZIP)] {
        let spec = Spec { control_compression: control, ..full() };
        let package = read(&build(&spec, data, None)).unwrap();
        let mut expected = spec.clone();
        for implied in ["/opt", "/opt/demo/bin", "/opt/demo/etc"] {
            expected.entries.push(directory(implied, 0o755, Owner::root(), Owner::root()));
        }
        let deep_parent = format!("/opt/demo/{}", "d".repeat(90));
        expected.entries.push(directory(&deep_parent, 0o755, Owner::root(), Owner::root()));
        expected.entries.sort_by(|a, b| a.path.cmp(&b.path));
        expected.conffiles.sort();
        // The level is not recorded in a package.
        expected.control_compression = package.spec().control_compression;
        assert_eq!(package.spec(), &expected);
        assert_eq!(package.control_member(), format!("control.tar.{}", control.extension()));
        assert_eq!(package.data_member(), format!("data.tar.{}", data.extension()));
        assert_eq!(package.signature(), None);
    }
}

#[test]
fn the_same_specification_gives_the_same_bytes_in_any_order_of_its_entries() {
    let spec = full();
    let mut shuffled = spec.clone();
    shuffled.entries.reverse();
    shuffled.conffiles.reverse();
    let signer = TestSigner { unhashed_issuer: false };
    for data in [GZIP, XZ] {
        let first = build(&spec, data, Some(&signer));
        assert_eq!(first, build(&spec, data, Some(&signer)));
        assert_eq!(first, build(&shuffled, data, Some(&signer)));
    }
}

#[test]
fn size_and_digest_of_what_was_written_are_reported() {
    let draft = Draft::new(&full()).unwrap();
    let data = compress(&draft.data_tar().bytes, XZ).unwrap();
    let mut out = Vec::new();
    let written = draft.finish(&data, None, &mut out).unwrap();
    assert_eq!(written.size, out.len() as u64);
    assert_eq!(written.sha256[..], Sha256::digest(&out)[..]);
}

#[test]
fn packages_with_the_same_tree_share_one_payload() {
    let spec = full();
    let other = Spec {
        version: "9.9-1".parse().unwrap(),
        depends: vec!["other-package".parse().unwrap()],
        scripts: Scripts::default(),
        control_compression: XZ,
        ..full()
    };
    let (first, second) = (Draft::new(&spec).unwrap(), Draft::new(&other).unwrap());
    assert_eq!(first.data_tar(), second.data_tar());
    let data_tar = first.data_tar();
    assert_eq!(data_tar.sha256[..], Sha256::digest(&data_tar.bytes)[..]);
    let data = compress(&data_tar.bytes, XZ).unwrap();
    assert_eq!(data.tar_sha256(), second.data_sha256());
    let mut package = Vec::new();
    second.finish(&data, None, &mut package).unwrap();
    assert_eq!(read(&package).unwrap().spec().version.as_str(), "9.9-1");
}

#[test]
fn a_payload_of_another_tree_or_date_is_refused() {
    let data = compress(&Draft::new(&full()).unwrap().data_tar().bytes, GZIP).unwrap();
    let mut other_tree = full();
    other_tree.entries[0].mode = 0o700;
    let other_date = Spec { source_date: DATE + 1, ..full() };
    for spec in [other_tree, other_date] {
        let refused = Draft::new(&spec).unwrap().finish(&data, None, std::io::sink());
        assert!(matches!(refused, Err(FinishError::Payload { .. })));
    }
}

/// Components of paths: ordinary, with spaces and letters beyond ASCII, and longer than a tar header holds.
fn component() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-zA-Z0-9_+~.-]{1,12}",
        2 => "[a-z][a-zé \\\\'\"]{0,10}[a-zß]",
        1 => "[a-z]{80,130}",
        1 => "[é]{45,55}",
    ]
    .prop_filter("dots", |name| name != "." && name != "..")
}

fn entry_kind() -> impl Strategy<Value = EntryKind> {
    prop_oneof![
        Just(EntryKind::Directory),
        prop::collection::vec(any::<u8>(), 0..1500)
            .prop_map(|content| EntryKind::File { content: content.into() }),
        "[a-zé/.]{1,20}|[a-z/]{95,140}".prop_map(|target| EntryKind::Symlink { target }),
    ]
}

fn any_owner() -> impl Strategy<Value = Owner> {
    prop_oneof![
        Just(Owner::root()),
        ("[a-z_][a-z0-9_-]{0,30}", 0..=0o7777777u32)
            .prop_filter("root", |(name, _)| name != "root")
            .prop_map(|(name, id)| owner(&name, id)),
    ]
}

prop_compose! {
    fn any_entry()(
        parts in prop::collection::vec(component(), 1..5),
        kind in entry_kind(),
        mode in 0..=0o7777u32,
        user in any_owner(),
        group in any_owner(),
    ) -> Entry {
        let mode = if matches!(kind, EntryKind::Symlink { .. }) { 0o777 } else { mode };
        Entry { path: format!("/{}", parts.join("/")), kind, mode, user, group }
    }
}

/// Trees in which nothing lies below a file or link.
fn any_tree() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(any_entry(), 0..12).prop_map(|entries| {
        let mut tree: BTreeMap<String, Entry> = BTreeMap::new();
        for entry in entries {
            let below = format!("{}/", entry.path);
            let clash = tree.values().any(|other| {
                let holds = other.path.starts_with(&below) && entry.kind != EntryKind::Directory;
                let held =
                    entry.path.starts_with(&format!("{}/", other.path)) && other.kind != EntryKind::Directory;
                holds || held
            });
            if !clash {
                tree.insert(entry.path.clone(), entry);
            }
        }
        tree.into_values().collect()
    })
}

fn any_compression() -> impl Strategy<Value = Compression> {
    (any::<bool>(), 0..=6u32)
        .prop_map(|(gzip, level)| if gzip { Compression::Gzip { level } } else { Compression::Xz { level } })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_back_the_same(
        tree in any_tree(),
        control_compression in any_compression(),
        data in any_compression(),
        source_date in 0..=0o77777777777u64,
    ) {
        let spec = Spec { entries: tree.clone(), control_compression, source_date, ..bare() };
        let package = read(&build(&spec, data, None)).unwrap();
        prop_assert_eq!(package.spec().source_date, source_date);
        let given = |entry: &&Entry| tree.iter().any(|other| other.path == entry.path);
        let back: Vec<Entry> = package.entries().iter().filter(given).cloned().collect();
        prop_assert_eq!(&back, &tree);
        for implied in package.entries().iter().filter(|entry| !given(entry)) {
            prop_assert_eq!(implied, &directory(&implied.path, 0o755, Owner::root(), Owner::root()));
            let below = format!("{}/", implied.path);
            prop_assert!(tree.iter().any(|entry| entry.path.starts_with(&below)));
        }
        // Read back and written again: the same bytes.
        let again = build(package.spec(), data, None);
        let again = read(&again).unwrap();
        prop_assert_eq!(again.spec(), package.spec());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dpkg_deb_extracts_any_tree_as_it_was_given(tree in any_tree(), data in any_compression()) {
        // dpkg-deb extracts as the user who runs the test, who must be able to enter and read.
        let mut tree = tree;
        for entry in &mut tree {
            entry.mode |= if entry.kind == EntryKind::Directory { 0o700 } else { 0o400 };
        }
        let placed = place(&build(&Spec { entries: tree.clone(), ..bare() }, data, None));
        let root = placed.directory.path().join("root");
        output("dpkg", "dpkg-deb", &["-x", utf8(&placed.path), utf8(&root)]);
        for entry in &tree {
            let path = root.join(&entry.path[1..]);
            let metadata = path.symlink_metadata().unwrap();
            let time = metadata.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            match &entry.kind {
                EntryKind::Directory => prop_assert!(metadata.is_dir()),
                EntryKind::File { content } => {
                    prop_assert_eq!(&std::fs::read(&path).unwrap()[..], &content[..]);
                    prop_assert_eq!(time, DATE);
                    prop_assert_eq!(metadata.permissions().mode() & 0o777, entry.mode & 0o777);
                }
                EntryKind::Symlink { target } => {
                    let found = std::fs::read_link(&path).unwrap();
                    prop_assert_eq!(found.to_str(), Some(target.as_str()));
                }
            }
        }
    }
}

#[test]
fn a_directory_of_the_caller_replaces_the_implied_one() {
    let entries = vec![
        file("/opt/demo/file", 0o600, "x"),
        link("/opt/demo/link", "file"),
        directory("/opt/demo", 0o750, owner("demo", 7), owner("demo", 8)),
    ];
    let package = read(&build(&Spec { entries: entries.clone(), ..bare() }, GZIP, None)).unwrap();
    assert_eq!(package.entries()[1], entries[2]);
    assert_eq!(package.entries()[0], directory("/opt", 0o755, Owner::root(), Owner::root()));
}
