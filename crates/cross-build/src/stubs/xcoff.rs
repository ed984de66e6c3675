//! AIX import files: what `ld -bI:` reads in place of a shared library (AIX documentation, "ld command",
//! import and export file format): `#! <file>(<member>)`, then one symbol a line,
//! without a mark for functions (their descriptors are meant) and data alike.

use super::Library;

/// File name and text of the import file of a library such as `libc.a(shr_64.o)`.
pub(crate) fn import_file(library: &Library) -> (String, Vec<u8>) {
    let stem = library.name.split('(').next().unwrap_or(&library.name);
    let member = library.name[stem.len()..].trim_matches(['(', ')']);
    let mut text = format!("#! {stem}({member})\n");
    for symbol in &library.symbols {
        text.push_str(&symbol.name);
        text.push('\n');
    }
    (format!("{stem}.{member}.imp"), text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stubs::SymbolList;

    #[test]
    fn an_import_file_names_archive_and_member_and_then_the_symbols() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l.symbols");
        std::fs::write(&path, "library libc.a(shr_64.o)\n7.1 open close\n").unwrap();
        let list = SymbolList::read(&path).unwrap();
        let (name, bytes) = import_file(&list.libraries[0]);
        assert_eq!(name, "libc.a.shr_64.o.imp");
        assert_eq!(bytes, b"#! libc.a(shr_64.o)\nopen\nclose\n");
    }
}
