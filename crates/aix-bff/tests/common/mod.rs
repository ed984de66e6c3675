//! What the tests share: genuine samples, and a package that uses everything.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::{collections::BTreeMap, path::PathBuf, process::Command};

use aix_bff::{lpp_name::*, *};

pub const TIMESTAMP: u32 = 1_700_000_000;

/// Bytes of a genuine sample, or `None` with a note when the samples are not there.
pub fn sample(name: &str) -> Option<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/bff");
    if !root.is_dir() {
        println!("skipped: samples absent");
        return None;
    }
    Some(std::fs::read(root.join(name)).expect("sample is readable"))
}

pub fn file(path: &str, mode: u16, content: &[u8]) -> Entry<Source> {
    file_with(path, mode, content, Upkeep::Fixed, &[])
}

pub fn file_with(path: &str, mode: u16, content: &[u8], upkeep: Upkeep, links: &[&str]) -> Entry<Source> {
    let links = links.iter().map(|link| link.parse().unwrap()).collect();
    let content = Source::Bytes(content.to_vec());
    entry(path, mode, EntryKind::File(FileEntry { content, upkeep, links }))
}

pub fn directory(path: &str, mode: u16) -> Entry<Source> {
    entry(path, mode, EntryKind::Directory)
}

pub fn symlink(path: &str, target: &str) -> Entry<Source> {
    entry(path, 0o777, EntryKind::Symlink { target: target.into() })
}

pub fn entry<C>(path: &str, mode: u16, kind: EntryKind<C>) -> Entry<C> {
    Entry { path: path.parse().unwrap(), owner: "root".into(), group: "system".into(), mode, kind }
}

pub fn fileset<C>(name: &str, entries: Vec<Entry<C>>) -> Fileset<C> {
    Fileset {
        name: name.parse().unwrap(),
        level: "23.5.10.1234".parse().unwrap(),
        description: "Acme endpoint agent".into(),
        language: "en_US".into(),
        bosboot: Bosboot::No,
        requisites: vec![],
        copyright: None,
        usr: Part { entries, ..Part::default() },
        root: None,
    }
}

pub fn package<C>(filesets: Vec<Fileset<C>>) -> Package<C> {
    Package {
        name: "acme".parse().unwrap(),
        timestamp: TIMESTAMP,
        extra: BTreeMap::new(),
        product_id: None,
        filesets,
    }
}

pub fn script(text: &str) -> Vec<u8> {
    format!("#!/bin/sh\n{text}\n").into_bytes()
}

/// A package with two parts, two filesets, links, requisites, scripts and configuration files.
pub fn full() -> Spec {
    let mut agent = fileset(
        "acme.rte",
        vec![
            directory("/opt/acme", 0o750),
            directory("/opt/acme/bin", 0o755),
            file_with(
                "/opt/acme/bin/agent",
                0o755,
                &b"\x01\xdfagent".repeat(1500),
                Upkeep::Fixed,
                &["/usr/bin/agent"],
            ),
            file("/opt/acme/empty", 0o644, b""),
            file_with("/opt/acme/state", 0o600, b"state\n", Upkeep::Volatile, &[]),
            symlink("/usr/bin/acme", "/opt/acme/bin/agent"),
        ],
    );
    agent.requisites = vec![
        Requisite::Prereq("bos.rte".parse().unwrap(), Some("7.1.0.0".parse().unwrap())),
        Requisite::Coreq("acme.msg".parse().unwrap(), None),
        Requisite::Ifreq("bos.net".parse().unwrap(), "7.1.0.0".parse().unwrap(), None),
    ];
    agent.copyright = Some("Copyright Acme\n".into());
    agent.usr.scripts.insert(ControlScript::PreI, script("test -d /var/lib || exit 1"));
    agent.usr.scripts.insert(ControlScript::Config, script("chown acme /opt/acme"));
    let config = Upkeep::Config(ConfigHandling::Preserve);
    let mut root = Part {
        entries: vec![
            directory("/etc/acme", 0o755),
            file_with("/etc/acme/acme.conf", 0o640, b"a = 1\n", config, &[]),
            file("/etc/acme/ca.pem", 0o644, b"-----BEGIN\n"),
            symlink("/etc/acme/link", "acme.conf"),
        ],
        ..Part::default()
    };
    root.scripts.insert(ControlScript::UnpreI, script("exit 0"));
    agent.root = Some(root);
    let messages = fileset("acme.msg", vec![file("/usr/share/acme.cat", 0o4755, b"hello\n")]);
    let mut package = package(vec![agent, messages]);
    package.product_id = Some("acme.rte 5765\n".into());
    package.extra.insert((PartKind::Usr, "helper.txt".into()), b"for the scripts\n".to_vec());
    package
}

pub fn written(spec: &Spec) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = write(spec, &mut bytes).expect("the package can be written");
    assert_eq!(written.size, bytes.len() as u64);
    bytes
}

/// Runs a tool; `package` is the Debian package that has it.
pub fn tool(name: &str, package: &str) -> Command {
    let present = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(name).is_file()));
    assert!(present, "this test needs `{name}`: install the Debian package {package}");
    Command::new(name)
}

pub fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("the tool runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {error}");
    output.stdout
}

/// A record of a stream with its data.
pub type Record = (backup::Header, backup::Security, Vec<u8>);

/// Takes a package apart.
pub fn records(bytes: &[u8]) -> Vec<Record> {
    let mut reader = backup::StreamReader::new(bytes).unwrap();
    let mut records = Vec::new();
    while let Some((header, security)) = reader.next_record().unwrap() {
        let mut data = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut data).unwrap();
        records.push((header, security, data));
    }
    records
}

/// Puts a package together from changed records, with the sizes and checksums that they need.
pub fn assemble(records: &[Record]) -> Vec<u8> {
    let mut out = backup::Volume::canonical(TIMESTAMP).encode().to_vec();
    for (header, security, data) in records {
        let mut header = header.clone();
        if header.file_type() == Some(backup::FileType::Regular) && header.packing == backup::Packing::Stored
        {
            header.size = data.len() as u32;
            header.stored_size = header.size;
        }
        out.extend(header.encode());
        out.extend(security.encode());
        out.extend(data);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out.extend(backup::End::canonical().encode());
    out.resize(out.len().next_multiple_of(512), 0);
    out
}
