//! What holds for any input whatever. The fuzz target and the mutation tests call this.

use std::collections::{BTreeMap, HashMap};

use crate::{
    Content, Datastream, Form, InstallFile, Limits, Object, Package, PkgInfo, PkgMap, ReadOptions, Ruleset,
    Sum, bourne_lint, read, write,
};

/// Gives the data to every reader. Readers may refuse it, but what they accept must survive being
/// written and read again, and what they call canonical must be written the same.
///
/// # Panics
/// When one of these properties does not hold.
pub fn fuzz_one(data: &[u8]) {
    if let Some((first, contents)) = attempt(data, Form::Genuine) {
        let again = rewrite(&first, &contents);
        let (second, _) = attempt(&again, Form::Canonical).expect("what is written is canonical");
        for (before, after) in first.packages.iter().zip(&second.packages) {
            assert_eq!(meaning(before), meaning(after), "writing changed the meaning");
        }
        let canonical = attempt(data, Form::Canonical).is_some();
        assert_eq!(canonical, again == data, "canonical is what is written the same");
    } else {
        assert!(attempt(data, Form::Canonical).is_none(), "canonical but not genuine");
    }
    if let Ok(map) = PkgMap::parse(data) {
        assert_eq!(PkgMap::parse(&map.render()).map(sorted), Ok(sorted(map)));
    }
    if let Ok(info) = PkgInfo::parse(data)
        && info.problems(Ruleset::Format).is_empty()
    {
        let again = PkgInfo::parse(&info.render()).expect("what is rendered parses");
        assert_eq!(again.render(), info.render());
    }
    let text = String::from_utf8_lossy(data);
    let lines = text.lines().count().max(1);
    for finding in bourne_lint::lint(&text) {
        assert!((1..=lines).contains(&(finding.line as usize)), "a finding outside the script");
    }
}

/// Contents by package and path.
type Contents = HashMap<(String, String), Vec<u8>>;

fn attempt(data: &[u8], form: Form) -> Option<(Datastream, Contents)> {
    let limits = Limits { packages: 8, pkgmap: 1 << 20, ..Limits::default() };
    let options = ReadOptions { form, rules: Ruleset::Format, limits };
    let mut contents = Contents::new();
    let found = read(data, &options, &mut |file, content| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        contents.insert((file.info.pkg().into(), file.object.path.clone()), bytes);
        Ok(())
    });
    Some((found.ok()?, contents))
}

fn rewrite(stream: &Datastream, contents: &Contents) -> Vec<u8> {
    let prepared: Vec<_> = (stream.packages.iter())
        .map(|package| {
            let content = |path: &str| {
                let key = (package.info.pkg().to_owned(), path.to_owned());
                Content::from(contents[&key].as_slice())
            };
            package.to_spec(content).prepare(Ruleset::Format).expect("what was read can be written")
        })
        .collect();
    let mut bytes = Vec::new();
    let written = write(&prepared, &mut bytes).expect("memory takes everything");
    assert_eq!(written.size, bytes.len() as u64);
    bytes
}

/// What a package says, whatever the order of its parts.
type Meaning = (BTreeMap<String, String>, Vec<Object<Sum>>, Vec<InstallFile>, BTreeMap<String, [u8; 32]>);

/// What a package says, apart from the order and the estimate of its size.
pub fn meaning(package: &Package) -> Meaning {
    let params = package.info.params().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let mut objects = package.map.objects.clone();
    objects.sort_by(|a, b| a.path.cmp(&b.path));
    let mut install = package.install.clone();
    install.sort_by_key(|file| file.name.to_string());
    (params, objects, install, package.sha256.clone())
}

fn sorted(mut map: PkgMap) -> PkgMap {
    map.objects.sort_by(|a, b| a.path.cmp(&b.path));
    map.install.sort_by(|a, b| a.name.cmp(&b.name));
    map
}
