//! What cannot become a package is an error before anything is written, and the error names the rule.

mod common;

use std::{
    cell::Cell,
    io::{self, Read, Write},
};

use aix_bff::*;
use common::*;

/// An output that must stay untouched.
struct Untouched;

impl Write for Untouched {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("something was written")
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The messages of all problems of a package.
fn problems(spec: &Spec) -> Vec<String> {
    match write(spec, Untouched) {
        Err(WriteError::Problems(Problems(problems))) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("the package should be refused: {other:?}"),
    }
}

fn one(entries: Vec<Entry<Source>>) -> String {
    let problems = problems(&package(vec![fileset("acme.rte", entries)]));
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}

#[test]
fn a_path_belongs_to_one_entry_or_hard_link() {
    let twice = vec![directory("/opt/acme", 0o755), symlink("/opt/acme", "x")];
    assert!(one(twice).contains("/opt/acme occurs twice"));
    let link = vec![file("/opt/a", 0o755, b""), file_with("/opt/b", 0o755, b"", Upkeep::Fixed, &["/opt/a"])];
    assert!(one(link).contains("/opt/a occurs twice"));
    let mut spec = package(vec![
        fileset("acme.rte", vec![file("/opt/a", 0o644, b"")]),
        fileset("acme.doc", vec![file("/opt/a", 0o644, b"")]),
    ]);
    assert!(problems(&spec)[0].contains("/opt/a occurs twice"));
    spec.filesets[1].name = "acme.rte".parse().unwrap();
    assert!(problems(&spec).iter().any(|problem| problem.contains("fileset acme.rte occurs twice")));
}

#[test]
fn the_usr_part_holds_usr_and_opt_and_the_root_part_everything_else() {
    assert!(one(vec![file("/etc/acme", 0o644, b"")]).contains("below /usr and /opt"));
    assert!(one(vec![directory("/opt", 0o755)]).contains("below /usr and /opt"));
    assert!(
        one(vec![file_with("/opt/a", 0o755, b"", Upkeep::Fixed, &["/var/a"])])
            .contains("/var/a is in the usr part")
    );
    let mut spec = package(vec![fileset("acme.rte", vec![])]);
    for path in ["/opt/acme", "/usr/acme", "/usr"] {
        spec.filesets[0].root = Some(Part { entries: vec![directory(path, 0o755)], ..Part::default() });
        assert!(problems(&spec)[0].contains("is in the root part"), "{path}");
    }
}

#[test]
fn the_places_of_installp_are_reserved() {
    for path in [
        "/usr/lpp/acme/liblpp.a",
        "/usr/lpp/acme/inst_root",
        "/usr/lpp/acme/inst_root/etc/x",
        "/usr/lpp/acme",
    ] {
        assert!(one(vec![directory(path, 0o755)]).contains("place of installp"), "{path}");
    }
    written(&package(vec![fileset("acme.rte", vec![file("/usr/lpp/acme/README", 0o644, b"read\n")])]));
}

#[test]
fn nothing_lies_below_a_file_or_link() {
    let below_file = vec![file("/opt/acme", 0o644, b""), directory("/opt/acme/a/b", 0o755)];
    assert!(one(below_file).contains("/opt/acme/a/b is below /opt/acme, which"));
    let below_link = vec![symlink("/opt/acme", "other"), file("/opt/acme/a", 0o644, b"")];
    assert!(one(below_link).contains("/opt/acme/a is below /opt/acme, which"));
}

#[test]
fn modes_accounts_and_link_targets_must_fit_the_inventory() {
    assert!(one(vec![file("/opt/a", 0o10644, b"")]).contains("12 permission bits"));
    for name in ["", "with space", "a:b", "-x", "ä"] {
        let owner = Entry { owner: name.into(), ..directory("/opt/a", 0o755) };
        assert!(one(vec![owner]).contains("owner"), "{name}");
        let group = Entry { group: name.into(), ..directory("/opt/a", 0o755) };
        assert!(one(vec![group]).contains("group"), "{name}");
    }
    for target in ["", "a b", "a\nb", "it's", "a:b"] {
        assert!(one(vec![symlink("/opt/a", target)]).contains("link targets follow"), "{target:?}");
    }
}

#[test]
fn scripts_are_text_with_an_interpreter() {
    for (text, rule) in [
        (b"exit 0\n" as &[u8], "`#!`"),
        (b"", "`#!`"),
        (b"#!/bin/sh\r\nexit 0\r\n", "carriage return"),
        (b"#!/bin/sh\nexit 0\0\n", "NUL"),
        (b"#!/bin/sh\nexit 0", "newline"),
    ] {
        let mut spec = package(vec![fileset("acme.rte", vec![])]);
        spec.filesets[0].usr.scripts.insert(ControlScript::PreI, text.to_vec());
        let problem = &problems(&spec)[0];
        assert!(problem.contains("acme.rte.pre_i") && problem.contains(rule), "{problem}");
    }
}

#[test]
fn texts_of_the_package_fit_their_lines() {
    let refused = |change: &dyn Fn(&mut Spec)| {
        let mut spec = package(vec![fileset("acme.rte", vec![])]);
        change(&mut spec);
        problems(&spec).join("\n")
    };
    for text in ["", "two\nlines", &"x".repeat(61), "é", " x"] {
        assert!(
            refused(&|spec| spec.filesets[0].description = text.into()).contains("description"),
            "{text:?}"
        );
    }
    assert!(refused(&|spec| spec.filesets[0].language = "en US".into()).contains("language"));
    assert!(refused(&|spec| spec.filesets[0].copyright = Some("©\n".into())).contains("copyright"));
    assert!(refused(&|spec| spec.product_id = Some("no newline".into())).contains("productid"));
    assert!(refused(&|spec| spec.timestamp = 0x8000_0000).contains("2038"));
    assert!(refused(&|spec| spec.filesets.clear()).contains("no fileset"));
    for name in ["", "a/b", "productid", "acme.rte.al", "acme.rte.pre_i"] {
        assert!(
            refused(&|spec| drop(spec.extra.insert((PartKind::Usr, name.into()), vec![])))
                .contains("control member"),
            "{name}"
        );
    }
    assert!(
        refused(&|spec| drop(spec.extra.insert((PartKind::Root, "x".into()), vec![]))).contains("root part")
    );
}

#[test]
fn a_root_path_must_fit_behind_inst_root_too() {
    let path = format!("/etc/{}", "a/".repeat(500) + "a");
    let mut spec = package(vec![fileset("acme.rte", vec![])]);
    spec.filesets[0].root = Some(Part { entries: vec![directory(&path, 0o755)], ..Part::default() });
    assert!(problems(&spec)[0].contains("bytes in the archive: AIX allows 1023"));
}

#[test]
fn a_file_of_two_gibibytes_is_refused_at_build_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("big");
    std::fs::File::create(&path).unwrap().set_len(1 << 31).unwrap();
    let mut big = file("/opt/big", 0o644, b"");
    let EntryKind::File(content) = &mut big.kind else { unreachable!() };
    content.content = Source::File(path);
    let problem = one(vec![big]);
    assert!(problem.contains("/opt/big") && problem.contains("smaller than 2 GiB"), "{problem}");
}

#[test]
fn all_problems_are_reported_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut missing = file("/opt/missing", 0o644, b"");
    let EntryKind::File(content) = &mut missing.kind else { unreachable!() };
    content.content = Source::File(directory.path().join("nowhere"));
    let mut spec = package(vec![fileset(
        "acme.rte",
        vec![missing, symlink("/etc/a", "a b"), file("/opt/b", 0o70000, b"")],
    )]);
    spec.filesets[0].description.clear();
    let problems = problems(&spec);
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("/opt/missing") && problem.contains("nowhere")));
}

/// A content that is another one each time it is opened.
struct Changing {
    opened: Cell<usize>,
    contents: [&'static [u8]; 2],
}

impl Content for Changing {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.contents[self.opened.replace(1)]))
    }

    fn describe(&self) -> String {
        "changing.txt".into()
    }
}

#[test]
fn a_content_that_changes_while_it_is_packaged_is_an_error() {
    for contents in
        [[b"before" as &[u8], b"behind"], [b"long", b"short"], [b"short", b"long"], [b"", b"x"], [b"x", b""]]
    {
        let content = Changing { opened: Cell::new(0), contents };
        let kind = EntryKind::File(FileEntry { content, upkeep: Upkeep::Volatile, links: vec![] });
        let spec = package(vec![fileset("acme.rte", vec![entry("/opt/a", 0o644, kind)])]);
        match write(&spec, io::sink()) {
            Err(WriteError::ContentChanged { path, source_name }) => {
                assert_eq!((path.as_str(), source_name.as_str()), ("/opt/a", "changing.txt"));
            }
            other => panic!("{contents:?}: {other:?}"),
        }
    }
}

/// An output that is full after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_fails_anywhere_is_an_error() {
    let length = written(&full()).len();
    for room in (0..length).step_by(97) {
        match write(&full(), Full(room)) {
            Err(WriteError::Output(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            other => panic!("room for {room} of {length} bytes: {other:?}"),
        }
    }
    assert!(write(&full(), Full(length)).is_ok());
}
