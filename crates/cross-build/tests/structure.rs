//! The structure check against real programs and against damaged ones.

use cross_build::verify::inspect;
use cross_build::{Endian, Format};

/// A program that is there for certain: this test.
fn own() -> Vec<u8> {
    std::fs::read(std::env::current_exe().unwrap()).unwrap()
}

#[test]
fn a_dynamic_linux_program_is_seen_with_interpreter_and_libraries() {
    let facts = inspect(&own()).unwrap();
    assert_eq!((facts.format, facts.bits, facts.endian), (Format::Elf, 64, Endian::Little));
    assert!(facts.interpreter.as_deref().is_some_and(|path| path.contains("ld-linux")), "{facts:?}");
    assert!(facts.libraries.iter().any(|library| library == "libc.so.6"), "{facts:?}");
    assert!(facts.imports.iter().any(|symbol| symbol == "write"), "{facts:?}");
    assert!(facts.problems.is_empty(), "{facts:?}");
}

#[test]
fn an_entry_point_outside_the_code_is_a_problem() {
    let mut bytes = own();
    bytes[24..32].fill(0xff);
    let facts = inspect(&bytes).unwrap();
    assert!(facts.problems.iter().any(|problem| problem.contains("entry point")), "{facts:?}");
}

#[test]
fn text_and_nothing_are_not_programs() {
    for bytes in [b"#!/bin/sh\n".as_slice(), b"", b"\x7fELF", b"MZ", b"\x01\xf7", b"\xcf\xfa\xed\xfe"] {
        assert!(inspect(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn truncated_and_altered_programs_never_panic() {
    let bytes = own();
    for length in (0..4096).step_by(7) {
        let _ = inspect(&bytes[..length.min(bytes.len())]);
    }
    // Every byte of the headers, and of the magic numbers of the other formats before an ELF body.
    for at in 0..1024 {
        for value in [0x00, 0x7f, 0xff] {
            let mut altered = bytes[..64 * 1024].to_vec();
            altered[at] = value;
            let _ = inspect(&altered);
        }
    }
    for magic in [b"MZ\x90\0".as_slice(), b"\x01\xf7\0\x05", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf"] {
        for filler in [0x00, 0x01, 0x40, 0xff] {
            let mut other = vec![filler; 4096];
            other[..magic.len()].copy_from_slice(magic);
            let _ = inspect(&other);
        }
    }
}
