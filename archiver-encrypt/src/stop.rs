//! Signals that ask the hook to stop, and where it listens to them: while it waits for the mail, and until it holds the lock. From
//! then on it finishes or takes back what it wrote, whatever comes.
//!
//! SIGTERM, SIGINT and SIGHUP are blocked and read from a signalfd, so that no system call is ever interrupted. SIGXFSZ and
//! SIGPIPE are blocked for good: then a file size limit and a closed pipe are ordinary errors, EFBIG and EPIPE.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use thiserror::Error;

/// The signals that ask the hook to stop, blocked for the calling thread.
#[derive(Debug)]
pub(crate) struct StopSignals(SignalFd);

/// A signal asked the hook to stop.
#[derive(Debug, Error)]
#[error("stopped by {0}")]
struct Stopped(&'static str);

impl StopSignals {
    /// Blocks the signals. To be called before any other thread is started.
    ///
    /// # Errors
    /// What the system reports.
    pub(crate) fn block() -> io::Result<Self> {
        let stop = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
        stop.thread_block()?;
        SigSet::from_iter([Signal::SIGXFSZ, Signal::SIGPIPE]).thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&stop, flags)?))
    }

    /// Waits for a while; fails at once when the hook is asked to stop.
    pub(crate) fn pause(&self, duration: Duration) -> io::Result<()> {
        let timeout = PollTimeout::try_from(duration).map_err(io::Error::other)?;
        self.poll(&mut [self.poll_fd()], timeout)
    }

    /// Waits until `input` has something to read, or its end; fails at once when the hook is asked to stop.
    pub(crate) fn wait_for_input(&self, input: BorrowedFd<'_>) -> io::Result<()> {
        let input = PollFd::new(input, PollFlags::POLLIN);
        self.poll(&mut [self.poll_fd(), input], PollTimeout::NONE)
    }

    fn poll_fd(&self) -> PollFd<'_> {
        PollFd::new(self.0.as_fd(), PollFlags::POLLIN)
    }

    /// The first of `fds` is ours. Fails when a signal has come.
    fn poll(&self, fds: &mut [PollFd<'_>], timeout: PollTimeout) -> io::Result<()> {
        match poll(fds, timeout) {
            Ok(_) => (),
            Err(Errno::EINTR) => return Ok(()),
            Err(e) => return Err(e.into()),
        }
        if fds.first().and_then(PollFd::any) == Some(false) {
            return Ok(());
        }
        match self.0.read_signal()? {
            None => Ok(()),
            Some(info) => Err(io::Error::other(Stopped(name(info.ssi_signo)))),
        }
    }
}

fn name(number: u32) -> &'static str {
    let signal = i32::try_from(number).ok().map(Signal::try_from);
    signal
        .and_then(Result::ok)
        .map_or("a signal", Signal::as_str)
}
