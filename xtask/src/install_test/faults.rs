//! Failure injection: the external commands that scriptlets call fail one at a time.
//!
//! Each command is covered by a script of its own that counts the calls coming from a scriptlet and lets all
//! but a chosen one through. A first run without failures records the calls; every recorded call is then a case.

use std::io;

use super::case::{LIMIT, Running};
use super::isolated::Isolated;
use super::places::Places;
use super::scenario::Inject;

/// A call that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Name of the program.
    pub command: String,
    /// Which of its calls, from 1.
    pub call: u32,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.command, self.call)
    }
}

/// Package managers, which run the scriptlets and are named in their messages; shells; and what scriptlets only ask
/// whether process 1 belongs to this root: there a failure is the answer of a chroot, which other scenarios cover.
const NEVER: [&str; 11] =
    ["rpm", "dpkg", "dpkg-query", "apt-get", "sh", "bash", "dash", "env", "ls", "stat", "readlink"];

/// Words of scriptlets that may be commands; which of them are is for the root to say.
pub fn words(scripts: &[(String, String)]) -> Vec<String> {
    let part = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.');
    let all = scripts.iter().flat_map(|(_, body)| body.split(part));
    let plain =
        |w: &&str| w.len() > 1 && w.starts_with(|c: char| c.is_ascii_lowercase()) && !w.ends_with('.');
    let mut words: Vec<String> =
        all.filter(plain).filter(|w| !NEVER.contains(w)).map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}

/// Decides in a covered command whether this call fails. `n` is its name. Only what a scriptlet itself calls
/// counts: not what rpm, dpkg or other programs call. Once the control program of the package under test is unpacked
/// and %pre or preinst is over, it is covered too.
const JUDGE: &str = r#"
f=/mnt/faults
if [ -e $f/armed ]; then
    read -r c </proc/$PPID/comm || c=
    case $c in
        # dpkg runs NAME.prerm of an installed package; the kernel keeps 15 characters.
        sh | preinst | postinst | prerm | postrm | @NAME@.p*)
            i=0
            [ ! -e $f/count-$n ] || read -r i <$f/count-$n
            i=$((i + 1))
            echo $i >$f/count-$n
            echo "$n#$i" >>$f/calls
            if [ -e $f/cover-after ] && [ ! -e $f/covered ] && [ -e @ETC@/install.env.pending ] &&
                read -r v <@HOME@/etc/version && read -r w <$f/cover-after && [ "$v" = "$w" ]; then
                : >$f/covered
                /mnt/real/bin/cp @CTL@ $f/ctl
                /mnt/real/bin/mount --bind $f/bin/illumio-ven-ctl @CTL@
            fi
            if [ -e "$f/fail-$n#$i" ]; then
                echo "$n: injected failure" >&2
                exit 1
            fi
            ;;
    esac
fi
"#;

/// Covers every command of `$words`.
const COVER: &str = r#"
set -eu
f=/mnt/faults
mkdir -p $f/bin
printf '%s\n' '#!/bin/sh' 'n=illumio-ven-ctl' ". $f/judge" "exec $f/ctl \"\$@\"" >$f/bin/illumio-ven-ctl
chmod 0755 $f/bin/illumio-ven-ctl
for n in $words; do
    for d in /usr/bin /usr/sbin /bin /sbin; do
        if [ -f $d/$n ] && [ ! -h $d/$n ]; then
            printf '%s\n' '#!/bin/sh' "n=$n" ". $f/judge" "exec /mnt/real$d/$n \"\$@\"" >$f/bin/$n
            chmod 0755 $f/bin/$n
            mount --bind $f/bin/$n $d/$n
            break
        fi
    done
done
"#;

/// Covers the control program of an installed package.
const COVER_INSTALLED: &str = r#"
cp @CTL@ /mnt/faults/ctl
cp /mnt/faults/bin/illumio-ven-ctl @CTL@.new
chown --reference=@CTL@ @CTL@.new
chmod --reference=@CTL@ @CTL@.new
mv -f @CTL@.new @CTL@
"#;

/// What a step with failures knows.
#[derive(Debug, Clone)]
pub struct Plan {
    pub words: Vec<String>,
    /// `None` records the calls.
    pub fault: Option<Fault>,
}

fn filled(text: &str, places: &Places) -> String {
    let etc = places.fill("{settings}");
    let etc = etc.trim_end_matches("/install.env");
    text.replace("@CTL@", &places.fill("{ctl}"))
        .replace("@HOME@", &places.fill("{home}"))
        .replace("@ETC@", etc)
        .replace("@NAME@", &places.name)
}

fn must(host: &mut dyn Isolated, script: &str) -> io::Result<()> {
    let ended = host.run(script, &[], LIMIT)?;
    if ended.code == 0 {
        Ok(())
    } else {
        Err(io::Error::other(format!("failures cannot be injected: {}", ended.output)))
    }
}

/// Covers the commands and arms the failure, just before the step that it is for.
pub fn arm(running: &mut Running<'_>, plan: &Plan, inject: Inject, step: &str) -> io::Result<()> {
    let places = running.places;
    let judge = filled(JUDGE, places);
    must(running.host, &format!("mkdir -p /mnt/faults && cat >/mnt/faults/judge <<'END'\n{judge}\nEND\n"))?;
    must(running.host, &format!("words='{}'\n{COVER}", plan.words.join(" ")))?;
    match inject {
        Inject::Install => {
            let release = if step.contains("{upgrade}") { &places.next_release } else { &places.release };
            must(running.host, &format!("echo {release} >/mnt/faults/cover-after"))?;
        }
        Inject::Removal => must(running.host, &filled(COVER_INSTALLED, places))?,
    }
    let fail =
        plan.fault.as_ref().map(|fault| format!(": >'/mnt/faults/fail-{fault}' && ")).unwrap_or_default();
    must(running.host, &format!("{fail}: >/mnt/faults/armed"))
}

/// Takes the failure back and says which calls were made.
pub fn disarm(running: &mut Running<'_>) -> io::Result<Vec<Fault>> {
    let uncover = "rm -f /mnt/faults/armed /mnt/faults/cover-after\n\
                   if [ -e /mnt/faults/covered ]; then umount @CTL@; fi\n\
                   if [ -e /mnt/faults/calls ]; then cat /mnt/faults/calls; fi";
    let ended = running.host.run(&filled(uncover, running.places), &[], LIMIT)?;
    let calls = ended.output.lines().filter_map(|line| {
        let (command, call) = line.split_once('#')?;
        Some(Fault { command: command.to_owned(), call: call.parse().ok()? })
    });
    Ok(calls.collect())
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn commands_are_found_among_the_words_of_a_scriptlet() {
        let body = "getent passwd x || useradd -r x\nPATH=/bin; rpm -q x; update-rc.d ven defaults.";
        assert_eq!(
            words(&[("pre".into(), body.into())]),
            ["bin", "getent", "passwd", "update-rc.d", "useradd", "ven"]
        );
    }
}
