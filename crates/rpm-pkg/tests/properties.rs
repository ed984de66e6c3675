//! Any tree goes in and comes out again; no input makes the reader panic.

mod common;

use std::collections::BTreeMap;

use common::*;
use proptest::prelude::*;
use rpm_pkg::*;

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Dir),
        Just(Kind::Ghost),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| file(&bytes)),
        "[a-z./]{1,20}".prop_map(|target| Kind::Symlink { target }),
    ]
}

fn entry_at(path: String) -> impl Strategy<Value = Entry> {
    let class = prop_oneof![
        Just(FileClass::Normal),
        Just(FileClass::Config),
        Just(FileClass::ConfigNoReplace),
        Just(FileClass::Doc)
    ];
    (kind(), 0u16..0o10000, "[a-z_][a-z0-9_-]{0,12}", "[a-z_][a-z0-9_-]{0,12}", class, any::<u32>()).prop_map(
        move |(kind, mode, owner, group, class, verify)| {
            let classless = matches!(kind, Kind::Dir | Kind::Symlink { .. });
            Entry {
                path: path.clone(),
                mode: if matches!(kind, Kind::Symlink { .. }) { 0o777 } else { mode },
                kind,
                owner,
                group,
                class: if classless { FileClass::Normal } else { class },
                verify: VerifyFlags(verify),
            }
        },
    )
}

/// A tree: whatever would lie below something that is no directory is dropped.
fn tree() -> impl Strategy<Value = Vec<Entry>> {
    let path = "(/[a-zA-Z0-9 .+~\u{e9}-]{0,6}[a-z]){1,4}".prop_map(|path| format!("/opt{path}"));
    proptest::collection::vec(path.prop_flat_map(entry_at), 0..12).prop_map(|entries| {
        let mut tree: BTreeMap<String, Entry> = BTreeMap::new();
        for entry in entries {
            tree.insert(entry.path.clone(), entry);
        }
        let blocked: Vec<String> = tree
            .values()
            .filter(|entry| entry.kind != Kind::Dir)
            .map(|entry| format!("{}/", entry.path))
            .collect();
        tree.into_values().filter(|entry| !blocked.iter().any(|dir| entry.path.starts_with(dir))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_that_goes_in_comes_out_the_same(
        entries in tree(),
        variant in 0usize..4,
        time in any::<u32>(),
        epoch in any::<Option<u32>>(),
    ) {
        let (profile, compression) = VARIANTS[variant];
        let spec = Spec { entries, source_date: time, epoch, ..small(profile, compression) };
        let (bytes, _) = write(&spec, None);
        let package = read(&bytes).unwrap();
        prop_assert_eq!(package.spec(), &normal(&spec));
        prop_assert_eq!(write(package.spec(), None).0, bytes);
        for file in package.files() {
            prop_assert_eq!(file.mtime, time);
        }
    }

    #[test]
    fn a_changed_package_is_refused_without_panic(
        variant in 0usize..4,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let (profile, compression) = VARIANTS[variant];
        let original = write(&full(profile, compression), None).0;
        let mut bytes = original.clone();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        prop_assume!(bytes != original);
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_panic(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let original = write(&small(Profile::El6, Compression::None), None).0;
        prop_assert!(read(&tail).is_err());
        // Behind a good lead, and behind good magic with any counts.
        prop_assert!(read(&[&original[..96], &tail[..]].concat()).is_err());
        prop_assert!(read(&[&original[..104], &tail[..]].concat()).is_err());
    }

    #[test]
    fn any_bytes_make_no_signature_packet_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for first in [0x88, 0x89, 0xc2] {
            let packet = [&[first], &bytes[..]].concat();
            if let Ok(parsed) = SignaturePacket::parse(&packet) {
                parsed.digest(b"");
            }
        }
    }
}
