//! Files made to harm their reader: refused with little memory, and without a panic.

mod common;
#[path = "common/forge.rs"]
mod forge;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use common::{key_dir, release, run, text};
use forge::{Bundle, assert_refused, policy, record, scratch, signer};
use proptest::prelude::*;
use xtask::archive::{Member, bzip2, write_tar};
use xtask::release::records::canonical;
use xtask::release::{parse_sums, sums};
use xtask::verify;

/// Far below what the archives here unpack to.
const MEMORY_KIB: u64 = 400 << 10;
const BOMB: u64 = 600 << 20;

/// Verifies with the program, which may use no more than [`MEMORY_KIB`] of address space.
fn verify_bounded(path: &Path) -> Output {
    let limit = format!("ulimit -v {MEMORY_KIB}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limit, "sh", env!("CARGO_BIN_EXE_xtask"), "verify"]).arg(path);
    run(command.env("VEN_PACKAGES_KEYS", key_dir()).env("RAYON_NUM_THREADS", "2"))
}

#[track_caller]
fn assert_bounded(path: &Path, rule: &str) {
    let output = verify_bounded(path);
    assert_eq!(output.status.code(), Some(8), "{}", text(&output));
    assert!(text(&output).contains(&format!("[{rule}]")), "{}", text(&output));
}

/// `head`, then zeros, compressed: some hundred bytes for each megabyte.
fn bomb(head: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::best());
    encoder.write_all(head).expect("in memory");
    let zeros = vec![0; 1 << 20];
    (0..BOMB >> 20).for_each(|_| encoder.write_all(&zeros).expect("in memory"));
    encoder.finish().expect("in memory")
}

/// A tar header with these raw fields and a right checksum.
fn header(name: &[u8], size: &[u8; 12], kind: u8) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    let bytes = header.as_mut_bytes();
    bytes[..name.len()].copy_from_slice(name);
    bytes[124..136].copy_from_slice(size);
    bytes[156] = kind;
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn a_bomb_is_refused_in_little_memory() {
    let dir = scratch();
    let name = "illumio-ven-repo-1.0.0-1";
    let path = dir.path().join(format!("{name}.tar.bz2"));
    let write = |head: &[u8], rule| {
        let bytes = bomb(head);
        assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
        fs::write(&path, bytes).expect("writable");
        assert_bounded(&path, rule);
    };
    // Nothing but zeros: an archive without members.
    write(b"", "bundle/missing-member");
    // One member, as large as the rest.
    let folder = header(format!("{name}/").as_bytes(), b"00000000000\0", b'5');
    let size = format!("{BOMB:011o}\0");
    let manifest =
        header(format!("{name}/manifest.json").as_bytes(), size.as_bytes().try_into().expect("12"), b'0');
    write(&[folder, manifest].concat(), "bundle/archive");
}

#[test]
fn a_bundle_that_unpacks_to_more_than_its_signed_manifest_says_is_refused_in_little_memory() {
    let dir = scratch();
    let matrix = record().bundles.iter().find(|b| b.path.contains("matrix")).expect("there is one");
    let packed = fs::read(release().join(&matrix.path)).expect("readable");
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut ::bzip2::read::BzDecoder::new(&packed[..]), &mut tar).expect("genuine");
    let path = dir.path().join(matrix.path.rsplit('/').next().expect("a name"));
    fs::write(&path, bomb(&tar)).expect("writable");
    assert_bounded(&path, "bundle/archive");
    assert!(text(&verify_bounded(&path)).contains("unpacks to more than"));
}

#[test]
fn a_huge_file_is_refused_before_it_is_read() {
    let dir = scratch();
    for name in ["x.rpm", "x.deb", "x.tar", "x.tar.bz2"] {
        let path = dir.path().join(name);
        File::create(&path).and_then(|f| f.set_len(5 << 30)).expect("a sparse file");
        assert_refused(verify::path(&path, &policy()), &["verify/too-large"]);
    }
}

#[test]
fn sizes_that_no_archive_can_have_are_refused() {
    let genuine = Bundle::ctl();
    let root = genuine.members[0].path.as_bytes();
    let file = [root, b"manifest.json"].concat();
    // The largest in octal digits, in base 256, and a negative one.
    let base256 = |first: u8, rest: u8| {
        let mut size = [rest; 12];
        size[0] = first;
        size
    };
    for size in [*b"77777777777\0", base256(0x80, 0x7f), base256(0xff, 0xff), *b"notanumber!!"] {
        for kind in *b"05LKxg" {
            let tar =
                [header(root, b"00000000000\0", b'5'), header(&file, &size, kind), vec![0; 2048]].concat();
            assert_refused(
                verify::bundle::verify(&genuine.name, &tar, &policy()).map(drop),
                &["bundle/archive"],
            );
            let (name, packed) = (format!("{}.bz2", genuine.name), bzip2(&tar).expect("compresses"));
            assert_refused(verify::bundle::verify(&name, &packed, &policy()).map(drop), &["bundle/archive"]);
        }
    }
}

#[test]
fn names_that_leave_the_folder_links_and_devices_are_refused_even_behind_a_signed_manifest() {
    let genuine = Bundle::ctl();
    let root = genuine.members[0].path.clone();
    let bytes = genuine.bytes();
    let end = bytes.len() - 1024;
    let with = |name: &str, kind: u8| {
        let header = header(name.as_bytes(), b"00000000000\0", kind);
        let tar = [&bytes[..end], &header, &bytes[end..]].concat();
        verify::bundle::verify(&genuine.name, &tar, &policy()).map(drop)
    };
    let names = ["../x", "/etc/passwd", "..", ".", "a//b", "a/./b", "a\\b", "a b", "a\nb", "\u{e4}", ""];
    for name in names {
        assert_refused(with(name, b'0'), &["bundle/archive"]);
        assert_refused(with(&format!("{root}{name}"), b'0'), &["bundle/archive"]);
    }
    // Hard and symbolic links, devices, pipes, long names, attributes, sparse files, kinds that nobody knows.
    for kind in *b"12346LKxgS7z" {
        assert_refused(with(&format!("{root}x"), kind), &["bundle/archive"]);
    }
    let climbing = Bundle { name: "...tar".to_owned(), ..genuine.clone() };
    assert_refused(climbing.verify(&policy()), &["bundle/member"]);
}

#[test]
fn a_manifest_that_is_no_text_or_nested_without_end_is_refused() {
    let genuine = Bundle::ctl();
    let mut binary = genuine.clone();
    binary.members[1].content = Some(vec![0xff; 100]);
    assert_refused(binary.verify(&policy()), &["verify/unreadable"]);
    let mut signature = genuine.clone();
    signature.members[2].content = Some(vec![0xc3, 0x28]);
    assert_refused(signature.verify(&policy()), &["verify/unreadable"]);
    let mut nested = genuine.clone();
    nested.sign(&"[".repeat(200_000), signer());
    assert_refused(nested.verify(&policy()), &["bundle/manifest"]);
    // Sizes whose sum no integer holds.
    let mut manifest = genuine.manifest();
    manifest.members.iter_mut().for_each(|m| m.size = u64::MAX);
    let mut huge = genuine.clone();
    huge.sign(&canonical(&manifest), signer());
    assert_refused(huge.verify(&policy()), &["bundle/digest"]);
    let packed = bzip2(&huge.bytes()).expect("compresses");
    let found = verify::bundle::verify(&format!("{}.bz2", huge.name), &packed, &policy()).map(drop);
    assert_refused(found, &["bundle/kind", "bundle/digest"]);
}

/// A small genuine file of each kind, to be damaged.
fn genuine() -> Vec<(String, Vec<u8>)> {
    let package = |format: &str| {
        let package = record().packages.iter().find(|p| p.format == format).expect("both formats");
        release().join("packages").join(&package.file)
    };
    let bundles = record().bundles.iter().filter(|b| b.size < 1 << 20).map(|b| release().join(&b.path));
    let paths = [package("rpm"), package("deb")].into_iter().chain(bundles);
    let name = |path: &Path| path.file_name().expect("a file").to_str().expect("our name").to_owned();
    let mut all: Vec<(String, Vec<u8>)> =
        paths.map(|path| (name(&path), fs::read(&path).expect("readable"))).collect();
    let mut tar = Vec::new();
    let members =
        [Member::dir("b"), Member::file("b/manifest.json", "{}"), Member::file("b/manifest.json.asc", "-")];
    write_tar(&members, 1, &mut tar).expect("plain names");
    all.push(("b.tar".to_owned(), tar));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_of_every_kind_are_refused_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        kind in 0..6usize,
    ) {
        let (name, bytes) = match kind {
            0 => ("x.rpm", [&[0xed, 0xab, 0xee, 0xdb, 3, 0][..], &bytes].concat()),
            1 => ("x.deb", [b"!<arch>\ndebian-binary   ", &bytes[..]].concat()),
            2 => ("x.tar", bytes),
            3 => ("x.tar.bz2", bzip2(&bytes).expect("compresses")),
            4 => ("x.tar.bz2", [b"BZh91AY&SY", &bytes[..]].concat()),
            _ => ("x", bytes),
        };
        let dir = scratch();
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("writable");
        prop_assert!(verify::path(&path, &policy()).is_err());
    }

    #[test]
    fn damaged_packages_and_bundles_are_refused_without_a_panic(
        index in 0..4usize,
        at in any::<prop::sample::Index>(),
        early in any::<bool>(),
        patch in proptest::collection::vec(any::<u8>(), 1..40),
        cut in any::<bool>(),
    ) {
        let all = genuine();
        let (name, mut bytes) = all[index % all.len()].clone();
        // Headers are at the beginning.
        let at = at.index(if early { bytes.len().min(8 << 10) } else { bytes.len() });
        let end = bytes.len().min(at + patch.len());
        if cut {
            bytes.truncate(at);
            bytes.extend(&patch);
        } else if bytes[at..end] == patch[..end - at] {
            bytes[at] ^= 1;
        } else {
            bytes[at..end].copy_from_slice(&patch[..end - at]);
        }
        let dir = scratch();
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("writable");
        prop_assert!(verify::path(&path, &policy()).is_err());
    }

    #[test]
    fn a_list_of_digests_is_read_only_in_the_form_in_which_it_is_written(
        lines in proptest::collection::vec("[0-9a-f]{63,65} {1,3}[a-z./]{0,6}\n?", 0..4),
    ) {
        let text = lines.concat();
        if let Ok(list) = parse_sums(&text) {
            let records: Vec<_> = list
                .into_iter()
                .map(|(path, sha256)| xtask::release::records::FileRecord { path, size: 0, sha256 })
                .collect();
            prop_assert_eq!(sums(&records), text);
        }
    }

    #[test]
    fn random_signatures_are_refused_without_a_panic(body in "[A-Za-z0-9+/=\n]{0,400}", checksum in "[A-Za-z0-9+/]{4}") {
        let armored = format!("-----BEGIN PGP SIGNATURE-----\n\n{body}\n={checksum}\n-----END PGP SIGNATURE-----\n");
        prop_assert!(signer().key().verify_armored(&armored, b"data").is_err());
        prop_assert!(signer().key().verify(body.as_bytes(), b"data").is_err());
    }
}
