//! Any package in, the same package out, and the same bytes again.

mod common;

use std::collections::BTreeMap;

use common::{MTIME, attributes, info, prepared, read_all, spec, stream, stream_of};
use proptest::prelude::*;
use svr4_pkg::fuzz::{fuzz_one, meaning};
use svr4_pkg::{
    Attributes, Content, DirectoryKind, FileKind, InstallFile, Object, ObjectKind, PackageSpec, PkgInfo,
    PkgMap, ReadOptions, Ruleset, WriteError, read_directory, write, write_directory,
};

/// One object as the generator makes it.
#[derive(Debug, Clone)]
enum Thing {
    Directory(DirectoryKind, Option<u16>),
    File(FileKind, u16, Vec<u8>),
    Link(String),
}

fn component() -> impl Strategy<Value = String> {
    // A prefix keeps generated names away from directories of the system.
    "[a-zA-Z0-9._@+,:é-]{1,12}".prop_map(|name| format!("n{name}"))
}

fn thing() -> impl Strategy<Value = Thing> {
    prop_oneof![
        (any::<bool>(), proptest::option::of(0u16..0o10000)).prop_map(|(exclusive, mode)| {
            let kind = if exclusive { DirectoryKind::Exclusive } else { DirectoryKind::Shared };
            Thing::Directory(kind, mode)
        }),
        (0..3u8, 0u16..0o10000, proptest::collection::vec(any::<u8>(), 0..3000)).prop_map(
            |(kind, mode, bytes)| {
                let kind = [FileKind::Regular, FileKind::Volatile, FileKind::Editable][usize::from(kind)];
                Thing::File(kind, mode, bytes)
            }
        ),
        "[a-z./]{1,20}".prop_map(Thing::Link),
    ]
}

/// A tree: things at paths of one to three components; what lies on the way becomes a directory.
fn tree() -> impl Strategy<Value = Vec<Object<Content>>> {
    let path = (any::<bool>(), proptest::collection::vec(component(), 1..4));
    proptest::collection::vec((path, thing()), 0..12).prop_map(|entries| {
        let mut things: BTreeMap<String, Thing> = BTreeMap::new();
        for ((absolute, components), thing) in entries {
            // Relative and absolute paths must not meet below BASEDIR=/.
            let top = if absolute { "/absolute" } else { "relative" };
            let mut path = top.to_owned();
            things.insert(path.clone(), Thing::Directory(DirectoryKind::Shared, Some(0o755)));
            for component in &components[..components.len() - 1] {
                path = format!("{path}/{component}");
                things.insert(path.clone(), Thing::Directory(DirectoryKind::Shared, None));
            }
            path = format!("{path}/{}", components[components.len() - 1]);
            let below = format!("{path}/");
            let used = things.contains_key(&path) || things.keys().any(|known| known.starts_with(&below));
            if !used {
                things.insert(path, thing);
            }
        }
        // A later entry may have made a directory where a file was.
        things
            .into_iter()
            .map(|(path, thing)| match thing {
                Thing::Directory(kind, mode) => {
                    let attributes = mode.map_or_else(Attributes::keep, attributes);
                    Object { class: "none".into(), path, kind: ObjectKind::Directory { kind, attributes } }
                }
                Thing::File(kind, mode, bytes) => {
                    let mut object = Object::file(path, attributes(mode), MTIME, bytes);
                    if let ObjectKind::File { kind: found, .. } = &mut object.kind {
                        *found = kind;
                    }
                    object
                }
                Thing::Link(target) => Object::symlink(path, target),
            })
            .collect()
    })
}

fn package() -> impl Strategy<Value = PackageSpec> {
    let script = "(echo [a-z ]{0,30}\n){1,5}".prop_map(String::into_bytes);
    let names = ["postinstall", "preremove", "request", "copyright", "helper.sh"];
    let install = proptest::collection::btree_map(proptest::sample::select(names.to_vec()), script, 0..5);
    ("[a-zA-Z][a-zA-Z0-9+-]{3,30}", "[ -!#-&(-\\[\\]-~]{0,40}", tree(), install, 0u32..1 << 31).prop_map(
        |(pkg, description, objects, install, mtime)| PackageSpec {
            info: PkgInfo::new(&pkg, "Acme agent", "sparc", "1.0", "application")
                .with("BASEDIR", "/")
                .with("DESC", description.trim_matches(' ')),
            objects,
            install: install.into_iter().map(|(name, text)| InstallFile::new(name, text, mtime)).collect(),
            mtime,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_package_comes_back_from_the_stream_and_from_the_directory(spec in package()) {
        let wanted: BTreeMap<String, Vec<u8>> = (spec.objects.iter())
            .filter_map(|object| match &object.kind {
                ObjectKind::File { payload: Content::Bytes(bytes), .. } => Some((object.path.clone(), bytes.to_vec())),
                _ => None,
            })
            .collect();
        let prepared = spec.clone().prepare(Ruleset::Portable).unwrap();
        let bytes = stream_of(std::slice::from_ref(&prepared));
        prop_assert_eq!(bytes.len() % 512, 0);
        let (stream, contents) = read_all(&bytes, &ReadOptions::canonical()).unwrap();
        let contents: BTreeMap<String, Vec<u8>> =
            contents.into_iter().map(|((_, path), bytes)| (path, bytes)).collect();
        prop_assert_eq!(&contents, &wanted);
        let package = &stream.packages[0];
        prop_assert_eq!(&package.info, &spec.info);
        prop_assert_eq!(package.install.len(), spec.install.len());
        for file in &spec.install {
            prop_assert!(package.install.contains(file));
        }
        prop_assert_eq!(package.map.objects.len(), spec.objects.len());
        for object in &spec.objects {
            let found = package.map.objects.iter().find(|found| found.path == object.path).unwrap();
            prop_assert_eq!(found.attributes(), object.attributes());
            prop_assert_eq!(std::mem::discriminant(&found.kind), std::mem::discriminant(&svr4_kind(object)));
        }

        let again = package.to_spec(|path| wanted[path].as_slice().into()).prepare(Ruleset::Portable).unwrap();
        prop_assert_eq!(stream_of(&[again]), &bytes[..]);

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(prepared.info().pkg());
        write_directory(&prepared, &path).unwrap();
        let read = read_directory(&path, &ReadOptions::canonical(), &mut |_, _| Ok(())).unwrap();
        prop_assert_eq!(meaning(&read), meaning(package));
        fuzz_one(&bytes);
    }

    #[test]
    fn any_pkgmap_text_is_read_or_refused_and_never_read_differently(
        lines in proptest::collection::vec("[1 dfsil?:=]{0,6}[a-z /=0-9?]{0,30}", 0..8)
    ) {
        let text = format!(": 1 5\n1 i pkginfo 1 2 3\n{}", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        if let Ok(map) = PkgMap::parse(text.as_bytes()) {
            prop_assert_eq!(map.render().len(), text.len());
        }
    }
}

/// An object of the spec as the kind it has in pkgmap.
fn svr4_kind(object: &Object<Content>) -> ObjectKind<svr4_pkg::Sum> {
    let sum = svr4_pkg::Sum { size: 0, cksum: 0 };
    object.clone().map_payload(|_| Ok::<_, std::convert::Infallible>(sum)).unwrap().kind
}

#[test]
fn the_bytes_do_not_depend_on_the_order_of_the_spec() {
    let mut turned = spec("acme-agent");
    turned.objects.reverse();
    turned.install.reverse();
    assert_eq!(stream_of(&[turned.prepare(Ruleset::Portable).unwrap()]), stream());
}

#[test]
fn several_packages_come_back_in_their_order() {
    let names: Vec<String> = (0..20).map(|index| format!("acme-agent-number-{index}")).collect();
    let packages: Vec<_> = names.iter().map(|name| prepared(name)).collect();
    let bytes = stream_of(&packages);
    // Twenty lines do not fit one block.
    assert_eq!(&bytes[1024..1030], b"070701");
    let (stream, _) = read_all(&bytes, &ReadOptions::canonical()).unwrap();
    let found: Vec<&str> = stream.packages.iter().map(|package| package.info.pkg()).collect();
    assert_eq!(found, names);
}

/// A package of nothing but a name.
fn small(pkg: &str) -> svr4_pkg::Prepared {
    let spec = PackageSpec { info: info(pkg), objects: Vec::new(), install: Vec::new(), mtime: MTIME };
    spec.prepare(Ruleset::Portable).unwrap()
}

#[test]
fn a_header_that_fills_its_block_is_followed_by_another_block() {
    let mut filled = 0;
    for last in 1..31 {
        let mut packages: Vec<_> =
            (0..14).map(|index| small(&format!("acme-agent-with-long-name-{index}"))).collect();
        packages.push(small(&"b".repeat(last)));
        let bytes = stream_of(&packages);
        let text = bytes.iter().position(|byte| *byte == 0).unwrap();
        if text % 512 == 0 {
            filled += 1;
            assert_eq!(bytes[text..text + 512], [0; 512]);
        }
        let archives = (text + 1).next_multiple_of(512);
        assert_eq!(&bytes[archives..archives + 6], b"070701");
        read_all(&bytes, &ReadOptions::canonical()).unwrap();
    }
    assert_eq!(filled, 1, "one length of the last name fills the block");
}

#[test]
fn the_layout_of_a_small_package_is_fixed() {
    let spec = PackageSpec {
        info: info("acme-agent"),
        objects: vec![Object::file("opt/acme/a", attributes(0o4711), MTIME, b"hello\n".as_slice())],
        install: vec![InstallFile::new("postinstall", *b"exit 0\n", MTIME)],
        mtime: MTIME,
    };
    let prepared = spec.prepare(Ruleset::Portable).unwrap();
    assert_eq!(
        String::from_utf8_lossy(prepared.pkgmap()),
        ": 1 10\n\
         1 f none opt/acme/a 4711 root bin 6 542 1704164645\n\
         1 i pkginfo 174 12906 1704164645\n\
         1 i postinstall 7 532 1704164645\n"
            .replace("         ", "")
    );
    let members: Vec<(&str, u32, u32)> =
        prepared.members().map(|member| (member.path, member.permissions, member.size)).collect();
    assert_eq!(
        members,
        [
            ("pkginfo", 0o644, 174),
            ("pkgmap", 0o644, 124),
            ("install", 0o755, 0),
            ("install/postinstall", 0o644, 7),
            ("reloc", 0o755, 0),
            ("reloc/opt", 0o755, 0),
            ("reloc/opt/acme", 0o755, 0),
            ("reloc/opt/acme/a", 0o755, 6),
        ]
    );
    let bytes = stream_of(&[prepared]);
    assert!(bytes.starts_with(b"# PaCkAgE DaTaStReAm\nacme-agent 1 10\n# end of header\n\0"));
    assert_eq!(&bytes[512..622], b"07070100000001000081a400000000000000000000000165937d25000000ae0000000000000000000000000000000000000013000000000"[..110].as_ref());
}

#[test]
fn a_file_that_changes_between_the_two_readings_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agent");
    for changed in [b"other bytes".as_slice(), b"short", b"a longer content than before"] {
        std::fs::write(&path, b"first bytes").unwrap();
        let mut spec = spec("acme-agent");
        spec.objects.push(Object::file("opt/acme/agent", attributes(0o755), MTIME, path.clone()));
        let prepared = spec.prepare(Ruleset::Portable).unwrap();
        std::fs::write(&path, changed).unwrap();
        let error = write(&[prepared], std::io::sink()).unwrap_err();
        assert!(
            matches!(&error, WriteError::Changed { path, .. } if path == "reloc/opt/acme/agent"),
            "{error}"
        );
        assert!(error.to_string().contains("[content-changed]"), "{error}");
    }
}

#[test]
fn a_missing_file_and_a_failing_output_name_what_was_at_hand() {
    let mut missing = spec("acme-agent");
    missing.objects.push(Object::file(
        "opt/acme/x",
        attributes(0o755),
        MTIME,
        std::path::PathBuf::from("/nonexistent/x"),
    ));
    let error = missing.prepare(Ruleset::Portable).unwrap_err().to_string();
    assert!(error.contains("/nonexistent/x") && error.contains("opt/acme/x"), "{error}");

    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| std::io::Error::other("no space"))?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for room in [0, 600, 5000, 40_000] {
        let error = write(&[prepared("acme-agent")], Full(room)).unwrap_err();
        assert!(matches!(error, WriteError::Output { .. }), "{error}");
        assert!(error.to_string().contains("no space"), "{error}");
    }
}
