//! The `lpp_name` file, format 4: what a package contains, needs and takes on disk.

use std::fmt;

use crate::{
    name::Name,
    text::{SizeLine, TextError, lines},
    vrmf::Vrmf,
};

/// Sections that are written: requisites, sizes, supersedes, fixes, and two empty ones, as mkinstallp
/// does.
const SECTIONS_WRITTEN: usize = 6;
/// Sections at most: IBM's own packages have a seventh.
const SECTIONS_MAX: usize = 7;
/// Longest description of a fileset, in bytes.
pub(crate) const DESCRIPTION_MAX: usize = 60;

/// What applying the package does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PackageType {
    /// `I`: a base level.
    Install,
    /// `S`: an update of a base level.
    Update,
    /// `ML`: a maintenance level.
    MaintenanceLevel,
}

impl PackageType {
    const ALL: [Self; 3] = [Self::Install, Self::Update, Self::MaintenanceLevel];

    fn code(self) -> &'static str {
        match self {
            Self::Install => "I",
            Self::Update => "S",
            Self::MaintenanceLevel => "ML",
        }
    }
}

/// What the system needs around the installation of a fileset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bosboot {
    /// `N`: nothing.
    No,
    /// `b`: a new boot image and a restart.
    BootImage,
    /// `B`: the subsystem is stopped and a boot image made.
    StopAndBootImage,
    /// `Y`: the subsystem is stopped.
    Stop,
}

impl Bosboot {
    const ALL: [Self; 4] = [Self::No, Self::BootImage, Self::StopAndBootImage, Self::Stop];

    fn code(self) -> &'static str {
        match self {
            Self::No => "N",
            Self::BootImage => "b",
            Self::StopAndBootImage => "B",
            Self::Stop => "Y",
        }
    }
}

/// The parts of a fileset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// `U`: files in /usr and /opt only.
    Usr,
    /// `B`: a usr part and a root part.
    UsrAndRoot,
    /// `H`: architecture-independent files in /usr/share.
    Share,
}

impl ContentType {
    const ALL: [Self; 3] = [Self::Usr, Self::UsrAndRoot, Self::Share];

    fn code(self) -> &'static str {
        match self {
            Self::Usr => "U",
            Self::UsrAndRoot => "B",
            Self::Share => "H",
        }
    }
}

/// A requisite line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requisite {
    /// `*prereq`: installed before, at least at the level.
    Prereq(Name, Option<Vrmf>),
    /// `*coreq`: installed before or together, at least at the level.
    Coreq(Name, Option<Vrmf>),
    /// `*ifreq`: at least at the level if installed at all; a second level narrows the condition.
    Ifreq(Name, Vrmf, Option<Vrmf>),
    /// `*instreq`: needed by the installation itself.
    Instreq(Name, Option<Vrmf>),
}

impl Requisite {
    /// The fileset that is required.
    pub fn fileset(&self) -> &Name {
        match self {
            Self::Prereq(name, _) | Self::Coreq(name, _) | Self::Ifreq(name, ..) | Self::Instreq(name, _) => {
                name
            }
        }
    }

    fn parse(document: &str, line: usize, text: &str) -> Result<Self, TextError> {
        let refuse = |rule: &dyn fmt::Display| TextError::new(document, line, text, rule);
        let mut words = text.split_ascii_whitespace();
        let keyword = words.next().unwrap_or_default();
        let name =
            words.next().unwrap_or_default().parse().map_err(|error: crate::NameError| refuse(&error))?;
        let mut level = || {
            let level = words.next().map(str::parse).transpose();
            level.map_err(|error: crate::VrmfError| refuse(&error))
        };
        let first = level()?;
        let requisite = match keyword {
            "*prereq" => Self::Prereq(name, first),
            "*coreq" => Self::Coreq(name, first),
            "*ifreq" => Self::Ifreq(name, first.ok_or_else(|| refuse(&"*ifreq needs a level"))?, level()?),
            "*instreq" => Self::Instreq(name, first),
            _ => return Err(refuse(&"expected *prereq, *coreq, *ifreq or *instreq")),
        };
        match words.next() {
            None => Ok(requisite),
            Some(_) => Err(refuse(&"too many words in a requisite")),
        }
    }
}

impl fmt::Display for Requisite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keyword, name, levels) = match self {
            Self::Prereq(name, level) => ("*prereq", name, [level.as_ref(), None]),
            Self::Coreq(name, level) => ("*coreq", name, [level.as_ref(), None]),
            Self::Ifreq(name, level, second) => ("*ifreq", name, [Some(level), second.as_ref()]),
            Self::Instreq(name, level) => ("*instreq", name, [level.as_ref(), None]),
        };
        write!(f, "{keyword} {name}")?;
        levels.into_iter().flatten().try_for_each(|level| write!(f, " {level}"))
    }
}

/// One fileset of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesetInfo {
    /// Its name.
    pub name: Name,
    /// Its level.
    pub level: Vrmf,
    /// Number of the volume it starts on, from 1.
    pub volume: u8,
    /// What the system needs around its installation.
    pub bosboot: Bosboot,
    /// Its parts.
    pub content: ContentType,
    /// Its language, for example `en_US`.
    pub language: String,
    /// One line for people.
    pub description: String,
    /// What must be installed.
    pub requisites: Vec<Requisite>,
    /// Disk space of all parts.
    pub sizes: Vec<SizeLine>,
    /// The sections behind the sizes, each a list of lines: superseded levels, fixes, and so on.
    pub further_sections: Vec<Vec<String>>,
}

impl FilesetInfo {
    /// The sections behind the sizes as a new package has them: present and empty.
    pub(crate) fn no_further_sections() -> Vec<Vec<String>> {
        vec![Vec::new(); SECTIONS_WRITTEN - 2]
    }
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LppName {
    /// What applying the package does.
    pub package_type: PackageType,
    /// The package; it names the directory of `liblpp.a`.
    pub package: Name,
    /// Its filesets, at least one.
    pub filesets: Vec<FilesetInfo>,
}

impl fmt::Display for LppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "4 R {} {} {{", self.package_type.code(), self.package)?;
        for fileset in &self.filesets {
            let FilesetInfo { name, level, volume, bosboot, content, language, description, .. } = fileset;
            let (bosboot, content) = (bosboot.code(), content.code());
            writeln!(f, "{name} {level} {volume:02} {bosboot} {content} {language} {description}")?;
            f.write_str("[\n")?;
            fileset.requisites.iter().try_for_each(|line| writeln!(f, "{line}"))?;
            f.write_str("%\n")?;
            fileset.sizes.iter().try_for_each(|line| writeln!(f, "{line}"))?;
            f.write_str("%\n")?;
            for section in &fileset.further_sections {
                section.iter().try_for_each(|line| writeln!(f, "{line}"))?;
                f.write_str("%\n")?;
            }
            f.write_str("]\n")?;
        }
        f.write_str("}\n")
    }
}

impl LppName {
    /// Reads an `lpp_name` file of format 4.
    ///
    /// # Errors
    ///
    /// When it is of another format or platform, or a line breaks a rule.
    pub fn read(bytes: &[u8]) -> Result<Self, TextError> {
        Parser { lines: lines(DOCUMENT, bytes)?, index: 0 }.package()
    }
}

const DOCUMENT: &str = "lpp_name";

struct Parser<'a> {
    lines: Vec<&'a str>,
    index: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self, expected: &str) -> Result<&'a str, TextError> {
        let line = self.lines.get(self.index);
        let missing =
            || TextError::new(DOCUMENT, self.index + 1, "", format!("the file ends before {expected}"));
        let line = line.ok_or_else(missing)?;
        self.index += 1;
        Ok(line)
    }

    /// An error about the line read last.
    fn refuse(&self, rule: impl fmt::Display) -> TextError {
        TextError::new(DOCUMENT, self.index, self.lines[self.index - 1], rule)
    }

    fn package(mut self) -> Result<LppName, TextError> {
        let words: Vec<&str> = self.next("the package line")?.split(' ').collect();
        let ["4", "R", code, package, "{"] = words[..] else {
            return Err(self.refuse("expected `4 R I package {`: format 4 for platform R"));
        };
        let package_type = PackageType::ALL.into_iter().find(|kind| kind.code() == code);
        let package_type = package_type.ok_or_else(|| self.refuse("the package type must be I, S or ML"))?;
        let package = package.parse().map_err(|error: crate::NameError| self.refuse(error))?;
        let mut filesets: Vec<FilesetInfo> = Vec::new();
        loop {
            let line = self.next("the closing `}`")?;
            if line == "}" {
                break;
            }
            let fileset = self.fileset(line)?;
            if filesets.iter().any(|other| other.name == fileset.name) {
                return Err(self.refuse(format!("the fileset {} occurs twice", fileset.name)));
            }
            filesets.push(fileset);
        }
        if filesets.is_empty() {
            return Err(self.refuse("a package has at least one fileset"));
        }
        if self.index != self.lines.len() {
            return Err(self.refuse("text behind the closing `}`"));
        }
        Ok(LppName { package_type, package, filesets })
    }

    fn fileset(&mut self, line: &str) -> Result<FilesetInfo, TextError> {
        let words: Vec<&str> = line.splitn(7, ' ').collect();
        let [name, level, volume, bosboot, content, language, description] = words[..] else {
            return Err(self.refuse("expected `fileset level volume bosboot content language description`"));
        };
        let bosboot = Bosboot::ALL.into_iter().find(|kind| kind.code() == bosboot);
        let content = ContentType::ALL.into_iter().find(|kind| kind.code() == content);
        let mut fileset = FilesetInfo {
            name: name.parse().map_err(|error: crate::NameError| self.refuse(error))?,
            level: level.parse().map_err(|error: crate::VrmfError| self.refuse(error))?,
            volume: crate::checksum::parse_digits(volume)
                .and_then(|volume| u8::try_from(volume).ok())
                .ok_or_else(|| self.refuse("the volume must be a number"))?,
            bosboot: bosboot.ok_or_else(|| self.refuse("the bosboot flag must be N, b, B or Y"))?,
            content: content.ok_or_else(|| self.refuse("the content must be U, B or H"))?,
            language: language.into(),
            description: description.into(),
            requisites: Vec::new(),
            sizes: Vec::new(),
            further_sections: Vec::new(),
        };
        if self.next("the opening `[`")? != "[" {
            return Err(self.refuse("expected `[`"));
        }
        let mut section = Vec::new();
        let mut sections = 0;
        loop {
            match self.next("the closing `]`")? {
                "]" => break,
                "%" => {
                    sections += 1;
                    if sections > SECTIONS_MAX {
                        return Err(self.refuse("more sections than a fileset has"));
                    }
                    if sections > 2 {
                        fileset.further_sections.push(std::mem::take(&mut section));
                    }
                }
                line if sections == 0 => {
                    fileset.requisites.push(Requisite::parse(DOCUMENT, self.index, line)?);
                }
                line if sections == 1 => fileset.sizes.push(SizeLine::parse(DOCUMENT, self.index, line)?),
                line => section.push(line.to_owned()),
            }
        }
        if !section.is_empty() || sections < 2 {
            return Err(
                self.refuse("every section must be closed by a line `%`; requisites and sizes are needed")
            );
        }
        Ok(fileset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENUINE: &str = "4 R I PkgA {\nPkgA.rte 1.0.0.0 01 N U en_US My runtime fileset\n[\n%\n/usr/PkgA 0\n\
                           INSTWORK 16 16\n%\n%\n%\n%\n%\n]\n}\n";

    #[test]
    fn what_mkinstallp_writes_reads_and_writes_back_the_same() {
        let lpp = LppName::read(GENUINE.as_bytes()).unwrap();
        assert_eq!(lpp.package.as_str(), "PkgA");
        assert_eq!(lpp.filesets[0].description, "My runtime fileset");
        assert_eq!(lpp.filesets[0].sizes[1].temporary, Some(16));
        assert_eq!(lpp.to_string(), GENUINE);
    }

    #[test]
    fn requisites_of_every_kind_read_and_write_back_the_same() {
        let lines =
            "*prereq bos.rte 7.1.0.0\n*coreq a.b\n*ifreq c.d 1.0.0.0 2.0.0.0\n*instreq e.f 1.2.3.4\n%\n";
        let text = GENUINE.replacen("%\n", lines, 1);
        let lpp = LppName::read(text.as_bytes()).unwrap();
        assert_eq!(lpp.filesets[0].requisites.len(), 4);
        assert_eq!(lpp.filesets[0].requisites[1].fileset().as_str(), "a.b");
        assert_eq!(lpp.to_string(), text);
    }

    #[test]
    fn damaged_files_are_refused_with_the_line() {
        for (from, to, line) in [
            ("4 R I", "3 R I", 1),
            ("1.0.0.0", "1.0.0", 2),
            (" N U ", " N X ", 2),
            ("[\n%\n", "[\n*prereq bos.rte seven\n%\n", 4),
            ("INSTWORK 16", "INSTWORK x", 6),
            ("}\n", "}\nmore\n", 13),
        ] {
            let text = GENUINE.replacen(from, to, 1);
            let error = LppName::read(text.as_bytes()).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
        }
        for length in 0..GENUINE.len() {
            assert!(LppName::read(&GENUINE.as_bytes()[..length]).is_err(), "{length}");
        }
    }
}
