//! Packed files: what the System V `pack` coding holds is read, and gzip agrees about the coding.

mod common;

use std::{
    collections::BTreeMap,
    io::{Cursor, Read, Write},
    process::Stdio,
};

use aix_bff::{
    backup::{End, FileType, Header, Packing, Security, StreamReader, Volume},
    *,
};
use common::*;
use proptest::prelude::*;

/// Number of the end mark in code tables: one above all bytes.
const END: usize = 256;

/// Lengths of Huffman codes by symbol, the end mark included.
fn code_lengths(data: &[u8]) -> BTreeMap<usize, usize> {
    let mut weights: BTreeMap<usize, u64> = BTreeMap::from([(END, 0)]);
    data.iter().for_each(|&byte| *weights.entry(byte.into()).or_default() += 1);
    let mut nodes: Vec<(u64, Vec<usize>)> = weights.iter().map(|(&symbol, &n)| (n, vec![symbol])).collect();
    let mut lengths: BTreeMap<usize, usize> = weights.keys().map(|&symbol| (symbol, 0)).collect();
    while nodes.len() > 1 {
        nodes.sort_by_key(|node| std::cmp::Reverse(node.0));
        let (a, b) = (nodes.pop().unwrap(), nodes.pop().unwrap());
        let symbols = [a.1, b.1].concat();
        symbols.iter().for_each(|symbol| *lengths.get_mut(symbol).unwrap() += 1);
        nodes.push((a.0 + b.0, symbols));
    }
    lengths
}

/// `pack` without its file header: the packed data of a backup.
fn pack(data: &[u8]) -> Vec<u8> {
    let lengths = code_lengths(data);
    let depth = *lengths.values().max().unwrap();
    let mut levels: Vec<Vec<usize>> = vec![Vec::new(); depth];
    // The end mark is the highest symbol: it comes last on its level, which is the deepest.
    lengths.iter().for_each(|(&symbol, &length)| levels[length - 1].push(symbol));
    assert_eq!(levels[depth - 1].last(), Some(&END));
    let mut out = vec![depth as u8];
    out.extend(
        levels
            .iter()
            .enumerate()
            .map(|(level, symbols)| (symbols.len() - if level == depth - 1 { 2 } else { 0 }) as u8),
    );
    out.extend(levels.iter().flatten().filter(|&&symbol| symbol != END).map(|&symbol| symbol as u8));
    let mut codes = BTreeMap::new();
    let mut inner = 0;
    for symbols in levels.iter().rev() {
        for (index, &symbol) in symbols.iter().enumerate() {
            codes.insert(symbol, inner + index);
        }
        inner = (inner + symbols.len()) / 2;
    }
    let mut bits = Vec::new();
    for symbol in data.iter().map(|&byte| usize::from(byte)).chain([END]) {
        bits.extend((0..lengths[&symbol]).rev().map(|bit| codes[&symbol] >> bit & 1));
    }
    out.extend(
        bits.chunks(8)
            .map(|byte| byte.iter().enumerate().map(|(i, bit)| bit << (7 - i)).sum::<usize>() as u8),
    );
    out
}

/// A stream with one packed file and one stored file behind it.
fn stream(packed: &[u8], size: usize) -> Vec<u8> {
    let mut out = Volume::canonical(TIMESTAMP).encode().to_vec();
    for (packing, name, size, data) in
        [(Packing::Packed, "./packed", size, packed), (Packing::Stored, "./after", 5, b"after")]
    {
        let mut header = Header::canonical(name, FileType::Regular, 0o644, size as u32, TIMESTAMP, 0);
        header.packing = packing;
        header.stored_size = data.len() as u32;
        out.extend(header.encode());
        out.extend(Security::canonical(header.mode).encode());
        out.extend(data);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out.extend(End::canonical().encode());
    out
}

fn text() -> Vec<u8> {
    (0..4000u32).flat_map(|n| format!("line {} of a text\n", n * n).into_bytes()).collect()
}

#[test]
fn a_packed_file_is_read_and_the_record_behind_it_too() {
    let text = text();
    let packed = pack(&text);
    assert!(packed.len() < text.len());
    let bytes = stream(&packed, text.len());
    let mut reader = StreamReader::new(bytes.as_slice()).unwrap();
    let (header, _) = reader.next_record().unwrap().unwrap();
    assert_eq!((header.packing, header.stored_size as usize), (Packing::Packed, packed.len()));
    let mut found = Vec::new();
    reader.read_to_end(&mut found).unwrap();
    assert!(found == text);
    assert_eq!(reader.next_record().unwrap().unwrap().0.name, "./after");
    assert!(reader.next_record().unwrap().is_none());
}

#[test]
fn bffextract_unpacks_the_same_bytes() {
    let text = text();
    let bytes = stream(&pack(&text), text.len());
    let mut archive = bfflib::archive::Archive::new_strict(Cursor::new(bytes)).unwrap();
    let mut found = Vec::new();
    archive.file("./packed").unwrap().unwrap().read_to_end(&mut found).unwrap();
    assert!(found == text);
}

#[test]
fn gzip_unpacks_the_same_bytes_behind_the_header_of_the_pack_command() {
    let text = text();
    let mut file = vec![0x1f, 0x1e];
    file.extend((text.len() as u32).to_be_bytes());
    file.extend(pack(&text));
    let mut gzip = tool("gzip", "gzip");
    let mut child = gzip.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&file));
    let found = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(found.status.success());
    assert!(found.stdout == text);
}

#[test]
fn damaged_packed_data_is_an_error_and_never_a_panic() {
    let text = &text()[..300];
    let bytes = stream(&pack(text), text.len());
    let data = 72 + 80 + 40;
    for offset in data..bytes.len() {
        for value in [0, 1, 0x7f, 0xff, bytes[offset] ^ 1] {
            let mut changed = bytes.clone();
            changed[offset] = value;
            fuzz::fuzz_one(&changed);
        }
    }
    let truncated = stream(&pack(text)[..20], text.len());
    let mut reader = StreamReader::new(truncated.as_slice()).unwrap();
    let outcome = reader.next_record().map(|_| reader.read_to_end(&mut Vec::new()).is_err());
    assert!(outcome.unwrap_or(true));
}

#[test]
fn a_package_with_packed_files_is_read_as_aix_writes_it_and_refused_as_ours() {
    let bytes = written(&full());
    let mut records = records(&bytes);
    let mut packed = 0;
    for (header, _, data) in &mut records {
        if !data.is_empty() && header.name != "./opt/acme/state" {
            *data = pack(data);
            header.packing = Packing::Packed;
            header.stored_size = data.len() as u32;
            packed += 1;
        }
    }
    assert!(packed > 5);
    let again = assemble(&records);
    let package = read(again.as_slice(), Dialect::Aix).unwrap().package;
    assert_eq!(package, read(bytes.as_slice(), Dialect::Canonical).unwrap().package);
    let refusal = read(again.as_slice(), Dialect::Canonical).unwrap_err().to_string();
    assert!(refusal.contains("files are not packed"), "{refusal}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_packed_data_is_unpacked(data in prop::collection::vec(0u8..=255, 1..600)) {
        let bytes = stream(&pack(&data), data.len());
        let mut reader = StreamReader::new(bytes.as_slice()).unwrap();
        reader.next_record().unwrap().unwrap();
        let mut found = Vec::new();
        reader.read_to_end(&mut found).unwrap();
        prop_assert_eq!(found, data);
    }
}
