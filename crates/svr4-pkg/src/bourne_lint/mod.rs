//! Finds what the `/sbin/sh` of Solaris 10 does not know.
//!
//! That shell is the Bourne shell of System V Release 4, not a POSIX shell, and the utilities in
//! `/usr/bin` are those of System V. Scripts of a package always run under it, whatever their `#!`
//! line says. The lint reads a script as that shell would: comments, quoted strings and quoted
//! here-documents are text; backquotes, double quotes and plain here-documents are looked into.
//!
//! A command is judged when it is called by its name, or by its path in `/bin`, `/usr/bin`,
//! `/sbin` or `/usr/sbin`; `/usr/xpg4/bin/grep -q` is fine. A function of the script hides a
//! command of the same name. The comment `# bourne-lint: allow <rule>...` excuses its line, or the
//! next line when it stands alone.
//!
//! The grammar, the builtins and the operators of test are those of the shell's published source
//! (OpenSolaris, `usr/src/cmd/sh`: `cmd.c`, `macro.c`, `msg.c`, `test.c`); the options of utilities
//! are those of their manual pages.
//!
//! Not found, because no grammar shows it: variables set inside a redirected or piped loop are
//! lost (that shell runs the loop in a subshell), and `"$@"` is one empty word without arguments.

mod commands;
mod expand;
mod parse;
mod report;
mod scan;
mod utilities;

use std::fmt;

/// Every rule with what it is about.
pub const RULES: &[(&str, &str)] = &[
    ("ansi-quotes", "`$'...'`"),
    ("append", "`name+=value`"),
    ("arithmetic", "`$((...))`, `((...))`, `$[...]`, `for ((...))`"),
    ("array", "`name=(...)`, `name[index]=value`"),
    ("brace-expansion", "`{a,b}`"),
    ("builtin-option", "options of builtins that System V has not: `echo -n`, `read -r`, `set -o`, `trap -`"),
    ("caret", "an unquoted `^`, which is a pipe"),
    ("carriage-return", "lines that end with CR LF"),
    ("case-fall-through", "`;&`"),
    ("case-parenthesis", "`(pattern)` in `case`"),
    ("clobber", "`>|`"),
    ("command-substitution", "`$(...)`"),
    ("double-bracket", "`[[ ... ]]`"),
    ("export-assignment", "`export name=value`, `readonly name=value`"),
    ("for-semicolon", "`for name;`"),
    ("function-keyword", "`function name`"),
    ("here-string", "`<<<`"),
    ("locale-quotes", "`$\"...\"`"),
    ("negation", "`! command`"),
    ("nesting", "substitutions nested too deeply to follow"),
    ("parameter-expansion", "`${name%...}`, `${name#...}`, `${#name}`, `${10}` and the like"),
    ("process-substitution", "`<(...)`, `>(...)`"),
    ("redirect-both", "`&>`, `>&file`, `|&`"),
    ("redirected-exit", "`exit` or `return` in a redirected block: it leaves only the block"),
    ("shell-builtin", "`local`, `command`, `source`, `typeset` and other builtins"),
    ("test-operator", "`test -e`, `-S`, `-nt`, `==` and the like"),
    ("tilde", "`~`"),
    ("utility-absent", "`which`, `readlink`, `stat`, `seq` and others"),
    ("utility-meaning", "`killall`, which ends every process"),
    ("utility-option", "`grep -q`, `id -u`, `tail -n`, `sed -i`, `awk -v` and others"),
    ("variable", "`$PWD`, `$UID`, `$RANDOM` and others, unless the script sets them"),
];

/// One thing the shell or its utilities do not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Line of the script, from 1.
    pub line: u32,
    /// The name of the rule, such as `command-substitution`.
    pub rule: &'static str,
    /// What was found.
    pub found: String,
    /// What to write instead.
    pub replacement: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` does not work on Solaris 10: {} ({})", self.found, self.replacement, self.rule)
    }
}

/// Everything found in a script, by line.
pub fn lint(script: &str) -> Vec<Finding> {
    let mut report = report::Report::default();
    for (index, line) in script.split('\n').enumerate() {
        if line.contains('\r') {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            report.add(number, "carriage-return", "CR", "end lines with LF only");
        }
    }
    parse::Parser::new(script, 1, 0, &mut report).script();
    report.finish()
}
