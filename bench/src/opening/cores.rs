//! Runs something on so many of the machine's cores; the processes that it starts stay on them too.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Runs `work` with the calling thread on the first `count` cores that it may use, and gives the others back afterwards.
///
/// # Errors
/// What the system reports.
pub(super) fn on_cores<T>(count: usize, work: impl FnOnce() -> T) -> io::Result<T> {
    let all = sched_getaffinity(None)?;
    let mut some = CpuSet::new();
    let allowed = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core));
    allowed.take(count).for_each(|core| some.set(core));
    sched_setaffinity(None, &some)?;
    let done = work();
    sched_setaffinity(None, &all)?;
    Ok(done)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_cores_are_given_back() {
        let before = sched_getaffinity(None).unwrap();
        let inside = on_cores(1, || sched_getaffinity(None).unwrap()).unwrap();
        assert_eq!(inside.count(), 1);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
