//! Sizes the format cannot hold.

use std::io::{self, Read};
use std::sync::Arc;

use svr4_pkg::{Attributes, Content, Object, PackageSpec, PkgInfo, Rule, Ruleset, Source, WriteError};

struct Zeros(u64);

impl Source for Zeros {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::repeat(0).take(self.0)))
    }

    fn describe(&self) -> String {
        format!("{} zeros", self.0)
    }
}

#[test]
fn a_file_of_4_gib_is_refused_and_named() {
    let spec = PackageSpec {
        info: PkgInfo::new("acme", "Acme", "sparc", "1", "application").with("BASEDIR", "/"),
        objects: vec![Object::file(
            "opt/acme/big",
            Attributes::set(0o644, "root", "bin"),
            1,
            Content::Source(Arc::new(Zeros(1 << 32))),
        )],
        install: Vec::new(),
        mtime: 1,
    };
    let Err(WriteError::Rules(problems)) = spec.prepare(Ruleset::Portable) else { panic!("accepted") };
    assert_eq!(problems.iter().map(|problem| problem.rule).collect::<Vec<_>>(), [Rule::FileSize]);
    assert_eq!(problems[0].place, "opt/acme/big");
}
