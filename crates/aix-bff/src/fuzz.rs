//! What fuzzing checks, for any bytes: no reader panics, and what the canonical reader accepts is what
//! the writer writes.

use std::{collections::BTreeMap, io::Read};

use crate::{
    Dialect, Package, Source, ar, backup::StreamReader, checksum::header_checksum, inventory,
    lpp_name::LppName, read, read_with, write,
};

/// Feeds `bytes` to every reader, as they are and with right header checksums.
///
/// # Panics
///
/// When a reader or the writer is wrong.
pub fn fuzz_one(bytes: &[u8]) {
    every_reader(bytes);
    let sealed = seal(bytes.to_vec());
    if sealed != bytes {
        every_reader(&sealed);
    }
}

fn every_reader(bytes: &[u8]) {
    stream(bytes);
    texts(bytes);
    let _ = read(bytes, Dialect::Aix);
    canonical(bytes);
}

/// Makes the checksums of everything that looks like a header right, so that the checks behind them are
/// reached.
fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    for start in (0..bytes.len().saturating_sub(7)).step_by(8) {
        let length = usize::from(bytes[start]) * 8;
        if bytes[start + 3] == 0xea && length >= 8 && start + length <= bytes.len() {
            let sum = header_checksum(&bytes[start..start + length]);
            bytes[start + 4..start + 6].copy_from_slice(&sum.to_le_bytes());
        }
    }
    bytes
}

fn stream(bytes: &[u8]) {
    let Ok(mut reader) = StreamReader::new(bytes) else { return };
    let mut chunk = [0; 4096];
    while let Ok(Some(_)) = reader.next_record() {
        // A packed byte takes at least one bit: the data cannot be more than eight times the input.
        let mut length = 0;
        while let Ok(read @ 1..) = reader.read(&mut chunk) {
            length += read;
        }
        assert!(length <= 8 * bytes.len(), "{length} bytes of data from {} bytes", bytes.len());
    }
    assert!(reader.offset() <= bytes.len() as u64);
}

fn texts(bytes: &[u8]) {
    if let Ok((_, members)) = ar::read(bytes) {
        let written = ar::write(&members).expect("what was read can be written");
        assert_eq!(ar::read(&written).expect("what was written can be read").1, members);
    }
    if let Ok(lpp_name) = LppName::read(bytes) {
        assert_eq!(LppName::read(lpp_name.to_string().as_bytes()).as_ref(), Ok(&lpp_name));
    }
    if let Ok(entries) = inventory::read("fuzz.inventory", bytes) {
        let text = inventory::write(&entries);
        assert_eq!(inventory::read("fuzz.inventory", text.as_bytes()).as_ref(), Ok(&entries));
    }
}

fn canonical(bytes: &[u8]) {
    let mut contents = BTreeMap::new();
    let result = read_with(bytes, Dialect::Canonical, &mut |item, data| {
        let mut content = Vec::new();
        data.read_to_end(&mut content)?;
        contents.insert(item.path.clone(), content);
        Ok(())
    });
    let Ok(installable) = result else { return };
    let spec: Result<Package<Source>, std::convert::Infallible> =
        installable.package.try_map(|path, _| Ok(Source::Bytes(contents[path].clone())));
    let Ok(spec) = spec;
    let mut again = Vec::new();
    let written = write(&spec, &mut again).expect("what the canonical reader accepts can be written");
    assert_eq!(written.package, installable.package);
    assert!(again == bytes, "the canonical reader accepted what the writer does not write");
}
