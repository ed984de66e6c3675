//! PE: Windows. Facts from the PE/COFF specification: file header, optional header, import table.

use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile};
use object::{FileKind, LittleEndian, pe};

use super::Facts;
use crate::target::{Endian, Format};

pub(super) fn inspect(bytes: &[u8]) -> Result<Facts, String> {
    match FileKind::parse(bytes).map_err(|e| e.to_string())? {
        FileKind::Pe32 => facts::<pe::ImageNtHeaders32>(bytes, 32),
        FileKind::Pe64 => facts::<pe::ImageNtHeaders64>(bytes, 64),
        kind => Err(format!("is not a PE file but {kind:?}")),
    }
}

fn facts<H: ImageNtHeaders>(bytes: &[u8], bits: u8) -> Result<Facts, String> {
    let broken = |what: &'static str| move |e: object::Error| format!("{what}: {e}");
    let file = PeFile::<H>::parse(bytes).map_err(broken("PE header"))?;
    let header = file.nt_headers().file_header();
    let optional = file.nt_headers().optional_header();
    let mut problems = Vec::new();

    let time = header.time_date_stamp.get(LittleEndian);
    if time != 0 {
        problems.push(format!("carries the time {time} in its header: two builds would differ"));
    }
    if !header.characteristics.get(LittleEndian).contains(pe::IMAGE_FILE_EXECUTABLE_IMAGE) {
        problems.push("is not marked as an executable image".to_owned());
    }
    let entry = optional.address_of_entry_point();
    let entry_inside = file.section_table().iter().any(|section| {
        let start = section.virtual_address.get(LittleEndian);
        let size = section.virtual_size.get(LittleEndian);
        section.characteristics.get(LittleEndian).contains(pe::IMAGE_SCN_MEM_EXECUTE)
            && entry >= start
            && entry - start < size
    });
    if !entry_inside {
        problems.push(format!("the entry point {entry:#x} lies in no executable section"));
    }
    let flags = optional.dll_characteristics();
    for (flag, meaning) in [
        (pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "address space randomisation"),
        (pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "data execution prevention"),
    ] {
        if !flags.contains(flag) {
            problems.push(format!("does not allow {meaning}"));
        }
    }
    let subsystem = match optional.subsystem() {
        pe::IMAGE_SUBSYSTEM_WINDOWS_CUI => "console".to_owned(),
        pe::IMAGE_SUBSYSTEM_WINDOWS_GUI => "windows".to_owned(),
        other => {
            problems.push(format!("subsystem {} is neither console nor windows", other.0));
            other.0.to_string()
        }
    };

    let mut libraries = Vec::new();
    if let Some(table) = file.import_table().map_err(broken("import table"))? {
        let mut descriptors = table.descriptors().map_err(broken("import table"))?;
        while let Some(descriptor) = descriptors.next().map_err(broken("import table"))? {
            let name = table.name(descriptor.name.get(LittleEndian)).map_err(broken("import name"))?;
            libraries.push(String::from_utf8_lossy(name).to_lowercase());
        }
    }
    libraries.sort();
    libraries.dedup();
    Ok(Facts {
        format: Format::Pe,
        bits,
        endian: Endian::Little,
        machine: match header.machine.get(LittleEndian) {
            pe::IMAGE_FILE_MACHINE_I386 => "386".to_owned(),
            pe::IMAGE_FILE_MACHINE_AMD64 => "x86-64".to_owned(),
            pe::IMAGE_FILE_MACHINE_ARM64 => "aarch64".to_owned(),
            other => format!("PE machine {:#x}", other.0),
        },
        os_abi: None,
        interpreter: None,
        min_os: None,
        ad_hoc_signature: None,
        libraries,
        imports: Vec::new(),
        notes: vec![
            format!("subsystem: {subsystem}"),
            format!("entry: {entry:#x}"),
            "time of linking: none".to_owned(),
            "randomised addresses and data execution prevention: yes".to_owned(),
        ],
        problems,
    })
}
