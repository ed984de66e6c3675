//! The container alone: damaged streams are refused with what is wrong and where.

mod common;

use std::io::Read;

use aix_bff::{
    backup::{End, FileType, Header, Security, StreamError, StreamReader, StreamWriter, Volume},
    checksum::header_checksum,
};
use common::TIMESTAMP;

/// Offset of the first record behind the volume.
const FIRST: usize = 72;

fn stream() -> Vec<u8> {
    let mut stream = StreamWriter::new(Vec::new(), TIMESTAMP).unwrap();
    stream.directory("./", 0o755).unwrap();
    stream.file("./a file", 0o640, 5, &mut &b"hello"[..]).unwrap();
    stream.finish().unwrap().0
}

/// Sets bytes of the header at `start` and makes its checksum right.
fn set(bytes: &mut [u8], start: usize, offset: usize, values: &[u8]) {
    bytes[start + offset..start + offset + values.len()].copy_from_slice(values);
    let length = usize::from(bytes[start]) * 8;
    if let Some(header) = bytes.get(start..start + length).filter(|header| header.len() >= 8) {
        let sum = header_checksum(header);
        bytes[start + 4..start + 6].copy_from_slice(&sum.to_le_bytes());
    }
}

/// The first error of a whole walk.
fn error(bytes: &[u8]) -> StreamError {
    let mut reader = match StreamReader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return error,
    };
    loop {
        match reader.next_record() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream should be refused"),
            Err(error) => return error,
        }
    }
}

#[test]
fn a_written_stream_reads_back_record_by_record() {
    let bytes = stream();
    assert_eq!(bytes.len(), 512);
    let mut reader = StreamReader::new(bytes.as_slice()).unwrap();
    assert_eq!(*reader.volume(), Volume::canonical(TIMESTAMP));
    let (header, security) = reader.next_record().unwrap().unwrap();
    assert_eq!(header, Header::canonical("./", FileType::Directory, 0o755, 0, TIMESTAMP, u32::MAX));
    assert_eq!(security, Security::canonical(0o040_755));
    let (header, _) = reader.next_record().unwrap().unwrap();
    assert_eq!((header.name.as_str(), header.permissions(), header.size), ("./a file", 0o640, 5));
    let mut data = String::new();
    reader.read_to_string(&mut data).unwrap();
    assert_eq!(data, "hello");
    assert_eq!(reader.end(), None);
    assert!(reader.next_record().unwrap().is_none());
    assert!(reader.next_record().unwrap().is_none(), "the end stays the end");
    assert_eq!(reader.end(), Some(End::canonical()));
}

#[test]
fn other_files_and_other_kinds_of_backup_are_told_apart() {
    let mut bytes = stream();
    set(&mut bytes, 0, 2, &[0x6d, 0xea]);
    assert!(matches!(error(&bytes), StreamError::ByInode { offset: 0 }));
    set(&mut bytes, 0, 2, &[0x6f, 0xea]);
    assert!(matches!(error(&bytes), StreamError::Magic { offset: 0, magic: 0xea6f }));
    assert!(matches!(error(b"!<arch>\n debian"), StreamError::Magic { offset: 0, .. }));
    assert!(matches!(error(b""), StreamError::Truncated { offset: 0, .. }));
    // A packed volume record, and a stream that starts with a file.
    set(&mut bytes, 0, 2, &[0x6c, 0xea]);
    assert!(matches!(error(&bytes), StreamError::Magic { offset: 0, magic: 0xea6c }));
    assert!(matches!(error(&stream()[FIRST..]), StreamError::RecordType { offset: 0, kind: 11, .. }));
}

#[test]
fn records_of_other_types_or_lengths_are_refused() {
    for kind in [0, 1, 2, 6, 8, 10, 255] {
        let mut bytes = stream();
        set(&mut bytes, FIRST, 1, &[kind]);
        assert!(
            matches!(error(&bytes), StreamError::RecordType { offset: 72, kind: found, .. } if found == kind)
        );
    }
    for (start, length) in [(0, 1), (0, 0), (0, 10), (FIRST, 0), (FIRST, 1), (FIRST, 8)] {
        let mut bytes = stream();
        set(&mut bytes, start, 0, &[length]);
        assert!(matches!(error(&bytes), StreamError::RecordLength { offset, .. } if offset == start as u64));
    }
    let mut bytes = stream();
    let end = bytes.windows(4).rposition(|window| window == [1, 7, 0x6b, 0xea]).unwrap();
    set(&mut bytes, end, 0, &[2]);
    assert!(matches!(error(&bytes), StreamError::RecordLength { length: 16, kind: 7, .. }));
}

#[test]
fn names_without_end_or_outside_ascii_are_refused() {
    for name in [&b"12345678"[..], b"\0\0\0\0\0\0\0\0", b"./\xc3\xa9\0\0\0\0"] {
        let mut bytes = stream();
        set(&mut bytes, FIRST, 64, name);
        assert!(matches!(error(&bytes), StreamError::Name { offset: 72 }), "{name:?}");
    }
}

#[test]
fn huge_control_lists_are_not_allocated() {
    for offset in [0, 4] {
        for length in [8193, u32::MAX] {
            let mut bytes = stream();
            let at = FIRST + 72 + offset;
            bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
            assert!(matches!(error(&bytes), StreamError::List { length: found, .. } if found == length));
        }
    }
}

#[test]
fn sizes_that_contradict_each_other_or_reach_two_gibibytes_are_refused() {
    let file = FIRST + 72 + 40;
    for (size, stored) in [(5u32, 6u32), (6, 5), (1 << 31, 1 << 31), (5, 1 << 31)] {
        let mut bytes = stream();
        set(&mut bytes, file, 24, &size.to_le_bytes());
        set(&mut bytes, file, 56, &stored.to_le_bytes());
        assert!(matches!(error(&bytes), StreamError::Size { .. }), "{size} {stored}");
    }
    let mut bytes = stream();
    set(&mut bytes, FIRST, 24, &1u32.to_le_bytes());
    assert!(matches!(error(&bytes), StreamError::Size { rule: "a directory has no data", .. }));
    // One byte less than 2 GiB is a size; there are only too few bytes for it.
    let mut bytes = stream();
    set(&mut bytes, file, 24, &0x7fff_ffffu32.to_le_bytes());
    set(&mut bytes, file, 56, &0x7fff_ffffu32.to_le_bytes());
    assert!(matches!(error(&bytes), StreamError::Truncated { within: "the data of a file", .. }));
}

#[test]
fn directories_with_the_stored_size_that_aix_gives_them_hold_no_data() {
    let mut bytes = stream();
    set(&mut bytes, FIRST, 56, &4096u32.to_le_bytes());
    let mut reader = StreamReader::new(bytes.as_slice()).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().0.stored_size, 4096);
    assert_eq!(reader.next_record().unwrap().unwrap().0.name, "./a file");
}

#[test]
fn longer_control_lists_of_aix_are_kept() {
    let header = Header::canonical("./acl", FileType::Regular, 0o644, 3, TIMESTAMP, 0);
    let security = Security { access: vec![7; 120], privilege: vec![9; 16] };
    let mut bytes = Volume::canonical(TIMESTAMP).encode().to_vec();
    bytes.extend(header.encode());
    bytes.extend(security.encode());
    bytes.extend(b"abc\0\0\0\0\0");
    bytes.extend(End::canonical().encode());
    let mut reader = StreamReader::new(bytes.as_slice()).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap(), (header, security));
    let mut data = Vec::new();
    reader.read_to_end(&mut data).unwrap();
    assert_eq!(data, b"abc");
    assert!(reader.next_record().unwrap().is_none());
}
