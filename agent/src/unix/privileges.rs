//! The unprivileged user of the daemon.
#![expect(
    unsafe_code,
    reason = "std has no user database and no way to change the user of a running process"
)]

use std::ffi::CString;
use std::io;

use super::Error;
use crate::settings::Settings;

/// Numbers of a user and its primary group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// User number.
    pub uid: libc::uid_t,
    /// Number of its primary group.
    pub gid: libc::gid_t,
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    // SAFETY: geteuid() cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Finds the user of the settings: in the user database, else by the numbers that the installation recorded
/// (a statically linked program sees no directory services).
pub fn account(settings: &Settings) -> Result<Account, Error> {
    if let Some(account) = look_up(&settings.user) {
        return Ok(account);
    }
    match (settings.uid, settings.gid) {
        (Some(uid), Some(gid)) => Ok(Account { uid, gid }),
        _ => Err(Error::new(format!(
            "{}: the user {} does not exist and no numbers are recorded: install the package again",
            settings.path.display(),
            settings.user
        ))),
    }
}

fn look_up(name: &str) -> Option<Account> {
    let name = CString::new(name).ok()?;
    let mut buffer = vec![0; 16 * 1024];
    let mut result = std::ptr::null_mut();
    // SAFETY: a zeroed passwd is only written to; getpwnam_r fills it from `buffer`, which outlives its use.
    unsafe {
        let mut entry: libc::passwd = std::mem::zeroed();
        let code = libc::getpwnam_r(
            name.as_ptr(),
            &raw mut entry,
            buffer.as_mut_ptr(),
            buffer.len(),
            &raw mut result,
        );
        (code == 0 && !result.is_null()).then_some(Account { uid: entry.pw_uid, gid: entry.pw_gid })
    }
}

/// Becomes the user for good: groups, then group, then user; and proves that there is no way back.
pub fn drop_to(account: Account) -> Result<(), Error> {
    let check = |result: libc::c_int, what: &str| {
        if result == 0 { Ok(()) } else { Err(Error::io(what, io::Error::last_os_error())) }
    };
    if account.uid == 0 {
        return Err(Error::new("the agent's user is root: install again with another VEN_NONPRIV_USER"));
    }
    // SAFETY: plain calls on this process; setgroups reads one group.
    unsafe {
        check(libc::setgroups(1, &raw const account.gid), "setgroups")?;
        check(libc::setgid(account.gid), "setgid")?;
        check(libc::setuid(account.uid), "setuid")?;
        if libc::setuid(0) == 0 {
            return Err(Error::new("root's rights could be taken back after they were given up"));
        }
    }
    Ok(())
}

/// Gives an open file or directory to the account.
pub fn give(file: &std::fs::File, uid: libc::uid_t, gid: libc::gid_t) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(uid), Some(gid))
}
