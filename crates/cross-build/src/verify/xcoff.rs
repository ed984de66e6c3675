//! XCOFF: AIX. Facts from IBM's "Files Reference", "XCOFF Object File Format": file header, auxiliary
//! header, loader section.

use object::read::xcoff::{FileHeader, XcoffFile64};
use object::{BigEndian, Object, ObjectSection, xcoff};

use super::Facts;
use crate::target::{Endian, Format};

/// Length of the loader section's header in 64-bit files.
const LOADER_HEADER: usize = 56;
/// Length of one loader symbol in 64-bit files.
const LOADER_SYMBOL: usize = 24;
/// `l_smtype`: the symbol comes from another module.
const L_IMPORT: u8 = 0x40;
/// `l_smtype`: the symbol is the entry point.
const L_ENTRY: u8 = 0x20;

pub(super) fn inspect(bytes: &[u8]) -> Result<Facts, String> {
    let file = XcoffFile64::parse(bytes).map_err(|e| format!("XCOFF header: {e}"))?;
    let mut problems = Vec::new();
    let flags = file.xcoff_header().f_flags();
    for (flag, name) in [(xcoff::F_EXEC, "F_EXEC"), (xcoff::F_DYNLOAD, "F_DYNLOAD")] {
        if !flags.contains(flag) {
            problems.push(format!("the header lacks {name}: it cannot be loaded as a program"));
        }
    }
    let time = file.xcoff_header().f_timdat.get(BigEndian);
    if time != 0 {
        problems.push(format!("carries the time {time} in its header: two builds would differ"));
    }
    let entry = file.entry();
    let inside = |name: &str| {
        file.section_by_name(name)
            .is_some_and(|section| entry >= section.address() && entry - section.address() < section.size())
    };
    if !inside(".data") {
        problems.push(format!("the entry point {entry:#x} is not a descriptor in .data"));
    }
    let section = file.section_by_name(".loader").ok_or("there is no loader section")?;
    let loader = Loader::read(section.data().map_err(|e| format!("loader section: {e}"))?)?;
    if !loader.has_entry {
        problems.push("no symbol of the loader section is marked as the entry point".to_owned());
    }
    let mut notes = vec![format!("entry: {entry:#x}"), format!("library path: {}", loader.path)];
    for (library, symbols) in &loader.by_library {
        notes.push(format!("import list: {} symbols of {library}", symbols.len()));
    }
    let mut imports: Vec<String> =
        loader.by_library.iter().flat_map(|(_, symbols)| symbols.iter().cloned()).collect();
    imports.sort();
    Ok(Facts {
        format: Format::Xcoff,
        bits: 64,
        endian: Endian::Big,
        machine: "ppc64".to_owned(),
        os_abi: None,
        interpreter: None,
        min_os: None,
        ad_hoc_signature: None,
        libraries: loader.by_library.into_iter().map(|(library, _)| library).collect(),
        imports,
        notes,
        problems,
    })
}

struct Loader {
    path: String,
    by_library: Vec<(String, Vec<String>)>,
    has_entry: bool,
}

impl Loader {
    fn read(data: &[u8]) -> Result<Self, String> {
        let word = |at: usize| -> Result<usize, String> {
            let bytes = data.get(at..at + 4).ok_or("the loader section is truncated")?;
            Ok(bytes.iter().fold(0, |n, &b| n << 8 | usize::from(b)))
        };
        // The high halves of the 64-bit offsets are 0 in every file that fits into memory.
        if word(0)? != 2 {
            return Err(format!("loader section version {}, not 2", word(0)?));
        }
        let (symbols, id_length, ids) = (word(4)?, word(12)?, word(16)?);
        let (ids_at, strings_at, symbols_at) = (word(28)?, word(36)?, word(44)?);
        if symbols_at < LOADER_HEADER {
            return Err("the loader section's symbols overlap its header".to_owned());
        }
        let table = ids_at
            .checked_add(id_length)
            .and_then(|end| data.get(ids_at..end))
            .ok_or("the table of import files lies outside the loader section")?;
        let names: Vec<String> =
            table.split(|&b| b == 0).map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        // Each import file is three strings: path, file, member; the first is the library path.
        let files: Vec<&[String]> = names.chunks_exact(3).take(ids).collect();
        if files.len() != ids || ids == 0 {
            return Err("the table of import files is incomplete".to_owned());
        }
        let mut by_library: Vec<(String, Vec<String>)> = files[1..]
            .iter()
            .map(|file| {
                let member = if file[2].is_empty() { String::new() } else { format!("({})", file[2]) };
                (format!("{}{member}", file[1]), Vec::new())
            })
            .collect();
        let mut has_entry = false;
        for index in 0..symbols {
            let at = index
                .checked_mul(LOADER_SYMBOL)
                .and_then(|offset| offset.checked_add(symbols_at))
                .ok_or("too many loader symbols")?;
            let symbol = data.get(at..at + LOADER_SYMBOL).ok_or("the loader symbols are truncated")?;
            let kind = symbol[14];
            has_entry |= kind & L_ENTRY != 0;
            if kind & L_IMPORT == 0 {
                continue;
            }
            let name_at = strings_at.checked_add(word(at + 8)?).ok_or("a symbol's name lies outside")?;
            let name = data.get(name_at..).ok_or("a symbol's name lies outside")?;
            let name: Vec<u8> = name.iter().copied().take_while(|&b| b != 0).collect();
            let file = word(at + 16)?;
            let library = file
                .checked_sub(1)
                .and_then(|file| by_library.get_mut(file))
                .ok_or_else(|| format!("{} has no import file", String::from_utf8_lossy(&name)))?;
            library.1.push(String::from_utf8_lossy(&name).into_owned());
        }
        by_library.retain(|(_, symbols)| !symbols.is_empty());
        Ok(Self { path: names[0].clone(), by_library, has_entry })
    }
}
