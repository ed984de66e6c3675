//! Reads the reviewed symbol lists in `specs/toolchain/`.
//!
//! ```text
//! # comment
//! library libc.so.1               the symbols below it are in this library
//! 10  open read write             functions that this version of the system has, and all later ones
//! 10  data:8 environ              data of 8 bytes
//! guess pthread_ libc.so.1        where to look for an unknown symbol with this prefix
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext, Result, Undefined};
use crate::store::sha256_parts;

/// A version of the target's system: numbers with dots, compared as numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(Vec<u32>);

impl Version {
    pub fn parse(text: &str) -> Option<Self> {
        text.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>().map(Self)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

/// What a symbol stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    /// Data of so many bytes: the program may get a copy of it.
    Data(u64),
}

/// One symbol of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub name: String,
    pub kind: Kind,
    pub since: Version,
}

/// One library with the symbols that the list knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Library {
    pub name: String,
    pub symbols: Vec<Symbol>,
}

/// A list, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct SymbolList {
    pub path: PathBuf,
    pub libraries: Vec<Library>,
    guesses: Vec<(String, String)>,
    pub sha256: String,
}

impl SymbolList {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).at("read", path)?;
        Self::parse(&text, path).map_err(|problems| Error::Spec { path: path.to_owned(), problems })
    }

    fn parse(text: &str, path: &Path) -> std::result::Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut libraries: Vec<Library> = Vec::new();
        let mut guesses = Vec::new();
        let mut seen = BTreeSet::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(first) = words.next() else { continue };
            let mut problem = |what: String| problems.push(format!("line {number}: {what}"));
            match (first, Version::parse(first), libraries.last_mut()) {
                ("library", _, _) => match (words.next(), words.next()) {
                    (Some(name), None) => {
                        libraries.push(Library { name: name.to_owned(), symbols: Vec::new() });
                    }
                    _ => problem("`library` takes one name".to_owned()),
                },
                ("guess", _, _) => match (words.next(), words.next(), words.next()) {
                    (Some(prefix), Some(name), None) => guesses.push((prefix.to_owned(), name.to_owned())),
                    _ => problem("`guess` takes a prefix and a library".to_owned()),
                },
                (_, Some(_), None) => problem("symbols before the first `library`".to_owned()),
                (_, Some(since), Some(library)) => {
                    let mut kind = Kind::Function;
                    for word in words {
                        if let Some(size) = word.strip_prefix("data:") {
                            match size.parse() {
                                Ok(size) if size > 0 => kind = Kind::Data(size),
                                _ => problem(format!("{word}: the size is not a number of bytes")),
                            }
                        } else if seen.insert(word.to_owned()) {
                            let name = word.to_owned();
                            library.symbols.push(Symbol { name, kind, since: since.clone() });
                        } else {
                            problem(format!("{word} is listed twice"));
                        }
                    }
                }
                _ => problem(format!("{first:?} is neither `library`, `guess` nor a version")),
            }
        }
        for library in libraries.iter().filter(|library| library.symbols.is_empty()) {
            problems.push(format!("{} has no symbols", library.name));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { path: path.to_owned(), libraries, guesses, sha256: sha256_parts([text]) })
    }

    /// The version since which the system has each symbol.
    pub fn since(&self) -> BTreeMap<&str, &Version> {
        let symbols = self.libraries.iter().flat_map(|library| &library.symbols);
        symbols.map(|symbol| (symbol.name.as_str(), &symbol.since)).collect()
    }

    /// The symbols with the library that most likely has each: the longest prefix that fits, else the
    /// first library of the list.
    pub fn guess(&self, symbols: &BTreeSet<String>) -> Vec<Undefined> {
        let best = |symbol: &str| {
            let fitting = self.guesses.iter().filter(|(prefix, _)| symbol.starts_with(prefix.as_str()));
            let guess = fitting.max_by_key(|(prefix, _)| prefix.len()).map(|(_, library)| library);
            guess.or_else(|| self.libraries.first().map(|library| &library.name)).cloned()
        };
        symbols
            .iter()
            .map(|symbol| Undefined {
                symbol: symbol.clone(),
                library: best(symbol).unwrap_or_else(|| "(no library listed)".to_owned()),
            })
            .collect()
    }
}

/// The symbols that a linker's output names as undefined: LLVM's lld and GNU ld.
pub(crate) fn undefined_in(text: &str) -> BTreeSet<String> {
    let mut symbols = BTreeSet::new();
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("undefined symbol: ") {
            symbols.extend(rest.split_whitespace().next().map(str::to_owned));
        }
        if let Some((_, rest)) = line.split_once("undefined reference to `") {
            let name = rest.split('\'').next().unwrap_or_default();
            // XCOFF: `.open` is the code of the function whose descriptor is `open`.
            symbols.insert(name.strip_prefix('.').unwrap_or(name).to_owned());
        }
    }
    symbols.remove("");
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<SymbolList, Vec<String>> {
        SymbolList::parse(text, Path::new("x.symbols"))
    }

    #[test]
    fn a_list_gives_library_kind_and_first_version_of_each_symbol() {
        let list = parse("library libc.so.1 # system\n10 open close\n11.4 data:8 environ\nlibrary b\n10 f\n")
            .unwrap();
        assert_eq!(list.libraries.len(), 2);
        assert_eq!(list.libraries[0].symbols[2].kind, Kind::Data(8));
        assert_eq!(list.libraries[0].symbols[1].kind, Kind::Function);
        assert_eq!(list.since()["environ"].to_string(), "11.4");
        assert!(
            Version::parse("11.4") > Version::parse("11") && Version::parse("11") > Version::parse("9.9")
        );
    }

    #[test]
    fn all_mistakes_of_a_list_are_reported_with_their_lines() {
        let problems =
            parse("10 early\nlibrary a\n10 x x\n10 data:0 y\nnonsense\nlibrary empty\n").unwrap_err();
        let text = problems.join("\n");
        for part in [
            "line 1: symbols before",
            "line 3: x is listed twice",
            "line 4: data:0",
            "line 5",
            "empty has no symbols",
        ] {
            assert!(text.contains(part), "{part} not in {text}");
        }
    }

    #[test]
    fn an_unlisted_symbol_is_guessed_by_the_longest_prefix() {
        let list = parse("library libc\n10 f\nguess get libnsl\nguess getaddr libsocket\n").unwrap();
        let symbols = ["getaddrinfo", "gethostent", "qsort"].map(str::to_owned).into();
        let guesses: Vec<String> = list.guess(&symbols).into_iter().map(|u| u.library).collect();
        assert_eq!(guesses, ["libsocket", "libnsl", "libc"]);
    }

    #[test]
    fn undefined_symbols_are_read_from_the_output_of_lld_and_of_gnu_ld() {
        let text = "  = note: ld.lld: error: undefined symbol: arc4random_buf\n  >>> referenced by x\n\
            x.o:(.text+0x4): undefined reference to `.pthread_self'\n (.text): undefined reference to `open'\n";
        let found: Vec<String> = undefined_in(text).into_iter().collect();
        assert_eq!(found, ["arc4random_buf", "open", "pthread_self"]);
    }
}
