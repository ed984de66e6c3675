//! Memory does not grow with the payload.
#![cfg(target_os = "linux")]

mod common;

use std::io::{self, Read};

use aix_bff::*;
use common::*;

const SIZE: u64 = 1 << 30;
const LIMIT: u64 = 32 << 20;

/// A file of one GiB that exists nowhere.
struct Generated;

impl Content for Generated {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(
            Stream { position: 0, pattern: (0..65_536u32).map(|n| ((n * 31) >> 3) as u8).collect() }
                .take(SIZE),
        ))
    }

    fn describe(&self) -> String {
        "generated".into()
    }
}

struct Stream {
    position: usize,
    pattern: Vec<u8>,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.pattern[self.position..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.position = (self.position + length) % self.pattern.len();
        Ok(length)
    }
}

/// Most memory that this process ever had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix("kB").unwrap().trim().parse::<u64>().unwrap() * 1024
}

/// The only test of this file, so that nothing else uses memory in its process. Writer and strict reader
/// run at once, joined by a pipe.
#[test]
fn one_gibibyte_is_written_and_read_in_less_than_32_mebibytes_of_memory() {
    let kind = EntryKind::File(FileEntry { content: Generated, upkeep: Upkeep::Fixed, links: vec![] });
    let spec = package(vec![fileset("acme.rte", vec![entry("/opt/acme/big", 0o644, kind)])]);
    let (output, input) = io::pipe().unwrap();
    let (written, read) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(&spec, input).unwrap());
        let read = read(output, Dialect::Canonical).unwrap();
        (writer.join().unwrap(), read)
    });
    assert!(written.size > SIZE);
    assert_eq!(written.package, read.package);
    let peak = peak_memory();
    println!("{} KiB at the peak", peak / 1024);
    assert!(peak < LIMIT, "{} KiB at the peak", peak / 1024);
}
