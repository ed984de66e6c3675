//! Signals as values: handlers write to a pipe, one loop reads it.
#![expect(unsafe_code, reason = "std has no signals")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// SIGTERM or SIGINT: end.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGCHLD: a child has ended.
    Child,
    /// The other end of the watched pipe is closed: its process is gone.
    Orphaned,
    /// The time is over.
    Timeout,
}

static PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn handler(signal: libc::c_int) {
    let byte = signal as u8;
    // SAFETY: write() is safe in handlers; the byte lives for the call. A full pipe already has news to read.
    unsafe {
        libc::write(PIPE.load(Ordering::Relaxed), (&raw const byte).cast(), 1);
    }
}

/// A pipe, both ends closed on exec, the first to read.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: pipe() fills two descriptors that nobody else owns; fcntl changes their flags.
    unsafe {
        if libc::pipe(ends.as_mut_ptr()) < 0 {
            return Err(io::Error::last_os_error());
        }
        for end in ends {
            libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// The receiver of this process's signals.
#[derive(Debug)]
pub struct Signals {
    read: OwnedFd,
    _write: OwnedFd,
}

impl Signals {
    /// Installs the handlers. Called again after fork(), it gives the child a pipe of its own.
    pub fn install() -> io::Result<Signals> {
        let (read, write) = pipe()?;
        for end in [&read, &write] {
            // SAFETY: flags of an open descriptor.
            unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        }
        PIPE.store(write.as_raw_fd(), Ordering::Relaxed);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGCHLD] {
            // SAFETY: a zeroed sigaction has an empty mask; the handler is async-signal-safe.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = handler as extern "C" fn(libc::c_int) as usize;
                action.sa_flags = libc::SA_RESTART;
                if libc::sigaction(signal, &raw const action, std::ptr::null_mut()) < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
        }
        Ok(Signals { read, _write: write })
    }

    /// Waits for a signal, for the end of `lifeline`, or for the time to pass.
    pub fn wait(&self, timeout: Duration, lifeline: Option<&OwnedFd>) -> Event {
        let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let watch = |fd: i32| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut fds = [watch(self.read.as_raw_fd()), watch(lifeline.map_or(-1, AsRawFd::as_raw_fd))];
        // SAFETY: two valid pollfd; a negative descriptor is ignored.
        unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as _, milliseconds) };
        let mut byte = 0_u8;
        // SAFETY: one byte into a place of one byte.
        let got = unsafe { libc::read(self.read.as_raw_fd(), (&raw mut byte).cast(), 1) };
        if got == 1 {
            return match libc::c_int::from(byte) {
                libc::SIGHUP => Event::Reload,
                libc::SIGCHLD => Event::Child,
                _ => Event::Stop,
            };
        }
        if fds[1].revents != 0 { Event::Orphaned } else { Event::Timeout }
    }
}
