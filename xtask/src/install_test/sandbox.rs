//! One case's own copy of a root: an overlay with its changes in memory, in name spaces of its own, which
//! are all gone when its first process ends.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::isolated::{ENVIRONMENT, Ended, Isolated, LOOK};
use super::scenario::Host;
use super::tree::{self, Base, Snapshot};

/// How long a sandbox may take to be ready.
const READY: Duration = Duration::from_secs(30);
/// How long systemd may take to reach its target.
const BOOTED: Duration = Duration::from_secs(90);

/// What a sandbox is made of.
#[derive(Debug, Clone)]
pub struct Layout {
    pub host: Host,
    /// Folders of packages: the release under test and its successor.
    pub packages: [PathBuf; 2],
    /// Where the public key of the release is.
    pub key: PathBuf,
    /// Whether it may outlive this program.
    pub keep: bool,
}

/// A running sandbox. Dropping it ends all its processes and forgets its changes.
pub struct Sandbox {
    /// `unshare`, which stays outside of the root but inside of the mount name space.
    outer: Child,
    /// The sandbox's process 1, by its number here.
    init: u32,
    work: tempfile::TempDir,
    lower: PathBuf,
    host: Host,
    steps: usize,
}

/// What the shell does in the new name spaces before it becomes process 1. `$1` is the working folder, `$2`
/// the lower root, `$3` and `$4` the package folders, `$5` the key, `$6` what runs as process 1.
const BEGIN: &str = r#"
set -eu
umask 022
w=$1 m=$1/m
mount -t tmpfs -o mode=0755 sandbox "$w"
mkdir "$w/upper" "$w/overlay" "$m"
mount -t overlay -o "lowerdir=$2,upperdir=$w/upper,workdir=$w/overlay,redirect_dir=off,metacopy=off,index=off" overlay "$m"
mount -t proc proc "$m/proc"
mount -t tmpfs -o mode=0755 packages "$m/mnt"
mkdir -p "$m/mnt/packages/current" "$m/mnt/packages/next" "$m/mnt/real"
mount --bind -o ro "$2" "$m/mnt/real"
mount --bind "$3" "$m/mnt/packages/current"
mount --bind "$4" "$m/mnt/packages/next"
cp "$5" "$m/mnt/packages/key.asc"
mount -t tmpfs -o mode=0755 dev "$m/dev"
for d in null zero full random urandom tty; do : >"$m/dev/$d"; mount --bind "/dev/$d" "$m/dev/$d"; done
mkdir "$m/dev/pts" "$m/dev/shm"
ln -s /proc/self/fd "$m/dev/fd"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$m/dev/pts"
ln -s pts/ptmx "$m/dev/ptmx"
mount -t tmpfs -o mode=1777 shm "$m/dev/shm"
mount -t tmpfs -o mode=0755 run "$m/run"
mkdir -p "$m/run/lock"
ip link set lo up 2>/dev/null || :
hostname sandbox
# A mount name space whose root is that of the case, as process 1 of a real host has it: what enters the name spaces of
# process 1 must find itself at home. The outer one goes on to see the upper layer.
become='
set -eu
cd "$1/m"
shift
mkdir mnt/old
pivot_root . mnt/old
umount -l mnt/old
: >mnt/ready
exec chroot . "$@"
'
case $6 in
    offline | image)
        : >"$m/mnt/ready"
        exec sleep infinity
        ;;
    init)
        # Its name is that of a real init; it reaps what is orphaned.
        printf '#!/bin/sh\ntrap "" HUP INT\nwhile :; do sleep 86400 & wait; done\n' >"$m/mnt/init"
        chmod 0755 "$m/mnt/init"
        exec unshare --mount --propagation private sh -c "$become" become "$w" /mnt/init
        ;;
    systemd)
        mount -t sysfs -o ro sysfs "$m/sys"
        mount -t cgroup2 cgroup2 "$m/sys/fs/cgroup"
        exec unshare --mount --propagation private sh -c "$become" become "$w" \
            env -i PATH=/usr/sbin:/usr/bin container=sandbox TERM=dumb \
            /lib/systemd/systemd --system --log-target=null --show-status=false
        ;;
esac
"#;

impl Sandbox {
    /// Makes a sandbox over the root `lower`, which stays as it is, in a new folder below `base`.
    ///
    /// # Errors
    /// What the kernel refused, in the words of `mount` and `unshare`.
    pub fn new(base: &Path, lower: &Path, layout: &Layout) -> io::Result<Sandbox> {
        let work = tempfile::Builder::new().prefix("case-").tempdir_in(base)?;
        let log = base.join(format!("{}.log", work.path().file_name().unwrap_or_default().to_string_lossy()));
        let said = File::create(&log)?;
        let mut command = Command::new(if layout.keep { "unshare" } else { "setpriv" });
        if !layout.keep {
            // Nothing stays behind when this program is killed.
            command.args(["--pdeathsig", "KILL", "unshare"]);
        }
        command.args([
            "--mount",
            "--pid",
            "--fork",
            "--uts",
            "--ipc",
            "--net",
            "--kill-child",
            "--propagation",
            "private",
        ]);
        if layout.host == Host::Systemd {
            command.arg("--cgroup");
        }
        command.args(["sh", "-c", BEGIN, "sandbox"]).arg(work.path()).arg(lower).args(&layout.packages);
        command.arg(&layout.key).arg(layout.host.name());
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let outer = command.spawn().map_err(|e| io::Error::new(e.kind(), format!("unshare: {e}")))?;
        let mut sandbox =
            Sandbox { outer, init: 0, work, lower: lower.to_owned(), host: layout.host, steps: 0 };
        let ready = sandbox.wait_ready();
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let _ = std::fs::remove_file(&log);
        ready.map_err(|e| io::Error::other(format!("{e}: {}", said.trim())))?;
        if layout.host == Host::Systemd {
            sandbox.wait_booted()?;
        }
        Ok(sandbox)
    }

    fn wait_ready(&mut self) -> io::Result<()> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.outer.try_wait()? {
                return Err(io::Error::other(format!("the sandbox could not be made: {status}")));
            }
            let pid = self.outer.id();
            let children =
                std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            if let Some(init) = children.split_whitespace().next().and_then(|c| c.parse().ok()) {
                self.init = init;
                if self.merged().join("mnt/ready").exists() {
                    return Ok(());
                }
            }
            if began.elapsed() > READY {
                return Err(io::Error::other("the sandbox is not ready in time"));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn wait_booted(&mut self) -> io::Result<()> {
        let ended = self.run(
            "i=0; while [ $i -lt 600 ]; do s=$(systemctl is-system-running 2>&1); \
             case $s in running | degraded) exit 0;; esac; i=$((i+1)); sleep 0.1; done; echo \"systemd: $s\"; exit 1",
            &[],
            BOOTED,
        )?;
        if ended.code == 0 {
            Ok(())
        } else {
            Err(io::Error::other(format!("systemd did not boot: {}", ended.output.trim())))
        }
    }

    /// A path of the working folder, as it is inside of the mount name space.
    fn inside(&self, name: &str) -> PathBuf {
        let work = self.work.path().strip_prefix("/").unwrap_or(self.work.path());
        Path::new("/proc").join(self.outer.id().to_string()).join("root").join(work).join(name)
    }

    /// The file system as the case sees it. Do not follow absolute links in it.
    pub fn merged(&self) -> PathBuf {
        self.inside("m")
    }
}

impl Isolated for Sandbox {
    // Its outputs go to a file: a daemon that keeps them open must not make this wait.
    fn run(&mut self, command: &str, environment: &[String], limit: Duration) -> io::Result<Ended> {
        self.steps += 1;
        let path = self.work.path().join(format!("output-{}", self.steps));
        let file = File::create(&path)?;
        let mut process = Command::new("nsenter");
        process.args([
            "--target",
            &self.init.to_string(),
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
            "--",
        ]);
        if !self.host.has_own_init() {
            process.arg("chroot").arg(self.work.path().join("m"));
        }
        process.args(["/usr/bin/env", "-i"]).args(ENVIRONMENT);
        process.args(environment).args(["/bin/sh", "-c", command]);
        process.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).current_dir("/");
        let child = process.spawn().map_err(|e| io::Error::new(e.kind(), format!("nsenter: {e}")))?;
        let ended = Ended::wait(child, limit, &path)?;
        std::fs::remove_file(&path)?;
        Ok(ended)
    }

    fn snapshot(&self) -> io::Result<Snapshot> {
        tree::of_overlay(&self.lower, &self.inside("upper"), &self.merged())
    }

    fn enter(&self) -> String {
        let chroot = match self.host.has_own_init() {
            true => String::new(),
            false => format!("chroot {}/m ", self.work.path().display()),
        };
        format!("nsenter -t {} -m -u -i -n -p {chroot}/bin/sh", self.init)
    }

    fn base(&self) -> Box<dyn Base> {
        Box::new(tree::Root(self.lower.clone()))
    }

    fn keep(self: Box<Self>) {
        std::mem::forget(self);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Killing unshare kills process 1, and with it everything in the name spaces.
        let _ = self.outer.kill();
        let _ = self.outer.wait();
    }
}
