//! The link driver as a program: what it leaves out, exchanges and adds.

#[allow(dead_code)]
#[path = "../src/driver/main.rs"]
mod driver;

fn rewrite(rules: &str, given: &[&str]) -> Vec<String> {
    let rules = driver::parse(rules).unwrap();
    driver::rewrite(&rules, given.iter().map(|arg| (*arg).to_owned()).collect())
}

#[test]
fn rules_put_arguments_around_those_of_rustc_and_leave_others_out() {
    let rules = "program /zig\narg cc\narg -target\narg x\ndrop -m32\ndrop-with-next -M\ndrop-prefix -l\n\
        replace -a\t-b\nlast libc.so\n";
    let found = rewrite(rules, &["-m32", "main.o", "-M", "mapfile", "-lgcc_s", "-a", "-o", "out"]);
    assert_eq!(found, ["cc", "-target", "x", "main.o", "-b", "-o", "out", "libc.so"]);
}

#[test]
fn arguments_for_the_linker_are_unwrapped_before_they_are_judged() {
    let rules = "program ld\nunwrap-wl\ndrop -zignore\n";
    assert_eq!(rewrite(rules, &["-Wl,-zignore,-Bstatic", "-Wl,-Bdynamic"]), ["-Bstatic", "-Bdynamic"]);
    assert_eq!(rewrite("program cc\n", &["-Wl,-x,-y"]), ["-Wl,-x,-y"]);
}

#[test]
fn a_response_file_is_expanded_with_its_quoting() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("args");
    std::fs::write(&file, "plain\nwith\\ space\nback\\\\slash\n").unwrap();
    let given = [format!("@{}", file.display()), "@not-a-file".to_owned()];
    let found = driver::expand(given.into_iter()).unwrap();
    assert_eq!(found, ["plain", "with space", "back\\slash", "@not-a-file"]);
}

#[test]
fn an_unknown_rule_and_a_missing_program_are_refused() {
    for rules in ["program x\nnonsense 1\n", "arg x\n", "program x\nreplace only-one\n"] {
        assert!(driver::parse(rules).is_err(), "{rules}");
    }
}
