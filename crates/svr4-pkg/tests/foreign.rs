//! Programs that did not write the stream read it.

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{prepared, stream, stream_of};
use svr4_pkg::{ObjectKind, Sum};

fn run(program: &str, debian: &str, arguments: &[&str], stdin: Option<&Path>, directory: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).env("LC_ALL", "C").env("TZ", "UTC");
    if let Some(path) = stdin {
        command.stdin(std::fs::File::open(path).unwrap());
    }
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; install the Debian package {debian}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Cuts the stream at its 512-byte structure without the reader under test: the header ends in its
/// first block, every archive with its trailer's block.
fn archives(stream: &[u8]) -> Vec<&[u8]> {
    let trailer = b"TRAILER!!!\0";
    let mut found = Vec::new();
    let mut start = 512;
    while start < stream.len() {
        let at = stream[start..].windows(trailer.len()).position(|window| window == trailer).unwrap();
        let end = (start + at + trailer.len()).next_multiple_of(512);
        found.push(&stream[start..end]);
        start = end;
    }
    found
}

#[test]
fn file_recognises_the_stream() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("acme.pkg"), stream()).unwrap();
    let output = run("file", "file", &["-b", "acme.pkg"], None, directory.path());
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "pkg Datastream (SVR4)");
}

#[test]
fn cpio_lists_every_archive_with_modes_owners_and_times() {
    let bytes = stream_of(&[prepared("acme-agent"), prepared("acme-two")]);
    let archives = archives(&bytes);
    assert_eq!(archives.len(), 3);
    let directory = tempfile::tempdir().unwrap();
    let list = |index: usize| {
        let path = directory.path().join(format!("{index}.cpio"));
        std::fs::write(&path, archives[index]).unwrap();
        let output = run("cpio", "cpio", &["-itv", "--quiet"], Some(&path), directory.path());
        String::from_utf8(output.stdout).unwrap()
    };
    let facts: Vec<String> =
        list(0).lines().map(|line| line.split_whitespace().last().unwrap().to_owned()).collect();
    assert_eq!(facts, ["acme-agent/pkginfo", "acme-agent/pkgmap", "acme-two/pkginfo", "acme-two/pkgmap"]);
    let text = list(1);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let line =
        |name: &str| lines.iter().find(|line| line.last() == Some(&name)).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(line("pkginfo"), &lines[0]);
    assert_eq!(line("pkgmap"), &lines[1]);
    let blob = line("reloc/opt/acme/bin/blob");
    assert_eq!((blob[0], blob[1], blob[2], blob[3], blob[4]), ("-rw-r--r--", "1", "root", "root", "70001"));
    assert_eq!(blob[5..8], ["Jan", "2", "2024"]);
    // The set-id bit is in pkgmap only.
    assert_eq!(line("reloc/opt/acme/bin/acmed")[0], "-rwxr-xr-x");
    assert_eq!(line("reloc/opt/acme")[0], "drwxr-xr-x");
    assert_eq!(line("root/opt/acme-docs/readme@1,2+3:4")[4], "9");
    assert!(!text.contains("link") && !text.contains("spool"));
}

#[test]
fn cpio_unpacks_what_sum_finds_in_pkgmap() {
    let package = prepared("acme-agent");
    let map = package.map().clone();
    let bytes = stream_of(&[package]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("1.cpio");
    std::fs::write(&path, archives(&bytes)[1]).unwrap();
    run("cpio", "cpio", &["-idm", "--quiet"], Some(&path), directory.path());
    let check = |path: String, sum: &Sum| {
        let output = run("sum", "coreutils", &["-s", &path], None, directory.path());
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.split(' ').next().unwrap(), sum.cksum.to_string(), "{path}");
        assert_eq!(
            std::fs::metadata(directory.path().join(&path)).unwrap().len(),
            u64::from(sum.size),
            "{path}"
        );
    };
    let mut files = 0;
    for object in &map.objects {
        if let ObjectKind::File { payload, .. } = &object.kind {
            check(object.member_path(), payload);
            files += 1;
        }
    }
    for line in &map.install {
        let path = if line.name == "pkginfo" { line.name.clone() } else { format!("install/{}", line.name) };
        check(path, &line.sum);
        files += 1;
    }
    assert_eq!(files, 6 + 7);
}

#[test]
fn bsdtar_and_7z_read_the_same_members() {
    let bytes = stream();
    let directory = tempfile::tempdir().unwrap();
    for (index, archive) in archives(&bytes).into_iter().enumerate() {
        let name = format!("{index}.cpio");
        std::fs::write(directory.path().join(&name), archive).unwrap();
        let output = run("bsdtar", "libarchive-tools", &["-tf", &name], None, directory.path());
        let listed: Vec<String> =
            String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        let output = run("7zz", "7zip", &["l", "-slt", "-ba", &name], None, directory.path());
        let text = String::from_utf8(output.stdout).unwrap();
        let mut named: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("Path = ")).map(str::to_owned).collect();
        named.sort();
        let mut sorted = listed.clone();
        sorted.sort();
        assert_eq!(named, sorted);
        assert_eq!(listed.len(), if index == 0 { 2 } else { 25 }, "{listed:?}");
    }
    let output = run(
        "bsdtar",
        "libarchive-tools",
        &["-xOf", "1.cpio", "reloc/opt/acme/etc/acme.conf"],
        None,
        directory.path(),
    );
    assert_eq!(output.stdout, b"a=1\n");
}

#[test]
fn other_shells_parse_a_script_that_passes_the_lint() {
    let directory = tempfile::tempdir().unwrap();
    let script = "x=`expr 1 + 1`\nif [ \"$x\" = 2 ]; then\n  echo ok\nfi\nexit 0\n";
    assert_eq!(svr4_pkg::bourne_lint::lint(script), []);
    std::fs::write(directory.path().join("script"), script).unwrap();
    for (shell, debian) in [("dash", "dash"), ("ksh", "ksh"), ("bash", "bash")] {
        let output = run(shell, debian, &["script"], None, directory.path());
        assert_eq!(output.stdout, b"ok\n");
    }
}
