//! Tables of what the utilities in `/usr/bin` of Solaris 10 lack: option lists of their manual
//! pages (section 1 and 1M), builtins of the System V Release 4 shell.

/// Options of one utility.
pub(super) struct Options {
    pub(super) command: &'static str,
    /// Letters `/usr/bin` has not, or means differently.
    pub(super) foreign: &'static str,
    /// Letters that take an argument, so that it is not taken for letters.
    pub(super) with_argument: &'static str,
    /// Options may follow operands.
    pub(super) anywhere: bool,
    pub(super) replacement: &'static str,
}

const fn options(
    command: &'static str,
    foreign: &'static str,
    with_argument: &'static str,
    replacement: &'static str,
) -> Options {
    Options { command, foreign, with_argument, anywhere: false, replacement }
}

/// Utilities with letters they have elsewhere only.
pub(super) const OPTIONS: &[Options] = &[
    options(
        "grep",
        "qEFoefrRxABCmPHLza",
        "",
        "write `grep pattern >/dev/null`, use egrep or fgrep, or /usr/xpg4/bin/grep",
    ),
    options("egrep", "qorRABCmPHLza", "ef", "write `egrep pattern >/dev/null`, or use /usr/xpg4/bin/egrep"),
    options("fgrep", "qorRABCmPHLza", "ef", "write `fgrep pattern >/dev/null`, or use /usr/xpg4/bin/fgrep"),
    options("id", "unGgrz", "", "use /usr/xpg4/bin/id, or take the output of id apart with sed"),
    options("tail", "nFqs", "", "write `tail -5`"),
    options("head", "cqvz", "n", "write `head -5`, or use dd for bytes"),
    options("sed", "iErsz", "ef", "write to another file and mv it; use basic expressions"),
    options("awk", "v", "Ff", "use nawk"),
    options("cp", "aTuvdlsn", "", "write `cp -p` or `cp -rp`"),
    options("mv", "Tuvn", "", "write `mv -f`"),
    options("ln", "nTrv", "", "remove the old link, then `ln -s`: -n means something else"),
    options("rm", "vId", "", "write `rm -rf`"),
    options("mkdir", "vZ", "m", "write `mkdir -p`"),
    options("chmod", "vc", "", "drop the option"),
    options("chown", "vc", "", "drop the option"),
    options("touch", "dh", "rt", "use `-t` or `-r`"),
    options("date", "dIrR", "", "compute with perl"),
    options(
        "xargs",
        "0rdPa",
        "nILsE",
        "pass the names on lines; Solaris runs nothing special for empty input",
    ),
    options("df", "PTiB", "", "write `df -k`"),
    options("du", "bBcm", "", "write `du -sk`"),
    options("sort", "VRhs", "kotTSyz", "compare with -n and -k"),
    options("uniq", "iwz", "fs", "convert with tr first"),
    options("diff", "qNaB", "", "use cmp -s, or diff -r"),
    options("uname", "o", "", "write `uname -s`"),
    options("env", "u", "", "set the variable to an empty value"),
    options("useradd", "rMNU", "ugGdskceopAPRKbf", "give -u, -g, -d and -s"),
    options("usermod", "aLU", "ugGdsloecpAPRKf", "list all groups with -G; use passwd -l"),
    options("groupadd", "rf", "go", "give -g, and ask getent first"),
    options("crontab", "u", "", "write `crontab -l user` as root, or use su"),
];

/// Commands Solaris 10 has not, and those that do something else there.
pub(super) const ABSENT: &[(&str, &str, &str)] = &[
    // builtins of other shells
    ("local", "shell-builtin", "use names of your own; variables of a function are global"),
    ("typeset", "shell-builtin", "assign plain variables"),
    ("declare", "shell-builtin", "assign plain variables"),
    ("let", "shell-builtin", "write `expr a + b` in backquotes"),
    ("source", "shell-builtin", "write `. ./file`"),
    ("command", "shell-builtin", "write `type name >/dev/null 2>&1`, or test -x the path"),
    ("builtin", "shell-builtin", "call the command itself"),
    ("alias", "shell-builtin", "define a function"),
    ("unalias", "shell-builtin", "define a function"),
    ("shopt", "shell-builtin", "drop it"),
    ("pushd", "shell-builtin", "use cd in a subshell"),
    ("popd", "shell-builtin", "use cd in a subshell"),
    ("print", "shell-builtin", "use echo or printf"),
    ("whence", "shell-builtin", "use type"),
    ("mapfile", "shell-builtin", "use a loop with read"),
    ("readarray", "shell-builtin", "use a loop with read"),
    ("disown", "shell-builtin", "use nohup"),
    ("((", "arithmetic", "use expr or test"),
    // utilities
    ("which", "utility-absent", "test -x the path: which is a csh script and always succeeds"),
    ("whoami", "utility-absent", "take the name from the output of id; whoami is in /usr/ucb"),
    ("readlink", "utility-absent", "take the target from `ls -l` with sed"),
    ("realpath", "utility-absent", "use cd and pwd in backquotes"),
    ("stat", "utility-absent", "use ls -l"),
    ("seq", "utility-absent", "count with expr in a while loop"),
    ("pidof", "utility-absent", "use pgrep"),
    ("md5sum", "utility-absent", "use /usr/bin/digest -a md5"),
    ("sha1sum", "utility-absent", "use /usr/bin/digest -a sha1"),
    ("sha256sum", "utility-absent", "use /usr/bin/digest -a sha256"),
    ("timeout", "utility-absent", "start it in the background and kill it after sleep"),
    ("tac", "utility-absent", "use tail -r"),
    ("nproc", "utility-absent", "use psrinfo"),
    ("setsid", "utility-absent", "use nohup"),
    ("flock", "utility-absent", "use mkdir as a lock"),
    ("service", "utility-absent", "use svcadm, or the script in /etc/init.d"),
    ("systemctl", "utility-absent", "use svcadm, or the script in /etc/init.d"),
    ("chkconfig", "utility-absent", "make the links in /etc/rc?.d"),
    ("killall", "utility-meaning", "use pkill: killall of Solaris ends every process"),
];

/// Utilities that have no long options in `/usr/bin`.
pub(super) const LONG_OPTIONS: &[&str] = &[
    "awk", "basename", "cat", "chgrp", "chmod", "chown", "cmp", "comm", "cp", "cut", "date", "df", "diff",
    "dirname", "du", "egrep", "env", "fgrep", "find", "grep", "gzip", "head", "id", "kill", "ln", "ls",
    "mkdir", "mv", "nice", "passwd", "ps", "pwd", "rm", "rmdir", "sed", "sort", "tail", "tar", "tee",
    "touch", "tr", "uname", "uniq", "useradd", "userdel", "usermod", "wc", "who", "xargs",
];
