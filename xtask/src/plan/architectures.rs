//! Checks of `[[architecture]]`: one machine under three names.

use crate::spec::problem::suggestion;
use crate::spec::{Problems, Specs};

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
        let rpm = MACHINES.iter().position(|m| m.rpm == arch.rpm.as_str());
        let deb = MACHINES.iter().position(|m| m.deb == arch.deb.as_str());
        let names = [(&arch.rpm, rpm, MACHINES.each_ref().map(|m| m.rpm)), (&arch.deb, deb, MACHINES.each_ref().map(|m| m.deb))];
        let known_target = specs.targets.iter().any(|t| t.triple == arch.target.value);
        for (text, machine, known) in names {
            let fits = |m: usize| MACHINES[m].triples.iter().any(|start| arch.target.starts_with(start));
            match machine {
                None => {
                    let message = format!("\"{}\" is not an architecture of this format", text.value);
                    problems.add("architecture/name", &text.at, message, suggestion(text, known));
                }
                Some(m) if known_target && !fits(m) => problems.add(
                    "architecture/mismatch",
                    &text.at,
                    format!("a package for {} would carry a program for {}", text.value, arch.target.value),
                    "let target, rpm and deb name the same machine",
                ),
                Some(_) => {}
            }
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
