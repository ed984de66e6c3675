//! What a spec may not say. Every rule has its error, and all problems come at once.

mod common;

use common::*;
use rpm_pkg::*;

const GZIP: Compression = Compression::Gzip { level: 9 };

fn problems(spec: &Spec) -> Vec<Problem> {
    match Draft::new(spec) {
        Ok(_) => vec![],
        Err(DraftError::Invalid(problems)) => problems.0,
        Err(error) => panic!("the rules let pass what the builder refuses: {error}"),
    }
}

/// The one problem after `change` was made to a good spec.
fn problem(profile: Profile, change: impl FnOnce(&mut Spec)) -> Problem {
    let mut spec = small(profile, GZIP);
    change(&mut spec);
    let mut found = problems(&spec);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn rule(change: impl FnOnce(&mut Spec)) -> Rule {
    problem(Profile::El6, change).rule
}

#[test]
fn names_versions_and_releases_keep_to_the_alphabet_of_old_rpm() {
    for name in ["", "-agent", "a b", "a/b", "a\0", "\u{e4}"] {
        assert_eq!(rule(|spec| spec.name = name.into()), Rule::Name(name.into()));
    }
    for version in ["", "1-2", "1~rc1", "1^git", "1 2", "1:2"] {
        assert_eq!(rule(|spec| spec.version = version.into()), Rule::Version(version.into()));
        assert_eq!(rule(|spec| spec.release = version.into()), Rule::Version(version.into()));
    }
}

#[test]
fn single_line_fields_are_filled_and_have_one_line() {
    assert_eq!(rule(|spec| spec.summary.clear()), Rule::Empty);
    assert_eq!(rule(|spec| spec.license = "a\nb".into()), Rule::ControlCharacter("a\nb".into()));
    assert_eq!(rule(|spec| spec.vendor = Some(String::new())), Rule::Empty);
    assert_eq!(rule(|spec| spec.description = "a\0".into()), Rule::ControlCharacter("a\0".into()));
}

#[test]
fn profile_el5_takes_gzip_only() {
    for compression in [Compression::Xz { level: 6 }, Compression::None] {
        let found = problem(Profile::El5, |spec| spec.compression = compression);
        assert!(matches!(found.rule, Rule::Compression { .. }), "{found}");
    }
    let found = problem(Profile::El6, |spec| spec.compression = Compression::Xz { level: 10 });
    assert_eq!(found.place, "compression");
}

#[test]
fn dependencies_which_old_rpm_cannot_parse_are_refused_under_both_profiles() {
    for profile in [Profile::El5, Profile::El6] {
        let requires = |name: &str, evr: Option<&str>| {
            let dependency = match evr {
                None => Dependency::any(name),
                Some(evr) => Dependency::versioned(name, Comparison::Equal, evr),
            };
            problem(profile, |spec| spec.dependencies.requires = vec![dependency]).rule
        };
        let rich = "(iptables or nftables)";
        assert_eq!(requires(rich, None), Rule::RichDependency(rich.into()));
        assert_eq!(requires("rpmlib(X)", None), Rule::RpmlibDependency("rpmlib(X)".into()));
        assert_eq!(requires("", None), Rule::Empty);
        for name in ["a b", "a >= 1", "a,b", "a\n", "\u{e4}"] {
            assert_eq!(requires(name, None), Rule::DependencyName(name.into()));
        }
        for evr in ["", "1-2-3", "x:1", ":1", "1:", "1-", "-1", "1~rc", "99999999999:1"] {
            assert_eq!(requires("a", Some(evr)), Rule::Evr(evr.into()));
        }
    }
}

#[test]
fn ordinary_dependency_names_are_accepted() {
    let mut spec = small(Profile::El6, GZIP);
    spec.dependencies.requires =
        ["libc.so.6(GLIBC_2.4)(64bit)", "/sbin/iptables", "perl(Foo::Bar)", "font(:lang=en)"]
            .map(Dependency::any)
            .to_vec();
    assert_eq!(problems(&spec), []);
}

#[test]
fn paths_are_absolute_plain_and_short_enough() {
    let long = format!("/opt/{}", "x".repeat(256));
    let deep = format!("/opt{}", "/xxxxxxxxx".repeat(410));
    let path = |path: &str| rule(|spec| spec.entries[0].path = path.into());
    for wrong in ["/opt/", "/opt//a", "/opt/./a", "/opt/../opt/a", "/opt/a/.."] {
        assert_eq!(path(wrong), Rule::Path(wrong.into()));
    }
    assert_eq!(path("/opt/a\nb"), Rule::ControlCharacter("/opt/a\nb".into()));
    assert_eq!(path("/opt/a\0b"), Rule::ControlCharacter("/opt/a\0b".into()));
    for wrong in [long, deep] {
        assert_eq!(path(&wrong), Rule::PathTooLong { path: wrong.clone(), max: 4094 });
    }
    assert_eq!(
        rule(|spec| {
            spec.prefixes.clear();
            spec.entries[0].path = "opt/a".into();
        }),
        Rule::Path("opt/a".into())
    );
    assert_eq!(path("/optional/a"), Rule::OutsidePrefix(vec!["/opt".into()]));
}

#[test]
fn a_path_stands_once_and_only_below_directories() {
    assert_eq!(rule(|spec| spec.entries.push(spec.entries[0].clone())), Rule::Duplicate);
    let below = |kind: Kind| {
        rule(|spec| {
            spec.entries = vec![entry("/opt/a", kind, 0o777), entry("/opt/a/b", file(b""), 0o644)];
        })
    };
    assert_eq!(below(file(b"")), Rule::BelowNonDirectory("/opt/a".into()));
    assert_eq!(below(Kind::Symlink { target: "b".into() }), Rule::BelowNonDirectory("/opt/a".into()));
}

#[test]
fn modes_owners_and_classes_make_sense() {
    assert_eq!(rule(|spec| spec.entries[0].mode = 0o10644), Rule::Mode(0o10644));
    let long = "a".repeat(33);
    for owner in ["", "Root", "0", "a b", "a:b", "-a", &long] {
        assert_eq!(rule(|spec| spec.entries[0].owner = owner.into()), Rule::Owner(owner.into()));
        assert_eq!(rule(|spec| spec.entries[0].group = owner.into()), Rule::Owner(owner.into()));
    }
    let link = || Kind::Symlink { target: "agent.txt".into() };
    assert_eq!(rule(|spec| spec.entries[0] = entry("/opt/a", link(), 0o644)), Rule::SymlinkMode(0o644));
    assert_eq!(
        rule(|spec| {
            spec.entries[0] = entry("/opt/a", Kind::Dir, 0o755);
            spec.entries[0].class = FileClass::Config;
        }),
        Rule::Class("a directory")
    );
    let empty = Kind::Symlink { target: String::new() };
    assert_eq!(rule(|spec| spec.entries[0] = entry("/opt/a", empty, 0o777)), Rule::Empty);
}

#[test]
fn scriptlets_have_a_body_and_an_interpreter_by_absolute_path() {
    assert_eq!(rule(|spec| spec.scriptlets.pre = sh("")), Rule::Empty);
    assert_eq!(rule(|spec| spec.scriptlets.pre = sh("a\0b")), Rule::Nul);
    for program in ["sh", "", "/bin/sh -e", "/bin/../sh"] {
        let interpreter = Interpreter::Program(program.into());
        let scriptlet = Scriptlet { interpreter, body: "true".into() };
        assert_eq!(rule(|spec| spec.scriptlets.post = Some(scriptlet)), Rule::Interpreter(program.into()));
    }
}

#[test]
fn all_problems_are_reported_at_once_with_their_places() {
    let mut spec = small(Profile::El5, Compression::None);
    spec.version = "1-2".into();
    spec.entries[0].owner = "Root".into();
    spec.scriptlets.preun = sh("");
    let found = problems(&spec);
    let places: Vec<&str> = found.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(places, ["version", "compression", "scriptlet preun", "/opt/agent.txt"]);
    let text = Draft::new(&spec).unwrap_err().to_string();
    assert!(text.starts_with("4 problem(s) in the RPM spec\n  version: \"1-2\" may only hold"), "{text}");
}
