//! Checks of `[[architecture]]`: one machine under three names.

use crate::spec::problem::suggestion;
use crate::spec::{ArchitectureSpec, Located, Problems, Specs};

/// A machine: its name in RPMs, in debs, and the ways in which its Rust targets begin.
struct Machine {
    rpm: &'static str,
    deb: &'static str,
    triples: &'static [&'static str],
}

const MACHINES: [Machine; 5] = [
    Machine { rpm: "x86_64", deb: "amd64", triples: &["x86_64-"] },
    Machine { rpm: "i686", deb: "i386", triples: &["i686-", "i586-"] },
    Machine { rpm: "aarch64", deb: "arm64", triples: &["aarch64-"] },
    Machine { rpm: "ppc64le", deb: "ppc64el", triples: &["powerpc64le-"] },
    Machine { rpm: "s390x", deb: "s390x", triples: &["s390x-"] },
];

pub(super) fn check(specs: &Specs, problems: &Problems) {
    let all = &specs.agent.architectures;
    for (i, arch) in all.iter().enumerate() {
        if all[..i].iter().any(|a| a.name.value == arch.name.value) {
            let message = format!("a second architecture \"{}\"", arch.name.value);
            problems.add("architecture/duplicate", &arch.name.at, message, "describe each architecture once");
        }
        let rpm = (&arch.rpm, MACHINES.each_ref().map(|m| m.rpm));
        let deb = (&arch.deb, MACHINES.each_ref().map(|m| m.deb));
        for (text, known) in [rpm, deb] {
            if !known.contains(&text.as_str()) {
                let message = format!("\"{}\" is not an architecture of this format", text.value);
                problems.add("architecture/name", &text.at, message, suggestion(text, known));
            }
        }
        let known_target = specs.targets.iter().any(|t| t.triple == arch.target.value);
        let runs_on = |m: &Machine| m.triples.iter().any(|start| arch.target.starts_with(start));
        if let Some(machine) = MACHINES.iter().find(|m| known_target && runs_on(m)) {
            check_machine(arch, machine, problems);
        }
        if !known_target {
            let targets = specs.targets.iter().map(|t| t.triple.as_str());
            problems.add(
                "architecture/unknown-target",
                &arch.target.at,
                format!("specs/targets.toml has no target \"{}\"", arch.target.value),
                suggestion(&arch.target, targets),
            );
        }
    }
}

/// Whether both formats call the target's machine by its name. Where neither does, the target is the odd one.
fn check_machine(arch: &ArchitectureSpec, machine: &Machine, problems: &Problems) {
    let other = |text: &Located<String>, own: &str, names: [&str; 5]| {
        text.as_str() != own && names.contains(&text.as_str())
    };
    let rpm = other(&arch.rpm, machine.rpm, MACHINES.each_ref().map(|m| m.rpm));
    let deb = other(&arch.deb, machine.deb, MACHINES.each_ref().map(|m| m.deb));
    let (odd, label) = match (rpm, deb) {
        (false, false) => return,
        (true, true) => (&arch.target, &arch.rpm),
        (true, false) => (&arch.rpm, &arch.rpm),
        (false, true) => (&arch.deb, &arch.deb),
    };
    problems.add(
        "architecture/mismatch",
        &odd.at,
        format!("a package for {} would carry a program for {}", label.value, arch.target.value),
        "let target, rpm and deb name the same machine",
    );
}
