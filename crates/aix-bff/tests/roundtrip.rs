//! Any tree in, the same tree out; the same bytes for the same package.

mod common;

use std::collections::BTreeMap;

use aix_bff::*;
use common::*;
use proptest::prelude::*;

/// Writes, reads strictly, and compares the package and every content.
fn assert_round_trip(spec: &Spec) {
    let mut bytes = Vec::new();
    let result = write(spec, &mut bytes).unwrap();
    let mut contents = BTreeMap::new();
    let installable = read_with(bytes.as_slice(), Dialect::Canonical, &mut |item, data| {
        let mut content = Vec::new();
        data.read_to_end(&mut content)?;
        contents.insert(item.path.clone(), content);
        Ok(())
    })
    .unwrap();
    assert_eq!(installable.package, result.package);
    let again = installable.package.try_map(|path, _| Ok::<_, ()>(Source::Bytes(contents[path].clone())));
    let mut sorted = spec.clone();
    for fileset in &mut sorted.filesets {
        fileset.usr.entries.sort_by(|a, b| a.path.cmp(&b.path));
        if let Some(root) = &mut fileset.root {
            root.entries.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }
    assert_eq!(again.unwrap(), sorted);
    assert_eq!(bytes.len() % 512, 0);
    // The tolerant dialect accepts everything that the strict one does.
    assert_eq!(read(bytes.as_slice(), Dialect::Aix).unwrap().package, installable.package);
}

#[test]
fn a_package_with_everything_comes_back_the_same() {
    assert_round_trip(&full());
}

#[test]
fn an_empty_fileset_comes_back_the_same() {
    assert_round_trip(&package(vec![fileset("acme.rte", vec![])]));
}

/// The golden file is also a seed for fuzzing.
#[test]
fn a_package_has_the_same_bytes_as_ever() {
    let mut agent = fileset(
        "acme.rte",
        vec![
            directory("/opt/acme", 0o750),
            file_with("/opt/acme/agent", 0o755, b"agent\n", Upkeep::Fixed, &["/usr/bin/agent"]),
            symlink("/usr/bin/acme", "/opt/acme/agent"),
        ],
    );
    agent.requisites =
        vec![lpp_name::Requisite::Prereq("bos.rte".parse().unwrap(), Some("7.1.0.0".parse().unwrap()))];
    agent.copyright = Some("Copyright Acme\n".into());
    agent.usr.scripts.insert(ControlScript::Config, script("exit 0"));
    let config = Upkeep::Config(ConfigHandling::Preserve);
    let entries = vec![file_with("/etc/acme.conf", 0o640, b"a = 1\n", config, &[])];
    agent.root = Some(Part { entries, ..Part::default() });
    let bytes = written(&package(vec![agent]));
    if bytes != include_bytes!("golden/acme.bff") {
        let path = std::env::temp_dir().join("acme.bff");
        std::fs::write(&path, &bytes).unwrap();
        panic!("the bytes changed; if that is meant, replace tests/golden/acme.bff by {}", path.display());
    }
}

#[test]
fn the_order_of_entries_does_not_change_a_byte() {
    let spec = full();
    let mut turned = spec.clone();
    for fileset in &mut turned.filesets {
        fileset.usr.entries.reverse();
        fileset.root.iter_mut().for_each(|root| root.entries.reverse());
    }
    assert!(written(&spec) == written(&turned));
}

#[test]
fn the_timestamp_is_the_only_thing_that_differs_between_two_builds_of_one_tree() {
    let first = written(&full());
    let mut later = full();
    later.timestamp += 86_400;
    let second = written(&later);
    assert_ne!(first, second);
    let mut installable = read(second.as_slice(), Dialect::Canonical).unwrap();
    installable.package.timestamp = TIMESTAMP;
    assert_eq!(installable.package, read(first.as_slice(), Dialect::Canonical).unwrap().package);
}

#[test]
fn contents_come_from_files_of_the_build_host_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tool");
    std::fs::write(&path, b"#!/bin/ksh\n").unwrap();
    let mut spec = package(vec![fileset("acme.rte", vec![file("/opt/tool", 0o755, b"#!/bin/ksh\n")])]);
    let from_memory = written(&spec);
    let EntryKind::File(tool) = &mut spec.filesets[0].usr.entries[0].kind else { unreachable!() };
    tool.content = Source::File(path);
    assert!(written(&spec) == from_memory);
}

#[test]
fn a_root_file_is_stored_in_inst_root_and_listed_in_both_apply_lists() {
    let bytes = written(&full());
    let mut records = Vec::new();
    let installable = read_with(bytes.as_slice(), Dialect::Canonical, &mut |item, _| {
        records.push((item.part, item.record.to_owned()));
        Ok(())
    })
    .unwrap();
    assert!(records.contains(&(PartKind::Root, "./usr/lpp/acme/inst_root/etc/acme/acme.conf".into())));
    let fileset = "acme.rte".parse().unwrap();
    let list = |control: &Control| -> Vec<String> {
        control.apply_list(&fileset).unwrap().iter().map(ToString::to_string).collect()
    };
    assert!(list(&installable.usr).contains(&"/usr/lpp/acme/inst_root/etc/acme/acme.conf".to_owned()));
    let root = installable.root.as_ref().unwrap();
    assert_eq!(list(root), ["/etc/acme", "/etc/acme/acme.conf", "/etc/acme/ca.pem"]);
    assert_eq!(root.member("acme.rte.cfgfiles").unwrap(), b"/etc/acme/acme.conf preserve\n");
    assert!(root.script(&fileset, ControlScript::UnpreI).is_some());
    assert!(installable.usr.script(&fileset, ControlScript::UnpreI).is_none());
    assert_eq!(installable.lpp_name.filesets[0].content, lpp_name::ContentType::UsrAndRoot);
    assert_eq!(installable.lpp_name.filesets[1].content, lpp_name::ContentType::Usr);
}

#[test]
fn sizes_count_whole_units_per_directory_and_one_for_each_directory_of_the_package() {
    let installable = read(written(&full()).as_slice(), Dialect::Canonical).unwrap();
    let sizes = installable.usr.sizes(&"acme.rte".parse().unwrap()).unwrap();
    let blocks = |item: &str| sizes.iter().find(|line| line.item == item).map(|line| line.permanent);
    // 10,500 bytes are three units of 4096; the directory is one more; a unit is eight blocks.
    assert_eq!(blocks("/opt/acme/bin"), Some(32));
    // The empty file takes nothing, the state file one unit.
    assert_eq!(blocks("/opt/acme"), Some(16));
    assert_eq!(blocks("/usr/lpp/acme/inst_root/etc/acme"), Some(24));
    assert_eq!(blocks("/usr/lib/objrepos"), Some(6));
    let root = installable.root.unwrap().sizes(&"acme.rte".parse().unwrap()).unwrap();
    assert_eq!(installable.lpp_name.filesets[0].sizes, [sizes, root].concat());
}

fn component() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_.@%+=~!#$&*;?/-]{1,12}"
        .prop_map(|text| text.replace('/', "_"))
        .prop_filter("plain", |text| !matches!(text.as_str(), "." | ".."))
}

fn upkeep() -> impl Strategy<Value = Upkeep> {
    prop_oneof![
        Just(Upkeep::Fixed),
        Just(Upkeep::Volatile),
        prop::sample::select(ConfigHandling::ALL.to_vec()).prop_map(Upkeep::Config)
    ]
}

fn kind() -> impl Strategy<Value = EntryKind<Source>> {
    let content = prop::collection::vec(any::<u8>(), 0..5000);
    prop_oneof![
        1 => Just(EntryKind::Directory),
        3 => (content, upkeep()).prop_map(|(bytes, upkeep)| EntryKind::File(FileEntry {
            content: Source::Bytes(bytes), upkeep, links: vec![]
        })),
        1 => component().prop_map(|target| EntryKind::Symlink { target }),
    ]
}

/// Entries of one directory, so that no file stands above another.
fn entries(parent: &'static str) -> impl Strategy<Value = Vec<Entry<Source>>> {
    prop::collection::btree_map(component(), (kind(), 0..0o10000u16, "[a-z]{1,8}"), 0..8).prop_map(
        move |map| {
            map.into_iter()
                .map(|(name, (kind, mode, owner))| Entry {
                    owner,
                    ..entry(&format!("{parent}/{name}"), mode, kind)
                })
                .collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_comes_back_the_same(
        usr in entries("/opt/acme"),
        other in entries("/usr/acme/deep/er"),
        root in prop::option::of(entries("/etc/acme")),
        timestamp in 0..=0x7fff_ffffu32,
    ) {
        let mut spec = package(vec![fileset("acme.rte", usr), fileset("acme.doc", other)]);
        spec.filesets[0].root = root.map(|entries| Part { entries, ..Part::default() });
        spec.timestamp = timestamp;
        assert_round_trip(&spec);
    }
}
