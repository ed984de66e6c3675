//! Characters to words and operators, with everything that expands inside words.

use std::collections::{HashMap, HashSet};

use super::Finding;
use super::parse::Parser;

/// Deepest nesting of substitutions; a script that goes deeper is reported instead of followed.
const MAX_DEPTH: u32 = 40;

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

/// What was found and what has to be known before it counts.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<(Finding, Option<Unless>)>,
    /// Functions the script defines.
    pub(super) functions: HashSet<String>,
    /// Variables the script assigns.
    pub(super) assigned: HashSet<String>,
    /// Rules excused, by line.
    allowed: HashMap<u32, Vec<String>>,
}

/// A finding does not count when the script itself gives the name a meaning.
#[derive(Debug)]
pub(super) enum Unless {
    Function(String),
    Assigned(String),
}

impl Report {
    pub(super) fn add(
        &mut self,
        line: u32,
        rule: &'static str,
        found: impl Into<String>,
        replacement: &'static str,
    ) {
        self.findings.push((Finding { line, rule, found: found.into(), replacement }, None));
    }

    pub(super) fn add_unless(&mut self, finding: Finding, unless: Unless) {
        self.findings.push((finding, Some(unless)));
    }

    /// A place to come back to with [`Report::forget`].
    pub(super) fn mark(&self) -> usize {
        self.findings.len()
    }

    /// Drops findings of a rule that were made since the mark.
    pub(super) fn forget(&mut self, mark: usize, rule: &str) {
        let later = self.findings.split_off(mark);
        self.findings.extend(later.into_iter().filter(|(finding, _)| finding.rule != rule));
    }

    fn comment(&mut self, text: &str, line: u32, alone: bool) {
        let Some((_, rules)) = text.split_once("bourne-lint: allow") else { return };
        let rules: Vec<String> = rules.split_whitespace().map(str::to_owned).collect();
        self.allowed.entry(if alone { line + 1 } else { line }).or_default().extend(rules);
    }

    pub(super) fn finish(self) -> Vec<Finding> {
        let Report { findings, functions, assigned, allowed } = self;
        let counts = |finding: &Finding, unless: &Option<Unless>| {
            let hidden = match unless {
                Some(Unless::Function(name)) => functions.contains(name),
                Some(Unless::Assigned(name)) => assigned.contains(name),
                None => false,
            };
            let excused =
                allowed.get(&finding.line).is_some_and(|rules| rules.iter().any(|rule| rule == finding.rule));
            !hidden && !excused
        };
        let mut kept: Vec<Finding> = (findings.into_iter())
            .filter(|(finding, unless)| counts(finding, unless))
            .map(|(finding, _)| finding)
            .collect();
        kept.sort();
        kept.dedup();
        kept
    }
}

/// A word after quotes were taken away.
#[derive(Debug, Clone, Default)]
pub(super) struct Word {
    /// The characters; each expansion is one NUL.
    pub(super) text: String,
    pub(super) line: u32,
    /// Some of it was quoted or expanded: no keyword, no plain here-document delimiter.
    pub(super) quoted: bool,
}

impl Word {
    pub(super) fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text == keyword
    }
}

#[derive(Debug, Clone)]
pub(super) enum Token {
    Word(Word),
    /// `;`, `&`, `|`, `&&`, `||`, `;;`, `(`, `)`.
    Operator(&'static str),
    /// `<`, `>`, `>>`, `<>`, `<&`, `>&`.
    Redirect(&'static str),
    /// `<<` or `<<-`.
    HereDocument {
        strip_tabs: bool,
    },
    Newline,
    End,
}

/// A here-document whose body starts after the line.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) delimiter: String,
    pub(super) quoted: bool,
    pub(super) strip_tabs: bool,
}

#[derive(Debug)]
pub(super) struct Scanner<'r> {
    text: Vec<char>,
    at: usize,
    pub(super) line: u32,
    pub(super) depth: u32,
    pub(super) report: &'r mut Report,
    pub(super) pending: Vec<Pending>,
}

impl<'r> Scanner<'r> {
    pub(super) fn new(text: &str, line: u32, depth: u32, report: &'r mut Report) -> Self {
        let mut text: Vec<char> = text.chars().collect();
        if depth > MAX_DEPTH {
            report.add(line, "nesting", "deep nesting", "split the command");
            text.clear();
        }
        Scanner { text, at: 0, line, depth, report, pending: Vec::new() }
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.next();
        }
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    pub(super) fn say(&mut self, rule: &'static str, found: impl Into<String>, replacement: &'static str) {
        self.report.add(self.line, rule, found, replacement);
    }

    /// Blanks, continued lines and comments.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek(0) {
                Some(' ' | '\t' | '\r') => self.skip(1),
                Some('\\') if self.peek(1) == Some('\n') => self.skip(2),
                Some('#') => {
                    let before = self.text[..self.at].iter().rev().take_while(|c| **c != '\n');
                    let alone = before.clone().all(|c| c.is_whitespace());
                    let length = self.text[self.at..].iter().take_while(|c| **c != '\n').count();
                    let text: String = self.text[self.at..self.at + length].iter().collect();
                    self.report.comment(&text, self.line, alone);
                    self.skip(length);
                }
                _ => return,
            }
        }
    }

    pub(super) fn token(&mut self) -> Token {
        self.skip_blanks();
        let Some(c) = self.peek(0) else { return Token::End };
        let operator = |scanner: &mut Self, text: &'static str| {
            scanner.skip(text.len());
            Token::Operator(text)
        };
        match c {
            '\n' => {
                self.next();
                self.here_documents();
                Token::Newline
            }
            ';' if self.peek(1) == Some(';') => operator(self, ";;"),
            ';' if self.peek(1) == Some('&') => {
                self.say("case-fall-through", ";&", "repeat the commands and end them with `;;`");
                self.skip(2);
                Token::Operator(";;")
            }
            '&' if self.peek(1) == Some('>') => {
                self.say("redirect-both", "&>", "write `>file 2>&1`");
                self.skip(2);
                Token::Redirect(">")
            }
            '|' if self.peek(1) == Some('&') => {
                self.say("redirect-both", "|&", "write `2>&1 |`");
                self.skip(2);
                Token::Operator("|")
            }
            '&' if self.peek(1) == Some('&') => operator(self, "&&"),
            '|' if self.peek(1) == Some('|') => operator(self, "||"),
            ';' => operator(self, ";"),
            '&' => operator(self, "&"),
            '|' => operator(self, "|"),
            '(' => operator(self, "("),
            ')' => operator(self, ")"),
            '<' | '>' => self.redirect(),
            _ => self.word(),
        }
    }

    fn redirect(&mut self) -> Token {
        if self.starts_with("<<<") {
            self.say("here-string", "<<<", "write a here-document, or pipe from echo");
            self.skip(3);
            return Token::Redirect("<");
        }
        if self.starts_with("<(") || self.starts_with(">(") {
            self.say("process-substitution", "<(...)", "use a temporary file or a pipe");
            self.skip(2);
            self.nested_commands();
            return Token::Word(Word { text: "\0".into(), line: self.line, quoted: true });
        }
        if self.starts_with(">|") {
            self.say("clobber", ">|", "write `>`");
            self.skip(2);
            return Token::Redirect(">");
        }
        if self.starts_with("<<") {
            let strip_tabs = self.peek(2) == Some('-');
            self.skip(if strip_tabs { 3 } else { 2 });
            return Token::HereDocument { strip_tabs };
        }
        for text in [">>", "<>", "<&", ">&", "<", ">"] {
            if self.starts_with(text) {
                self.skip(text.len());
                return Token::Redirect(text);
            }
        }
        Token::End
    }

    fn word(&mut self) -> Token {
        let mut word = Word { line: self.line, ..Word::default() };
        let mut braces = None;
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | ')' => break,
                '<' | '>' => {
                    // A number before a redirection is its file descriptor.
                    if !word.quoted && !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit())
                    {
                        return self.redirect();
                    }
                    break;
                }
                '(' => break,
                '\\' => {
                    self.next();
                    word.quoted = true;
                    match self.next() {
                        Some('\n') | None => {}
                        Some(c) => word.text.push(c),
                    }
                }
                '\'' => {
                    self.next();
                    word.quoted = true;
                    while let Some(c) = self.next() {
                        if c == '\'' {
                            break;
                        }
                        word.text.push(c);
                    }
                }
                '"' => {
                    self.next();
                    word.quoted = true;
                    self.double_quoted(&mut word.text);
                }
                '$' => {
                    word.quoted = true;
                    word.text.push('\0');
                    self.dollar(false);
                }
                '`' => {
                    word.quoted = true;
                    word.text.push('\0');
                    self.backquote(false);
                }
                '^' => {
                    self.say("caret", "^", "quote it: an unquoted `^` is a pipe");
                    word.text.push(c);
                    self.next();
                }
                '~' if word.text.is_empty() || word.text.ends_with('=') && is_assignment(&word.text) => {
                    let home = match self.peek(1) {
                        None | Some('/' | ' ' | '\t' | '\n' | ';' | '&' | '|' | ')') => true,
                        Some(c) => c.is_ascii_alphabetic(),
                    };
                    if home {
                        self.say("tilde", "~", "write `$HOME`, or ask getent for the directory of a user");
                    }
                    word.text.push(c);
                    self.next();
                }
                _ => {
                    match c {
                        '{' => braces = Some(word.text.len()),
                        '}' if braces.is_some_and(|start| has_list(&word.text[start + 1..])) => {
                            self.say("brace-expansion", "{a,b}", "write the words out");
                        }
                        _ => {}
                    }
                    word.text.push(c);
                    self.next();
                }
            }
        }
        Token::Word(word)
    }

    /// Up to the closing quote.
    fn double_quoted(&mut self, text: &mut String) {
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

    fn dollar(&mut self, in_quotes: bool) {
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
    fn nested_commands(&mut self) {
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
    fn backquote(&mut self, in_quotes: bool) {
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

    /// The bodies that start on this line.
    fn here_documents(&mut self) {
        for Pending { delimiter, quoted, strip_tabs } in std::mem::take(&mut self.pending) {
            let first = self.line;
            let mut body = String::new();
            while self.at < self.text.len() {
                let length = self.text[self.at..].iter().take_while(|c| **c != '\n').count();
                let line: String = self.text[self.at..self.at + length].iter().collect();
                self.skip(length + 1);
                let bare = if strip_tabs { line.trim_start_matches('\t') } else { &line };
                if bare == delimiter {
                    break;
                }
                body.push_str(&line);
                body.push('\n');
            }
            if !quoted {
                Scanner::new(&body, first, self.depth + 1, self.report).expansions();
            }
        }
    }

    /// Text in which only expansions count.
    fn expansions(&mut self) {
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

/// `name=` and nothing else.
fn is_assignment(text: &str) -> bool {
    text.strip_suffix('=').is_some_and(crate::params::is_key)
}

/// Whether braces with this inside would be a list in other shells.
fn has_list(inside: &str) -> bool {
    inside.contains(',') || inside.contains("..")
}
