//! Writes an ELF shared library that defines names and nothing else: what a linker reads of a library is
//! its dynamic symbol table, its strings and its soname.

use object::Endianness;
use object::elf;
use object::write::elf::{FileHeader, SectionHeader, Sym, Writer};

use super::{Kind, Library};

/// The ELF machines that have stubs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    X86_64,
    SparcV9,
}

impl Machine {
    fn number(self) -> elf::Machine {
        match self {
            Self::X86_64 => elf::EM_X86_64,
            Self::SparcV9 => elf::EM_SPARCV9,
        }
    }

    fn endian(self) -> Endianness {
        match self {
            Self::X86_64 => Endianness::Little,
            Self::SparcV9 => Endianness::Big,
        }
    }
}

/// Where the stub's imaginary code and data begin; any address serves.
const TEXT: u64 = 0x1_0000;
const DATA: u64 = 0x100_0000;
/// Alignment of every data symbol: that of the longest thing a library exports.
const DATA_ALIGN: u64 = 16;

/// The shared library as bytes.
pub(crate) fn write_library(machine: Machine, library: &Library) -> object::write::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(machine.endian(), true, &mut bytes);

    w.reserve_file_header();
    let soname = w.add_dynamic_string(library.name.as_bytes());
    w.reserve_null_dynamic_symbol_index();
    let names: Vec<_> = library
        .symbols
        .iter()
        .map(|symbol| {
            w.reserve_dynamic_symbol_index();
            w.add_dynamic_string(symbol.name.as_bytes())
        })
        .collect();

    w.reserve_null_section_index();
    let text_name = w.add_section_name(b".text");
    let text = w.reserve_section_index();
    let bss_name = w.add_section_name(b".bss");
    let bss = w.reserve_section_index();
    w.reserve_dynsym_section_index();
    w.reserve_dynstr_section_index();
    w.reserve_dynamic_section_index();
    w.reserve_shstrtab_section_index();

    let dynsym = w.reserve_dynsym();
    let dynstr = w.reserve_dynstr()?;
    // DT_SONAME, DT_SYMTAB, DT_STRTAB, DT_STRSZ, DT_SYMENT, DT_NULL
    let dynamic = w.reserve_dynamic(6);
    w.reserve_shstrtab()?;
    w.reserve_section_headers();

    w.write_file_header(&FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_DYN,
        e_machine: machine.number(),
        e_entry: 0,
        e_flags: elf::FileFlags(0),
    })?;

    w.write_null_dynamic_symbol();
    let mut data_size = 0;
    for (index, (symbol, name)) in (0..).zip(library.symbols.iter().zip(&names)) {
        let (kind, section, value, size) = match symbol.kind {
            Kind::Function => (elf::STT_FUNC, text, TEXT + 16 * index, 16),
            Kind::Data(size) => {
                let value = DATA + data_size;
                data_size += size.next_multiple_of(DATA_ALIGN);
                (elf::STT_OBJECT, bss, value, size)
            }
        };
        let st_name = w.dynamic_string_offset(Some(*name));
        w.write_dynamic_symbol(&Sym {
            section: Some(section.0),
            st_name,
            st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, kind),
            st_other: elf::STV_DEFAULT.into(),
            st_shndx: elf::SHN_UNDEF,
            st_value: value,
            st_size: size,
        });
    }
    w.write_dynstr();
    w.write_align_dynamic();
    w.write_dynamic_string(elf::DT_SONAME, soname)?;
    w.write_dynamic(elf::DT_SYMTAB, dynsym)?;
    w.write_dynamic(elf::DT_STRTAB, dynstr)?;
    let strings = u64::from(w.dynstr_len());
    w.write_dynamic(elf::DT_STRSZ, strings)?;
    w.write_dynamic(elf::DT_SYMENT, 24)?;
    w.write_dynamic(elf::DT_NULL, 0)?;
    w.write_shstrtab();

    w.write_null_section_header();
    let [text_name, bss_name] = [text_name, bss_name].map(|name| w.section_name_offset(Some(name)));
    let section = |name, flags, addr, size| SectionHeader {
        sh_name: name,
        sh_type: elf::SHT_NOBITS,
        sh_flags: flags,
        sh_addr: addr,
        sh_offset: 0,
        sh_size: size,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: DATA_ALIGN,
        sh_entsize: 0,
    };
    let code = library.symbols.len() as u64 * 16;
    w.write_section_header(&section(text_name, elf::SHF_ALLOC | elf::SHF_EXECINSTR, TEXT, code));
    w.write_section_header(&section(bss_name, elf::SHF_ALLOC | elf::SHF_WRITE, DATA, data_size));
    w.write_dynsym_section_header(dynsym, 1);
    w.write_dynstr_section_header(dynstr);
    w.write_dynamic_section_header(dynamic);
    w.write_shstrtab_section_header();
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use object::{Object, ObjectSymbol};

    use super::*;
    use crate::stubs::SymbolList;

    #[test]
    fn a_stub_defines_the_names_of_its_list_and_carries_its_soname() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l.symbols");
        std::fs::write(&path, "library libx.so.1\n10 open close\n10 data:8 environ\n").unwrap();
        let list = SymbolList::read(Path::new(&path)).unwrap();
        for (machine, endian) in [(Machine::X86_64, "Little"), (Machine::SparcV9, "Big")] {
            let bytes = write_library(machine, &list.libraries[0]).unwrap();
            let file = object::read::elf::ElfFile64::<object::Endianness>::parse(&*bytes).unwrap();
            assert_eq!(format!("{:?}", file.endian()), endian);
            let symbols: Vec<_> = file
                .dynamic_symbols()
                .map(|s| (s.name().unwrap().to_owned(), s.is_definition(), s.size()))
                .collect();
            let expected = [("open", 16), ("close", 16), ("environ", 8)];
            assert_eq!(symbols.len(), 3);
            for ((name, size), found) in expected.iter().zip(&symbols) {
                assert_eq!((*name, *size), (found.0.as_str(), found.2));
            }
            assert!(bytes.windows(10).any(|w| w == b"libx.so.1\0"));
        }
    }
}
