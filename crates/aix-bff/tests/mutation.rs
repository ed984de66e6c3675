//! Changed, truncated and hostile packages.

mod common;

use std::time::{Duration, Instant};

use aix_bff::{backup::StreamReader, checksum::header_checksum, *};
use common::*;

/// What the bytes of a package are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Headers, security records, padding.
    Container,
    /// Data of the file with this number.
    Data(usize),
}

struct Map {
    roles: Vec<Role>,
    names: Vec<String>,
    /// Start and length of every header.
    headers: Vec<(usize, usize)>,
}

/// Finds out what every byte of a package is.
fn map(bytes: &[u8]) -> Map {
    let mut map =
        Map { roles: vec![Role::Container; bytes.len()], names: Vec::new(), headers: vec![(0, 72)] };
    let mut reader = StreamReader::new(bytes).unwrap();
    loop {
        reader.finish_record().unwrap();
        let start = reader.offset() as usize;
        map.headers.push((start, usize::from(bytes[start]) * 8));
        let Some((header, _)) = reader.next_record().unwrap() else { return map };
        let data = start + header.encoded_length() + 40;
        map.roles[data..data + header.size as usize].fill(Role::Data(map.names.len()));
        map.names.push(header.name);
    }
}

fn refused(bytes: &[u8]) -> bool {
    read(bytes, Dialect::Canonical).is_err()
}

/// All single bit changes of a byte, and all values that the header checksum cannot tell from it.
fn changes(byte: u8) -> impl Iterator<Item = u8> {
    let sum = |value: u8| header_checksum(&[value]);
    (0..=255)
        .filter(move |&value| value != byte && ((value ^ byte).count_ones() == 1 || sum(value) == sum(byte)))
}

#[test]
fn a_changed_byte_of_the_container_is_always_refused() {
    let bytes = written(&full());
    let map = map(&bytes);
    let mut collisions = 0;
    for (offset, _) in map.roles.iter().enumerate().filter(|(_, role)| **role == Role::Container) {
        for value in changes(bytes[offset]) {
            let mut changed = bytes.clone();
            changed[offset] = value;
            assert!(refused(&changed), "byte {offset}: {:#x} became {value:#x}", bytes[offset]);
            collisions += usize::from(header_checksum(&[value]) == header_checksum(&[bytes[offset]]));
        }
    }
    assert!(collisions > 0, "no change that the checksum misses was tried");
}

#[test]
fn a_changed_header_with_the_right_checksum_is_refused() {
    let bytes = written(&full());
    for (start, length) in map(&bytes).headers {
        for offset in (start..start + length).filter(|offset| !(start + 4..start + 6).contains(offset)) {
            for value in [bytes[offset] ^ 1, bytes[offset] ^ 0x80, 0x2f, 0xff] {
                let mut changed = bytes.clone();
                changed[offset] = value;
                let sum = header_checksum(&changed[start..start + length]);
                changed[start + 4..start + 6].copy_from_slice(&sum.to_le_bytes());
                assert!(changed == bytes || refused(&changed), "byte {offset} became {value:#x}");
            }
        }
    }
}

#[test]
fn a_changed_byte_of_a_file_is_refused_through_the_inventory() {
    let bytes = written(&full());
    let map = map(&bytes);
    let fixed = ["/opt/acme/bin/agent", "/etc/acme/ca.pem", "/usr/share/acme.cat"];
    let mut changed_files = std::collections::BTreeSet::new();
    for (offset, role) in map.roles.iter().enumerate() {
        let &Role::Data(file) = role else { continue };
        let Some(name) = fixed.iter().find(|name| map.names[file].ends_with(**name)) else { continue };
        // Every position is tried, each with one of the possible changes.
        let value = changes(bytes[offset]).nth(offset % 8).unwrap();
        let mut changed = bytes.clone();
        changed[offset] = value;
        match read(changed.as_slice(), Dialect::Canonical) {
            Err(ReadError::Mismatch { path, rule }) if rule.contains("checksum") => {
                assert_eq!(path.as_str(), *name)
            }
            other => panic!("byte {offset} of {name} became {value:#x}: {other:?}"),
        }
        changed_files.insert(name);
    }
    assert_eq!(changed_files.len(), fixed.len());
}

#[test]
fn a_changed_byte_of_control_and_volatile_files_is_refused_or_shows_in_the_values() {
    let bytes = written(&full());
    let original = read(bytes.as_slice(), Dialect::Canonical).unwrap();
    let (mut refusals, mut shown) = (0, 0);
    for (offset, role) in map(&bytes).roles.iter().enumerate() {
        if *role == Role::Container {
            continue;
        }
        let mut changed = bytes.clone();
        changed[offset] ^= 1 << (offset % 8);
        match read(changed.as_slice(), Dialect::Canonical) {
            Err(_) => refusals += 1,
            Ok(installable) => {
                assert_ne!(installable.package, original.package, "byte {offset} changed unseen");
                shown += 1;
            }
        }
    }
    assert!(refusals > shown && shown > 0, "{refusals} refused, {shown} shown");
}

#[test]
fn a_truncated_or_continued_package_is_refused() {
    let bytes = written(&full());
    for length in 0..bytes.len() {
        assert!(refused(&bytes[..length]), "{length} of {} bytes", bytes.len());
    }
    let continued = [bytes.as_slice(), &[0; 512]].concat();
    assert!(refused(&continued));
    assert!(read(continued.as_slice(), Dialect::Aix).is_ok(), "AIX fills its last block with anything");
}

#[test]
fn a_header_that_announces_a_huge_file_does_not_allocate_it() {
    let bytes = written(&package(vec![fileset("acme.rte", vec![file("/opt/acme", 0o644, b"abc")])]));
    let map = map(&bytes);
    let lpp_name = map.headers[2].0;
    for size in [0x7fff_ffffu32, u32::MAX] {
        let mut changed = bytes.clone();
        changed[lpp_name + 24..lpp_name + 28].copy_from_slice(&size.to_le_bytes());
        changed[lpp_name + 56..lpp_name + 60].copy_from_slice(&size.to_le_bytes());
        let length = map.headers[2].1;
        let sum = header_checksum(&changed[lpp_name..lpp_name + length]);
        changed[lpp_name + 4..lpp_name + 6].copy_from_slice(&sum.to_le_bytes());
        let refusal = read(changed.as_slice(), Dialect::Aix).unwrap_err();
        match refusal {
            ReadError::TooLarge { size: found, .. } => assert_eq!(found, size),
            ReadError::Stream(backup::StreamError::Size { size: found, .. }) => assert_eq!(found, size),
            other => panic!("{other:?}"),
        }
    }
}

/// Small deterministic generator (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// One to four random changes.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            return;
        }
        let (at, other) = (random.below(bytes.len()), random.below(bytes.len()));
        match random.below(7) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes.truncate(at),
            3 => {
                let length = random.below(64).min(bytes.len() - at).min(bytes.len() - other);
                bytes.copy_within(at..at + length, other);
            }
            4 => {
                let value: u32 = [0, 1, 7, 0x7fff_ffff, 0x8000_0000, u32::MAX][random.below(6)];
                let at = at & !3;
                if let Some(field) = bytes.get_mut(at..at + 4) {
                    field.copy_from_slice(&value.to_le_bytes());
                }
            }
            5 => {
                bytes.drain(at..(at + 1 + random.below(16)).min(bytes.len()));
            }
            _ => {
                let piece = bytes[at..(at + random.below(32)).min(bytes.len())].to_vec();
                bytes.splice(other..other, piece);
            }
        }
    }
}

/// Runs for two seconds, or for as many as AIX_BFF_FUZZ_SECONDS says. The sequence is always the same;
/// a failure names the number of the case.
#[test]
fn mutated_packages_never_panic_and_what_is_accepted_is_what_the_writer_writes() {
    let seconds =
        std::env::var("AIX_BFF_FUZZ_SECONDS").map_or(2, |text| text.parse().expect("a number of seconds"));
    let installable = read(written(&full()).as_slice(), Dialect::Canonical).unwrap();
    let mut seeds = vec![
        written(&full()),
        written(&package(vec![fileset("acme.rte", vec![file("/opt/acme", 0o644, b"abc")])])),
        ar::write(&installable.usr.members).unwrap(),
        installable.lpp_name.to_string().into_bytes(),
        installable.usr.member("acme.rte.inventory").unwrap().to_vec(),
    ];
    seeds.extend(["PkgA.1.0.0.0.bff", "backup.bff"].into_iter().filter_map(sample));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut case = 0;
    while case < seeds.len() || Instant::now() < end {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ case as u64);
        let mut bytes = seeds[case % seeds.len()].clone();
        mutate(&mut bytes, &mut random);
        let outcome = std::panic::catch_unwind(|| fuzz::fuzz_one(&bytes));
        assert!(outcome.is_ok(), "case {case} failed, see above");
        case += 1;
    }
    println!("{case} mutated inputs");
}
