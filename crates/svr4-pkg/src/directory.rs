//! The directory form: a package as pkgmk leaves it and as pkgadd takes it from `-d <directory>`.

use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::package::{Package, PackageReader, Visit};
use crate::reading::{Form, ReadError, ReadOptions};
use crate::rule::Rule;
use crate::spec::{MemberBody, Prepared, WriteError};

/// Writes the directory form into `directory`, which must not exist; its name is the package's for
/// pkgadd to find it. Modes and times are set, independent of the umask; owners are the caller's.
///
/// # Errors
/// [`WriteError::Output`] when something cannot be made, [`WriteError::Content`] and
/// [`WriteError::Changed`] for content that is not what it was when prepared.
pub fn write_directory(package: &Prepared, directory: &Path) -> Result<(), WriteError> {
    let failed = |path: &Path| WriteError::output(path.display().to_string());
    fs::DirBuilder::new().mode(0o755).create(directory).map_err(failed(directory))?;
    for member in package.members() {
        let path = directory.join(member.path);
        if matches!(member.body, MemberBody::Directory) {
            fs::DirBuilder::new().mode(0o755).create(&path).map_err(failed(&path))?;
            continue;
        }
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(member.permissions)
            .open(&path)
            .map_err(failed(&path))?;
        member.copy_to(&mut file)?;
        file.set_permissions(fs::Permissions::from_mode(member.permissions)).map_err(failed(&path))?;
        file.set_times(FileTimes::new().set_modified(time(member.mtime))).map_err(failed(&path))?;
    }
    // Directories last, deepest first: making files in them changed their times.
    let mut directories: Vec<_> =
        package.members().filter(|member| matches!(member.body, MemberBody::Directory)).collect();
    directories.reverse();
    for member in directories {
        settle_directory(&directory.join(member.path), member.permissions, member.mtime)?;
    }
    let top = package.members().next().map_or(0, |pkginfo| pkginfo.mtime);
    settle_directory(directory, 0o755, top)
}

fn settle_directory(path: &Path, permissions: u32, mtime: u32) -> Result<(), WriteError> {
    let failed = || WriteError::output(path.display().to_string());
    let handle = File::open(path).map_err(failed())?;
    handle.set_permissions(fs::Permissions::from_mode(permissions)).map_err(failed())?;
    handle.set_times(FileTimes::new().set_modified(time(mtime))).map_err(failed())
}

fn time(seconds: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into())
}

/// Strictly reads the directory form. Symbolic links are not followed but refused.
///
/// [`Form::Canonical`] also demands the modes and times that [`write_directory`] sets.
///
/// # Errors
/// As [`crate::read`].
pub fn read_directory(
    directory: &Path,
    options: &ReadOptions,
    visit: &mut Visit<'_>,
) -> Result<Package, ReadError> {
    let pkginfo = small(&directory.join("pkginfo"), options.limits.pkginfo)?;
    let pkgmap = small(&directory.join("pkgmap"), options.limits.pkgmap)?;
    let mut reader = PackageReader::new(pkginfo, pkgmap, options)?;
    let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name != reader.info().pkg() {
        let detail = format!("the directory `{name}` holds the package `{}`", reader.info().pkg());
        return Err(ReadError::refused(Rule::HeaderMismatch, directory.display().to_string(), detail));
    }
    for first in ["pkginfo", "pkgmap"] {
        take_file(&mut reader, directory, first, options, visit)?;
    }
    let mut waiting = children(directory, "")?;
    waiting.retain(|path| path != "pkginfo" && path != "pkgmap");
    while let Some(path) = waiting.pop() {
        let full = directory.join(&path);
        let kind = fs::symlink_metadata(&full).map_err(failed(&full))?.file_type();
        if kind.is_dir() {
            reader.directory(&path)?;
            check_settled(&reader, &full, &path, options)?;
            waiting.extend(children(directory, &path)?);
        } else if kind.is_file() {
            take_file(&mut reader, directory, &path, options, visit)?;
        } else {
            return Err(ReadError::refused(Rule::TreeEntry, path, "neither file nor directory"));
        }
    }
    reader.finish()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ReadError {
    let what = path.display().to_string();
    move |source| ReadError::Io { what, source }
}

/// Opens a regular file, without following a link put in its place.
fn open(path: &Path) -> Result<File, ReadError> {
    let kind = fs::symlink_metadata(path).map_err(failed(path))?.file_type();
    if !kind.is_file() {
        return Err(ReadError::refused(Rule::TreeEntry, path.display().to_string(), "not a regular file"));
    }
    File::open(path).map_err(failed(path))
}

fn small(path: &Path, limit: u32) -> Result<Vec<u8>, ReadError> {
    use std::io::Read;
    let mut text = Vec::new();
    open(path)?.take(u64::from(limit) + 1).read_to_end(&mut text).map_err(failed(path))?;
    if text.len() as u64 > u64::from(limit) {
        let detail = format!("more than {limit} bytes");
        return Err(ReadError::refused(Rule::Limit, path.display().to_string(), detail));
    }
    Ok(text)
}

fn take_file(
    reader: &mut PackageReader,
    directory: &Path,
    path: &str,
    options: &ReadOptions,
    visit: &mut Visit<'_>,
) -> Result<(), ReadError> {
    let full = directory.join(path);
    let mut file = open(&full)?;
    let size = file.metadata().map_err(failed(&full))?.len();
    reader.file(path, size, &mut file, visit)?;
    check_settled(reader, &full, path, options)
}

/// The names in a directory, sorted so that the last is taken first.
fn children(directory: &Path, below: &str) -> Result<Vec<String>, ReadError> {
    let full: PathBuf = directory.join(below);
    let mut found = Vec::new();
    for entry in fs::read_dir(&full).map_err(failed(&full))? {
        let name = entry.map_err(failed(&full))?.file_name();
        let Some(name) = name.to_str() else {
            let detail = format!("{name:?} is not UTF-8");
            return Err(ReadError::refused(Rule::MemberUnexpected, full.display().to_string(), detail));
        };
        found.push(if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") });
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

fn check_settled(
    reader: &PackageReader,
    full: &Path,
    path: &str,
    options: &ReadOptions,
) -> Result<(), ReadError> {
    if options.form != Form::Canonical {
        return Ok(());
    }
    let Some(slot) = reader.slot(path) else {
        return Err(ReadError::refused(Rule::NotCanonical, path, "a directory without files"));
    };
    let metadata = fs::symlink_metadata(full).map_err(failed(full))?;
    let mode = metadata.permissions().mode() & 0o7777;
    let time_differs = metadata.modified().map_err(failed(full))? != time(slot.mtime);
    if mode != slot.mode & 0o7777 || time_differs {
        return Err(ReadError::refused(Rule::NotCanonical, path, format!("mode {mode:04o} or another time")));
    }
    Ok(())
}
