//! A package with every kind of thing in it.
#![allow(dead_code)] // each test file uses its part

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use svr4_pkg::{
    Attributes, Content, Datastream, FileKind, InstallFile, Object, ObjectKind, PackageSpec, PkgInfo,
    Prepared, ReadError, ReadOptions, Ruleset, read, write,
};

pub const MTIME: u32 = 1_704_164_645;

pub fn info(pkg: &str) -> PkgInfo {
    PkgInfo::new(pkg, "Acme agent", "i386", "1.2.3,REV=2024.01.02", "application")
        .with("VENDOR", "Acme Inc")
        .with("BASEDIR", "/")
        .with("CLASSES", "none")
        .with("PSTAMP", "acme20240102")
        .with("SUNW_PKG_ALLZONES", "false")
}

pub fn attributes(mode: u16) -> Attributes {
    Attributes::set(mode, "root", "bin")
}

pub fn file(path: &str, mode: u16, bytes: &[u8]) -> Object<Content> {
    Object::file(path, attributes(mode), MTIME, bytes)
}

pub fn spec(pkg: &str) -> PackageSpec {
    let blob: Vec<u8> = (0..70_001u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut conf = file("opt/acme/etc/acme.conf", 0o640, b"a=1\n");
    if let ObjectKind::File { kind, .. } = &mut conf.kind {
        *kind = FileKind::Volatile;
    }
    PackageSpec {
        info: info(pkg),
        objects: vec![
            Object::os_directory("opt"),
            Object::os_directory("etc"),
            Object::os_directory("etc/init.d"),
            Object::directory("opt/acme", attributes(0o755)),
            Object::directory("opt/acme/bin", attributes(0o755)),
            Object::directory("opt/acme/etc", attributes(0o750)),
            Object::directory("opt/acme/spool", attributes(0o700)),
            file("opt/acme/bin/acmed", 0o4755, b"#!/bin/sh\necho hello\n"),
            file("opt/acme/bin/blob", 0o600, &blob),
            file("opt/acme/etc/empty", 0o644, b""),
            file("etc/init.d/acme", 0o744, b"#!/sbin/sh\nexit 0\n"),
            file("/opt/acme-docs/readme@1,2+3:4", 0o644, b"absolute\n"),
            conf,
            Object::symlink("opt/acme/etc/link", "../bin/acmed"),
        ],
        install: vec![
            InstallFile::new("postinstall", *b"echo installed\nexit 0\n", MTIME),
            InstallFile::new("checkinstall", *b"exit 0\n", MTIME),
            InstallFile::new("request", *b"exit 0\n", MTIME),
            InstallFile::new("copyright", *b"Copyright Acme\n", MTIME),
            InstallFile::new("depend", *b"P SUNWcsu Core Solaris, (Usr)\n\t(sparc)11\n", MTIME),
            InstallFile::new("space", *b"/var/acme 100 2\n", MTIME),
        ],
        mtime: MTIME,
    }
}

pub fn prepared(pkg: &str) -> Prepared {
    spec(pkg).prepare(Ruleset::Portable).expect("the example keeps all rules")
}

pub fn stream_of(packages: &[Prepared]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(packages, &mut bytes).expect("the example can be written");
    bytes
}

pub fn stream() -> Vec<u8> {
    stream_of(&[prepared("acme-agent")])
}

/// Contents by package and path.
pub type Contents = HashMap<(String, String), Vec<u8>>;

pub fn read_all(bytes: &[u8], options: &ReadOptions) -> Result<(Datastream, Contents), ReadError> {
    let mut contents = Contents::new();
    let stream = read(bytes, options, &mut |file, content| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        contents.insert((file.info.pkg().into(), file.object.path.clone()), bytes);
        Ok(())
    })?;
    Ok((stream, contents))
}

/// Genuine packages kept beside the repository. `None`, with a line, when they are not there.
pub fn sample(name: &str) -> Option<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("../shared/samples/solaris").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some((path, bytes)),
        Err(_) => {
            println!("skipped: samples absent ({})", path.display());
            None
        }
    }
}
