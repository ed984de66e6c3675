//! House rules, as tests whose messages say what to do.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file of the project that people write.
fn sources() -> Vec<(PathBuf, String)> {
    let root = root();
    let skip = ["target", "out", ".git"];
    let walk = walkdir::WalkDir::new(&root).into_iter().filter_entry(|e| {
        !(e.depth() == 1 && skip.iter().any(|s| e.file_name() == *s)) && e.file_name() != "target"
    });
    walk.map(|e| e.unwrap())
        .filter(|e| e.file_type().is_file() && e.file_name() != "Cargo.lock")
        .filter_map(|e| {
            let text = std::fs::read_to_string(e.path()).ok()?;
            Some((e.path().strip_prefix(&root).unwrap().to_owned(), text))
        })
        .collect()
}

#[test]
fn no_file_names_a_path_or_a_registry_of_the_machine_it_was_written_on() {
    // Put together here, so that this file does not break its own rule.
    let hosts = ["debian.org", "crates.io", "pypi.org", "pythonhosted.org", "npmjs.org"];
    let patterns: Vec<String> = hosts
        .iter()
        .flat_map(|h| [format!("https://{h}"), format!("http://{h}"), format!("deb.{h}"), format!("static.{h}")])
        .chain(["/wo", "/ro"].iter().zip(["rk/", "ot/.c"]).map(|(a, b)| format!("{a}{b}")))
        .collect();
    let mut found = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            if patterns.iter().any(|p| line.contains(p.as_str())) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "take these out, or compute them where they are needed:\n{}", found.join("\n"));
}

#[test]
fn a_module_fits_on_a_few_screens() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|x| x == "rs"))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(path, lines)| *lines > if path.components().any(|c| c.as_os_str() == "tests") { 900 } else { 600 })
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "is there a second thing in them that wants its own name?\n{}", long.join("\n"));
}

#[test]
fn nothing_unfinished_is_left_in_code_or_templates() {
    let words = ["todo!(", "unimplemented!(", "FIXME", "XXX:"];
    let mut found = Vec::new();
    for (path, text) in sources() {
        let code = path.extension().is_some_and(|x| x == "rs" || x == "sh") || path.starts_with("templates");
        if !code || path.ends_with("tidy.rs") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let swallowed = path.starts_with("templates") && line.trim_end().ends_with("|| true");
            if swallowed || words.iter().any(|w| line.contains(w)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "finish these, or handle the error they hide:\n{}", found.join("\n"));
}

#[test]
fn the_readme_documents_every_exit_code_and_every_verb() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let codes = std::fs::read_to_string(root().join("xtask/src/error.rs")).unwrap();
    for line in codes.lines().filter_map(|l| l.trim().strip_suffix(',')) {
        if let Some((name, code)) = line.split_once(" = ").filter(|(_, c)| c.parse::<u8>().is_ok()) {
            assert!(readme.contains(&format!("| {code} |")), "README.md lacks exit code {code} ({name})");
        }
    }
    for verb in std::fs::read_dir(root().join("xtask/src/cmd")).unwrap() {
        let verb = verb.unwrap().path().file_stem().unwrap().to_string_lossy().replace('_', "-");
        let shown = verb == "mod" || readme.contains(&format!("xtask {verb}"));
        assert!(shown, "README.md does not show `cargo xtask {verb}`");
    }
}

#[test]
fn no_private_key_is_in_the_project() {
    let marker = format!("PRIVATE KEY {}", "BLOCK");
    let keys: Vec<PathBuf> =
        sources().into_iter().filter(|(_, text)| text.contains(&marker)).map(|(path, _)| path).collect();
    assert!(keys.is_empty(), "a private key is a secret only until it is committed: {keys:?}");
}
