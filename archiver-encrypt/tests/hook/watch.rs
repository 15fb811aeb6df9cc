//! Notices what somebody does with a vault, without asking the process: the hook's own /proc/PID/fd is closed to its user, because
//! it may not dump core.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) use rustix::fs::inotify::WatchFlags;
use rustix::fs::inotify::{CreateFlags, add_watch, init};

/// Waits until `done`, for ten seconds at most.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(Duration::from_millis(5));
    }
}

/// A watch for one kind of event.
pub(crate) struct Watch(OwnedFd);

impl Watch {
    /// Begins to watch; what happened before does not count.
    pub(crate) fn on(vault: &Path, event: WatchFlags) -> Self {
        let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        add_watch(&watch, vault, event).unwrap();
        Self(watch)
    }

    /// Waits until it has happened.
    pub(crate) fn wait(&self) {
        let mut event = [0_u8; 1024];
        wait_until("somebody uses the vault", || {
            rustix::io::read(&self.0, &mut event).is_ok()
        });
    }
}
