//! Which lines and list branches of the scriptlets the tests execute, from the trace of bash.
//!
//! A line counts when a command that starts on it ran. Of a list (`a && b || c`) every command must have run: an
//! error branch that no test takes is a line that is not covered.

mod scriptlets_support;

use std::collections::{BTreeMap, BTreeSet};

use scriptlets_support::scenarios::SCENARIOS;
use scriptlets_support::{Init, PAYLOAD_SCRIPTS, SHELLS, Sandbox, can_run, deb, rpm, scripts};
use xtask::scriptlets::ScriptName;

/// Commands that ran: script, line (from 1), first word.
type Ran = BTreeSet<(String, usize, String)>;

/// Every script by its name.
fn all_scripts() -> BTreeMap<String, &'static String> {
    let installed = PAYLOAD_SCRIPTS.iter().map(|(name, text)| ((*name).to_owned(), text));
    scripts().iter().map(|(name, text)| (name.to_string(), text)).chain(installed).collect()
}

/// Lines that no test can execute, with the reason.
const EXEMPT: &[(&str, &str)] = &[];

fn collect(s: &Sandbox, ran: &mut Ran) {
    for script in all_scripts().keys() {
        let name = format!("trace/lines.{script}");
        if !s.exists(&name) {
            continue;
        }
        for record in s.read_lossy(&name).lines() {
            // @@@@LINE@command: one more @ for each level of substitution; the first line is the test's own.
            let Some((line, command)) = record.trim_start_matches('@').split_once('@') else { continue };
            let Ok(line) = line.parse::<usize>() else { continue };
            if record.starts_with("@@") && line > 1 {
                let word = command.split_whitespace().next().unwrap_or("");
                let word = word.split('=').next().unwrap_or("");
                ran.insert((script.clone(), line - 1, word.trim_matches('\'').to_owned()));
            }
        }
    }
}

/// The commands of a script: first and last line, and the first words of the list's parts.
fn commands(text: &str) -> Vec<(usize, usize, Vec<String>)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let mut index = 0;
    while index < lines.len() {
        let first = index;
        let mut whole = lines[index].trim().to_owned();
        while index + 1 < lines.len()
            && (whole.ends_with('\\') || whole.ends_with("&&") || whole.ends_with("||"))
        {
            index += 1;
            whole = format!("{} {}", whole.trim_end_matches('\\'), lines[index].trim());
        }
        index += 1;
        let words = first_words(&whole);
        if !words.is_empty() {
            found.push((first + 1, index, words));
        }
    }
    found
}

fn first_words(line: &str) -> Vec<String> {
    let structure = ["", "{", "}", "(", ")", "fi", "else", "then", "do", "done", "esac", ";;"];
    let line = line.trim();
    if line.starts_with('#') || line.ends_with("() {") || line.contains("() { #") || line.starts_with("done")
    {
        return Vec::new();
    }
    let line = line.trim_end_matches(";;").trim_end_matches("; then").trim_end_matches("; do");
    let mut words = Vec::new();
    for part in split_list(line) {
        let mut part = part.trim();
        // A pattern of a case, before its command.
        if let Some(close) = pattern_end(part) {
            part = part[close..].trim();
        }
        while let Some(rest) =
            ["if ", "elif ", "while ", "! ", "{ ", "( ", "("].iter().find_map(|lead| part.strip_prefix(lead))
        {
            part = rest.trim();
        }
        let word = part.split_whitespace().next().unwrap_or("");
        // Here nothing is traced: structure, a redirection, a loop's test.
        if structure.contains(&word)
            || word.starts_with('}')
            || word.starts_with(')')
            || word.starts_with('"')
            || word == "in"
        {
            continue;
        }
        words.push(word.split('=').next().unwrap_or("").trim_matches('"').to_owned());
    }
    words
}

/// Where the command after a case pattern begins.
fn pattern_end(part: &str) -> Option<usize> {
    let close = part.find(')')?;
    let before = &part[..close];
    let opens =
        before.contains('(') || before.contains('$') && before.contains('=') || before.starts_with("case ");
    (!opens && !before.starts_with("[ ")).then_some(close + 1)
}

/// Splits at `&&` and `||` outside quotes and substitutions.
fn split_list(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quote, mut depth) = (None, 0);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (_, Some(q)) if c == q => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            ('&' | '|', None) if depth <= 0 && chars.peek() == Some(&c) => {
                chars.next();
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("one part").push(c);
    }
    parts
}

const FRESH: [(&str, &str); 4] = [
    ("VEN_INSTALL_ACTION", "activate"),
    ("VEN_MANAGEMENT_SERVER", "pce.example.com:8443"),
    ("VEN_ACTIVATION_CODE", "code"),
    ("VEN_NO_SUSPEND", "1"),
];
const MOVED: [(&str, &str); 3] =
    [("VEN_DATA_DIR", "/srv/c"), ("VEN_NONPRIV_USER", "alice"), ("VEN_ALLOW_MOVE", "true")];

#[test]
fn every_line_and_every_error_branch_of_every_scriptlet_is_executed() {
    if !can_run() {
        return;
    }
    let bash = SHELLS.iter().find(|shell| shell.name == "bash").expect("bash");
    let mut ran = Ran::new();
    for (_, scenario) in SCENARIOS {
        let s = Sandbox::new(bash, true);
        scenario(&s);
        collect(&s, &mut ran);
    }
    let mut failed = BTreeSet::new();
    for (start, act) in [
        (None, (|s: &Sandbox| rpm::install(s, "/opt", &FRESH)) as fn(&Sandbox) -> _),
        (None, |s| deb::install(s, false, &FRESH)),
        (Some(rpm_installed as fn(&Sandbox)), |s| rpm::upgrade(s, "/opt", "/opt", &MOVED)),
        (Some(deb_installed), |s| deb::upgrade(s, &MOVED)),
        (Some(rpm_installed), |s| rpm::upgrade(s, "/opt", "/opt", &[])),
        (Some(data_left), |s| rpm::install(s, "/opt", &FRESH)),
        (Some(|s| s.set_init(Init::Sysv)), |s| rpm::install(s, "/opt", &[])),
        (Some(rpm_installed), |s| rpm::erase(s, "/opt")),
        (Some(deb_installed), deb::purge),
    ] {
        let prepared = Sandbox::new(bash, true);
        if let Some(start) = start {
            start(&prepared);
        }
        let whole = prepared.copy();
        whole.forget_calls();
        whole.fail_call(0);
        act(&whole);
        collect(&whole, &mut ran);
        let mut times = BTreeMap::new();
        for (index, call) in whole.call_list().into_iter().enumerate() {
            let time = times.entry(call.clone()).and_modify(|time| *time += 1).or_insert(1);
            // What failed in one flow need not fail in the next.
            if failed.insert((call, *time)) {
                let s = prepared.copy();
                s.fail_call(index + 1);
                act(&s);
                collect(&s, &mut ran);
            }
        }
    }
    for (list, accepted) in [
        (scriptlets_support::variables::REFUSED, false),
        (scriptlets_support::variables::TAKEN_IN_ROWS, true),
    ] {
        let s = Sandbox::new(bash, true);
        for (variables, _) in list {
            for (script, argument) in [(ScriptName::Pre, "1"), (ScriptName::Preinst, "install")] {
                assert_eq!(s.run(script, &[argument], variables).code == 0, accepted, "{variables:?}");
                if accepted {
                    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n");
                    s.write("/etc/group", "root:x:0:\nstaff:x:1000:\n");
                    s.remove("/etc/illumio_ven");
                }
            }
        }
        collect(&s, &mut ran);
    }
    report(&ran);
}

fn rpm_installed(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
}

fn data_left(s: &Sandbox) {
    rpm::install(s, "/opt", &FRESH).ok();
    rpm::erase(s, "/opt").ok();
}

fn deb_installed(s: &Sandbox) {
    deb::install(s, false, &[]).ok();
}

/// The library is one: a function that several scripts include counts once.
fn report(ran: &Ran) {
    let mut by_text: BTreeMap<(Vec<String>, String), (String, BTreeSet<String>)> = BTreeMap::new();
    for (script, text) in &all_scripts() {
        let lines: Vec<&str> = text.lines().collect();
        let mut function = String::new();
        let mut starts = vec![String::new(); lines.len() + 1];
        for (index, line) in lines.iter().enumerate() {
            if let Some((name, _)) = line.split_once("() {") {
                function = name.to_owned();
            }
            starts[index + 1].clone_from(&function);
            if *line == "}" {
                function = format!("main of {script}");
            }
        }
        for (first, last, words) in commands(text) {
            let seen: BTreeSet<String> = ran
                .iter()
                .filter(|(s, line, _)| s == script && (first..=last).contains(line))
                .map(|(_, _, word)| word.clone())
                .collect();
            let key = (words, format!("{}: {}", starts[first], lines[first - 1..last].join("\n").trim()));
            let entry = by_text.entry(key).or_insert_with(|| (format!("{script}:{first}"), BTreeSet::new()));
            entry.1.extend(seen);
        }
    }
    let mut missing = Vec::new();
    for ((words, text), (place, seen)) in &by_text {
        // What a variable names cannot be compared: that something ran there must do.
        let absent: Vec<&String> =
            words.iter().filter(|word| !word.starts_with('$') && !seen.contains(*word)).collect();
        if (seen.is_empty() || !absent.is_empty()) && !EXEMPT.iter().any(|(line, _)| text.contains(line)) {
            missing.push(format!("{place}: {text}\n    not executed: {absent:?}, executed: {seen:?}"));
        }
    }
    println!("{} of {} commands executed", by_text.len() - missing.len(), by_text.len());
    assert!(by_text.len() > 300, "{} commands: the scripts are no longer read", by_text.len());
    assert!(missing.is_empty(), "{} commands not executed:\n{}", missing.len(), missing.join("\n"));
}
