//! Genuine files made on AIX.

mod common;

use std::io::Read;

use aix_bff::{backup::StreamReader, *};
use common::sample;

/// Reads a stream into values and writes the values again.
fn reserialise(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let mut reader = StreamReader::new(bytes).unwrap();
    let mut names = Vec::new();
    let mut out = reader.volume().encode().to_vec();
    while let Some((header, security)) = reader.next_record().unwrap() {
        out.extend(header.encode());
        out.extend(security.encode());
        reader.read_to_end(&mut out).unwrap();
        out.extend(reader.finish_record().unwrap());
        names.push(header.name);
    }
    out.extend(reader.end().unwrap().encode());
    let mut trailer = [0; 4096];
    let length = reader.read_trailer(&mut trailer).unwrap();
    out.extend(&trailer[..length]);
    (names, out)
}

#[test]
fn a_genuine_backup_reads_with_every_checksum_and_writes_back_the_same_bytes() {
    let Some(bytes) = sample("backup.bff") else { return };
    let (names, again) = reserialise(&bytes);
    assert_eq!(names, ["backup", "backup/file.txt", "backup/folder", "backup/folder/file_in_folder.txt"]);
    assert!(again == bytes);
}

#[test]
fn a_genuine_package_writes_back_the_same_bytes_from_its_values() {
    let Some(bytes) = sample("PkgA.1.0.0.0.bff") else { return };
    let (names, again) = reserialise(&bytes);
    assert_eq!(names.len(), 11);
    assert!(again == bytes);
}

#[test]
fn a_genuine_package_is_understood_whole() {
    let Some(bytes) = sample("PkgA.1.0.0.0.bff") else { return };
    let mut payload = Vec::new();
    let package = read_with(bytes.as_slice(), Dialect::Aix, &mut |item, data| {
        let mut content = String::new();
        data.read_to_string(&mut content)?;
        payload.push((item.path.to_string(), content));
        Ok(())
    })
    .unwrap();
    assert_eq!(payload[1], ("/usr/doc/PkgA/README".into(), "This is the PkgA README\n".into()));
    assert_eq!(payload[4].0, "/usr/PkgA/bin/acommand");
    let fileset = &package.package.filesets[0];
    assert_eq!((fileset.name.as_str(), fileset.level.to_string()), ("PkgA.rte", "1.0.0.0".to_string()));
    assert_eq!(fileset.usr.entries.len(), 5);
    assert!(fileset.root.is_none());
    let EntryKind::File(readme) = &fileset.usr.entries[4].kind else {
        panic!("{:?}", fileset.usr.entries[4])
    };
    assert_eq!(readme.content.sum.to_string(), "08645    1 ");
    assert!(matches!(read(bytes.as_slice(), Dialect::Canonical), Err(ReadError::NotCanonical { .. })));
}

#[test]
fn the_control_files_of_a_genuine_package_write_back_the_same_bytes() {
    let Some(bytes) = sample("PkgA.1.0.0.0.bff") else { return };
    let mut reader = StreamReader::new(bytes.as_slice()).unwrap();
    let (mut lpp_name, mut archive) = (Vec::new(), Vec::new());
    while let Some((header, _)) = reader.next_record().unwrap() {
        match header.name.as_str() {
            "./lpp_name" => reader.read_to_end(&mut lpp_name).unwrap(),
            "./usr/lpp/PkgA/liblpp.a" => reader.read_to_end(&mut archive).unwrap(),
            _ => 0,
        };
    }
    assert_eq!(lpp_name::LppName::read(&lpp_name).unwrap().to_string().into_bytes(), lpp_name);
    let (format, members) = ar::read(&archive).unwrap();
    assert_eq!(format, ar::ArchiveFormat::Small);
    assert!(ar::write(&members).unwrap() == archive);
    let inventory = &members[1];
    let entries = inventory::read(&inventory.name, &inventory.data).unwrap();
    assert_eq!(inventory::write(&entries).into_bytes(), inventory.data);
}

#[test]
fn the_writer_makes_of_a_genuine_package_the_same_control_texts_but_for_their_order() {
    let Some(bytes) = sample("PkgA.1.0.0.0.bff") else { return };
    let mut contents = std::collections::BTreeMap::new();
    let genuine = read_with(bytes.as_slice(), Dialect::Aix, &mut |item, data| {
        let mut content = Vec::new();
        data.read_to_end(&mut content)?;
        contents.insert(item.path.clone(), content);
        Ok(())
    })
    .unwrap();
    let spec = genuine
        .package
        .try_map(|path, _| Ok::<_, std::convert::Infallible>(Source::Bytes(contents[path].clone())));
    let ours = common::written(&spec.unwrap());
    let ours = read(ours.as_slice(), Dialect::Canonical).unwrap();
    let fileset = &genuine.package.filesets[0].name;
    let sorted = |control: &Control| {
        let mut entries = control.inventory(fileset).unwrap();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let mut list = control.apply_list(fileset).unwrap();
        list.sort();
        (entries, list)
    };
    assert_eq!(sorted(&ours.usr), sorted(&genuine.usr));
    // mkinstallp leaves out the directories themselves: the sizes of this crate are at least its.
    let (ours, genuine) = (ours.usr.sizes(fileset).unwrap(), genuine.usr.sizes(fileset).unwrap());
    for line in genuine {
        let found = ours.iter().find(|other| other.item == line.item).unwrap();
        assert!(found.permanent >= line.permanent, "{found} is less than {line}");
    }
}
