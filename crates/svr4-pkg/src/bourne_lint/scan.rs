//! Characters to words and operators.

use super::report::Report;

/// Deepest nesting of substitutions; a script that goes deeper is reported instead of followed.
pub(super) const MAX_DEPTH: u32 = 40;

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
    pub(super) text: Vec<char>,
    pub(super) at: usize,
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

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    pub(super) fn skip(&mut self, count: usize) {
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
}

/// `name=` and nothing else.
fn is_assignment(text: &str) -> bool {
    text.strip_suffix('=').is_some_and(crate::params::is_key)
}

/// Whether braces with this inside would be a list in other shells.
fn has_list(inside: &str) -> bool {
    inside.contains(',') || inside.contains("..")
}
