//! The scriptlets of this repository render completely, and every kind of template mistake is named.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::scriptlets::{self, Context, Error, Family, ScriptName};

fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").join("templates")
}

fn context() -> Context {
    Context {
        package: "illumio-ven".into(),
        release_id: "23.5.10-1234".into(),
        package_file: "illumio-ven-23.5.10-1234.c8.x86_64.rpm".into(),
        default_prefix: "/opt".into(),
        default_user: "ilo-ven".into(),
        default_group: "ilo-ven".into(),
    }
}

const PAYLOAD: [&str; 8] = [
    "payload/init_Platform",
    "payload/agent_status.sh",
    "payload/version",
    "payload/copyright",
    "services/illumio-ven.service",
    "services/illumio-ven.conf",
    "services/illumio-ven.init",
    "services/illumio-ven.cron",
];

#[test]
fn every_script_and_payload_file_of_the_repository_renders() {
    let problems = scriptlets::check(&templates(), &Family::ALL, &PAYLOAD, &context());
    assert!(problems.is_empty(), "{problems:#?}");
    for family in Family::ALL {
        let rendered = scriptlets::render(&templates(), family, &context()).expect("renders");
        assert_eq!(rendered.scripts.len(), family.scripts().len());
        for (name, text) in rendered.scripts {
            assert!(!text.contains("{{") && !text.contains("{%"), "{name}: template syntax is left over");
            assert_eq!(text.starts_with("#!/bin/sh\n"), family == Family::Deb, "{name}: first line");
            assert!(text.ends_with('\n'), "{name}: last line has no newline");
        }
    }
    let version = scriptlets::render_file(&templates(), "payload/version", &context()).expect("renders");
    assert_eq!(version, "23.5.10-1234\n");
}

#[test]
fn the_payload_tree_is_complete_and_names_templates_that_render() {
    let specs = templates().parent().expect("a workspace").join("specs/payload.toml");
    let text = fs::read_to_string(specs).expect("read");
    let spec: toml::Table = text.parse().expect("TOML");
    let entries = spec["entry"].as_array().expect("entries");
    let field = |entry: &toml::Value, name: &str| entry[name].as_str().expect(name).to_owned();
    let mut dirs = Vec::new();
    for entry in entries {
        let path = field(entry, "path");
        let parent = path.rsplit_once('/').map(|(parent, _)| parent.to_owned());
        assert!(
            parent.is_none_or(|parent| dirs.contains(&parent)),
            "{path}: its directory is not packaged before it"
        );
        assert_eq!(
            (field(entry, "owner"), field(entry, "group")),
            ("root".into(), "ilo-ven".into()),
            "{path}"
        );
        let mode = field(entry, "mode");
        assert!(mode == "0750" || mode == "0640", "{path}: {mode}: the guide has nothing for others");
        match field(entry, "kind").as_str() {
            "dir" => dirs.push(path),
            "file" => {
                let source = field(entry, "source");
                if let Some(template) = source.strip_prefix("template:") {
                    let text = scriptlets::render_file(&templates(), template, &context()).expect(template);
                    assert_eq!(
                        text.starts_with("#!/bin/sh\n"),
                        mode == "0750" || path.ends_with(".init"),
                        "{path}"
                    );
                } else {
                    assert_eq!(source, "agent:illumio-ven-ctl", "{path}");
                }
            }
            kind => panic!("{path}: {kind}"),
        }
    }
    assert_eq!(dirs[0], "illumio_ven", "never the prefix itself");
}

/// A copy of the templates to break.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    for entry in walkdir::WalkDir::new(templates()) {
        let entry = entry.expect("readable");
        let target = copy.path().join(entry.path().strip_prefix(templates()).expect("below"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).expect("created");
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
    copy
}

#[test]
fn an_undefined_variable_is_named_with_file_line_and_what_is_defined() {
    let copy = copy();
    let library = copy.path().join("scriptlets/lib/dirs.sh");
    let text = fs::read_to_string(&library).expect("read");
    fs::write(&library, format!("# one\n# {{{{ no_such_thing }}}}\n{text}")).expect("written");
    let problems = scriptlets::check(copy.path(), &Family::ALL, &[], &context());
    let [Error::UndefinedVariable { path, line: 2, variable, defined }] = problems.as_slice() else {
        panic!("{problems:#?}")
    };
    assert_eq!((path, variable.as_str()), (&library, "no_such_thing"));
    assert!(defined.contains("release_id"), "{defined}");
    assert!(scriptlets::render(copy.path(), Family::Rpm, &context()).is_err());
}

#[test]
fn a_payload_template_that_differs_between_packages_of_a_release_is_refused() {
    let copy = copy();
    fs::write(copy.path().join("payload/version"), "{{ package_file }}\n").expect("written");
    let error = scriptlets::render_file(copy.path(), "payload/version", &context()).expect_err("refused");
    assert!(matches!(error, Error::UndefinedVariable { line: 1, .. }), "{error}");
}

#[test]
fn all_missing_scripts_and_includes_are_reported_together() {
    let copy = copy();
    fs::remove_file(copy.path().join("scriptlets/rpm/posttrans.sh")).expect("removed");
    fs::remove_file(copy.path().join("scriptlets/deb/prerm.sh")).expect("removed");
    fs::remove_file(copy.path().join("scriptlets/lib/dirs_remove.sh")).expect("removed");
    let problems = scriptlets::check(copy.path(), &Family::ALL, &["payload/versoin"], &context());
    let missing: Vec<ScriptName> = problems
        .iter()
        .filter_map(|p| if let Error::MissingScript { script, .. } = p { Some(*script) } else { None })
        .collect();
    assert_eq!(missing, [ScriptName::Posttrans, ScriptName::Prerm]);
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|t| t.contains("lib/dirs_remove.sh")), "{texts:#?}");
    assert!(texts.iter().any(|t| t.contains("did you mean \"payload/version\"")), "{texts:#?}");
}

#[test]
fn other_files_among_the_templates_do_not_matter() {
    let copy = copy();
    fs::write(copy.path().join("NOTES.md"), "a stray {# and {{ ").expect("written");
    fs::write(copy.path().join("icon.png"), [0xff, 0xfe, 0x00]).expect("written");
    let rendered = scriptlets::render(copy.path(), Family::Deb, &context()).expect("renders");
    assert_eq!(rendered, scriptlets::render(&templates(), Family::Deb, &context()).expect("renders"));
}

#[test]
fn a_mistake_of_template_syntax_names_its_line() {
    let copy = copy();
    let file = copy.path().join("scriptlets/rpm/pre.sh");
    fs::write(&file, "# one\n# two\n{{ package\n").expect("written");
    let problems = scriptlets::check(copy.path(), &[Family::Rpm], &[], &context());
    assert!(
        matches!(problems.as_slice(), [Error::Template { path, line: 3.., .. }] if *path == file),
        "{problems:#?}"
    );
}

#[test]
fn a_value_that_a_shell_would_interpret_is_refused() {
    for bad in ["a b", "a;b", "$(id)", "", "-x", "a\nb", "a'b"] {
        let mut context = context();
        context.default_user = bad.into();
        let problems = scriptlets::check(&templates(), &[Family::Rpm], &[], &context);
        assert!(matches!(problems.as_slice(), [Error::Value { name: "default_user", .. }]), "{bad:?}");
    }
    for bad in ["opt", "/opt/", "/opt;id"] {
        let mut context = context();
        context.default_prefix = bad.into();
        assert!(scriptlets::render(&templates(), Family::Deb, &context).is_err(), "{bad:?}");
    }
}
