//! Packages whose containers are whole, but whose control files and payload contradict each other.

mod common;

use aix_bff::*;
use common::*;

/// Refusals of both dialects for a package that `change` damaged.
fn refusals(change: impl Fn(&mut Vec<Record>)) -> [String; 2] {
    let mut changed = records(&written(&full()));
    change(&mut changed);
    let bytes = assemble(&changed);
    [Dialect::Canonical, Dialect::Aix].map(|dialect| {
        let error = read(bytes.as_slice(), dialect).expect_err("the package should be refused");
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error} {source}")
    })
}

fn position(records: &[Record], name: &str) -> usize {
    records.iter().position(|(header, ..)| header.name == name).unwrap()
}

/// Changes a text of the archive of control files of the usr part.
fn edit_control(records: &mut [Record], member: &str, edit: impl Fn(&mut Vec<u8>)) {
    let archive = position(records, "./usr/lpp/acme/liblpp.a");
    let mut members = ar::read(&records[archive].2).unwrap().1;
    edit(&mut members.iter_mut().find(|other| other.name == member).unwrap().data);
    records[archive].2 = ar::write(&members).unwrap();
}

fn replace(data: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(data.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *data = text.replacen(from, to, 1).into_bytes();
}

fn assert_both(refusals: [String; 2], rule: &str) {
    for refusal in refusals {
        assert!(refusal.contains(rule), "{refusal}");
    }
}

#[test]
fn records_that_are_taken_apart_and_put_together_are_the_same_package() {
    let bytes = written(&full());
    assert!(assemble(&records(&bytes)) == bytes);
}

#[test]
fn a_missing_file_is_refused() {
    let missing = refusals(|records| drop(records.remove(position(records, "./opt/acme/empty"))));
    assert_both(missing, "where ./opt/acme/empty belongs");
    assert_both(refusals(|records| drop(records.pop())), "nothing where ./usr/share/acme.cat belongs");
}

#[test]
fn a_file_that_is_in_no_apply_list_is_refused() {
    assert_both(
        refusals(|records| {
            let mut extra = records[position(records, "./opt/acme/empty")].clone();
            extra.0.name = "./opt/acme/extra".into();
            extra.0.name_padding = vec![0; 8];
            records.push(extra);
        }),
        "./opt/acme/extra",
    );
}

#[test]
fn a_record_that_climbs_out_of_its_directory_is_refused() {
    for name in ["../etc/passwd", "/etc/passwd", "./opt/../etc/passwd"] {
        refusals(|records| {
            let at = position(records, "./opt/acme/empty");
            records[at].0.name = name.into();
            records[at].0.name_padding = vec![0; 8 - name.len() % 8];
            edit_control(records, "acme.rte.al", |al| replace(al, "./opt/acme/empty", name));
        });
    }
}

#[test]
fn the_mode_of_a_file_must_be_that_of_the_inventory() {
    let other = refusals(|records| {
        let at = position(records, "./opt/acme/empty");
        records[at].0.mode |= 0o4000;
    });
    assert_both(other, "/opt/acme/empty: its mode is not that of the inventory");
}

#[test]
fn size_checksum_and_type_must_be_those_of_the_inventory() {
    let inventory = |from: &'static str, to: &'static str| {
        refusals(move |records| edit_control(records, "acme.rte.inventory", |text| replace(text, from, to)))
    };
    assert_both(inventory("size = 0", "size = 1"), "its size is not that of the inventory");
    assert_both(inventory("\"00000    0 \"", "\"00001    0 \""), "its checksum is not that of the inventory");
    assert_both(
        inventory("type = DIRECTORY", "type = SYMLINK\n\ttarget = x"),
        "its type is not that of the inventory",
    );
    assert_both(
        inventory("/opt/acme/empty:", "/opt/acme/emptier:"),
        "in the apply list but not in the inventory",
    );
    let other = "/opt/acme/other:\n\towner = a\n\tgroup = b\n\tmode = 644\n\ttype = FILE\n\tclass = c\n\tsize = 0\n\tchecksum = \"00000    0 \"\n\n/opt/acme/state:";
    assert_both(
        inventory("/opt/acme/state:", other),
        "/opt/acme/other: it is in the inventory but not in the payload",
    );
    assert_both(inventory("/opt/acme/state:", "/opt/acme/empty:"), "twice in the inventory");
}

#[test]
fn the_apply_list_must_name_every_file_once_in_the_order_of_the_stream() {
    let list = |from: &'static str, to: &'static str| {
        refusals(move |records| edit_control(records, "acme.rte.al", |text| replace(text, from, to)))
    };
    assert_both(list("./opt/acme/state\n", "./opt/acme/empty\n"), "it is twice in the apply list");
    let turned = list("./opt/acme/empty\n./opt/acme/state\n", "./opt/acme/state\n./opt/acme/empty\n");
    assert_both(turned, "./opt/acme/empty where ./opt/acme/state belongs");
    assert_both(list("./opt/acme/state\n", ""), "./usr/lpp/acme/inst_root/etc/acme");
}

#[test]
fn control_files_must_be_there_and_in_order() {
    let without = |name: &'static str| refusals(move |records| drop(records.remove(position(records, name))));
    assert_both(without("./lpp_name"), "where ./lpp_name belongs");
    assert_both(without("./usr/lpp/acme/liblpp.a"), "where ./usr/lpp/acme/liblpp.a belongs");
    assert_both(
        without("./usr/lpp/acme/inst_root/liblpp.a"),
        "where ./usr/lpp/acme/inst_root/liblpp.a belongs",
    );
    for member in ["acme.rte.al", "acme.msg.inventory"] {
        let refused = refusals(|records| {
            let archive = position(records, "./usr/lpp/acme/liblpp.a");
            let mut members = ar::read(&records[archive].2).unwrap().1;
            members.retain(|other| other.name != member);
            records[archive].2 = ar::write(&members).unwrap();
        });
        assert_both(refused, &format!("no member `{member}`"));
    }
    let gnu = refusals(|records| {
        let archive = position(records, "./usr/lpp/acme/liblpp.a");
        records[archive].2 = b"!<arch>\n".to_vec();
    });
    assert_both(gnu, "must start with <aiaff> or <bigaf>");
}

#[test]
fn directories_of_the_head_may_be_missing_in_a_package_of_aix_only() {
    let mut records = records(&written(&full()));
    records.remove(position(&records, "./usr/lpp"));
    let bytes = assemble(&records);
    assert!(read(bytes.as_slice(), Dialect::Aix).is_ok());
    assert!(matches!(read(bytes.as_slice(), Dialect::Canonical), Err(ReadError::NotCanonical { .. })));
}

#[test]
fn control_texts_that_are_right_but_not_ours_are_read_in_the_dialect_of_aix_only() {
    for (member, from, to) in
        [("acme.rte.inventory", "          owner", "\towner"), ("acme.rte.size", "INSTWORK", "INSTWORK2")]
    {
        let mut records = records(&written(&full()));
        edit_control(&mut records, member, |text| replace(text, from, to));
        let bytes = assemble(&records);
        let theirs = read(bytes.as_slice(), Dialect::Aix).unwrap();
        assert_eq!(theirs.package, read(written(&full()).as_slice(), Dialect::Aix).unwrap().package);
        assert!(matches!(read(bytes.as_slice(), Dialect::Canonical), Err(ReadError::NotCanonical { .. })));
    }
}

#[test]
fn update_packages_and_share_parts_are_refused_as_unsupported() {
    let lpp_name = |from: &'static str, to: &'static str| {
        refusals(move |records| {
            let at = position(records, "./lpp_name");
            replace(&mut records[at].2, from, to);
        })
    };
    assert_both(lpp_name("4 R I", "4 R S"), "an update package is not supported");
    assert_both(lpp_name(" N U ", " N H "), "the share part of acme.msg is not supported");
}

#[test]
fn links_and_devices_in_the_stream_are_refused() {
    for kind in [0o120_777, 0o060_644, 0o020_644, 0o010_644] {
        let refused = refusals(|records| {
            let at = position(records, "./opt/acme/empty");
            records[at].0.mode = kind;
        });
        assert_both(refused, "only files and directories are supported");
    }
}

#[test]
fn a_sink_that_fails_stops_the_reader_with_the_name_of_the_file() {
    let bytes = written(&full());
    let result = read_with(bytes.as_slice(), Dialect::Canonical, &mut |item, _| match item.path.as_str() {
        "/opt/acme/empty" => Err(std::io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    });
    match result {
        Err(ReadError::Sink { record, .. }) => assert_eq!(record, "./opt/acme/empty"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_field_that_aix_may_fill_otherwise_is_refused_with_its_rule_in_the_canonical_dialect() {
    type Change = fn(&mut Record);
    let changes: [(&str, Change); 10] = [
        ("link count", |(header, ..)| header.link_count = 2),
        ("inodes", |(header, ..)| header.inode = 7),
        ("owner and group", |(header, ..)| header.uid = 2),
        ("owner and group", |(header, ..)| header.gid = 2),
        ("all times", |(header, ..)| header.accessed += 1),
        ("all times", |(header, ..)| header.changed += 1),
        ("devices", |(header, ..)| header.device = [10, 7]),
        ("devices", |(header, ..)| *header.name_padding.last_mut().unwrap() = b'x'),
        ("mode", |(header, ..)| header.mode |= 0x10000),
        ("control lists", |(_, security, _)| security.access[8] = 0x2f),
    ];
    for (rule, change) in changes {
        let mut records = records(&written(&full()));
        let at = position(&records, "./opt/acme/state");
        change(&mut records[at]);
        let bytes = assemble(&records);
        assert!(read(bytes.as_slice(), Dialect::Aix).is_ok(), "{rule}");
        let error = read(bytes.as_slice(), Dialect::Canonical).unwrap_err().to_string();
        assert!(error.contains("./opt/acme/state") && error.contains(rule), "{rule}: {error}");
    }
}
