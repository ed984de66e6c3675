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
//! Not found, because no grammar shows it: variables set inside a redirected or piped loop are
//! lost (that shell runs the loop in a subshell), and `"$@"` is one empty word without arguments.

mod commands;
mod parse;
mod scan;
mod utilities;

use std::fmt;

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
        write!(f, "`{}` is unknown to the Solaris 10 shell: {} ({})", self.found, self.replacement, self.rule)
    }
}

/// Everything found in a script, by line.
pub fn lint(script: &str) -> Vec<Finding> {
    let mut report = scan::Report::default();
    for (index, line) in script.split('\n').enumerate() {
        if line.contains('\r') {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            report.add(number, "carriage-return", "CR", "end lines with LF only");
        }
    }
    parse::Parser::new(script, 1, 0, &mut report).script();
    report.finish()
}
