//! Changed, cut and shuffled input: refused or understood, never a panic.

mod common;

use common::{MTIME, file, info, read_all, sample};
use svr4_pkg::fuzz::fuzz_one;
use svr4_pkg::{InstallFile, Object, PackageSpec, ReadOptions, Rule, Ruleset, write};

/// A stream of a few kilobytes.
fn small() -> Vec<u8> {
    let spec = PackageSpec {
        info: info("acme-agent"),
        objects: vec![
            Object::os_directory("opt"),
            file("opt/acme/a", 0o4755, b"hello\n"),
            file("opt/acme/b", 0o644, b""),
            file("/opt/c", 0o600, b"absolute"),
            Object::symlink("opt/l", "acme/a"),
        ],
        install: vec![InstallFile::new("postinstall", *b"exit 0\n", MTIME)],
        mtime: MTIME,
    };
    let mut bytes = Vec::new();
    write(&[spec.prepare(Ruleset::Portable).unwrap()], &mut bytes).unwrap();
    bytes
}

#[test]
fn any_changed_byte_of_a_canonical_stream_is_refused() {
    let original = small();
    let options = ReadOptions::canonical();
    read_all(&original, &options).unwrap();
    for at in 0..original.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut bytes = original.clone();
            bytes[at] ^= change;
            assert!(read_all(&bytes, &options).is_err(), "byte {at} changed by {change:#x} was accepted");
        }
    }
}

#[test]
fn any_changed_byte_is_refused_or_keeps_the_properties_of_the_format() {
    let original = small();
    for at in 0..original.len() {
        let mut bytes = original.clone();
        bytes[at] = bytes[at].wrapping_add(1);
        fuzz_one(&bytes);
    }
}

#[test]
fn any_shortened_stream_is_refused_as_truncated() {
    let original = small();
    for length in 0..original.len() {
        let error = read_all(&original[..length], &ReadOptions::default()).unwrap_err();
        assert_eq!(error.rules(), [Rule::Truncated], "{length} bytes: {error}");
    }
}

#[test]
fn anything_after_the_stream_is_refused() {
    for more in [b"x".as_slice(), &[0; 512], b"07070100000000"] {
        let bytes = [small().as_slice(), more].concat();
        assert_eq!(read_all(&bytes, &ReadOptions::default()).unwrap_err().rules(), [Rule::TrailingData]);
    }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Pieces that mean something to one of the readers.
const PIECES: &[&[u8]] = &[
    b"070701",
    b"TRAILER!!!\0",
    b"# end of header\n",
    b"\0\0\0\0",
    b"1 f none ",
    b"1 i ",
    b" ? ? ?\n",
    b"ffffffff",
    b"00000000",
    b"../",
    b"/",
    b"=",
    b"$(",
    b"`",
    b"<<EOF\n",
    b"case x in ",
    b"${a%",
    b"\"",
    b"'",
    b"\n",
    b" ",
    b"-----BEGIN PKCS7-----\n",
    b"signature\0",
    b"4294967295",
    b"\xff\xfe",
];

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let length = random.below(64).min(bytes.len() - at);
        match random.below(7) {
            0 if !bytes.is_empty() => bytes[at] = random.below(256) as u8,
            1 => drop(bytes.drain(at..at + length)),
            2 => {
                let piece = bytes[at..at + length].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            3 => bytes.truncate(at),
            4 => {
                let piece = PIECES[random.below(PIECES.len())];
                let end = (at + piece.len()).min(bytes.len());
                bytes.splice(at..end, piece.iter().copied());
            }
            5 => {
                let piece = PIECES[random.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            _ => {
                // A block of the structure moved as a whole.
                let block = at / 512 * 512;
                let end = (block + 512).min(bytes.len());
                let piece: Vec<u8> = bytes.drain(block..end).collect();
                let to = random.below(bytes.len()) / 512 * 512;
                bytes.splice(to..to, piece);
            }
        }
    }
}

#[test]
fn thousands_of_mutations_keep_the_properties_of_the_format() {
    let script = b"#!/sbin/sh\nf() {\n  x=`id | sed 's/a/b/'`\n  case \"$x\" in\n  a) exit 1 ;;\n  esac\n}\ncat <<EOF\n${x:-y} `f`\nEOF\n";
    let map = b": 1 2\n1 i pkginfo 1 2 3\n1 d none opt ? ? ?\n1 s none opt/l=x\n1 f none opt/a 0644 root bin 1 2 3\n";
    let mut seeds: Vec<(Vec<u8>, u32)> =
        vec![(small(), 4000), (script.to_vec(), 4000), (map.to_vec(), 4000), (info("acme").render(), 2000)];
    for name in ["acme-ven.pkg", "two.pkg"] {
        if let Some((_, bytes)) = sample(name) {
            // The start is where the structure is; the blob behind it is noise.
            seeds.push((bytes[..8192.min(bytes.len())].to_vec(), 1000));
            seeds.push((bytes, 200));
        }
    }
    for (index, (seed, rounds)) in seeds.iter().enumerate() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ index as u64);
        for _ in 0..*rounds {
            let mut bytes = seed.clone();
            mutate(&mut bytes, &mut random);
            fuzz_one(&bytes);
        }
    }
}
