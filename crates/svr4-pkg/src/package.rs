//! Judges the members of one package against its pkgmap, wherever they come from: an archive of a
//! datastream, a directory, a tar file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::check::package_problems;
use crate::content::Content;
use crate::install::{InstallFile, install_name_rule};
use crate::layout::{Filling, Slot, slots};
use crate::object::{Object, ObjectKind, parent};
use crate::pkginfo::PkgInfo;
use crate::pkgmap::PkgMap;
use crate::reading::{Form, ReadError, ReadOptions};
use crate::rule::{Problem, Rule, Ruleset};
use crate::spec::PackageSpec;
use crate::sum::{Sum, Summer};

/// A file with payload while it passes.
#[derive(Debug, Clone, Copy)]
pub struct PackagedFile<'a> {
    /// The package's parameters.
    pub info: &'a PkgInfo,
    /// Its line in pkgmap; always [`ObjectKind::File`].
    pub object: &'a Object<Sum>,
}

/// Called for each file with payload; what it does not read is skipped.
pub type Visit<'a> = dyn FnMut(&PackagedFile<'_>, &mut dyn Read) -> io::Result<()> + 'a;

/// A package that was read and found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The parameters.
    pub info: PkgInfo,
    /// The table.
    pub map: PkgMap,
    /// The installation files, in the order of pkgmap.
    pub install: Vec<InstallFile>,
    /// SHA-256 of each file's content, by its path in pkgmap.
    pub sha256: BTreeMap<String, [u8; 32]>,
}

impl Package {
    /// Everything wrong under a ruleset, such as [`Ruleset::Portable`] for a package made elsewhere.
    pub fn problems(&self, ruleset: Ruleset) -> Vec<Problem> {
        package_problems(&self.info, &self.map.objects, &self.install, ruleset)
    }

    /// The specification that says the same, with contents given by path.
    pub fn to_spec(&self, mut content: impl FnMut(&str) -> Content) -> PackageSpec {
        let objects = self.map.objects.iter().cloned().map(|object| {
            let path = object.path.clone();
            let Ok(object) = object.map_payload(|_| Ok::<_, std::convert::Infallible>(content(&path)));
            object
        });
        let pkginfo = self.map.install.iter().find(|line| line.name == "pkginfo");
        PackageSpec {
            info: self.info.clone(),
            objects: objects.collect(),
            install: self.install.clone(),
            mtime: pkginfo.map_or(0, |line| line.mtime),
        }
    }
}

/// Takes the members of a package one by one. The first two must be pkginfo and pkgmap.
#[derive(Debug)]
pub struct PackageReader {
    info: PkgInfo,
    map: PkgMap,
    pkginfo: Vec<u8>,
    pkgmap: Vec<u8>,
    options: ReadOptions,
    pub(crate) slots: Vec<Slot>,
    by_path: HashMap<String, usize>,
    directories: HashSet<String>,
    seen: Vec<bool>,
    seen_directories: HashSet<String>,
    /// Directories in which a file was seen.
    filled: HashSet<String>,
    install: BTreeMap<usize, InstallFile>,
    install_bytes: u64,
    sha256: BTreeMap<String, [u8; 32]>,
}

impl PackageReader {
    /// Reads the two files that say what the package must hold.
    ///
    /// # Errors
    /// [`ReadError::Rules`] with everything wrong in them.
    pub fn new(pkginfo: Vec<u8>, pkgmap: Vec<u8>, options: &ReadOptions) -> Result<Self, ReadError> {
        let refuse = |pkg: &str, problems| ReadError::Rules { pkg: pkg.to_owned(), problems };
        for (name, text, limit) in
            [("pkginfo", &pkginfo, options.limits.pkginfo), ("pkgmap", &pkgmap, options.limits.pkgmap)]
        {
            if text.len() as u64 > u64::from(limit) {
                let detail = format!("{} bytes, at most {limit} are read", text.len());
                return Err(ReadError::refused(Rule::Limit, name, detail));
            }
        }
        let info = PkgInfo::parse(&pkginfo).map_err(|problems| refuse("", problems))?;
        let pkg = info.pkg().to_owned();
        let map = PkgMap::parse(&pkgmap).map_err(|problems| refuse(&pkg, problems))?;
        let mut problems = package_problems(&info, &map.objects, &[], options.rules);
        let mut names = HashSet::new();
        for line in &map.install {
            let place = format!("pkgmap i {}", line.name);
            if line.name != "pkginfo"
                && let Some(rule) = install_name_rule(&line.name)
            {
                problems.push(Problem::new(rule, &place, "not a name for a file in install/"));
            }
            if !names.insert(&line.name) {
                problems.push(Problem::new(Rule::InstallDuplicate, &place, "listed twice"));
            }
            if line.sum.size > options.limits.install_file {
                problems.push(Problem::new(Rule::Limit, &place, format!("{} bytes", line.sum.size)));
            }
            if line.name == "pkginfo" && Sum::of(&pkginfo) != Some(line.sum) {
                problems.push(Problem::new(Rule::MemberSum, &place, "pkginfo has another size or sum"));
            }
        }
        if options.form == Form::Canonical {
            let mut differs = |place: &str, detail: &str| {
                problems.push(Problem::new(Rule::NotCanonical, place, detail));
            };
            if info.render() != pkginfo {
                differs("pkginfo", "would be written differently");
            }
            if map.render() != pkgmap {
                differs("pkgmap", "would be written differently");
            }
            let mut settled = map.clone();
            if settled.settle().is_none() || settled.blocks != map.blocks {
                differs("pkgmap line 1", "another number of blocks");
            }
        }
        if !problems.is_empty() {
            return Err(refuse(&pkg, problems));
        }
        let pkgmap_size = u32::try_from(pkgmap.len()).unwrap_or(u32::MAX);
        let slots = slots(&map, pkgmap_size);
        let is_file = |slot: &&Slot| slot.filling != Filling::Directory;
        let mut directories: HashSet<String> =
            slots.iter().filter(|slot| !is_file(slot)).map(|slot| slot.path.clone()).collect();
        directories.insert("install".into());
        for object in &map.objects {
            if matches!(object.kind, ObjectKind::Directory { .. }) {
                let path = object.member_path();
                let mut at = Some(path.as_str());
                while let Some(path) = at {
                    directories.insert(path.to_owned());
                    at = parent(path);
                }
            }
        }
        let by_path = (slots.iter().enumerate()).map(|(index, slot)| (slot.path.clone(), index)).collect();
        let seen = vec![false; slots.len()];
        Ok(PackageReader {
            info,
            map,
            pkginfo,
            pkgmap,
            options: *options,
            slots,
            by_path,
            directories,
            seen,
            seen_directories: HashSet::new(),
            filled: HashSet::new(),
            install: BTreeMap::new(),
            install_bytes: 0,
            sha256: BTreeMap::new(),
        })
    }

    /// The parameters.
    pub fn info(&self) -> &PkgInfo {
        &self.info
    }

    /// The table.
    pub fn map(&self) -> &PkgMap {
        &self.map
    }

    /// The member as the writer would make it; `None` for directories the writer leaves out.
    pub(crate) fn slot(&self, path: &str) -> Option<&Slot> {
        self.by_path.get(path).map(|index| &self.slots[*index])
    }

    fn texts(&self) -> [&[u8]; 2] {
        [&self.pkginfo, &self.pkgmap]
    }

    /// Takes a directory.
    ///
    /// # Errors
    /// When pkgmap does not account for it, or it comes twice or after its files.
    pub fn directory(&mut self, path: &str) -> Result<(), ReadError> {
        self.facts_first(path)?;
        if !self.directories.contains(path) {
            return Err(ReadError::refused(
                Rule::MemberUnexpected,
                path,
                "a directory pkgmap knows nothing of",
            ));
        }
        if self.filled.contains(path) {
            return Err(ReadError::refused(
                Rule::MemberOrder,
                path,
                "the directory comes after a file in it",
            ));
        }
        if !self.seen_directories.insert(path.to_owned()) {
            return Err(ReadError::refused(Rule::MemberDuplicate, path, "the directory comes twice"));
        }
        Ok(())
    }

    fn facts_first(&self, path: &str) -> Result<(), ReadError> {
        // pkginfo and pkgmap are the first two slots.
        let due = self.seen.iter().take(2).position(|seen| !seen).map(|index| &self.slots[index].path);
        match due {
            Some(due) if due != path => {
                Err(ReadError::refused(Rule::MemberOrder, path, format!("expected `{due}` here")))
            }
            _ => Ok(()),
        }
    }

    /// Takes a file of `size` bytes. Reads `content` to its end, at most `size` bytes of it.
    ///
    /// # Errors
    /// When pkgmap does not account for the file, or with another size or sum; when `content`
    /// ends early or fails; when `visit` fails.
    pub fn file(
        &mut self,
        path: &str,
        size: u64,
        content: &mut dyn Read,
        visit: &mut Visit<'_>,
    ) -> Result<(), ReadError> {
        self.facts_first(path)?;
        let listed = self.by_path.get(path).copied();
        let Some(index) = listed.filter(|index| self.slots[*index].filling != Filling::Directory) else {
            return Err(ReadError::refused(Rule::MemberUnexpected, path, "a file pkgmap does not list"));
        };
        if std::mem::replace(&mut self.seen[index], true) {
            return Err(ReadError::refused(Rule::MemberDuplicate, path, "the file comes twice"));
        }
        let slot = &self.slots[index];
        if size != u64::from(slot.size) {
            let detail = format!("{size} bytes, pkgmap says {}", slot.size);
            return Err(ReadError::refused(Rule::MemberSize, path, detail));
        }
        let mut above = parent(path);
        while let Some(found) = above {
            self.filled.insert(found.to_owned());
            above = parent(found);
        }
        match slot.filling {
            Filling::PkgInfo | Filling::PkgMap => {
                let text = keep(path, size, content)?;
                let [pkginfo, pkgmap] = self.texts();
                if text != if slot.filling == Filling::PkgInfo { pkginfo } else { pkgmap } {
                    return Err(ReadError::refused(Rule::CopyDiffers, path, "not the same text as before"));
                }
            }
            Filling::Install(line) => {
                self.install_bytes += size;
                if self.install_bytes > self.options.limits.install_total {
                    let detail = format!("installation files of {} bytes", self.install_bytes);
                    return Err(ReadError::refused(Rule::Limit, path, detail));
                }
                let text = keep(path, size, content)?;
                let entry = &self.map.install[line];
                if Sum::of(&text) != Some(entry.sum) {
                    return Err(ReadError::refused(Rule::MemberSum, path, "another checksum than in pkgmap"));
                }
                self.install.insert(line, InstallFile::new(&entry.name, text, entry.mtime));
            }
            Filling::Payload(object) => {
                let object = &self.map.objects[object];
                let digest = pass(path, &self.info, object, size, content, visit)?;
                self.sha256.insert(object.path.clone(), digest);
            }
            Filling::Directory => {}
        }
        Ok(())
    }

    /// Everything was given: judges the whole.
    ///
    /// # Errors
    /// When a member is missing, or installation files break rules.
    pub fn finish(self) -> Result<Package, ReadError> {
        for (slot, seen) in self.slots.iter().zip(&self.seen) {
            if !seen && slot.filling != Filling::Directory {
                return Err(ReadError::refused(Rule::MemberMissing, &slot.path, "listed in pkgmap"));
            }
        }
        let PackageReader { info, map, install, sha256, options, .. } = self;
        let package = Package { info, map, install: install.into_values().collect(), sha256 };
        let problems = package.problems(options.rules);
        if problems.is_empty() {
            Ok(package)
        } else {
            Err(ReadError::Rules { pkg: package.info.pkg().to_owned(), problems })
        }
    }
}

/// Reads a small file into memory; its size was compared with a limit before.
fn keep(path: &str, size: u64, content: &mut dyn Read) -> Result<Vec<u8>, ReadError> {
    let mut text = Vec::new();
    content
        .take(size)
        .read_to_end(&mut text)
        .map_err(|source| ReadError::Io { what: path.to_owned(), source })?;
    if text.len() as u64 == size {
        Ok(text)
    } else {
        Err(ReadError::refused(Rule::Truncated, path, format!("{} of {size} bytes", text.len())))
    }
}

/// Lets a payload pass the visitor and returns its SHA-256.
fn pass(
    path: &str,
    info: &PkgInfo,
    object: &Object<Sum>,
    size: u64,
    content: &mut dyn Read,
    visit: &mut Visit<'_>,
) -> Result<[u8; 32], ReadError> {
    let mut watched = Watched {
        inner: content,
        left: size,
        summer: Summer::default(),
        digest: Sha256::new(),
        failed: None,
    };
    let visited = visit(&PackagedFile { info, object }, &mut watched);
    if watched.failed.is_none() {
        visited.map_err(|source| ReadError::Visitor { path: path.to_owned(), source })?;
        let drained = io::copy(&mut watched, &mut io::sink());
        if watched.failed.is_none() {
            drained.map_err(|source| ReadError::Io { what: path.to_owned(), source })?;
        }
    }
    if let Some(source) = watched.failed {
        return Err(ReadError::Io { what: path.to_owned(), source });
    }
    if watched.left != 0 {
        let detail = format!("{} of {size} bytes are missing", watched.left);
        return Err(ReadError::refused(Rule::Truncated, path, detail));
    }
    match &object.kind {
        ObjectKind::File { payload, .. } if watched.summer.finish() != Some(*payload) => {
            Err(ReadError::refused(Rule::MemberSum, path, "another checksum than in pkgmap"))
        }
        _ => Ok(watched.digest.finalize().into()),
    }
}

/// Bounds, sums and digests what is read, and remembers an error of the source.
struct Watched<'a> {
    inner: &'a mut dyn Read,
    left: u64,
    summer: Summer,
    digest: Sha256,
    failed: Option<io::Error>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        match self.inner.read(&mut buffer[..want]) {
            Ok(count) => {
                self.left -= count as u64;
                self.summer.update(&buffer[..count]);
                self.digest.update(&buffer[..count]);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}
