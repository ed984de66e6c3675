//! pkgmap: every object and installation file with its sum.

use crate::object::{Attributes, DeviceKind, DirectoryKind, FileKind, Object, ObjectKind};
use crate::rule::{Problem, Rule};
use crate::sum::Sum;

/// An `i` line: a file of `install/`, or pkginfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallLine {
    /// `pkginfo`, or the name under `install/`.
    pub name: String,
    /// Size and checksum; pkgadd refuses the package when they are wrong.
    pub sum: Sum,
    /// Seconds since 1970.
    pub mtime: u32,
}

/// The parsed table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkgMap {
    /// Space the package takes, in 512-byte blocks; the datastream header repeats it.
    pub blocks: u32,
    /// The `i` lines.
    pub install: Vec<InstallLine>,
    /// All other lines.
    pub objects: Vec<Object<Sum>>,
}

impl PkgMap {
    /// The space a package takes: each file rounded up to 1 KiB and at least that, each directory
    /// 1 KiB, and the same for pkginfo, pkgmap and the installation files. pkgtrans refuses to
    /// unpack when this exceeds the free space. `None` when it does not fit 31 bits.
    pub fn measure(&self, pkgmap_size: usize) -> Option<u32> {
        let files = |size: u64| size.div_ceil(1024).max(1) * 2;
        let mut blocks = files(pkgmap_size as u64);
        blocks += self.install.iter().map(|line| files(line.sum.size.into())).sum::<u64>();
        if self.install.len() > 1 {
            blocks += 2; // the directory install/
        }
        for object in &self.objects {
            blocks += match &object.kind {
                ObjectKind::Directory { .. } => 2,
                ObjectKind::File { payload, .. } => files(payload.size.into()),
                _ => 0,
            };
        }
        i32::try_from(blocks).ok().map(i32::cast_unsigned)
    }

    /// Sets [`PkgMap::blocks`] to the measure of the table, whose own length depends on it.
    pub(crate) fn settle(&mut self) -> Option<()> {
        self.blocks = 0;
        // The length grows with the digits of the number only, so this ends after a few rounds.
        loop {
            let blocks = self.measure(self.render().len())?;
            if blocks <= self.blocks {
                return Some(());
            }
            self.blocks = blocks;
        }
    }

    /// The text: lines sorted bytewise by path or name, single blanks, LF.
    pub fn render(&self) -> Vec<u8> {
        let install = self.install.iter().map(|line| (line.name.as_str(), 0, install_line(line)));
        let objects = self.objects.iter().map(|object| (object.path.as_str(), 1, object_line(object)));
        let mut lines: Vec<_> = install.chain(objects).collect();
        lines.sort_by(|a, b| (a.0.as_bytes(), a.1).cmp(&(b.0.as_bytes(), b.1)));
        let mut text = format!(": 1 {}\n", self.blocks);
        for (_, _, line) in lines {
            text.push_str(&line);
        }
        text.into_bytes()
    }

    /// Reads the text. Order is not demanded: pkgadd sorts for itself.
    ///
    /// # Errors
    /// Every line that is not as pkgmk prints it.
    pub fn parse(text: &[u8]) -> Result<PkgMap, Vec<Problem>> {
        let say =
            |rule, line: usize, detail: &str| vec![Problem::new(rule, format!("pkgmap line {line}"), detail)];
        let text = std::str::from_utf8(text).map_err(|_| say(Rule::MapLine, 1, "not UTF-8"))?;
        let Some(body) = text.strip_suffix('\n') else {
            return Err(say(Rule::MapHeader, 1, "empty, or the last line has no LF"));
        };
        let mut lines = body.split('\n').enumerate();
        let (_, first) = lines.next().unwrap_or((0, ""));
        let blocks = match first.split(' ').collect::<Vec<_>>()[..] {
            [":", "1", blocks] => number(blocks).filter(|blocks| i32::try_from(*blocks).is_ok()),
            _ => None,
        };
        let Some(blocks) = blocks else {
            return Err(say(Rule::MapHeader, 1, &format!("`{}`", first.escape_debug())));
        };
        let mut map = PkgMap { blocks, install: Vec::new(), objects: Vec::new() };
        let mut problems = Vec::new();
        for (index, line) in lines {
            let fields: Vec<&str> = line.split(' ').collect();
            let parsed = match fields[..] {
                ["1", "i", name, size, cksum, mtime] => {
                    sum(size, cksum).zip(number(mtime)).map(|(sum, mtime)| {
                        map.install.push(InstallLine { name: name.into(), sum, mtime });
                    })
                }
                ["1", kind, class, ref rest @ ..] => {
                    object(kind, class, rest).map(|object| map.objects.push(object))
                }
                _ => None,
            };
            if parsed.is_none() {
                problems.extend(say(Rule::MapLine, index + 1, &format!("`{}`", line.escape_debug())));
            }
        }
        if map.install.iter().filter(|line| line.name == "pkginfo").count() != 1 {
            problems.extend(say(Rule::MapPkginfo, 1, "not exactly one `i pkginfo` line"));
        }
        if problems.is_empty() { Ok(map) } else { Err(problems) }
    }
}

fn install_line(line: &InstallLine) -> String {
    format!("1 i {} {} {} {}\n", line.name, line.sum.size, line.sum.cksum, line.mtime)
}

fn object_line(object: &Object<Sum>) -> String {
    let Object { class, path, kind } = object;
    match kind {
        ObjectKind::Directory { kind, attributes } => {
            let letter = match kind {
                DirectoryKind::Shared => 'd',
                DirectoryKind::Exclusive => 'x',
            };
            format!("1 {letter} {class} {path} {}\n", attribute_fields(attributes))
        }
        ObjectKind::File { kind, attributes, mtime, payload } => {
            let letter = match kind {
                FileKind::Regular => 'f',
                FileKind::Volatile => 'v',
                FileKind::Editable => 'e',
            };
            let Sum { size, cksum } = payload;
            format!("1 {letter} {class} {path} {} {size} {cksum} {mtime}\n", attribute_fields(attributes))
        }
        ObjectKind::Symlink { target } => format!("1 s {class} {path}={target}\n"),
        ObjectKind::HardLink { target } => format!("1 l {class} {path}={target}\n"),
        ObjectKind::Device { kind, major, minor, attributes } => {
            let letter = match kind {
                DeviceKind::Block => 'b',
                DeviceKind::Character => 'c',
            };
            format!("1 {letter} {class} {path} {major} {minor} {}\n", attribute_fields(attributes))
        }
        ObjectKind::Pipe { attributes } => format!("1 p {class} {path} {}\n", attribute_fields(attributes)),
    }
}

fn attribute_fields(attributes: &Attributes) -> String {
    let mode = attributes.mode.map_or_else(|| "?".to_owned(), |mode| format!("{mode:04o}"));
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".into());
    format!("{mode} {} {}", name(&attributes.owner), name(&attributes.group))
}

/// Decimal without sign or leading zeros, as printf writes it.
fn number(field: &str) -> Option<u32> {
    let plain = field == "0" || !field.starts_with('0');
    (plain && field.bytes().all(|byte| byte.is_ascii_digit())).then(|| field.parse().ok()).flatten()
}

fn sum(size: &str, cksum: &str) -> Option<Sum> {
    Some(Sum { size: number(size)?, cksum: u16::try_from(number(cksum)?).ok()? })
}

fn attributes(mode: &str, owner: &str, group: &str) -> Option<Attributes> {
    let mode = match mode {
        "?" => None,
        mode if mode.len() == 4 && mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) => {
            Some(u16::from_str_radix(mode, 8).ok()?)
        }
        _ => return None,
    };
    let name = |name: &str| (name != "?").then(|| name.to_owned());
    Some(Attributes { mode, owner: name(owner), group: name(group) })
}

fn object(letter: &str, class: &str, fields: &[&str]) -> Option<Object<Sum>> {
    let (path, kind) = match (letter, fields) {
        ("d" | "x", [path, mode, owner, group]) => {
            let kind = if letter == "d" { DirectoryKind::Shared } else { DirectoryKind::Exclusive };
            (*path, ObjectKind::Directory { kind, attributes: attributes(mode, owner, group)? })
        }
        ("f" | "v" | "e", [path, mode, owner, group, size, cksum, mtime]) => {
            let kind = match letter {
                "f" => FileKind::Regular,
                "v" => FileKind::Volatile,
                _ => FileKind::Editable,
            };
            let attributes = attributes(mode, owner, group)?;
            (*path, ObjectKind::File { kind, attributes, mtime: number(mtime)?, payload: sum(size, cksum)? })
        }
        ("s" | "l", [link]) => {
            let (path, target) = link.split_once('=')?;
            let target = target.to_owned();
            let kind =
                if letter == "s" { ObjectKind::Symlink { target } } else { ObjectKind::HardLink { target } };
            (path, kind)
        }
        ("b" | "c", [path, major, minor, mode, owner, group]) => {
            let kind = if letter == "b" { DeviceKind::Block } else { DeviceKind::Character };
            let attributes = attributes(mode, owner, group)?;
            (*path, ObjectKind::Device { kind, major: number(major)?, minor: number(minor)?, attributes })
        }
        ("p", [path, mode, owner, group]) => {
            (*path, ObjectKind::Pipe { attributes: attributes(mode, owner, group)? })
        }
        _ => return None,
    };
    Some(Object { class: class.to_owned(), path: path.to_owned(), kind })
}
