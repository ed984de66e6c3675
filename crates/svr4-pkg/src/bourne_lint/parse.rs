//! Words to commands: which word is a command's name, a pattern, a keyword.

use super::commands;
use super::report::Report;
use super::scan::{Pending, Scanner, Token, Word};

/// An open compound command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// `( ... )`
    Subshell,
    /// `case`, in a list of commands.
    Case,
    /// `if`, a loop or braces.
    Other,
}

/// What the next word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A command, a keyword or an assignment.
    Command,
    /// An argument of the command at hand.
    Argument,
    /// Nothing but redirections and separators: a compound command was closed.
    /// With `exits` it contains `exit` or `return`.
    Closed { exits: bool },
    /// The subject of `case`.
    Subject,
    /// `in` after the subject.
    CaseIn,
    /// A pattern of `case`; `first` before any of the clause was seen.
    Pattern { first: bool },
    /// The variable of `for`.
    ForName,
    /// `in`, `do` or a new line after the variable.
    ForIn,
    /// The words of `for`.
    ForWords,
    /// The name after `function`.
    FunctionName,
}

pub(super) struct Parser<'r> {
    scanner: Scanner<'r>,
    expect: Expect,
    /// The command at hand.
    words: Vec<Word>,
    /// Open blocks, each with whether an `exit` or `return` was seen in it.
    blocks: Vec<(Block, bool)>,
}

impl<'r> Parser<'r> {
    pub(super) fn new(text: &str, line: u32, depth: u32, report: &'r mut Report) -> Self {
        let scanner = Scanner::new(text, line, depth, report);
        Parser { scanner, expect: Expect::Command, words: Vec::new(), blocks: Vec::new() }
    }

    /// Everything to the end of the text.
    pub(super) fn script(mut self) {
        loop {
            match self.scanner.token() {
                Token::End => break,
                Token::Newline => self.newline(),
                Token::Operator(operator) => self.operator(operator),
                Token::Redirect(redirect) => self.redirect(redirect),
                Token::HereDocument { strip_tabs } => self.here_document(strip_tabs),
                Token::Word(word) => self.word(word),
            }
        }
        self.flush();
    }

    /// Judges the command at hand.
    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        let Some(name) = words.first() else { return };
        if !name.quoted && matches!(name.text.as_str(), "exit" | "return") {
            for (block, exits) in self.blocks.iter_mut().rev() {
                if *block == Block::Subshell {
                    break;
                }
                *exits = true;
            }
        }
        commands::check(&words, self.scanner.report);
    }

    fn newline(&mut self) {
        match self.expect {
            Expect::CaseIn | Expect::Pattern { .. } | Expect::ForIn => {}
            _ => {
                self.flush();
                self.expect = Expect::Command;
            }
        }
    }

    fn operator(&mut self, operator: &'static str) {
        match (self.expect, operator) {
            (Expect::Pattern { first: true }, "(") => {
                self.scanner.say("case-parenthesis", "(pattern)", "drop the opening parenthesis");
            }
            (Expect::Pattern { .. }, ")") => {
                self.blocks.push((Block::Case, false));
                self.expect = Expect::Command;
            }
            (Expect::Pattern { .. }, _) => {}
            (Expect::ForName, "(") => {
                self.scanner.say("arithmetic", "for ((...))", "count with expr in a while loop");
                self.scanner.parentheses();
                self.expect = Expect::ForWords;
            }
            (Expect::ForIn, ";") => {
                self.scanner.say("for-semicolon", "for name;", "write `for name` and `do` on the next line");
                self.expect = Expect::Command;
            }
            (_, ";;") => {
                self.flush();
                if self.blocks.last().is_some_and(|(block, _)| *block == Block::Case) {
                    self.blocks.pop();
                    self.expect = Expect::Pattern { first: true };
                } else {
                    self.expect = Expect::Command;
                }
            }
            (Expect::Command, "(") => {
                if self.scanner.peek(0) == Some('(') {
                    self.scanner.say(
                        "arithmetic",
                        "((...))",
                        "use expr or test; write `( (` for nested subshells",
                    );
                    self.scanner.parentheses();
                    self.expect = Expect::Closed { exits: false };
                } else {
                    self.blocks.push((Block::Subshell, false));
                }
            }
            (_, "(") => {
                // `name (` would be a function, and a parenthesis elsewhere is an error for `sh -n`.
                self.blocks.push((Block::Subshell, false));
                self.flush();
                self.expect = Expect::Command;
            }
            (_, ")") => {
                self.flush();
                while let Some((block, _)) = self.blocks.pop() {
                    if block == Block::Subshell {
                        break;
                    }
                }
                self.expect = Expect::Closed { exits: false };
            }
            _ => {
                self.flush();
                self.expect = Expect::Command;
            }
        }
    }

    fn redirect(&mut self, redirect: &'static str) {
        if self.expect == (Expect::Closed { exits: true }) {
            self.scanner.say(
                "redirected-exit",
                format!("exit in a redirected block ({redirect})"),
                "redirect the commands inside: the block is a subshell and exit leaves only that",
            );
        }
        // The target is a word, but not one of the command.
        if let Token::Word(word) = self.scanner.token()
            && redirect == ">&"
            && !word.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == 0)
        {
            // The word may go on over several lines; it is reported where it starts.
            self.scanner.report.add(word.line, "redirect-both", ">&file", "write `>file 2>&1`");
        }
    }

    fn here_document(&mut self, strip_tabs: bool) {
        if let Token::Word(word) = self.scanner.token() {
            self.scanner.pending.push(Pending { delimiter: word.text, quoted: word.quoted, strip_tabs });
        }
    }

    fn word(&mut self, word: Word) {
        match self.expect {
            Expect::Command | Expect::Closed { .. } => self.command_word(word),
            Expect::Argument => self.words.push(word),
            Expect::Subject => self.expect = Expect::CaseIn,
            Expect::CaseIn => self.expect = Expect::Pattern { first: true },
            Expect::Pattern { first: true } if word.is("esac") => {
                self.expect = Expect::Closed { exits: false }
            }
            Expect::Pattern { .. } => self.expect = Expect::Pattern { first: false },
            Expect::ForName => self.expect = Expect::ForIn,
            Expect::ForIn if word.is("in") => self.expect = Expect::ForWords,
            Expect::ForIn => self.expect = Expect::Command,
            Expect::ForWords => {}
            Expect::FunctionName => {
                self.scanner.report.functions.insert(word.text);
                self.scanner.skip_blanks();
                if self.scanner.peek(0) == Some('(') {
                    self.scanner.parentheses();
                }
                self.expect = Expect::Command;
            }
        }
    }

    fn command_word(&mut self, word: Word) {
        self.expect = Expect::Command;
        if !word.quoted && self.words.is_empty() {
            match word.text.as_str() {
                "if" | "while" | "until" | "{" => return self.blocks.push((Block::Other, false)),
                "then" | "elif" | "else" | "do" => return,
                "fi" | "done" | "}" => return self.close(Block::Other),
                "esac" => return self.close(Block::Case),
                "case" => {
                    self.expect = Expect::Subject;
                    return;
                }
                "for" | "select" => {
                    if word.text == "select" {
                        self.scanner.say("shell-builtin", "select", "use ckitem, or a loop with read");
                    }
                    self.blocks.push((Block::Other, false));
                    self.expect = Expect::ForName;
                    return;
                }
                "function" => {
                    self.scanner.say("function-keyword", "function name", "write `name() {`");
                    self.expect = Expect::FunctionName;
                    return;
                }
                "!" => {
                    return self.scanner.say(
                        "negation",
                        "! command",
                        "write `if command; then :; else ...; fi`",
                    );
                }
                "[[" => return self.double_bracket(),
                _ => {}
            }
        }
        if self.assignment(&word) {
            return;
        }
        // `name (` defines a function; the words of a command never have a parenthesis there.
        self.scanner.skip_blanks();
        if self.words.is_empty() && !word.quoted && self.scanner.peek(0) == Some('(') {
            self.scanner.parentheses();
            self.scanner.report.functions.insert(word.text);
            return;
        }
        self.words.push(word);
        self.expect = Expect::Argument;
    }

    fn close(&mut self, block: Block) {
        let mut exits = false;
        if self.blocks.last().is_some_and(|(open, _)| *open == block) {
            exits = self.blocks.pop().is_some_and(|(_, exits)| exits);
        }
        self.expect = Expect::Closed { exits };
    }

    /// `[[ ... ]]` is reported once and not looked into.
    fn double_bracket(&mut self) {
        self.scanner.say("double-bracket", "[[ ... ]]", "write `[ ... ]`, or `case` for patterns");
        let line = self.scanner.line;
        let mark = self.scanner.report.mark();
        loop {
            match self.scanner.token() {
                Token::Word(word) if word.is("]]") => break,
                Token::End => break,
                Token::Newline if self.scanner.line > line + 1 => break,
                _ => {}
            }
        }
        // The caret of a pattern is no pipe in there.
        self.scanner.report.forget(mark, "caret");
        self.expect = Expect::Closed { exits: false };
    }

    /// Takes a word that assigns a variable.
    fn assignment(&mut self, word: &Word) -> bool {
        let Some((name, value)) = word.text.split_once('=') else { return false };
        if crate::params::is_key(name) {
            self.scanner.report.assigned.insert(name.to_owned());
            if value.is_empty() && !word.text.ends_with('\0') && self.scanner.peek(0) == Some('(') {
                self.scanner.say("array", "name=(...)", "use several variables, or set and shift");
                self.scanner.parentheses();
            }
            return true;
        }
        if name.strip_suffix('+').is_some_and(crate::params::is_key) {
            self.scanner.report.add(word.line, "append", "name+=value", "write `name=\"${name}value\"`");
            return true;
        }
        let array = name
            .split_once('[')
            .filter(|(array, index)| crate::params::is_key(array) && index.ends_with(']'));
        if array.is_some() {
            self.scanner.report.add(
                word.line,
                "array",
                "name[index]=value",
                "use several variables, or set and shift",
            );
        }
        array.is_some()
    }
}
