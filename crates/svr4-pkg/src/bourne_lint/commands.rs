//! Builtins and utilities that Solaris 10 has not, or has with other options.

use super::Finding;
use super::report::{Report, Unless};
use super::scan::Word;
use super::utilities::{ABSENT, LONG_OPTIONS, OPTIONS, Options};

/// Judges one simple command, its name first.
pub(super) fn check(words: &[Word], report: &mut Report) {
    let Some((first, arguments)) = words.split_first() else { return };
    let Some(name) = base_name(&first.text) else { return };
    let mut check = Check { name, line: first.line, report };
    let arguments: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
    if let Some((_, rule, replacement)) = ABSENT.iter().find(|(absent, _, _)| *absent == name) {
        check.say(rule, name.to_owned(), replacement);
        return;
    }
    check.builtin(&arguments);
    check.special_utility(&arguments);
    if let Some(options) = OPTIONS.iter().find(|options| options.command == name) {
        check.options(options, &arguments);
    }
    if LONG_OPTIONS.contains(&name)
        && let Some(long) = arguments.iter().find(|word| word.len() > 2 && word.starts_with("--"))
    {
        check.say("utility-option", format!("{name} {long}"), "use the short option, if /usr/bin has one");
    }
    if matches!(name, "exec" | "nohup") {
        super::commands::check(&words[1..], report);
    }
}

/// The command's name when it comes from where System V keeps it.
fn base_name(text: &str) -> Option<&str> {
    match text.rsplit_once('/') {
        None => Some(text),
        Some(("/bin" | "/usr/bin" | "/sbin" | "/usr/sbin", name)) => Some(name),
        Some(_) => None,
    }
}

struct Check<'a, 'r> {
    name: &'a str,
    line: u32,
    report: &'r mut Report,
}

impl Check<'_, '_> {
    fn say(&mut self, rule: &'static str, found: String, replacement: &'static str) {
        // Expansions stand as NUL in words.
        let found = found.replace('\0', "$...");
        let finding = Finding { line: self.line, rule, found, replacement };
        self.report.add_unless(finding, Unless::Function(self.name.to_owned()));
    }

    fn builtin(&mut self, arguments: &[&str]) {
        let name = self.name;
        let first = arguments.first().copied().unwrap_or_default();
        let found = || format!("{name} {first}");
        match name {
            "export" | "readonly" => {
                if let Some(word) = arguments.iter().find(|word| word.contains('=')) {
                    let replacement = "write `name=value; export name`";
                    self.say("export-assignment", format!("{name} {word}"), replacement);
                }
                if first.starts_with('-') {
                    self.say("builtin-option", found(), "drop the option");
                }
            }
            "[" | "test" => self.test(arguments),
            "echo" => {
                let option = first.len() > 1
                    && first.starts_with('-')
                    && first[1..].chars().all(|c| "neE".contains(c));
                if option {
                    self.say("builtin-option", found(), "write `echo \"text\\c\"`, or use printf");
                }
            }
            "read" if first.starts_with('-') => {
                self.say("builtin-option", found(), "drop the option; read takes names only");
            }
            "read" if arguments.is_empty() => {
                self.say("builtin-option", name.to_owned(), "name a variable: read fails without");
            }
            "unset" if matches!(first, "-f" | "-v") => {
                self.say("builtin-option", found(), "write `unset name`")
            }
            "cd" if first.starts_with('-') => {
                self.say("builtin-option", found(), "remember the directory in a variable");
            }
            "pwd" if first.starts_with('-') => self.say("builtin-option", found(), "write `/usr/bin/pwd`"),
            "set" if arguments.iter().any(|word| matches!(*word, "-o" | "+o")) => {
                self.say("builtin-option", format!("{name} -o"), "use the letters: -e, -u, -x");
            }
            "trap" if first == "-" => {
                self.say("builtin-option", found(), "write `trap` and the signals only")
            }
            "umask" if first.starts_with('-') || first.contains('=') => {
                self.say("builtin-option", found(), "use an octal mask");
            }
            "kill" if first == "-s" => self.say("builtin-option", found(), "write `kill -TERM`"),
            "type" | "wait" | "printf" if first.starts_with('-') && first.len() > 1 => {
                self.say("builtin-option", found(), "drop the option");
            }
            _ => {}
        }
    }

    fn test(&mut self, arguments: &[&str]) {
        for (index, word) in arguments.iter().enumerate() {
            let before = index.checked_sub(1).map_or("", |index| arguments[index]);
            let after = arguments.get(index + 1).copied().unwrap_or_default();
            // As an operand of a comparison it is only text.
            if matches!(before, "=" | "!=") || matches!(after, "=" | "!=") {
                continue;
            }
            let replacement = match *word {
                "-e" => "write `-f`, `-d` or `-r`; `ls file >/dev/null 2>&1` for any kind",
                "-S" | "-O" | "-G" | "-N" | "-v" | "-R" => "use ls or find; /sbin/sh has no such test",
                "==" => "write `=`",
                "-nt" | "-ot" | "-ef" => "use `find file -newer other`",
                "<" | ">" => "use expr, or sort",
                "=~" => "use expr or case",
                _ => continue,
            };
            self.say("test-operator", format!("{} {word}", self.name), replacement);
        }
    }

    /// What is not a matter of option letters.
    fn special_utility(&mut self, arguments: &[&str]) {
        let name = self.name;
        let first = arguments.first().copied().unwrap_or_default();
        let found = || format!("{name} {first}");
        match name {
            "find" => {
                let foreign = [
                    "-maxdepth",
                    "-mindepth",
                    "-print0",
                    "-delete",
                    "-quit",
                    "-iname",
                    "-path",
                    "-regex",
                    "-wholename",
                    "-printf",
                    "-empty",
                    "-executable",
                    "-readable",
                ];
                if let Some(word) = arguments.iter().find(|word| foreign.contains(word)) {
                    let replacement = "use -prune, -name, -exec and ls of System V find";
                    self.say("utility-option", format!("{name} {word}"), replacement);
                }
            }
            "date" => {
                if let Some(word) = arguments
                    .iter()
                    .find(|word| word.starts_with('+') && (word.contains("%s") || word.contains("%N")))
                {
                    let replacement = "use `perl -e 'print time'`, or other formats";
                    self.say("utility-option", format!("{name} {word}"), replacement);
                }
            }
            "tar" => {
                let letters = first.trim_start_matches('-');
                if letters.len() < 8 && letters.contains(['z', 'j', 'J']) {
                    self.say("utility-option", found(), "write `gzip -dc file | tar xf -`");
                }
            }
            "ps" if first.starts_with(|c: char| c.is_ascii_lowercase()) => {
                self.say("utility-option", found(), "write `ps -ef` or `ps -e -o ...`");
            }
            "hostname" if !first.is_empty() => {
                self.say("utility-option", found(), "call it without arguments: it sets the host's name");
            }
            "sleep" if first.contains('.') || first.ends_with(|c: char| c.is_ascii_alphabetic()) => {
                self.say("utility-option", found(), "use whole seconds");
            }
            "expr" if matches!(first, "length" | "substr" | "index" | "match") && arguments.len() > 1 => {
                self.say("utility-option", found(), "write `expr text : pattern`");
            }
            _ => {}
        }
    }

    fn options(&mut self, options: &Options, arguments: &[&str]) {
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                if options.anywhere {
                    continue;
                }
                return;
            };
            if letters.starts_with('-') {
                return;
            }
            for (index, letter) in letters.char_indices() {
                if options.foreign.contains(letter) {
                    self.say("utility-option", format!("{} -{letter}", self.name), options.replacement);
                    return;
                }
                if options.with_argument.contains(letter) {
                    if index + letter.len_utf8() == letters.len() {
                        words.next();
                    }
                    break;
                }
            }
        }
    }
}
