//! A payload of a gigabyte streams through writer and reader in little memory. The only test of
//! its process, because it looks at the memory of the process.

use std::io::{self, Read};
use std::sync::Arc;

use svr4_pkg::{
    Attributes, Content, Object, PackageSpec, PkgInfo, ReadOptions, Ruleset, Source, read, write,
};

const SIZE: u64 = 1 << 30;

/// Bytes that are made when they are read.
struct Generated;

struct Generator(u64);

impl Read for Generator {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(usize::try_from(SIZE - self.0).unwrap_or(usize::MAX));
        for chunk in buffer[..count].chunks_mut(8) {
            let value = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            chunk.copy_from_slice(&value[..chunk.len()]);
            self.0 += chunk.len() as u64;
        }
        Ok(count)
    }
}

impl Source for Generated {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Generator(0)))
    }

    fn describe(&self) -> String {
        "generated".into()
    }
}

/// The most memory the process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel reports VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("VmHWM is a number")
}

#[test]
fn a_gigabyte_streams_through_writer_and_reader_in_less_than_32_mib() {
    let before = peak();
    let spec = PackageSpec {
        info: PkgInfo::new("acme", "Acme", "sparc", "1", "application").with("BASEDIR", "/"),
        objects: vec![Object::file(
            "opt/acme/big",
            Attributes::set(0o644, "root", "bin"),
            1,
            Content::Source(Arc::new(Generated)),
        )],
        install: Vec::new(),
        mtime: 1,
    };
    let package = spec.prepare(Ruleset::Portable).unwrap();
    let (reader, writer) = io::pipe().unwrap();
    let written = std::thread::spawn(move || write(&[package], writer).unwrap());
    let mut passed = 0;
    let stream = read(reader, &ReadOptions::canonical(), &mut |_, content| {
        let mut buffer = [0; 4096];
        loop {
            match content.read(&mut buffer)? {
                0 => return Ok(()),
                count => passed += count as u64,
            }
        }
    })
    .unwrap();
    let written = written.join().unwrap();
    assert_eq!(passed, SIZE);
    assert_eq!((stream.size, stream.sha256), (written.size, written.sha256));
    let grown = peak() - before;
    assert!(grown < 32 * 1024, "{grown} KiB for {SIZE} bytes");
}
