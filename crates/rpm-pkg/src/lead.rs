//! The 96 byte lead. rpm uses only its magic; `file(1)` and old tools print the name.

/// Size of the lead in bytes.
pub(crate) const LEN: usize = 96;
/// Size of the name field, with the final NUL.
const NAME_LEN: usize = 66;

/// The one lead that belongs to a package called `nevr` (see FORMAT.md, "Lead").
pub(crate) fn encode(nevr: &str) -> [u8; LEN] {
    let mut lead = [0; LEN];
    lead[..4].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb]);
    lead[4] = 3; // major version; the minor version 0 follows
    // Type 0 (binary package) and architecture 0 are zero bytes.
    let name = &nevr.as_bytes()[..nevr.len().min(NAME_LEN - 1)];
    lead[10..10 + name.len()].copy_from_slice(name);
    lead[77] = 1; // operating system: Linux
    lead[79] = 5; // signature type: header style
    lead
}
