//! Packages whose digests and signatures are right but whose parts do not agree: the reader compares
//! each part with the others, not only with its digest.

mod common;

use ::rpm::{Header, HeaderEntry, IndexData, IndexSignatureTag, IndexTag, PackageMetadata};
use common::*;
use md5::Md5;
use rpm_pkg::*;
use sha1::Sha1;
use sha2::{Digest, Sha256};

const SPEC: fn() -> Spec = || full(Profile::El6, Compression::None);

/// Take a package apart, change header entries and archive, and make all digests and signatures anew.
fn forge(spec: &Spec, change: impl FnOnce(&mut Vec<HeaderEntry>, &mut Vec<u8>)) -> Vec<u8> {
    forge_both(spec, change, |_| ())
}

/// The same, and change the entries of the signature header at last.
fn forge_both(
    spec: &Spec,
    change: impl FnOnce(&mut Vec<HeaderEntry>, &mut Vec<u8>),
    change_outer: impl FnOnce(&mut Vec<HeaderEntry>),
) -> Vec<u8> {
    let package = ::rpm::Package::parse(&mut &signed(spec)[..]).unwrap();
    let entries = package.metadata.header.get_all_entries().unwrap();
    let mut entries: Vec<HeaderEntry> = entries
        .into_iter()
        .filter(|(tag, _)| *tag != 63)
        .map(|(tag, data)| HeaderEntry { tag, data })
        .collect();
    let plain = spec.compression == Compression::None;
    let mut archive = package.payload;
    change(&mut entries, &mut archive);
    for entry in &mut entries {
        if entry.tag == 5092 || (entry.tag == 5097 && plain) {
            entry.data = IndexData::StringArray(vec![hex::encode(Sha256::digest(&archive))]);
        }
    }
    let metadata = PackageMetadata {
        lead: package.metadata.lead,
        signature: package.metadata.signature,
        header: Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE),
    };
    let size = if plain { archive.len() } else { Draft::new(spec).unwrap().payload().bytes().len() };
    let header = metadata.header_bytes().unwrap();
    seal(metadata, &header, &archive, size, change_outer)
}

/// Lead, a signature header that fits, `header` and `archive`.
fn seal(
    mut metadata: PackageMetadata,
    header: &[u8],
    archive: &[u8],
    size: usize,
    change_outer: impl FnOnce(&mut Vec<HeaderEntry>),
) -> Vec<u8> {
    let both = [header, archive].concat();
    let new = HeaderEntry::new;
    let text = |bytes: &[u8]| IndexData::StringTag(hex::encode(bytes));
    let sign = |data: &[u8]| IndexData::Bin(key().sign(data, SignatureVersion::V4).unwrap());
    let mut outer = vec![
        new(268, sign(header)),
        new(269, text(&Sha1::digest(header))),
        new(273, text(&Sha256::digest(header))),
        new(1000, IndexData::Int32(vec![both.len() as u32])),
        new(1002, sign(&both)),
        new(1004, IndexData::Bin(Md5::digest(&both).to_vec())),
        new(1007, IndexData::Int32(vec![size as u32])),
    ];
    change_outer(&mut outer);
    metadata.signature = Header::from_entries(outer, IndexSignatureTag::HEADER_SIGNATURES);
    let mut bytes = Vec::new();
    metadata.write(&mut bytes).unwrap();
    bytes.truncate(bytes.len() - metadata.header_bytes().unwrap().len());
    bytes.extend(both);
    bytes
}

fn refused(change: impl FnOnce(&mut Vec<HeaderEntry>, &mut Vec<u8>)) -> String {
    read(&forge(&SPEC(), change)).expect_err("a forged package was accepted").to_string()
}

/// The data of one tag.
fn data(entries: &mut [HeaderEntry], tag: u32) -> &mut IndexData {
    &mut entries.iter_mut().find(|entry| entry.tag == tag).unwrap().data
}

fn strings(entries: &mut [HeaderEntry], tag: u32) -> &mut Vec<String> {
    match data(entries, tag) {
        IndexData::StringArray(list) => list,
        other => panic!("{other:?}"),
    }
}

fn words(entries: &mut [HeaderEntry], tag: u32) -> &mut Vec<u32> {
    match data(entries, tag) {
        IndexData::Int32(list) => list,
        other => panic!("{other:?}"),
    }
}

#[test]
fn forging_without_a_change_gives_the_package_itself() {
    let bytes = forge(&SPEC(), |_, _| ());
    assert_eq!(bytes, signed(&SPEC()));
    read(&bytes).unwrap().verify_signatures(key()).unwrap();
}

#[test]
fn tags_the_writer_never_writes_are_refused() {
    let rule = refused(|entries, _| entries.push(HeaderEntry::new(1131, IndexData::StringTag("x".into()))));
    assert_eq!(rule, "main header, byte 1008: tag 1131 is not one this format uses");
    // A trigger would run a script of the package's when another package is installed.
    refused(|entries, _| entries.push(HeaderEntry::new(1065, IndexData::StringArray(vec!["rm".into()]))));
    // The same tag twice.
    refused(|entries, _| entries.push(HeaderEntry::new(1000, IndexData::StringTag("other".into()))));
    // The right value in another type.
    let rule = refused(|entries, _| *data(entries, 1009) = IndexData::Int64(vec![70_000]));
    assert!(rule.contains("tag 1009 has type 5, must be Int32"), "{rule}");
}

#[test]
fn each_missing_tag_is_refused() {
    let optional = [1003, 1011, 1015, 1020, 1098]; // epoch, vendor, packager, url, prefixes
    let mut tags = Vec::new();
    forge(&SPEC(), |entries, _| tags = entries.iter().map(|entry| entry.tag).collect());
    for tag in tags.into_iter().filter(|tag| !optional.contains(tag)) {
        let bytes = forge(&SPEC(), |entries, _| entries.retain(|entry| entry.tag != tag));
        assert!(read(&bytes).is_err(), "a package without tag {tag} was accepted");
    }
}

#[test]
fn dependency_lists_are_complete_sorted_and_plain() {
    refused(|entries, _| strings(entries, 1049).swap(0, 12));
    refused(|entries, _| words(entries, 1048)[0] = 1 << 9); // an interpreter that is none
    refused(|entries, _| strings(entries, 1047)[0] = "agent2".into());
    refused(|entries, _| {
        strings(entries, 1049).push("zlib".into());
        strings(entries, 1050).push("1".into()); // a version without comparison
        words(entries, 1048).push(0);
    });
    refused(|entries, _| strings(entries, 1050)[1] = "1".into());
}

#[test]
fn file_lists_agree_with_each_other_and_with_the_archive() {
    let rule = refused(|entries, _| words(entries, 1034)[3] += 1);
    assert!(rule.contains("README: is not the build time"), "{rule}");
    let rule = refused(|entries, _| words(entries, 1028)[3] += 1);
    assert!(rule.contains("size is \"00000008\", the header says 00000009"), "{rule}");
    let rule = refused(|entries, _| strings(entries, 1117)[3] = "READMY".into());
    assert!(rule.contains("the archive has \"./opt/agent/README"), "{rule}");
    let rule = refused(|entries, _| strings(entries, 1035)[3] = "00".repeat(32));
    assert!(rule.contains("digest of /opt/agent/README does not match"), "{rule}");
    let rule = refused(|entries, _| {
        let digest = strings(entries, 1035)[3].to_uppercase();
        strings(entries, 1035)[3] = digest;
    });
    assert!(rule.contains("lower case"), "{rule}");
    let rule = refused(|entries, _| strings(entries, 1036)[6] = "other".into());
    assert!(rule.contains("target"), "{rule}");
    refused(|entries, _| words(entries, 1096)[3] = 99);
    refused(|entries, _| words(entries, 1095)[3] = 2);
    refused(|entries, _| words(entries, 1037)[3] = 1 << 3); // missingok
    refused(|entries, _| words(entries, 1045)[11] = u32::MAX); // a ghost verified by content
    refused(|entries, _| strings(entries, 1118).push("/unused/".into()));
    refused(|entries, _| words(entries, 1116)[0] = 99);
    refused(|entries, _| strings(entries, 1039)[3] = "Root".into());
    refused(|entries, _| words(entries, 1009)[0] += 1);
    refused(|entries, _| {
        strings(entries, 1039).pop();
    });
}

#[test]
fn the_archive_is_the_canonical_one() {
    let find = |archive: &[u8], text: &str| {
        archive.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
    };
    let rule = refused(|_, archive| archive.extend([0; 4]));
    assert!(rule.contains("bytes follow the trailer"), "{rule}");
    let rule = refused(|_, archive| {
        let at = find(archive, "./opt/agent/README") - 110;
        archive.drain(at..find(archive, "./opt/agent/bin") - 110);
    });
    assert!(rule.contains("/opt/agent/README"), "{rule}");
    let rule = refused(|_, archive| {
        let at = find(archive, "TRAILER!!!") - 110;
        let first = archive[..132].to_vec();
        archive.splice(at..at, first);
    });
    assert!(rule.contains("TRAILER"), "{rule}");
    // Owner numbers, link count, checksum and padding are constant; digits are lower case.
    for (field, digits) in
        [(2, "0000002a"), (3, "0000002a"), (4, "00000002"), (12, "00000001"), (1, "000081A4")]
    {
        refused(|_, archive| {
            let at = find(archive, "./opt/agent/README") - 110 + 6 + field * 8;
            archive[at..at + 8].copy_from_slice(digits.as_bytes());
        });
    }
    let rule = refused(|_, archive| {
        let at = archive.len() - 1;
        archive[at] = 1;
    });
    assert!(rule.contains("padding"), "{rule}");
}

#[test]
fn the_lead_names_the_package_of_the_header() {
    let rule = refused(|entries, _| *data(entries, 1002) = IndexData::StringTag("5.c8".into()));
    assert!(rule.starts_with("lead, byte"), "{rule}");
}

#[test]
fn values_with_only_one_spelling_are_refused_in_any_other() {
    for (tag, value) in
        [(1021, "Linux"), (1022, "amd64"), (1124, "tar"), (5062, "UTF-8"), (1044, "a.src.rpm")]
    {
        refused(|entries, _| *data(entries, tag) = IndexData::StringTag(value.into()));
    }
    for flags in ["9", "06", "x", ""] {
        let mut spec = SPEC();
        spec.compression = Compression::Gzip { level: 6 };
        let bytes = forge(&spec, |entries, _| *data(entries, 1126) = IndexData::StringTag(flags.into()));
        assert_eq!(read(&bytes).is_err(), flags != "9", "{flags:?}");
    }
    refused(|entries, _| *data(entries, 5011) = IndexData::Int32(vec![1])); // MD5, stated
    refused(|entries, _| *data(entries, 5093) = IndexData::Int32(vec![10])); // SHA-512
}

#[test]
fn the_signature_header_has_its_tags_and_no_other() {
    let changed = |change: &dyn Fn(&mut Vec<HeaderEntry>)| read(&forge_both(&SPEC(), |_, _| (), change));
    for tag in [268, 269, 273, 1000, 1002, 1004, 1007] {
        let result = changed(&|outer| outer.retain(|entry| entry.tag != tag));
        assert!(result.is_err(), "a package without tag {tag} was accepted");
    }
    for tag in [267, 278, 1005, 1008, 1012] {
        let result = changed(&|outer| outer.push(HeaderEntry::new(tag, IndexData::Bin(vec![0; 8]))));
        assert!(result.is_err(), "a package with tag {tag} was accepted");
    }
    let unsigned = changed(&|outer| outer.retain(|entry| !matches!(entry.tag, 268 | 1002))).unwrap();
    assert!(unsigned.signatures().is_empty());
}

#[test]
fn exchanged_or_old_signatures_do_not_verify() {
    let bytes = forge_both(
        &SPEC(),
        |_, _| (),
        |outer| {
            let (at, other) = (0, 4);
            let first = outer[at].data.clone();
            outer[at].data = std::mem::replace(&mut outer[other].data, first);
        },
    );
    let error = read(&bytes).unwrap().verify_signatures(key()).unwrap_err();
    assert!(error.to_string().contains("check bytes"), "{error}");
    let package = read(&signed(&SPEC())).unwrap();
    let old = key().sign(package.header_bytes(), SignatureVersion::V3).unwrap();
    let bytes = forge_both(&SPEC(), |_, _| (), |outer| outer[0].data = IndexData::Bin(old));
    let error = read(&bytes).unwrap().verify_signatures(key()).unwrap_err();
    assert!(error.to_string().contains("version is 3"), "{error}");
}

/// `content` compressed by the same means as the writer's.
fn compressed(content: &[u8], compression: Compression) -> Vec<u8> {
    use std::io::Write;
    if let Compression::Xz { level } = compression {
        let mut encoder = xz2::write::XzEncoder::new(Vec::new(), level.into());
        encoder.write_all(content).unwrap();
        return encoder.finish().unwrap();
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_payload_is_one_compressed_stream_of_the_stated_size() {
    for compression in [Compression::Gzip { level: 9 }, Compression::Xz { level: 6 }] {
        let spec = full(Profile::El6, compression);
        let archive = Draft::new(&spec).unwrap().payload().bytes().to_vec();
        let mut longer = archive.clone();
        longer.extend([0; 4096]);
        let original =
            || compress(Draft::new(&spec).unwrap().payload(), compression).unwrap().bytes().to_vec();
        let changed = |bytes: Vec<u8>| read(&forge(&spec, |_, payload| *payload = bytes)).map(|_| ());
        changed(original()).unwrap();
        for (what, bytes) in [
            ("a byte behind", [&original()[..], &[0]].concat()),
            ("four zero bytes behind", [&original()[..], &[0; 4]].concat()),
            ("a second stream", [original(), compressed(b"", compression)].concat()),
            ("more than stated", compressed(&longer, compression)),
            ("less than stated", compressed(&archive[..archive.len() - 4], compression)),
            ("no compression", archive.clone()),
            ("nothing", vec![]),
        ] {
            assert!(changed(bytes).is_err(), "{what} was accepted: {compression:?}");
        }
    }
    let spec = full(Profile::El6, Compression::Gzip { level: 9 });
    let mut named = flate2::GzBuilder::new().filename("host").write(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut named, Draft::new(&spec).unwrap().payload().bytes()).unwrap();
    let error = read(&forge(&spec, |_, payload| *payload = named.finish().unwrap())).unwrap_err();
    assert!(error.to_string().contains("time or name"), "{error}");
}

/// A package whose main header has other bytes, with everything around it made to fit.
fn with_header(change: impl FnOnce(&mut Vec<u8>)) -> Result<Package, ReadError> {
    let package = ::rpm::Package::parse(&mut &signed(&SPEC())[..]).unwrap();
    let mut header = package.header_bytes().unwrap();
    change(&mut header);
    read(&seal(package.metadata, &header, &package.payload, package.payload.len(), |_| ()))
}

fn word(header: &[u8], at: usize) -> usize {
    u32::from_be_bytes(header[at..at + 4].try_into().unwrap()) as usize
}

fn add(header: &mut [u8], at: usize, number: u32) {
    let sum = (word(header, at) as u32).wrapping_add(number);
    header[at..at + 4].copy_from_slice(&sum.to_be_bytes());
}

/// Where the index entry of `tag` stands.
fn index_of(header: &[u8], tag: u32) -> usize {
    (0..word(header, 8)).map(|number| 16 + number * 16).find(|&at| word(header, at) == tag as usize).unwrap()
}

#[test]
fn a_header_has_one_layout() {
    with_header(|_| ()).unwrap();
    let refused = |change: &dyn Fn(&mut Vec<u8>)| with_header(change).expect_err("accepted").to_string();
    let store = |header: &[u8]| 16 + word(header, 8) * 16;

    // Padding: the string before BUILDTIME (1006) does not end at a multiple of 4.
    let rule = refused(&|header| {
        let at = store(header) + word(header, index_of(header, 1006) + 8);
        assert_eq!(header[at - 2..at], [0, 0], "there must be padding for this test");
        header[at - 1] = 1;
    });
    assert_eq!(rule, "main header, tag 1006: padding before the value is not zero");
    // Overlap: RELEASE reads the bytes of VERSION.
    let rule = refused(&|header| {
        let offset = word(header, index_of(header, 1001) + 8) as u32;
        let at = index_of(header, 1002) + 8;
        header[at..at + 4].copy_from_slice(&offset.to_be_bytes());
    });
    assert!(rule.starts_with("main header, tag 1002: value at offset"), "{rule}");
    // A gap, and bytes that belong to no tag: four more bytes before the trailer.
    let rule = refused(&|header| {
        let trailer = header.len() - 16;
        header.splice(trailer..trailer, [0; 4]);
        add(header, 12, 4);
        add(header, 24, 4);
    });
    assert!(rule.ends_with("bytes of the store belong to no tag"), "{rule}");
    // The region spans less than the index: rpm would let the rest be changed.
    let rule = refused(&|header| {
        let at = header.len() - 8;
        add(header, at, 16);
    });
    assert!(rule.contains("region trailer: offset"), "{rule}");
    // Index entries in another order.
    let rule = refused(&|header| {
        let (at, other) = (index_of(header, 1001), index_of(header, 1002));
        let moved: Vec<u8> = header[at..at + 16].to_vec();
        header.copy_within(other..other + 16, at);
        header[other..other + 16].copy_from_slice(&moved);
    });
    assert!(rule.starts_with("main header, tag 1002: value at offset"), "{rule}");
    // Counts that lead beyond the store.
    for count in [0x7fff_ffff, u32::MAX, 1 << 24] {
        for tag in [1028, 1117, 1030, 1000] {
            refused(&|header| {
                let at = index_of(header, tag) + 12;
                header[at..at + 4].copy_from_slice(&count.to_be_bytes());
            });
        }
    }
    // A string that is not UTF-8.
    let rule = refused(&|header| {
        let at = store(header) + word(header, index_of(header, 1014) + 8);
        header[at] = 0xff;
    });
    assert_eq!(rule, "main header, tag 1014: string is not UTF-8");
}
