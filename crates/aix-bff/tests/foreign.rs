//! Readers that did not write the packages agree with them.

mod common;

use std::{io::Cursor, process::Command};

use aix_bff::*;
use common::*;

/// A GNU `ar` that knows AIX archives.
fn aix_ar() -> Command {
    let candidates = ["powerpc64-linux-gnu-ar", "powerpc64le-linux-gnu-ar", "ar"];
    let knows = |name: &&&str| {
        let help = Command::new(name).arg("--help").output();
        help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("aixcoff-rs6000"))
    };
    let found = candidates.iter().find(knows);
    Command::new(found.expect(
        "this test needs a GNU ar that reads AIX archives: install the Debian package \
         binutils-powerpc64-linux-gnu (or binutils-multiarch)",
    ))
}

#[test]
fn bffextract_sees_the_same_files_modes_and_contents() {
    let bytes = written(&full());
    let mut expected = Vec::new();
    read_with(bytes.as_slice(), Dialect::Canonical, &mut |item, data| {
        let mut content = Vec::new();
        data.read_to_end(&mut content)?;
        expected.push((item.record.to_owned(), item.inventory.mode, content));
        Ok(())
    })
    .unwrap();
    assert!(expected.len() > 5);

    let mut archive = bfflib::archive::Archive::new_strict(Cursor::new(&bytes)).unwrap();
    let names: Vec<String> =
        archive.records().iter().map(|record| record.filename().display().to_string()).collect();
    assert_eq!(names.len(), 8 + expected.len(), "{names:?}");
    for (record, (name, mode, _)) in archive.records()[8..].iter().zip(&expected) {
        assert_eq!(&record.filename().display().to_string(), name);
        assert_eq!(record.header().mode & 0o7777, u32::from(*mode));
        assert_eq!({ record.header().mtime }, TIMESTAMP);
    }
    for (name, _, content) in expected.iter().filter(|(.., content)| !content.is_empty()) {
        let mut found = Vec::new();
        let mut reader = archive.file(name).unwrap().expect("a file with data");
        std::io::Read::read_to_end(&mut reader, &mut found).unwrap();
        assert!(found == *content, "{name}");
    }
}

#[test]
fn file_knows_the_package_as_an_aix_backup() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("acme.bff");
    std::fs::write(&path, written(&full())).unwrap();
    let said = output(tool("file", "file").arg("--brief").arg(&path));
    assert_eq!(String::from_utf8(said).unwrap().trim(), "AIX backup/restore format file");
}

#[test]
fn gnu_ar_lists_and_extracts_the_control_files() {
    let installable = read(written(&full()).as_slice(), Dialect::Canonical).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (name, control) in [("usr.a", &installable.usr), ("root.a", installable.root.as_ref().unwrap())] {
        let path = directory.path().join(name);
        std::fs::write(&path, ar::write(&control.members).unwrap()).unwrap();
        let listed = String::from_utf8(output(aix_ar().arg("t").arg(&path))).unwrap();
        let names: Vec<&str> = control.members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(listed.lines().collect::<Vec<_>>(), names);
        for member in &control.members {
            let found = output(aix_ar().arg("p").arg(&path).arg(&member.name));
            assert!(found == member.data, "{}", member.name);
        }
        let long = String::from_utf8(output(aix_ar().env("TZ", "UTC").arg("tv").arg(&path))).unwrap();
        let script = long.lines().find(|line| line.contains("pre_i")).unwrap();
        assert!(script.starts_with("rwxr-xr-x 0/0") && script.contains("Nov 14 22:13 2023"), "{script}");
    }
}

#[test]
fn a_big_archive_written_by_gnu_ar_is_read() {
    let directory = tempfile::tempdir().unwrap();
    for (name, data) in [("odd", "odd"), ("even-name", "even"), ("empty", "")] {
        std::fs::write(directory.path().join(name), data).unwrap();
    }
    output(aix_ar().current_dir(&directory).args([
        "--target=aix5coff64-rs6000",
        "rcDS",
        "big.a",
        "odd",
        "even-name",
        "empty",
    ]));
    let bytes = std::fs::read(directory.path().join("big.a")).unwrap();
    let (format, members) = ar::read(&bytes).unwrap();
    assert_eq!(format, ar::ArchiveFormat::Big);
    let members: Vec<(&str, &[u8])> =
        members.iter().map(|member| (member.name.as_str(), member.data.as_slice())).collect();
    assert_eq!(members, [("odd", b"odd" as &[u8]), ("even-name", b"even"), ("empty", b"")]);
    for length in 0..bytes.len() {
        assert!(ar::read(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn sum_computes_the_checksums_of_the_inventory() {
    let bytes = written(&full());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("content");
    let mut compared = 0;
    read_with(bytes.as_slice(), Dialect::Canonical, &mut |item, data| {
        std::io::copy(data, &mut std::fs::File::create(&path)?)?;
        if let inventory::InventoryKind::File { checksum: inventory::Recorded::Value(sum), .. } =
            &item.inventory.kind
        {
            let said = output(tool("sum", "coreutils").arg("-r").arg(&path));
            let said = String::from_utf8(said).unwrap();
            let said: Vec<u64> = said.split_whitespace().take(2).map(|word| word.parse().unwrap()).collect();
            assert_eq!([u64::from(sum.sum), sum.kibibytes], said[..], "{}", item.path);
            compared += 1;
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(compared, 4);
}

#[test]
fn a_package_whose_control_archive_is_big_is_read_as_aix_writes_it_and_refused_as_ours() {
    let bytes = written(&full());
    let mut records = records(&bytes);
    let directory = tempfile::tempdir().unwrap();
    let archive = records.iter_mut().find(|(header, ..)| header.name == "./usr/lpp/acme/liblpp.a").unwrap();
    let mut create = aix_ar();
    create.current_dir(&directory).args(["--target=aix5coff64-rs6000", "rcDS", "big.a"]);
    for member in ar::read(&archive.2).unwrap().1 {
        std::fs::write(directory.path().join(&member.name), &member.data).unwrap();
        create.arg(&member.name);
    }
    output(&mut create);
    archive.2 = std::fs::read(directory.path().join("big.a")).unwrap();
    let big = assemble(&records);
    let found = read(big.as_slice(), Dialect::Aix).unwrap();
    assert_eq!(found.usr.format, ar::ArchiveFormat::Big);
    assert_eq!(found.package, read(bytes.as_slice(), Dialect::Canonical).unwrap().package);
    let refusal = read(big.as_slice(), Dialect::Canonical).unwrap_err().to_string();
    assert!(refusal.contains("liblpp.a of the usr part"), "{refusal}");
}
