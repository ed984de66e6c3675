//! What a binary says of itself, in one form for all formats.

use crate::target::{Endian, Format};

/// The facts that the structure check compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Container format.
    pub format: Format,
    /// Word size: 32 or 64.
    pub bits: u8,
    /// Byte order.
    pub endian: Endian,
    /// Machine: `x86-64`, `386`, `aarch64`, `ppc64`, `s390x`, `sparcv9`; else the number.
    pub machine: String,
    /// ELF: `EI_OSABI`.
    pub os_abi: Option<String>,
    /// ELF: the program interpreter.
    pub interpreter: Option<String>,
    /// Mach-O: the oldest macOS that it accepts.
    pub min_os: Option<String>,
    /// Mach-O: `Some(true)` for an ad-hoc signature, `Some(false)` for another, `None` for none.
    pub ad_hoc_signature: Option<bool>,
    /// The shared libraries that it needs; of PE in lower case, sorted.
    pub libraries: Vec<String>,
    /// ELF and XCOFF: the symbols that it takes from shared libraries, sorted.
    pub imports: Vec<String>,
    /// Further facts for the record, one a line.
    pub notes: Vec<String>,
    /// What is wrong with it whatever the target.
    pub problems: Vec<String>,
}

impl Facts {
    /// One line for each fact.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let format = match self.format {
            Format::Elf => "ELF",
            Format::Pe => "PE",
            Format::MachO => "Mach-O",
            Format::Xcoff => "XCOFF",
        };
        let order = match self.endian {
            Endian::Little => "little-endian",
            Endian::Big => "big-endian",
        };
        let mut lines = vec![
            format!("format: {format}, {}-bit, {order}", self.bits),
            format!("machine: {}", self.machine),
        ];
        if let Some(abi) = &self.os_abi {
            lines.push(format!("OS ABI: {abi}"));
            lines.push(format!("interpreter: {}", self.interpreter.as_deref().unwrap_or("none")));
        }
        if let Some(version) = &self.min_os {
            lines.push(format!("minimum macOS: {version}"));
            lines.push(match self.ad_hoc_signature {
                None => "signature: none".to_owned(),
                Some(true) => "signature: ad hoc, all pages match".to_owned(),
                Some(false) => "signature: not ad hoc, all pages match".to_owned(),
            });
        }
        let libraries = if self.libraries.is_empty() { "none".into() } else { self.libraries.join(" ") };
        lines.push(format!("needed libraries: {libraries}"));
        lines.extend(self.notes.iter().cloned());
        lines
    }
}

/// Reads the facts from a binary of any of the four formats.
///
/// # Errors
/// A sentence that says what is malformed.
pub fn inspect(bytes: &[u8]) -> Result<Facts, String> {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => super::elf::inspect(bytes),
        [b'M', b'Z', ..] => super::pe::inspect(bytes),
        [0x01, 0xf7, ..] => super::xcoff::inspect(bytes),
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xcf, ..] => super::macho::inspect(bytes),
        _ => Err("is none of ELF, PE, Mach-O and XCOFF".to_owned()),
    }
}
