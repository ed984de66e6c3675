//! ELF: Linux and Solaris. Facts from the gABI: e_ident, program headers, the dynamic section.

use object::elf;
use object::read::elf::{Dyn, ElfFile, FileHeader, ProgramHeader, Sym};
use object::{Endian as _, Endianness, FileKind};

use super::Facts;
use crate::target::{Endian, Format};

pub(super) fn inspect(bytes: &[u8]) -> Result<Facts, String> {
    match FileKind::parse(bytes).map_err(|e| e.to_string())? {
        FileKind::Elf32 => facts::<elf::FileHeader32<Endianness>>(bytes, 32),
        FileKind::Elf64 => facts::<elf::FileHeader64<Endianness>>(bytes, 64),
        kind => Err(format!("is not an ELF file but {kind:?}")),
    }
}

fn facts<H: FileHeader<Endian = Endianness>>(bytes: &[u8], bits: u8) -> Result<Facts, String> {
    let broken = |what: &'static str| move |e: object::Error| format!("{what}: {e}");
    let file = ElfFile::<H>::parse(bytes).map_err(broken("ELF header"))?;
    let (header, endian) = (file.elf_header(), file.endian());
    let mut problems = Vec::new();
    let mut notes = Vec::new();

    let kind = header.e_type(endian);
    notes.push(match kind {
        elf::ET_EXEC => "type: executable at a fixed address".to_owned(),
        elf::ET_DYN => "type: position-independent executable".to_owned(),
        other => {
            problems.push(format!("ELF type is {other}, not an executable"));
            format!("type: {other}")
        }
    });
    let entry: u64 = header.e_entry(endian).into();
    let mut interpreter = None;
    let mut libraries = Vec::new();
    let mut entry_inside = false;
    let mut stack_executable = None;
    for segment in header.program_headers(endian, bytes).map_err(broken("program headers"))? {
        match segment.p_type(endian) {
            elf::PT_INTERP => {
                let text = segment.interpreter(endian, bytes).map_err(broken("PT_INTERP"))?;
                interpreter = text.map(|t| String::from_utf8_lossy(t).into_owned());
            }
            elf::PT_LOAD => {
                let start: u64 = segment.p_vaddr(endian).into();
                let size: u64 = segment.p_memsz(endian).into();
                let executable = segment.p_flags(endian).contains(elf::PF_X);
                entry_inside |= executable && entry >= start && entry - start < size;
            }
            elf::PT_GNU_STACK => stack_executable = Some(segment.p_flags(endian).contains(elf::PF_X)),
            _ => {}
        }
    }
    if !entry_inside {
        problems.push(format!("the entry point {entry:#x} lies in no executable segment"));
    }
    if stack_executable == Some(true) {
        problems.push("asks for an executable stack".to_owned());
    }
    notes.push(format!("entry: {entry:#x}"));

    let sections = header.sections(endian, bytes).map_err(broken("section headers"))?;
    if let Some((entries, strings)) = sections.dynamic(endian, bytes).map_err(broken("dynamic section"))? {
        let strings = sections.strings(endian, bytes, strings).map_err(broken("dynamic strings"))?;
        for entry in entries {
            if entry.tag(endian) == elf::DT_NEEDED {
                let name = entry.string(endian, strings).map_err(broken("DT_NEEDED"))?;
                libraries.push(String::from_utf8_lossy(name).into_owned());
            }
            if matches!(entry.tag(endian), elf::DT_RPATH | elf::DT_RUNPATH) {
                problems.push("has a run path: libraries would be searched where the build says".to_owned());
            }
        }
    }
    let symbols = sections.symbols(endian, bytes, elf::SHT_DYNSYM).map_err(broken("dynamic symbols"))?;
    let mut imports = Vec::new();
    for symbol in symbols.iter() {
        if symbol.st_shndx(endian) == elf::SHN_UNDEF && symbol.st_name(endian) != 0 {
            let name = symbol.name(endian, symbols.strings()).map_err(broken("symbol name"))?;
            imports.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    imports.sort();
    Ok(Facts {
        format: Format::Elf,
        bits,
        endian: if endian.is_big_endian() { Endian::Big } else { Endian::Little },
        machine: machine(header.e_machine(endian)),
        os_abi: Some(os_abi(header.e_ident().os_abi)),
        interpreter,
        min_os: None,
        ad_hoc_signature: None,
        libraries,
        imports,
        notes,
        problems,
    })
}

fn machine(number: elf::Machine) -> String {
    match number {
        elf::EM_386 => "386",
        elf::EM_X86_64 => "x86-64",
        elf::EM_AARCH64 => "aarch64",
        elf::EM_PPC64 => "ppc64",
        elf::EM_S390 => "s390x",
        elf::EM_SPARCV9 => "sparcv9",
        other => return format!("ELF machine {}", other.0),
    }
    .to_owned()
}

fn os_abi(number: elf::OsAbi) -> String {
    match number {
        elf::ELFOSABI_NONE => "sysv",
        elf::ELFOSABI_GNU => "gnu",
        elf::ELFOSABI_SOLARIS => "solaris",
        other => return format!("ABI {}", other.0),
    }
    .to_owned()
}
