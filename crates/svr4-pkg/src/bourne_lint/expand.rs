//! What expands inside words: parameters, commands, arithmetic.

use super::Finding;
use super::parse::Parser;
use super::report::Unless;
use super::scan::{MAX_DEPTH, Scanner};

/// Parameters other shells keep by themselves.
const FOREIGN_VARIABLES: &[&str] = &[
    "BASH",
    "BASH_SOURCE",
    "BASH_VERSION",
    "EUID",
    "FUNCNAME",
    "HOSTNAME",
    "LINENO",
    "OLDPWD",
    "OSTYPE",
    "PIPESTATUS",
    "PPID",
    "PWD",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "UID",
];

impl Scanner<'_> {
    /// Up to the closing quote.
    pub(super) fn double_quoted(&mut self, text: &mut String) {
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.next();
                    return;
                }
                '\\' => {
                    self.next();
                    if let Some(c) = self.next() {
                        text.push(c);
                    }
                }
                '$' => {
                    text.push('\0');
                    self.dollar(true);
                }
                '`' => {
                    text.push('\0');
                    self.backquote(true);
                }
                c => {
                    text.push(c);
                    self.next();
                }
            }
        }
    }

    pub(super) fn dollar(&mut self, in_quotes: bool) {
        self.next();
        match self.peek(0) {
            Some('(') if self.peek(1) == Some('(') => {
                self.say("arithmetic", "$((...))", "write `expr a + b` in backquotes");
                self.parentheses();
            }
            Some('(') => {
                self.say("command-substitution", "$(...)", "write the command in backquotes");
                self.next();
                self.nested_commands();
            }
            Some('[') => self.say("arithmetic", "$[...]", "write `expr a + b` in backquotes"),
            Some('{') => self.braced(),
            Some('\'') if !in_quotes => {
                self.say("ansi-quotes", "$'...'", "use printf in backquotes");
                self.next();
                while let Some(c) = self.next() {
                    match c {
                        '\\' => self.skip(1),
                        '\'' => break,
                        _ => {}
                    }
                }
            }
            Some('"') if !in_quotes => self.say("locale-quotes", "$\"...\"", "drop the `$`"),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.name();
                self.variable(&name);
            }
            Some(_) | None => {
                // One of the special parameters, or a lone `$`.
                if self.peek(0).is_some_and(|c| "@*#?-$!0123456789".contains(c)) {
                    self.next();
                }
            }
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek(0).filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
            self.next();
        }
        name
    }

    fn variable(&mut self, name: &str) {
        if FOREIGN_VARIABLES.contains(&name) {
            let finding = Finding {
                line: self.line,
                rule: "variable",
                found: format!("${name}"),
                replacement: "ask a command in backquotes: pwd, expr, /usr/bin/id, hostname",
            };
            self.report.add_unless(finding, Unless::Assigned(name.to_owned()));
        }
    }

    /// `${...}`, from its brace.
    fn braced(&mut self) {
        const LENGTH: &str = "use `expr \"$name\" : '.*'` in backquotes";
        const CUT: &str = "use expr, sed, basename or dirname in backquotes";
        let line = self.line;
        self.next();
        let first = self.peek(0);
        let name = self.name();
        let mut say = |found: String, text| self.report.add(line, "parameter-expansion", found, text);
        if name.is_empty() {
            match (first, self.text.get(self.at + 1).copied()) {
                (Some('#'), Some('}')) => {}
                (Some('#'), _) => say("${#name}".into(), LENGTH),
                (Some('!'), Some(c)) if c != '}' && !"-+=?:".contains(c) => {
                    say("${!name}".into(), "use eval");
                }
                _ => {}
            }
            if first.is_some_and(|c| "@*#?-$!".contains(c)) {
                self.next();
            }
        } else if name.len() > 1 && name.starts_with(|c: char| c.is_ascii_digit()) {
            say(format!("${{{name}}}"), "use shift: only $1 to $9 can be named");
        } else {
            self.variable(&name);
        }
        let mut say = |found: &str, text| self.report.add(line, "parameter-expansion", found, text);
        match (self.text.get(self.at).copied(), self.text.get(self.at + 1).copied()) {
            (Some('%'), _) => say("${name%pattern}", CUT),
            (Some('#'), _) if !name.is_empty() => say("${name#pattern}", CUT),
            (Some('/'), _) => say("${name/pattern/text}", "use sed in backquotes"),
            (Some('^' | ','), _) => say("${name^^}", "use tr in backquotes"),
            (Some('['), _) => say("${name[index]}", "use several variables, or set and shift"),
            (Some('@'), _) if !name.is_empty() => say("${name@operator}", "use sed in backquotes"),
            (Some(':'), Some(c)) if !"-=?+".contains(c) => {
                say("${name:offset}", "use expr or cut in backquotes")
            }
            _ => {}
        }
        if !self.enter() {
            return;
        }
        while let Some(c) = self.peek(0) {
            match c {
                '}' => {
                    self.next();
                    break;
                }
                '\\' => self.skip(2),
                '"' => {
                    self.next();
                    self.double_quoted(&mut String::new());
                }
                '$' => self.dollar(true),
                '`' => self.backquote(true),
                _ => self.skip(1),
            }
        }
        self.depth -= 1;
    }

    /// Goes one level deeper, or gives up on the rest of the text.
    fn enter(&mut self) -> bool {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.say("nesting", "deep nesting", "split the command");
            self.at = self.text.len();
            return false;
        }
        true
    }

    /// Commands up to their closing parenthesis.
    pub(super) fn nested_commands(&mut self) {
        if !self.enter() {
            return;
        }
        let end = self.matching_parenthesis();
        let inner: String = self.text[self.at..end].iter().collect();
        Parser::new(&inner, self.line, self.depth, self.report).script();
        self.skip(end - self.at + 1);
        self.depth -= 1;
    }

    /// Where the parenthesis closes that is open here, as far as quotes and nesting show it. The
    /// patterns of `case` do not count: such a script is reported anyway.
    fn matching_parenthesis(&self) -> usize {
        let (mut open, mut at) = (1, self.at);
        while let Some(c) = self.text.get(at) {
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                '\\' => at += 1,
                '\'' | '"' => {
                    at += 1;
                    while self.text.get(at).is_some_and(|end| end != c) {
                        at += if *c == '"' && self.text[at] == '\\' { 2 } else { 1 };
                    }
                }
                _ => {}
            }
            if open == 0 {
                return at;
            }
            at += 1;
        }
        self.text.len()
    }

    /// Skips balanced parentheses without looking inside.
    pub(super) fn parentheses(&mut self) {
        let mut open = 0;
        while let Some(c) = self.next() {
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if open <= 0 {
                return;
            }
        }
    }

    /// A command in backquotes, from its first.
    pub(super) fn backquote(&mut self, in_quotes: bool) {
        self.next();
        let line = self.line;
        let mut inner = String::new();
        while let Some(c) = self.next() {
            match c {
                '`' => break,
                '\\' => match self.next() {
                    Some(c @ ('`' | '\\' | '$')) => inner.push(c),
                    Some('"') if in_quotes => inner.push('"'),
                    Some(c) => inner.extend(['\\', c]),
                    None => {}
                },
                c => inner.push(c),
            }
        }
        Parser::new(&inner, line, self.depth + 1, self.report).script();
    }

    /// Text in which only expansions count.
    pub(super) fn expansions(&mut self) {
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => self.skip(2),
                '$' => self.dollar(true),
                '`' => self.backquote(false),
                _ => self.skip(1),
            }
        }
    }
}
