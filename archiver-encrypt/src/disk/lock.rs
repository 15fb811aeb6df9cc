//! Waiting for a lock, and whether what is locked still stands at its path.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::DiskFolder;
use super::refusal::Refusal;

/// Writers hold the lock for well under a millisecond, so waiting begins short.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

impl DiskFolder<'_> {
    /// Locks what `open` opens, and makes sure that it stands at `path` then: it may have been moved away while we waited. `open` gives
    /// `None` to be asked again.
    pub(super) fn lock_what_stands_at(
        &self,
        path: &Path,
        open: impl Fn() -> io::Result<Option<File>>,
    ) -> io::Result<File> {
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            if let Some(file) = open()? {
                self.wait_for_lock(&file, path, deadline)?;
                if is_at(&file, path)? {
                    self.pause(Duration::ZERO)?;
                    return Ok(file);
                }
            }
            self.pause(FIRST_PAUSE)?;
        }
        Err(self.patience_ended(path))
    }

    /// Waits for a while; fails at once when the hook is asked to stop.
    fn pause(&self, duration: Duration) -> io::Result<()> {
        if let Some(stop) = self.stop {
            return stop.pause(duration);
        }
        thread::sleep(duration);
        Ok(())
    }

    fn patience_ended(&self, path: &Path) -> io::Error {
        let refusal = Refusal::Patience {
            path: path.display().to_string(),
            patience: self.patience,
        };
        refusal.into()
    }

    fn wait_for_lock(&self, file: &File, path: &Path, deadline: Instant) -> io::Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            match flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => (),
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(self.patience_ended(path));
                }
                Err(e) => return Err(e.into()),
            }
            self.pause(pause)?;
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }
}

/// Whether the path still leads to this file: it may have been rotated away while we waited.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(theirs) => Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}
