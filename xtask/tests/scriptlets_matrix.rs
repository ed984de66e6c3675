//! Every scenario of the scriptlets, in every shell.

mod scriptlets_support;

use scriptlets_support::scenarios::SCENARIOS;
use scriptlets_support::{SHELLS, Sandbox, can_run};

fn all_in(name: &str) {
    if !can_run() {
        return;
    }
    let shell = SHELLS.iter().find(|shell| shell.name == name).expect("a known shell");
    let mut failed = Vec::new();
    for (what, scenario) in SCENARIOS {
        let result = std::panic::catch_unwind(|| scenario(&Sandbox::new(shell, false)));
        if result.is_err() {
            failed.push(*what);
        }
    }
    assert!(failed.is_empty(), "{name}: {} of {} failed: {failed:#?}", failed.len(), SCENARIOS.len());
}

#[test]
fn every_scenario_holds_in_dash() {
    all_in("dash");
}

#[test]
fn every_scenario_holds_in_bash_in_posix_mode() {
    all_in("bash");
}

#[test]
fn every_scenario_holds_in_the_busybox_shell() {
    all_in("busybox");
}

#[test]
fn every_scenario_holds_in_mksh() {
    all_in("mksh");
}

#[test]
fn every_scenario_holds_in_ksh93() {
    all_in("ksh93");
}

#[test]
fn every_scenario_holds_in_yash() {
    all_in("yash");
}

#[test]
fn every_scenario_holds_in_posh() {
    all_in("posh");
}
