//! Expectations, looked at with what every distribution has: sh, stat, cat.

use std::collections::BTreeSet;
use std::io;

use super::case::LIMIT;
use super::isolated::{Isolated, quoted};
use super::places::Places;
use super::scenario::{FileExpectation, FileKind};

/// What a text must and must not contain.
pub fn text(what: &str, found: &str, contains: &[String], lacks: &[String], places: &Places) -> Vec<String> {
    let missing = contains.iter().map(|t| places.fill(t)).filter(|t| !found.contains(&t[..]));
    let missing = missing.map(|t| format!("{what} does not contain \"{t}\""));
    let forbidden = lacks.iter().map(|t| places.fill(t)).filter(|t| found.contains(&t[..]));
    missing.chain(forbidden.map(|t| format!("{what} contains \"{t}\""))).collect()
}

/// Kind, owner, group, mode and content of files.
pub fn files(
    wanted: &[FileExpectation],
    host: &mut dyn Isolated,
    places: &Places,
) -> io::Result<Vec<String>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let paths: Vec<String> = wanted.iter().map(|w| places.fill(&w.path)).collect();
    let words: String = paths.iter().map(|p| format!(" {}", quoted(p))).collect();
    let listed = host.run(&format!("stat -c '%A|%a|%U|%G|%n' --{words} 2>/dev/null"), &[], LIMIT)?;
    let mut findings = Vec::new();
    for (wanted, path) in wanted.iter().zip(&paths) {
        let line = listed.output.lines().find(|line| line.splitn(5, '|').nth(4) == Some(path));
        let fields: Vec<&str> = line.map(|line| line.splitn(5, '|').collect()).unwrap_or_default();
        if fields.is_empty() != (wanted.kind == FileKind::Absent) {
            let is = if fields.is_empty() { "is not there" } else { "is there" };
            findings.push(format!("{path} {is}"));
            continue;
        }
        if fields.is_empty() {
            continue;
        }
        let kind = match wanted.kind {
            FileKind::File => Some(('-', "a file")),
            FileKind::Directory => Some(('d', "a directory")),
            FileKind::Symlink => Some(('l', "a symbolic link")),
            FileKind::Absent | FileKind::Exists => None,
        };
        if let Some((letter, name)) = kind
            && !fields[0].starts_with(letter)
        {
            findings.push(format!("{path} is not {name}: {}", fields[0]));
        }
        let mode = format!("{:0>4}", fields[1]);
        let properties = [
            ("mode", &wanted.mode, &mode[..]),
            ("owner", &wanted.owner, fields[2]),
            ("group", &wanted.group, fields[3]),
        ];
        for (name, wanted, found) in properties {
            let Some(wanted) = wanted.as_ref().map(|w| places.fill(w)) else { continue };
            if wanted != found {
                findings.push(format!("{path} has {name} {found} where {wanted} belongs"));
            }
        }
        if !(wanted.contains.is_empty() && wanted.lacks.is_empty()) {
            let content = host.run(&format!("cat -- {}", quoted(path)), &[], LIMIT)?.output;
            findings.extend(text(path, &content, &wanted.contains, &wanted.lacks, places));
        }
    }
    Ok(findings)
}

/// Lines of the recorded settings.
pub fn settings(wanted: &[String], host: &mut dyn Isolated, places: &Places) -> io::Result<Vec<String>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let content = host.run(&places.fill("cat {settings}"), &[], LIMIT)?.output;
    let lines: BTreeSet<&str> = content.lines().collect();
    let missing = wanted.iter().map(|w| places.fill(w)).filter(|w| !lines.contains(&w[..]));
    Ok(missing.map(|w| format!("the settings have no line \"{w}\"")).collect())
}

/// The names of the processes that run: those of the kernel's process table that are not just waiting to be reaped.
pub fn process_names(host: &mut dyn Isolated) -> io::Result<Vec<String>> {
    let table = host.run("cat /proc/[0-9]*/stat 2>/dev/null", &[], LIMIT)?.output;
    Ok(table.lines().filter_map(living).map(str::to_owned).collect())
}

/// The name in a line of `/proc/PID/stat`: `12 (name) S …`, nothing for a zombie.
fn living(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('(')?;
    let (name, state) = rest.rsplit_once(") ")?;
    (!state.starts_with(['Z', 'X'])).then_some(name)
}

/// Processes that must and must not run.
pub fn processes(running: &[String], stopped: &[String], host: &mut dyn Isolated) -> io::Result<Vec<String>> {
    if running.is_empty() && stopped.is_empty() {
        return Ok(Vec::new());
    }
    let names = process_names(host)?;
    let missing = running.iter().filter(|n| !names.contains(n)).map(|n| format!("no process {n} runs"));
    let there = stopped.iter().filter(|n| names.contains(n)).map(|n| format!("a process {n} runs"));
    Ok(missing.chain(there).collect())
}

#[cfg(test)]
mod tests {
    use super::living;

    #[test]
    fn a_process_that_waits_to_be_reaped_does_not_run() {
        assert_eq!(living("12 (venAgentMgr) S 1 12"), Some("venAgentMgr"));
        assert_eq!(living("12 (odd) name) S 1 12"), Some("odd) name"));
        assert_eq!(living("12 (venAgentMgr) Z 1 12"), None);
    }
}
