//! Whatever is changed in a release, a reader refuses it, and says by which rule.

mod common;
#[path = "common/forge.rs"]
mod forge;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use common::{release, run, text, xtask};
use forge::{
    Bundle, assert_refused, both_keys, copy, edit_record, files, policy, record, relist, resign, rules,
    scratch, signer, stranger, time,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rayon::prelude::*;
use xtask::archive::{self, Member};
use xtask::release::bundle::file_record;
use xtask::release::records::canonical;
use xtask::release::{RELEASE, SUMS, SUMS_SIGNATURE, parse_sums};
use xtask::verify::package::{Opened, read, signatures};
use xtask::verify::{self, Policy};

const FLIPS: usize = 10_000;
const SEED: u64 = 235_101_234;

/// Flips, by file: at least 100 each. Beyond that the share grows with the size, up to a size from which unpacking
/// the file takes longer than everything else here.
fn quotas(sizes: &BTreeMap<String, u64>) -> BTreeMap<String, usize> {
    let weight = |size: u64| size.min(32 << 10) as usize;
    let all: usize = sizes.values().map(|s| weight(*s)).sum();
    let rest = FLIPS - 100 * sizes.len();
    sizes.iter().map(|(path, size)| (path.clone(), 100 + (rest * weight(*size)).div_ceil(all))).collect()
}

/// Whether the reader of this one file refuses it. `None`: no reader looks at it but through the list of digests.
fn refused_alone(path: &str, bytes: &[u8], policy: &Policy) -> Option<bool> {
    let (key, name) = (&policy.keys[0], path.rsplit('/').next().expect("a name"));
    let pair = |list: &[u8], signature: &[u8]| {
        let (list, signature) = (std::str::from_utf8(list), std::str::from_utf8(signature));
        matches!((list, signature), (Ok(list), Ok(s)) if key.verify_armored(s, list.as_bytes()).is_ok())
    };
    let genuine = |file: &str| fs::read(release().join(file)).expect("readable");
    if path.starts_with("packages/") {
        let accepted = read(name, bytes).and_then(|facts| signatures(name, &facts, &policy.keys).map(drop));
        Some(accepted.is_err())
    } else if path.starts_with("bundles/") {
        Some(verify::bundle::verify(name, bytes, policy).is_err())
    } else if path == SUMS {
        Some(!pair(bytes, &genuine(SUMS_SIGNATURE)))
    } else if path == SUMS_SIGNATURE {
        Some(!pair(&genuine(SUMS), bytes))
    } else {
        None
    }
}

/// A release directory of links, in which one file is replaced.
fn replaced(into: &Path, path: &str, bytes: &[u8]) {
    for file in files(release()) {
        let place = into.join(&file);
        fs::create_dir_all(place.parent().expect("below")).expect("writable");
        match file == path {
            true => fs::write(place, bytes).expect("writable"),
            false => fs::hard_link(release().join(&file), place).expect("the same file system"),
        }
    }
}

#[test]
fn one_flipped_bit_at_ten_thousand_places_is_refused_everywhere() {
    let originals: BTreeMap<String, Vec<u8>> = files(release())
        .into_iter()
        .map(|f| (f.clone(), fs::read(release().join(f)).expect("readable")))
        .collect();
    let sums = String::from_utf8(originals[SUMS].clone()).expect("text");
    let listed: BTreeMap<String, String> = parse_sums(&sums).expect("our own list").into_iter().collect();
    let sizes = originals.iter().map(|(path, bytes)| (path.clone(), bytes.len() as u64)).collect();
    let quotas = quotas(&sizes);
    println!("seed {SEED}, {} files, flips by file: {quotas:?}", quotas.len());

    let mut random = StdRng::seed_from_u64(SEED);
    let mut flips: Vec<(&str, usize, bool)> = Vec::new();
    for (path, count) in &quotas {
        let bits = originals[path].len() * 8;
        // Some go through the whole directory as well.
        flips.extend((0..*count).map(|n| (path.as_str(), random.gen_range(0..bits), n < 10)));
    }
    assert!(flips.len() >= FLIPS && quotas.values().all(|count| *count >= 100));

    let policy = policy();
    let accepted: Vec<String> = flips
        .par_iter()
        .flat_map_iter(|&(path, bit, whole)| {
            let mut bytes = originals[path].clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut by = Vec::new();
            if refused_alone(path, &bytes, &policy) == Some(false) {
                by.push("its own reader");
            }
            if listed.get(path).is_some_and(|sha256| file_record(path, &bytes).sha256 == *sha256) {
                by.push("the list of digests");
            }
            if !listed.contains_key(path) && refused_alone(path, &bytes, &policy).is_none() {
                by.push("everybody: nothing covers it");
            }
            if whole {
                let dir = scratch();
                replaced(dir.path(), path, &bytes);
                if verify::path(dir.path(), &policy).is_ok() {
                    by.push("the reader of the directory");
                }
            }
            by.into_iter().map(move |reader| format!("{path} bit {bit} is accepted by {reader}"))
        })
        .collect();
    assert!(
        accepted.is_empty(),
        "{} flips accepted: {:#?}",
        accepted.len(),
        &accepted[..accepted.len().min(20)]
    );
}

#[test]
fn the_release_itself_is_accepted_whole_and_file_by_file() {
    let policy = policy();
    assert_refused(verify::path(release(), &policy), &[]);
    for file in files(release()) {
        let bytes = fs::read(release().join(&file)).expect("readable");
        assert_ne!(refused_alone(&file, &bytes, &policy), Some(true), "{file}");
    }
    let linked = scratch();
    replaced(linked.path(), RELEASE, &fs::read(release().join(RELEASE)).expect("readable"));
    assert_refused(verify::path(linked.path(), &policy), &[]);
}

/// The rule by which the directory's reader refuses a file that is not as it was.
fn rule_of_change(file: &str) -> &'static str {
    if file == SUMS || file == SUMS_SIGNATURE { "signature" } else { "release/digest" }
}

#[test]
fn every_truncated_or_extended_file_of_a_release_is_refused() {
    for file in files(release()) {
        let bytes = fs::read(release().join(&file)).expect("readable");
        let longer = [&bytes[..], b"\n"].concat();
        for changed in [&bytes[..bytes.len() - 1], &bytes[..bytes.len() / 2], b"", &longer] {
            let dir = scratch();
            replaced(dir.path(), &file, changed);
            assert_refused(verify::path(dir.path(), &policy()), &[rule_of_change(&file)]);
            assert_ne!(
                refused_alone(&file, changed, &policy()),
                Some(false),
                "{file} with {} bytes",
                changed.len()
            );
        }
    }
}

#[test]
fn files_swapped_renamed_removed_or_added_are_refused() {
    let policy = policy();
    let check = |change: &dyn Fn(&Path), wanted: &[&'static str]| {
        let (_dir, release) = copy();
        change(&release);
        assert_refused(verify::path(&release, &policy), wanted);
    };
    let name = |index: usize| format!("packages/{}", record().packages[index].file);
    check(
        &|r| {
            fs::rename(r.join(name(0)), r.join("aside")).expect("there");
            fs::rename(r.join(name(1)), r.join(name(0))).expect("there");
            fs::rename(r.join("aside"), r.join(name(1))).expect("there");
        },
        &["release/digest"],
    );
    check(
        &|r| fs::rename(r.join(name(0)), r.join("packages/other.rpm")).expect("there"),
        &["release/missing-file", "release/extra-file"],
    );
    check(&|r| fs::remove_file(r.join(name(0))).expect("there"), &["release/missing-file"]);
    check(&|r| fs::remove_file(r.join(RELEASE)).expect("there"), &["release/missing-file"]);
    check(&|r| fs::remove_file(r.join(SUMS)).expect("there"), &["verify/unreadable"]);
    check(&|r| fs::remove_file(r.join(SUMS_SIGNATURE)).expect("there"), &["verify/unreadable"]);
    check(&|r| fs::write(r.join("packages/install.sh"), "").expect("writable"), &["release/extra-file"]);
    check(&|r| fs::write(r.join("packages/.hidden"), "").expect("writable"), &["release/extra-file"]);
    check(&|r| fs::create_dir(r.join("packages/empty")).expect("writable"), &["release/extra-directory"]);
}

#[test]
fn a_symbolic_link_in_place_of_a_file_is_refused_even_with_the_same_content() {
    for file in [SUMS, SUMS_SIGNATURE, RELEASE, &record().bundles[0].path] {
        let (dir, release) = copy();
        let outside = dir.path().join("outside");
        fs::rename(release.join(file), &outside).expect("there");
        symlink(&outside, release.join(file)).expect("writable");
        let rule =
            if [SUMS, SUMS_SIGNATURE].contains(&file) { "verify/unreadable" } else { "release/stray-file" };
        assert_refused(verify::path(&release, &policy()), &[rule]);
    }
    let (dir, release) = copy();
    fs::rename(release.join("packages"), dir.path().join("outside")).expect("there");
    symlink(dir.path().join("outside"), release.join("packages")).expect("writable");
    assert_refused(verify::path(&release, &policy()), &["release/stray-file"]);
}

/// The bytes of a package as its writer makes it without a key.
fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let facts = read("package", bytes).expect("genuine");
    let mut out = Vec::new();
    match &facts.package {
        Opened::Rpm(package) => {
            let draft = rpm_pkg::Draft::new(package.spec()).expect("a good spec");
            let stream = rpm_pkg::compress(draft.payload(), package.spec().compression).expect("compresses");
            draft.finish(&stream, None, &mut out).expect("writes");
        }
        Opened::Deb(package) => {
            let draft = deb_pkg::Draft::new(package.spec()).expect("a good spec");
            let xz = deb_pkg::Compression::Xz { level: 6 };
            let stream = deb_pkg::compress(&draft.data_tar().bytes, xz).expect("compresses");
            draft.finish(&stream, None, &mut out).expect("writes");
        }
    }
    out
}

#[test]
fn an_unsigned_package_is_refused_whether_the_list_is_forged_or_signed() {
    for format in ["rpm", "deb"] {
        let (_dir, release) = copy();
        let package = record().packages.iter().find(|p| p.format == format).expect("both formats");
        let path = release.join("packages").join(&package.file);
        let bytes = unsigned(&fs::read(&path).expect("there"));
        assert_ne!(bytes, fs::read(&path).expect("there"));
        fs::write(&path, &bytes).expect("writable");
        assert_refused(verify::path(&path, &policy()), &["package/unsigned"]);

        edit_record(&release, |_| {});
        relist(&release);
        assert_refused(verify::path(&release, &policy()), &["signature"]);
        // Bundles still carry the signed package, which release.json no longer names.
        resign(&release, signer());
        assert_refused(verify::path(&release, &policy()), &["package/unsigned", "bundle/mixed"]);
    }
}

#[test]
fn a_release_record_edited_without_the_key_is_refused() {
    let (_dir, release) = copy();
    edit_record(&release, |record| record.complete = true);
    assert_refused(verify::path(&release, &policy()), &["release/digest"]);
    relist(&release);
    assert_refused(verify::path(&release, &policy()), &["signature"]);
    resign(&release, stranger());
    assert_refused(verify::path(&release, &policy()), &["signature"]);
}

#[test]
fn everything_is_refused_when_only_another_key_is_trusted() {
    let policy = Policy { keys: vec![stranger().key().clone()], ..policy() };
    assert_refused(verify::path(release(), &policy), &["signature"]);
    for bundle in &record().bundles {
        assert_refused(verify::path(&release().join(&bundle.path), &policy), &["signature"]);
    }
    for package in &record().packages {
        let path = release().join("packages").join(&package.file);
        assert_refused(verify::path(&path, &policy), &["package/signature"]);
    }
    let nobody = Policy { keys: Vec::new(), ..policy };
    assert_refused(verify::path(release(), &nobody), &["signature"]);
}

#[test]
fn a_list_signed_by_another_trusted_key_than_the_packages_is_refused() {
    let policy = Policy { keys: both_keys(), ..policy() };
    assert_refused(verify::path(release(), &policy), &[]);
    let (_dir, release) = copy();
    resign(&release, stranger());
    let found = rules(verify::path(&release, &policy));
    assert!(found.contains("release/key") && found.contains("package/signature"), "{found:?}");
}

#[test]
fn expired_older_and_partial_releases_and_bundles_are_refused() {
    let expires: jiff::Timestamp = record().expires.parse().expect("a time");
    let bundle = release().join(&record().bundles[0].path);
    for path in [release(), &bundle] {
        let at = |now| Policy { now, ..policy() };
        assert_refused(verify::path(path, &at(expires.as_second() - 1)), &[]);
        assert_refused(verify::path(path, &at(expires.as_second())), &["release/expired"]);
        assert_refused(
            verify::path(path, &Policy { require_complete: true, ..policy() }),
            &["release/partial"],
        );
    }
    let (version, build) = record().release.rsplit_once('-').expect("version-build");
    let build: u32 = build.parse().expect("a number");
    let package = release().join("packages").join(&record().packages[0].file);
    for path in [release(), &bundle, &package] {
        let after = |build| {
            let floor = format!("{version}-{build}").parse().expect("a release id");
            verify::path(path, &Policy { newer_than: Some(floor), ..policy() })
        };
        assert_refused(after(build - 1), &[]);
        assert_refused(after(build), &["release/not-newer"]);
        assert_refused(after(build + 1), &["release/not-newer"]);
    }
}

#[test]
fn a_bundle_with_members_added_removed_doubled_or_reordered_is_refused() {
    let genuine = Bundle::ctl();
    let policy = policy();
    assert_refused(genuine.verify(&policy), &[]);
    let at = genuine.packages();
    let root = genuine.members[0].path.trim_end_matches('/').to_owned();
    let check = |change: &dyn Fn(&mut Vec<Member>), wanted: &[&'static str]| {
        let mut bundle = genuine.clone();
        change(&mut bundle.members);
        assert_refused(bundle.verify(&policy), wanted);
    };
    check(&|m| m.swap(at[0], at[1]), &["bundle/order"]);
    check(&|m| m.push(Member::file(format!("{root}/zzz"), "x")), &["bundle/extra-member"]);
    check(
        &|m| m.insert(at[1], Member::file(format!("{root}/packages/a.rpm"), "x")),
        &["bundle/extra-member"],
    );
    check(&|m| m.push(m[1].clone()), &["bundle/extra-member"]);
    check(&|m| m.push(m[at[0]].clone()), &["bundle/order"]);
    check(&|m| m.insert(at[0], m[at[0]].clone()), &["bundle/order"]);
    check(&|m| m.push(Member::dir(format!("{root}/empty"))), &["bundle/order"]);
    check(&|m| m.push(Member::file("elsewhere/x", "x")), &["bundle/member"]);
    check(&|m| drop(m.remove(at[0])), &["bundle/missing-member"]);
    check(&|m| drop(m.remove(1)), &["bundle/missing-member"]);
    check(&|m| drop(m.remove(2)), &["bundle/missing-member"]);
    check(&|m| m.swap(1, 2), &["bundle/missing-member"]);
    check(&|m| m[at[0]].content = m[at[1]].content.clone(), &["bundle/digest"]);
    check(&|m| m.clear(), &["bundle/missing-member"]);
}

#[test]
fn a_bundle_in_another_form_than_its_writers_is_refused() {
    let (genuine, policy) = (Bundle::ctl(), policy());
    let bytes = genuine.bytes();
    let verify = |name: &str, bytes: &[u8]| rules(verify::bundle::verify(name, bytes, &policy));
    assert_eq!(verify("other.tar", &bytes), ["bundle/member"].into());
    let packed = archive::bzip2(&bytes).expect("compresses");
    assert_eq!(verify(&format!("{}.bz2", genuine.name), &packed), ["bundle/kind"].into());
    assert_eq!(verify(&genuine.name, &packed), ["bundle/archive"].into());
    for trailing in [&[0u8; 512][..], b"x"] {
        assert_eq!(verify(&genuine.name, &[&bytes[..], trailing].concat()), ["bundle/archive"].into());
    }
    let later = Bundle { time: genuine.time + 1, ..genuine.clone() };
    assert_refused(later.verify(&policy), &["bundle/time"]);
    let mut blank = genuine.clone();
    blank.sign(&format!("{}\n", canonical(&genuine.manifest())), signer());
    assert_refused(blank.verify(&policy), &["bundle/manifest"]);
}

#[test]
fn a_manifest_that_is_edited_old_or_of_another_release_is_refused() {
    let (genuine, policy) = (Bundle::ctl(), policy());
    let mut edited = genuine.clone();
    let text = canonical(&genuine.manifest()).replace("\"complete\": false", "\"complete\": true");
    edited.members[1].content = Some(text.into_bytes());
    assert_refused(edited.verify(&policy), &["signature"]);

    // The manifest that was signed for the previous release, whose packages had the same names.
    let mut manifest = genuine.manifest();
    manifest.members[0].sha256 = manifest.members[1].sha256.clone();
    let mut older = genuine.clone();
    older.sign(&canonical(&manifest), signer());
    assert_refused(older.verify(&policy), &["bundle/digest"]);

    // A bundle of another release, good in itself, among the files of this one.
    let mut manifest = genuine.manifest();
    manifest.release = "23.5.9-1".to_owned();
    let mut other = genuine.clone();
    other.sign(&canonical(&manifest), signer());
    assert_refused(other.verify(&policy), &[]);
    let (_dir, release) = copy();
    fs::write(release.join("bundles").join(&other.name), other.bytes()).expect("writable");
    assert_refused(verify::path(&release, &policy), &["release/digest"]);
    relist(&release);
    assert_refused(verify::path(&release, &policy), &["signature"]);
    resign(&release, signer());
    assert_refused(verify::path(&release, &policy), &["release/record", "bundle/mixed"]);
    edit_record(&release, |_| {});
    resign(&release, signer());
    assert_refused(verify::path(&release, &policy), &["bundle/mixed"]);
}

#[test]
fn the_program_ends_with_8_and_names_file_and_rule_of_what_it_refuses() {
    let dir = scratch();
    let file = format!("packages/{}", record().packages[0].file);
    let mut bytes = fs::read(release().join(&file)).expect("readable");
    bytes[5000] ^= 1;
    let changed = dir.path().join("changed");
    replaced(&changed, &file, &bytes);
    let strangers = dir.path().join("stranger.asc");
    xtask::signing::write_public(&strangers, stranger().key().certificate()).expect("writable");
    let at = jiff::Timestamp::from_second(i64::from(time()) + 86_400).expect("a time").to_string();
    let genuine = release().to_str().expect("our path").to_owned();
    let changed = changed.to_str().expect("our path").to_owned();
    let package = format!("{changed}/{file}");
    let bundle = format!("{genuine}/{}", record().bundles[0].path);
    let stranger = strangers.to_str().expect("our path");
    let id = record().release.as_str();
    let name = file.rsplit('/').next().expect("a name");
    let cases: [(&[&str], &str, &str); 8] = [
        (&[&changed, "--at", &at], &file, "release/digest"),
        (&[&package], name, "package/structure"),
        (&[&genuine, "--at", &at, "--key", stranger], SUMS, "signature"),
        (&[&bundle, "--at", &at, "--key", stranger], "manifest.json", "signature"),
        (&[&genuine, "--at", "2099-01-01T00:00:00Z"], RELEASE, "release/expired"),
        (&[&genuine, "--at", &at, "--newer-than", id], RELEASE, "release/not-newer"),
        (&[&genuine, "--at", &at, "--require-complete"], RELEASE, "release/partial"),
        (&["/dev/zero"], "zero", "verify/unreadable"),
    ];
    for (arguments, file, rule) in cases {
        let output = run(xtask().arg("verify").args(arguments));
        assert_eq!(output.status.code(), Some(8), "{arguments:?}: {}", text(&output));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("{file}: [{rule}] ")), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output));
    }
    let output = run(xtask().args(["verify", &genuine, "--at", &at, "--newer-than", "1.0.0-1"]));
    assert!(output.status.success(), "{}", text(&output));
}
