//! Mach-O: macOS. Facts from Apple's `mach-o/loader.h` and `kern/cs_blobs.h`.

use object::macho;
use object::read::macho::{CodeDirectory, LoadCommandVariant, MachHeader};
use object::{BigEndian, Endianness, FileKind};
use sha2::{Digest, Sha256};

use super::Facts;
use crate::target::{Endian, Format};

pub(super) fn inspect(bytes: &[u8]) -> Result<Facts, String> {
    match FileKind::parse(bytes).map_err(|e| e.to_string())? {
        FileKind::MachO64 => facts(bytes),
        kind => Err(format!("is not a 64-bit Mach-O file for one architecture but {kind:?}")),
    }
}

fn facts(bytes: &[u8]) -> Result<Facts, String> {
    let broken = |what: &'static str| move |e: object::Error| format!("{what}: {e}");
    let header = macho::MachHeader64::<Endianness>::parse(bytes, 0).map_err(broken("Mach-O header"))?;
    let endian = header.endian().map_err(broken("Mach-O header"))?;
    let mut problems = Vec::new();
    if header.filetype(endian) != macho::MH_EXECUTE {
        problems.push(format!("file type {} is not an executable", header.filetype(endian).0));
    }
    if !header.flags(endian).contains(macho::MH_PIE) {
        problems.push("is not position-independent".to_owned());
    }
    let (mut libraries, mut notes) = (Vec::new(), Vec::new());
    let (mut min_os, mut entry, mut signature, mut uuid) = (None, None, None, None);
    let mut commands = header.load_commands(endian, bytes, 0).map_err(broken("load commands"))?;
    while let Some(command) = commands.next().map_err(broken("load commands"))? {
        match command.variant().map_err(broken("load command"))? {
            LoadCommandVariant::Dylib(dylib) => {
                let name = command.string(endian, dylib.dylib.name).map_err(broken("library name"))?;
                libraries.push(String::from_utf8_lossy(name).into_owned());
            }
            LoadCommandVariant::BuildVersion(version, _) => {
                if version.platform.get(endian) != macho::PLATFORM_MACOS {
                    problems.push(format!("platform {} is not macOS", version.platform.get(endian).0));
                }
                min_os = Some(show_version(version.minos.get(endian).0));
            }
            LoadCommandVariant::VersionMin(version) => {
                min_os = Some(show_version(version.version.get(endian).0));
            }
            LoadCommandVariant::EntryPoint(point) => entry = Some(point.entryoff.get(endian)),
            LoadCommandVariant::Uuid(found) => uuid = Some(hex::encode(found.uuid)),
            LoadCommandVariant::Rpath(_) => {
                problems.push("has a run path: libraries would be searched where the build says".to_owned());
            }
            LoadCommandVariant::LinkeditData(data) if command.cmd() == macho::LC_CODE_SIGNATURE => {
                let found = data.code_signature(endian, bytes).map_err(broken("code signature"))?;
                for blob in found.blobs() {
                    let blob = blob.map_err(broken("code signature"))?;
                    if let Some(directory) = blob.code_directory().map_err(broken("code directory"))? {
                        problems.extend(check_pages(&directory, bytes));
                        signature = Some(directory.header().flags.get(BigEndian).contains(macho::CS_ADHOC));
                    }
                }
            }
            _ => {}
        }
    }
    match entry {
        Some(offset) if offset < bytes.len() as u64 => notes.push(format!("entry: file offset {offset:#x}")),
        Some(offset) => problems.push(format!("the entry point {offset:#x} lies outside the file")),
        None => problems.push("has no entry point (LC_MAIN)".to_owned()),
    }
    notes.push(format!("UUID: {}", uuid.as_deref().unwrap_or("none")));
    Ok(Facts {
        format: Format::MachO,
        bits: 64,
        endian: if header.is_big_endian() { Endian::Big } else { Endian::Little },
        machine: match header.cputype(endian) {
            macho::CPU_TYPE_X86_64 => "x86-64".to_owned(),
            macho::CPU_TYPE_ARM64 => "aarch64".to_owned(),
            other => format!("Mach-O CPU {:#x}", other.0),
        },
        os_abi: None,
        interpreter: None,
        min_os,
        ad_hoc_signature: signature,
        libraries,
        imports: Vec::new(),
        notes,
        problems,
    })
}

/// `xxxx.yy.zz` in nibbles, as `mach-o/loader.h` says.
fn show_version(packed: u32) -> String {
    let (major, minor, patch) = (packed >> 16, packed >> 8 & 0xff, packed & 0xff);
    if patch == 0 { format!("{major}.{minor}") } else { format!("{major}.{minor}.{patch}") }
}

/// The kernel of arm64 kills a program whose pages are not what its signature says.
fn check_pages(directory: &CodeDirectory<'_>, bytes: &[u8]) -> Vec<String> {
    let header = directory.header();
    let limit = usize::try_from(directory.code_limit()).unwrap_or(usize::MAX);
    let (shift, slots) = (u32::from(header.page_size), header.n_code_slots.get(BigEndian));
    if header.hash_type != macho::CS_HASHTYPE_SHA256 {
        return vec!["its code signature does not use SHA-256".to_owned()];
    }
    let Some(code) = bytes.get(..limit) else {
        return vec!["its code signature covers more than the file".to_owned()];
    };
    if !(12..=16).contains(&shift) || code.len().div_ceil(1 << shift) != slots as usize {
        return vec!["its code signature does not cover all pages".to_owned()];
    }
    for (index, page) in (0..slots).zip(code.chunks(1 << shift)) {
        let wanted = directory.code_hash(index);
        if !wanted.is_ok_and(|hash| hash == Sha256::digest(page).as_slice()) {
            return vec![format!("page {index} is not what its code signature says")];
        }
    }
    Vec::new()
}
