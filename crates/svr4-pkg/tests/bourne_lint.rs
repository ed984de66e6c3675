//! The lint for the Solaris 10 shell, as tables of what it must and must not find.

use std::process::{Command, Stdio};

use svr4_pkg::bourne_lint::{RULES, lint};

/// Scripts with the rules they must break, as `line rule`.
const FOUND: &[(&str, &[&str])] = &[
    // substitutions
    ("x=$(date)", &["1 command-substitution"]),
    ("echo \"now $(date)\"", &["1 command-substitution"]),
    ("x=`echo $(date)`", &["1 command-substitution"]),
    ("x=$(echo $(id -u))", &["1 command-substitution", "1 utility-option"]),
    ("x=$((1 + 2))", &["1 arithmetic"]),
    ("x=$[1 + 2]", &["1 arithmetic"]),
    ("((x = 1))", &["1 arithmetic"]),
    ("for ((i = 0; i < 3; i++)); do\n:\ndone", &["1 arithmetic"]),
    (
        "cat <<EOF\n$(date)\n`id -u`\nEOF\nid -un",
        &["2 command-substitution", "3 utility-option", "5 utility-option"],
    ),
    ("cat <<-EOF\n\tx\n\tEOF\nlocal x", &["4 shell-builtin"]),
    ("diff <(ls a) <(ls b)", &["1 process-substitution"]),
    ("cat <<< text", &["1 here-string"]),
    // parameters
    ("x=${y%/*}", &["1 parameter-expansion"]),
    ("x=${y%%/*}", &["1 parameter-expansion"]),
    ("x=${y#*/}", &["1 parameter-expansion"]),
    ("x=\"${y##*/}\"", &["1 parameter-expansion"]),
    ("x=${y/a/b}", &["1 parameter-expansion"]),
    ("x=${y:0:1}", &["1 parameter-expansion"]),
    ("x=${y^^}", &["1 parameter-expansion"]),
    ("x=${#y}", &["1 parameter-expansion"]),
    ("x=${!y}", &["1 parameter-expansion"]),
    ("x=${10}", &["1 parameter-expansion"]),
    ("x=${y[0]}", &["1 parameter-expansion"]),
    ("x=${y:-${z%a}}", &["1 parameter-expansion"]),
    ("cat <<EOF\na ${x%b}\nEOF", &["2 parameter-expansion"]),
    ("x=$PWD", &["1 variable"]),
    ("[ $UID = 0 ]", &["1 variable"]),
    ("echo $'a\\n'", &["1 ansi-quotes"]),
    ("echo $\"a\"", &["1 locale-quotes"]),
    ("echo {a,b}", &["1 brace-expansion"]),
    ("cd ~/x", &["1 tilde"]),
    ("x=~", &["1 tilde"]),
    ("grep ^a file", &["1 caret"]),
    // grammar
    ("if ! true; then\n:\nfi", &["1 negation"]),
    ("while ! true; do :; done", &["1 negation"]),
    ("true && ! false", &["1 negation"]),
    ("[[ -f x && $y =~ ^a ]]", &["1 double-bracket"]),
    ("if [[ a == b ]]; then\nlocal x\nfi", &["1 double-bracket", "2 shell-builtin"]),
    ("function f {\n:\n}", &["1 function-keyword"]),
    ("case x in\n(a) : ;;\nesac", &["2 case-parenthesis"]),
    ("case x in\na) : ;&\nb) : ;;\nesac", &["2 case-fall-through"]),
    ("for i; do\n:\ndone", &["1 for-semicolon"]),
    ("select x in a b; do :; done", &["1 shell-builtin"]),
    ("x=(a b)", &["1 array"]),
    ("x[0]=a", &["1 array"]),
    ("x+=a", &["1 append"]),
    ("x+='a\nb'\ny[0]='a\nb'", &["1 append", "3 array"]),
    ("ls &> file", &["1 redirect-both"]),
    ("ls >& file", &["1 redirect-both"]),
    ("ls >& \"a\nb\"\n", &["1 redirect-both"]),
    ("ls |& cat", &["1 redirect-both"]),
    ("ls >| file", &["1 clobber"]),
    ("while read x; do\nexit 1\ndone < file", &["3 redirected-exit"]),
    ("{ echo bad; exit 1; } >&2", &["1 redirected-exit"]),
    ("if true; then\nif true; then exit 1; fi\nfi 2>/dev/null", &["3 redirected-exit"]),
    ("echo a\r\necho b", &["1 carriage-return"]),
    // builtins
    ("export A=b", &["1 export-assignment"]),
    ("readonly A=\"$b\"", &["1 export-assignment"]),
    ("A=1 export B=2", &["1 export-assignment"]),
    ("f() {\nlocal x\n}", &["2 shell-builtin"]),
    ("typeset -i x", &["1 shell-builtin"]),
    ("declare x", &["1 shell-builtin"]),
    ("source ./x", &["1 shell-builtin"]),
    ("command -v id", &["1 shell-builtin"]),
    ("let x=1", &["1 shell-builtin"]),
    ("test -e file", &["1 test-operator"]),
    ("[ -e file ]", &["1 test-operator"]),
    ("[ ! -e \"$x\" -a -f y ]", &["1 test-operator"]),
    ("if [ -f a ] && [ -S b ]; then :; fi", &["1 test-operator"]),
    ("[ a == b ]", &["1 test-operator"]),
    ("[ a -nt b ]", &["1 test-operator"]),
    ("[ a \\< b ]", &["1 test-operator"]),
    ("echo -n x", &["1 builtin-option"]),
    ("echo -e 'x\\n'", &["1 builtin-option"]),
    ("read -r x", &["1 builtin-option"]),
    ("read", &["1 builtin-option"]),
    ("unset -f x", &["1 builtin-option"]),
    ("cd -", &["1 builtin-option"]),
    ("set -o pipefail", &["1 builtin-option"]),
    ("trap - 1 2", &["1 builtin-option"]),
    ("umask u=rwx", &["1 builtin-option"]),
    ("kill -s TERM 1", &["1 builtin-option"]),
    // utilities
    ("grep -q x file", &["1 utility-option"]),
    ("echo x | grep -iq x", &["1 utility-option"]),
    ("/usr/bin/grep -E x file", &["1 utility-option"]),
    ("if grep -q x file; then :; fi", &["1 utility-option"]),
    ("x=`grep -q y file`", &["1 utility-option"]),
    ("echo \"`grep -q \\\"y\\\" file`\"", &["1 utility-option"]),
    ("id -u", &["1 utility-option"]),
    ("id -gn root", &["1 utility-option"]),
    ("tail -n 1 file", &["1 utility-option"]),
    ("sed -i s/a/b/ file", &["1 utility-option"]),
    ("awk -F: -v x=1 '{print $1}' file", &["1 utility-option"]),
    ("ln -sfn a b", &["1 utility-option"]),
    ("cp -a a b", &["1 utility-option"]),
    ("find . -maxdepth 1", &["1 utility-option"]),
    ("date +%s", &["1 utility-option"]),
    ("tar xzf file", &["1 utility-option"]),
    ("ps aux", &["1 utility-option"]),
    ("hostname -f", &["1 utility-option"]),
    ("sleep 0.5", &["1 utility-option"]),
    ("expr length abc", &["1 utility-option"]),
    ("useradd -r -g a b", &["1 utility-option"]),
    ("rm --force x", &["1 utility-option"]),
    ("crontab -u root -l", &["1 utility-option"]),
    ("which perl", &["1 utility-absent"]),
    ("if which perl >/dev/null; then :; fi", &["1 utility-absent"]),
    ("readlink -f x", &["1 utility-absent"]),
    ("exec stat x", &["1 utility-absent"]),
    ("killall acmed", &["1 utility-meaning"]),
    // lines
    ("a=1 \\\n  grep -q x\nid -u", &["2 utility-option", "3 utility-option"]),
    ("x='\n\n'; id -u", &["3 utility-option"]),
    ("x=\"\n`id -u`\"", &["2 utility-option"]),
];

/// What the shell knows, and what only looks foreign.
const FINE: &[&str] = &[
    "",
    "#!/sbin/sh\n# local x=$(date) [[ ${x%y} ]] ! cmd\necho done # grep -q `id -u`",
    "echo '$(date) ${x%y} `id -u` [[ ]] local'",
    "echo \"\\$(date) \\`id -u\\`\"",
    "cat <<'EOF'\n$(date) ${x%y} [[ `id -u`\nlocal x\nexport A=b\nEOF",
    "cat <<\\EOF\n$(date)\nEOF\necho",
    "cat <<\"EOF\"\n$(date)\nEOF",
    "cat <<EOF\nlocal x\nexport A=b\nif ! grep -q x; then [[ a ]]; fi\n\\$(date) \\`id -u\\`\nEOF",
    "cat <<A <<'B'\nexport A=b\nA\n$(date)\nB\necho",
    "A=b; export A",
    "A=b export A",
    "x=`expr $x + 1`",
    "x=`basename \"$y\"` || exit 1",
    "x=\"`echo \\\"a b\\\"`\"",
    "echo ${x} ${x-y} ${x:-y} ${x=y} ${x:=y} ${x?y} ${x:?y} ${x+y} ${x:+y} $* \"$@\" $# $? $- $$ $! $0 $9",
    "echo ${1+\"$@\"} ${#} ${?} ${*}",
    "[ -f a -o -d b ] && [ ! -r c ] && [ -h d ] && [ -L e ] && [ -s f ] && [ -x g ]",
    "[ \"$1\" = -e ] || [ -e = \"$1\" ] || [ x\"$1\" != x-S ]",
    "test \"$a\" -eq 0 -a -n \"$b\" -o -z \"$c\"",
    "if test -f x; then\n:\nelif test -d y; then\n:\nelse\n:\nfi",
    "case \"$1\" in\n-e|--local) echo a ;;\n[!0-9]*|*[!0-9]*) exit 1 ;;\n*) local= ;;\nesac",
    "case $x in a) echo a;; esac",
    "case $x in\nin) echo a;;\nesac; echo b",
    "f() {\n  x=$1; return 0\n}\nf a",
    "f ()\n{\n:\n}",
    "which() {\n  [ -x /usr/bin/$1 ]\n}\nwhich perl",
    "for i in a b c; do echo $i; done",
    "for i\ndo\necho $i\ndone",
    "for i do echo $i; done",
    "for local in command source; do :; done",
    "while read a b; do echo $a; done < file",
    "(exit 1) >/dev/null 2>&1",
    "( { exit 1; } ) 2>/dev/null",
    "if true; then exit 1; fi",
    "{ echo a; echo b; } > file",
    "f() { exit 1; }\nf 2>/dev/null",
    "( (echo a); echo b )",
    "echo a 2>&1 >&2 3>&- <&3 >>file <>file",
    "exec 3>&1 </dev/null",
    "trap 'rm -f $tmp; exit 1' 1 2 15\ntrap '' 1\ntrap 1",
    "set -eu; set -- a b; set x $y; shift",
    "echo '-n'x; echo x -n; echo - ; echo \"a\\c\"",
    "umask 022; cd /; pwd; type id >/dev/null 2>&1",
    "kill -TERM $pid; kill -0 $pid; kill $pid",
    "grep x file >/dev/null 2>&1; grep -v x file; grep -ci x; grep '^-q' file; grep x -- -q",
    "egrep -s '^(a|b)' file; fgrep -x a file",
    "/usr/xpg4/bin/grep -q x file; /usr/xpg4/bin/id -u; /usr/sfw/bin/ggrep -q x; $GREP -q x",
    "id; id -a; id | sed 's/^uid=\\([0-9]*\\).*/\\1/'",
    "tail -5 file; tail -f file; tail +2 file; head -5 file; head -n 5 file",
    "sed -n -e 's/-i/-E/p' -e '/^r/d' -f script file; sed '/x/i\\' file",
    "awk -F: '{print $1}' /etc/passwd; nawk -v x=1 '{print x}'",
    "awk 'BEGIN { if (!(x ~ /^a/)) print $(NF-1) }' /dev/null",
    "ln -s a b; ln -f a b; cp -p a b; cp -rp a b; mv -f a b; rm -rf x; mkdir -p -m 755 x",
    "find . -name 'x*' -type f -exec rm {} \\; ; find . -newer x -print",
    "tar cf - . | (cd /x; tar xf -); tar xvf azj.tar",
    "ps -ef; ps -p 1; hostname; sleep 5; uname -p; df -k /; df -h; du -sk .",
    "useradd -u 1 -g acme -d / -s /bin/false -c 'grep -r' acme; groupadd -g 10 acme",
    "echo 'a^b' \"a^b\" a\\^b",
    "x=a~b; echo a~ \"~/x\"",
    "echo {} a{b}c {",
    "echo a#b $#; x=a#b",
    "PWD=`pwd`; echo $PWD",
    "id -u # bourne-lint: allow utility-option",
    "# bourne-lint: allow utility-option test-operator\n[ -e x ] && id -u",
    "$CMD -q; \"$x\"/grep -q",
    "echo local; echo export A=b; echo [[ a ]]; echo ! x; echo function; echo source",
    "expr \"$x\" : '.*'; expr match",
    "x='it'\"'\"'s'; echo $x",
    "svcadm enable -s application/acme; svccfg -s x setprop a = b",
    "a=1 b=`echo 2` c=\"$3\" env | sort",
];

#[test]
fn what_the_shell_does_not_know_is_found_with_its_line() {
    let mut wrong = Vec::new();
    for (script, expected) in FOUND {
        let found: Vec<String> =
            lint(script).iter().map(|finding| format!("{} {}", finding.line, finding.rule)).collect();
        if found != *expected {
            wrong.push(format!("{script:?}: found {found:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_shell_knows_is_left_alone() {
    let mut wrong = Vec::new();
    for script in FINE {
        let found = lint(script);
        if !found.is_empty() {
            wrong.push(format!("{script:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_finding_says_what_to_write_instead() {
    for (script, _) in FOUND {
        for finding in lint(script) {
            assert!(!finding.found.is_empty() && finding.replacement.len() > 5, "{finding:?}");
            let text = finding.to_string();
            assert!(text.contains(finding.replacement) && text.contains(finding.rule), "{text}");
        }
    }
}

#[test]
fn every_rule_is_listed_described_and_tried() {
    let document = include_str!("../FORMAT.md");
    let listed: Vec<&str> = RULES.iter().map(|(rule, _)| *rule).collect();
    assert!(listed.is_sorted());
    for (script, expected) in FOUND {
        for line in *expected {
            let rule = line.split(' ').nth(1).unwrap();
            assert!(listed.contains(&rule), "{rule} of {script:?}");
        }
    }
    for rule in listed {
        let tried =
            FOUND.iter().any(|(_, expected)| expected.iter().any(|line| line.ends_with(&format!(" {rule}"))));
        assert!(tried || rule == "nesting", "{rule} is not tried");
        assert!(document.contains(&format!("`{rule}`")), "FORMAT.md does not mention `{rule}`");
    }
}

#[test]
fn an_excuse_covers_only_its_rule_and_line() {
    let script = "id -u # bourne-lint: allow test-operator\n# bourne-lint: allow utility-option\n\nid -u\n";
    let lines: Vec<u32> = lint(script).iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [1, 4]);
}

#[test]
fn endless_nesting_is_reported_and_not_followed() {
    for opening in ["$(", "${a:-", "`", "\"$(", "<(", "(", "{ ", "((", "$((", "case x in (", "\"`"] {
        let script = opening.repeat(20_000);
        lint(&script);
    }
    let nested = lint(&"$(".repeat(20_000));
    assert!(nested.iter().any(|finding| finding.rule == "nesting"), "{nested:?}");
}

/// The scripts called fine are real shell scripts: a shell that knows System V grammar parses them.
#[test]
fn the_scripts_called_fine_are_valid_for_a_shell() {
    for script in FINE {
        // dash takes `~`, `^` and the rest as the table means them; it only has to parse.
        let mut child = Command::new("dash")
            .arg("-n")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("install the Debian package dash");
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{script:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
