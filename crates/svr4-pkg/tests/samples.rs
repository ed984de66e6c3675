//! Packages made by the pkgmk and pkgtrans of SVR4.

mod common;

use common::{read_all, sample};
use svr4_pkg::fuzz::{fuzz_one, meaning};
use svr4_pkg::{
    Content, DirectoryKind, FileKind, InstallName, ObjectKind, ReadOptions, Rule, Ruleset, Sum, write,
};

/// Reads a sample. The second package of `two.pkg` was renamed after its pkgmap was made, so its
/// pkginfo does not add up to its `i pkginfo` line, for which pkgadd refuses a package as corrupt;
/// the test below shows that refusal. Here the line is set right.
fn mended(name: &str) -> Option<Vec<u8>> {
    let (_, mut bytes) = sample(name)?;
    if name == "two.pkg" {
        let (wrong, right) = (b"1 i pkginfo 262 20358 ", b"1 i pkginfo 259 20034 ");
        let found: Vec<usize> =
            (0..bytes.len() - wrong.len()).filter(|at| bytes[*at..].starts_with(wrong)).collect();
        // Two maps in the first archive and one in each package; the second and fourth are acme2's.
        let [_, first, _, second] = found[..] else { panic!("another two.pkg: {found:?}") };
        bytes[first..first + right.len()].copy_from_slice(right);
        bytes[second..second + right.len()].copy_from_slice(right);
    }
    Some(bytes)
}

#[test]
fn a_package_whose_pkginfo_was_edited_after_pkgmk_is_refused_as_pkgadd_does() {
    let Some((_, bytes)) = sample("two.pkg") else { return };
    let error = read_all(&bytes, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.rules(), [Rule::MemberSum]);
    assert!(error.to_string().contains("package `acme2`"), "{error}");
    assert!(error.to_string().contains("pkgmap i pkginfo"), "{error}");
}

const SAMPLES: [(&str, &[&str]); 2] = [("acme-ven.pkg", &["acme-ven"]), ("two.pkg", &["acme-ven", "acme2"])];

#[test]
fn genuine_streams_are_read_strictly() {
    for (name, packages) in SAMPLES {
        let Some(bytes) = mended(name) else { return };
        let (stream, _) =
            read_all(&bytes, &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(stream.packages.iter().map(|package| package.info.pkg()).collect::<Vec<_>>(), packages);
        assert_eq!(stream.size, bytes.len() as u64);
        assert_eq!(stream.signature, None);
        for package in &stream.packages {
            assert_eq!(package.map.blocks, 349);
            assert_eq!(package.info.get("VERSION"), Some("1.2.3,REV=2024.01.02"));
            assert_eq!(package.map.objects.len(), 15);
            assert_eq!(package.install.len(), 9);
            assert_eq!(package.sha256.len(), 5);
            let kinds = |wanted: FileKind| {
                let is =
                    |kind: &ObjectKind<Sum>| matches!(kind, ObjectKind::File { kind, .. } if *kind == wanted);
                package.map.objects.iter().filter(|object| is(&object.kind)).count()
            };
            assert_eq!(
                (kinds(FileKind::Regular), kinds(FileKind::Volatile), kinds(FileKind::Editable)),
                (4, 1, 0)
            );
            let etc = package.map.objects.iter().find(|object| object.path == "etc").unwrap();
            assert!(matches!(&etc.kind, ObjectKind::Directory { kind: DirectoryKind::Shared, attributes }
                if attributes.mode.is_none() && attributes.owner.is_none()));
            assert!(package.install.iter().any(|file| file.name == InstallName::Request));
        }
    }
}

#[test]
fn genuine_streams_mean_the_same_after_they_were_written_again() {
    for (name, _) in SAMPLES {
        let Some(bytes) = mended(name) else { return };
        let (stream, contents) = read_all(&bytes, &ReadOptions::default()).unwrap();
        let prepared: Vec<_> = (stream.packages.iter())
            .map(|package| {
                let content = |path: &str| {
                    Content::from(contents[&(package.info.pkg().to_owned(), path.to_owned())].as_slice())
                };
                package.to_spec(content).prepare(Ruleset::Format).unwrap()
            })
            .collect();
        let mut again = Vec::new();
        let written = write(&prepared, &mut again).unwrap();
        let canonical = ReadOptions { rules: Ruleset::Format, ..ReadOptions::canonical() };
        let (second, second_contents) = read_all(&again, &canonical).unwrap();
        assert_eq!(second.sha256, written.sha256);
        assert_eq!(contents, second_contents);
        for (before, after) in stream.packages.iter().zip(&second.packages) {
            assert_eq!(meaning(before), meaning(after));
        }
        // pkgmap and pkginfo come out byte for byte, apart from the size estimate.
        let body = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n').map(|at| bytes[at..].to_vec());
        for (package, prepared) in stream.packages.iter().zip(&prepared) {
            assert_eq!(body(&package.map.render()), body(prepared.pkgmap()));
        }
    }
}

#[test]
fn genuine_streams_keep_the_properties_of_any_input() {
    for (name, _) in SAMPLES {
        let Some(bytes) = mended(name) else { return };
        fuzz_one(&bytes);
    }
}

#[test]
fn genuine_streams_are_not_canonical() {
    let Some((_, bytes)) = sample("acme-ven.pkg") else { return };
    let options = ReadOptions { rules: Ruleset::Format, ..ReadOptions::canonical() };
    assert_eq!(read_all(&bytes, &options).unwrap_err().rules(), [Rule::NotCanonical]);
}

#[test]
fn the_portable_rules_refuse_only_the_hard_link_of_the_sample_and_pass_its_scripts() {
    let Some((_, bytes)) = sample("acme-ven.pkg") else { return };
    let (stream, _) = read_all(&bytes, &ReadOptions::default()).unwrap();
    let rules: Vec<Rule> =
        stream.packages[0].problems(Ruleset::Portable).iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, [Rule::HardLink]);
}

#[test]
fn sums_of_the_samples_are_those_of_the_sum_program() {
    let Some((_, bytes)) = sample("acme-ven.pkg") else { return };
    let (stream, contents) = read_all(&bytes, &ReadOptions::default()).unwrap();
    let package = &stream.packages[0];
    let directory = tempfile::tempdir().unwrap();
    let check = |bytes: &[u8], sum: &Sum| {
        let path = directory.path().join("content");
        std::fs::write(&path, bytes).unwrap();
        let output = std::process::Command::new("sum").arg("-s").arg(&path).output();
        let output = output.expect("`sum` is part of the Debian package coreutils");
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.split(' ').next(), Some(sum.cksum.to_string().as_str()));
        assert_eq!(bytes.len(), sum.size as usize);
    };
    let mut checked = 0;
    for object in &package.map.objects {
        if let ObjectKind::File { payload, .. } = &object.kind {
            check(&contents[&("acme-ven".to_owned(), object.path.clone())], payload);
            checked += 1;
        }
    }
    for file in &package.install {
        let line = package.map.install.iter().find(|line| line.name == file.name.to_string()).unwrap();
        check(&file.text, &line.sum);
        checked += 1;
    }
    assert_eq!(checked, 5 + 9);
}
