//! Every variable of an installation: good values are taken, bad ones are refused before anything changes.

mod scriptlets_support;

use scriptlets_support::variables::{REFUSED, TAKEN_IN_ROWS};
use scriptlets_support::{SHELLS, Sandbox, can_run};
use xtask::scriptlets::ScriptName;

/// The parsing is the part of the scripts where shells differ most.
#[test]
fn bad_values_are_refused_in_every_shell_with_variable_rule_and_nothing_changed() {
    if !can_run() {
        return;
    }
    for shell in &SHELLS {
        let s = Sandbox::new(shell, false);
        s.write(
            "/etc/passwd",
            &format!("{}bob:x:1002:4444::/:/bin/sh\neve:x:1003:1003::/:/bin/sh\n", s.read("/etc/passwd")),
        );
        s.write("/etc/group", &format!("{}a b:x:1003:\n", s.read("/etc/group")));
        let before = s.tree();
        for (variables, expected) in REFUSED {
            let outcome = s.run(ScriptName::Pre, &["1"], variables);
            assert_ne!(outcome.code, 0, "{}: {variables:?} is not refused", shell.name);
            let outcome = outcome.refused(&[expected, "nothing was changed: "]);
            assert!(
                !outcome.output.contains("secret") && !outcome.output.contains("hunter2"),
                "{}",
                outcome.output
            );
        }
        assert_eq!(s.tree(), before, "{}", shell.name);
    }
}

#[test]
fn good_values_are_taken_in_every_shell() {
    if !can_run() {
        return;
    }
    for shell in &SHELLS {
        let s = Sandbox::new(shell, false);
        let (passwd, group) = (s.read("/etc/passwd"), s.read("/etc/group"));
        for (variables, _) in TAKEN_IN_ROWS {
            let outcome = s.run(ScriptName::Pre, &["1"], variables);
            assert_eq!(outcome.code, 0, "{}: {variables:?}: {}", shell.name, outcome.output);
            s.remove("/etc/illumio_ven");
            s.write("/etc/passwd", &passwd);
            s.write("/etc/group", &group);
        }
    }
}

#[test]
fn all_wrong_variables_are_reported_together_in_both_formats() {
    if !can_run() {
        return;
    }
    let variables = [
        ("VEN_DATA_DIR", "x"),
        ("VEN_NO_SUSPEND", "2"),
        ("VEN_NONPRIV_UID", "-1"),
        ("VEN_INSTALL_ACTION", "x"),
    ];
    let s = Sandbox::new(&SHELLS[0], false);
    for (script, arguments) in [(ScriptName::Pre, ["1"]), (ScriptName::Preinst, ["install"])] {
        s.run(script, &arguments, &variables).refused(&[
            "VEN_DATA_DIR=x:",
            "VEN_NO_SUSPEND=2:",
            "VEN_NONPRIV_UID=-1:",
            "VEN_INSTALL_ACTION=x:",
            "nothing was changed: 4 problem(s) above",
        ]);
    }
}
