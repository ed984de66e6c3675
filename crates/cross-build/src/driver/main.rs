//! The linker (and C compiler) that rustc and the `cc` crate call for a cross target.
//!
//! rustc can name one linker program and no more, while the real commands need leading arguments
//! (`zig cc -target …`), want some of rustc's arguments left out, and files put around them. This
//! program stands in between. It is compiled on the build machine with the compiler at hand and reads
//! its rules from the file `<its own path>.rules`:
//!
//! ```text
//! program <path>          the program to run
//! arg <argument>          goes before rustc's arguments (repeatable, in order)
//! last <argument>         goes after them
//! drop <argument>         an argument to leave out
//! drop-with-next <arg>    an argument to leave out together with the one after it
//! drop-prefix <text>      leave out every argument that starts with the text
//! replace <from>\t<to>    exchange one argument for another
//! unwrap-wl               split `-Wl,a,b` into `a` `b`: for linkers that are called without a C compiler
//! env <name>\t<value>     environment for the program
//! unset <name>            a variable the program must not see
//! ```

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Default)]
pub struct Rules {
    program: String,
    first: Vec<String>,
    last: Vec<String>,
    drop: Vec<String>,
    drop_with_next: Vec<String>,
    drop_prefix: Vec<String>,
    replace: Vec<(String, String)>,
    unwrap_wl: bool,
    env: Vec<(String, String)>,
    unset: Vec<String>,
}

pub fn parse(text: &str) -> Result<Rules, String> {
    let mut rules = Rules::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let pair = || {
            value
                .split_once('\t')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .ok_or_else(|| format!("rule needs two values: {line}"))
        };
        match key {
            "program" => rules.program = value.to_owned(),
            "arg" => rules.first.push(value.to_owned()),
            "last" => rules.last.push(value.to_owned()),
            "drop" => rules.drop.push(value.to_owned()),
            "drop-with-next" => rules.drop_with_next.push(value.to_owned()),
            "drop-prefix" => rules.drop_prefix.push(value.to_owned()),
            "replace" => rules.replace.push(pair()?),
            "unwrap-wl" => rules.unwrap_wl = true,
            "env" => rules.env.push(pair()?),
            "unset" => rules.unset.push(value.to_owned()),
            _ => return Err(format!("unknown rule: {line}")),
        }
    }
    if rules.program.is_empty() {
        return Err("no program named".to_owned());
    }
    Ok(rules)
}

/// rustc writes one argument a line when the command grows too long, with `\` before space and `\`.
fn unquote(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '"' => {}
            c => out.push(c),
        }
    }
    out
}

pub fn expand(args: impl Iterator<Item = String>) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for arg in args {
        match arg.strip_prefix('@') {
            Some(file) if Path::new(file).is_file() => {
                let text = std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
                out.extend(text.lines().map(unquote));
            }
            _ => out.push(arg),
        }
    }
    Ok(out)
}

pub fn rewrite(rules: &Rules, given: Vec<String>) -> Vec<String> {
    let mut flat = Vec::new();
    for arg in given {
        match arg.strip_prefix("-Wl,") {
            Some(inner) if rules.unwrap_wl => flat.extend(inner.split(',').map(str::to_owned)),
            _ => flat.push(arg),
        }
    }
    let mut out = rules.first.clone();
    let mut args = flat.into_iter();
    while let Some(arg) = args.next() {
        if rules.drop_with_next.contains(&arg) {
            args.next();
            continue;
        }
        if rules.drop.contains(&arg) || rules.drop_prefix.iter().any(|p| arg.starts_with(p.as_str())) {
            continue;
        }
        match rules.replace.iter().find(|(from, _)| *from == arg) {
            Some((_, to)) => out.push(to.clone()),
            None => out.push(arg),
        }
    }
    out.extend(rules.last.iter().cloned());
    out
}

fn run() -> Result<std::convert::Infallible, String> {
    let mut args = std::env::args_os();
    let own: OsString = args.next().ok_or("no program name")?;
    let mut rules_file = PathBuf::from(own).into_os_string();
    rules_file.push(".rules");
    let text = std::fs::read_to_string(&rules_file)
        .map_err(|e| format!("{}: {e}", Path::new(&rules_file).display()))?;
    let rules = parse(&text)?;
    let given = args
        .map(|a| a.into_string().map_err(|a| format!("argument is not UTF-8: {a:?}")))
        .collect::<Result<Vec<_>, _>>()?;
    let given = expand(given.into_iter())?;
    let args = rewrite(&rules, given);
    let mut command = Command::new(&rules.program);
    command.args(&args);
    for name in &rules.unset {
        command.env_remove(name);
    }
    for (name, value) in &rules.env {
        command.env(name, value);
    }
    Err(format!("{}: {}", rules.program, command.exec()))
}

fn main() {
    let Err(problem) = run();
    eprintln!("link driver: {problem}");
    std::process::exit(1);
}
