//! Mistakes in a specification: found all at once, each with the rule it breaks.

use deb_pkg::{Compression, Description, Draft, Owner, Problem, Spec};

use crate::support::{bare, directory, file, full, link, owner};

/// The problems of `spec`, as text.
fn problems(spec: &Spec) -> Vec<Problem> {
    Draft::new(spec).err().map(|invalid| invalid.problems).unwrap_or_default()
}

/// Asserts that a change to a good specification makes exactly one problem, whose text holds `rule`.
#[track_caller]
fn one(rule: &str, change: impl FnOnce(&mut Spec)) {
    let mut spec = full();
    change(&mut spec);
    let found = problems(&spec);
    assert_eq!(found.len(), 1, "{found:?}");
    let message = found[0].to_string();
    assert!(message.contains(rule), "{rule:?} in {message:?}");
}

#[test]
fn a_good_specification_has_no_problems() {
    assert_eq!(problems(&full()), []);
    assert_eq!(problems(&bare()), []);
}

#[test]
fn all_problems_are_reported_together() {
    let mut spec = bare();
    spec.maintainer = "nobody".to_owned();
    spec.scripts.postinst = Some("exit 0\n".to_owned());
    spec.conffiles = vec!["/etc/missing".to_owned()];
    spec.entries = vec![file("relative", 0o644, ""), file("/opt/x", 0o10000, "")];
    spec.source_date = 1 << 33;
    let error = Draft::new(&spec).unwrap_err();
    assert_eq!(error.problems.len(), 6, "{error}");
    let text = error.to_string();
    for part in ["Maintainer", "postinst", "/etc/missing", "relative", "/opt/x", "8589934592"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn paths_that_dpkg_could_not_keep_are_refused() {
    for (path, rule) in [
        ("opt/x", "must be absolute"),
        ("./opt/x", "must be absolute"),
        ("", "must be absolute"),
        ("/", "the root directory"),
        ("/opt/../etc/passwd", "'..' components"),
        ("/opt/./x", "'.' or"),
        ("/opt//x", "empty components"),
        ("/opt/x/", "slash at the end"),
        ("/opt/a\nb", "newline"),
        ("/opt/a\0b", "NUL"),
        ("/opt/ x", "white space"),
        ("/opt/x ", "white space"),
    ] {
        one(rule, |spec| spec.entries.push(file(path, 0o644, "")));
    }
    one("at most 245 bytes", |spec| spec.entries.push(file(&format!("/opt/{}", "n".repeat(246)), 0o644, "")));
    one("at most 4085 bytes", |spec| spec.entries.push(file(&"/dir".repeat(1022), 0o644, "")));
    one("more than once", |spec| spec.entries.push(file("/opt/demo/empty", 0o644, "")));
}

#[test]
fn nothing_lies_below_a_link_or_a_file() {
    one("is a symbolic link, not a directory", |spec| {
        spec.entries.push(file("/opt/demo/current/sub/x", 0o644, ""));
    });
    one("is a file, not a directory", |spec| spec.entries.push(link("/opt/demo/empty/x", "y")));
}

#[test]
fn modes_targets_and_owners_must_fit_a_tar_header() {
    one("at most 07777", |spec| spec.entries.push(file("/x", 0o100644, "")));
    one("must be 0777", |spec| {
        let mut entry = link("/x", "y");
        entry.mode = 0o755;
        spec.entries.push(entry);
    });
    one("link target", |spec| spec.entries.push(link("/x", "")));
    one("link target", |spec| spec.entries.push(link("/x", "a\nb")));
    one("link target", |spec| spec.entries.push(link("/x", &"t".repeat(4096))));
    for (name, id, rule) in [
        ("Demo", 1, "[a-z_][a-z0-9_-]*"),
        ("", 1, "[a-z_][a-z0-9_-]*"),
        ("1demo", 1, "[a-z_][a-z0-9_-]*"),
        ("de mo", 1, "[a-z_][a-z0-9_-]*"),
        ("a23456789012345678901234567890ab", 1, "at most 31 characters"),
        ("demo", 0o10000000, "at most 2097151"),
        ("root", 1, "root has the number 0"),
    ] {
        one(rule, |spec| spec.entries.push(directory("/x", 0o755, owner(name, id), Owner::root())));
        one(rule, |spec| spec.entries.push(directory("/x", 0o755, Owner::root(), owner(name, id))));
    }
}

#[test]
fn conffiles_must_be_regular_files_of_the_tree_listed_once() {
    for path in ["/etc/other", "/opt/demo/var", "/opt/demo/current", "opt/demo/empty"] {
        one("regular file among the entries", |spec| spec.conffiles.push(path.to_owned()));
    }
    one("more than once", |spec| spec.conffiles.push(spec.conffiles[0].clone()));
    one("must not hold white space", |spec| spec.conffiles.push("/opt/demo/etc/a b".to_owned()));
}

#[test]
fn scripts_need_an_interpreter_and_unix_line_ends() {
    one("interpreter", |spec| spec.scripts.preinst = Some("set -e\n".to_owned()));
    one("interpreter", |spec| spec.scripts.prerm = Some(String::new()));
    one("interpreter", |spec| spec.scripts.prerm = Some("#! sh\n".to_owned()));
    one("CR LF", |spec| spec.scripts.postrm = Some("#!/bin/sh\r\nexit 0\r\n".to_owned()));
    one("NUL", |spec| spec.scripts.postinst = Some("#!/bin/sh\n\0".to_owned()));
}

#[test]
fn control_fields_follow_the_debian_policy() {
    one("Name <mail@domain>", |spec| spec.maintainer = "Demo".to_owned());
    one("one line", |spec| spec.maintainer = "Demo\nPackage: x <a@b>".to_owned());
    one("Debian Policy 2.4", |spec| spec.section = "Admin".to_owned());
    one("http or https", |spec| spec.homepage = Some("example.com".to_owned()));
    one("alternatives are not allowed", |spec| spec.conflicts.push("a1 | b1".parse().unwrap()));
    one("alternatives are not allowed", |spec| spec.provides.push("a1 | b1".parse().unwrap()));
    one("given with '='", |spec| spec.provides.push("a1 (>= 1)".parse().unwrap()));
    let extra = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    one("has this field already", |spec| spec.extra_fields.push(extra("depends", "x")));
    one("has this field already", |spec| spec.extra_fields.push(extra("x-build", "2")));
    one("Debian Policy 5.1", |spec| spec.extra_fields.push(extra("X:Y", "x")));
    one("Debian Policy 5.1", |spec| spec.extra_fields.push(extra("-X", "x")));
    one("must be one line", |spec| spec.extra_fields.push(extra("X-Y", "a\nb")));
    one("must not be empty", |spec| spec.extra_fields.push(extra("X-Y", "")));
    one("levels 0 to 9", |spec| spec.control_compression = Compression::Xz { level: 12 });
}

#[test]
fn descriptions_follow_the_debian_policy() {
    let described = |synopsis: &str, line: &str| Description {
        synopsis: synopsis.to_owned(),
        lines: vec![line.to_owned()],
    };
    one("must not be empty", |spec| spec.description = described("", "x"));
    one("at most 80", |spec| spec.description = described(&"x".repeat(81), "x"));
    one("one line", |spec| spec.description = described("a\nPackage: b", "x"));
    one("begin with '.'", |spec| spec.description = described("s", "."));
    one("one line without tabs", |spec| spec.description = described("s", "a\tb"));
    one("end with white space", |spec| spec.description = described("s", "a "));
    one("end with white space", |spec| spec.description = described("s", " "));
}
