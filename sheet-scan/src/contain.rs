//! Runs foreign decoders so that neither their panics nor their slowness get out.
//!
//! A panic becomes a value. Its message may quote the decoded text, so it is wiped, and the
//! process's panic hook stays silent about it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use zeroize::Zeroize;

/// Why contained work did not return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It panicked.
    Panicked,
    /// It ended itself with [`give_up`].
    OutOfTime,
}

/// Runs work that may panic.
pub(crate) fn contain<T>(work: impl FnOnce() -> T) -> Result<T, Stopped> {
    silence_contained_panics();
    let outer = CONTAINED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    outcome.map_err(reason)
}

/// Ends the contained work around the call: a way out of a decoder that offers none.
pub(crate) fn give_up() -> ! {
    // Unwinds like a panic, without the hook. Only ever called inside `contain`.
    panic::resume_unwind(Box::new(GaveUp))
}

struct GaveUp;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Wraps the process's panic hook, once. A program with a hook of its own sets it before its first
/// scan.
fn silence_contained_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                usual(info);
            }
        }));
    });
}

fn reason(mut payload: Box<dyn Any + Send>) -> Stopped {
    if let Some(message) = payload.downcast_mut::<String>() {
        message.zeroize();
    }
    if payload.is::<GaveUp>() {
        Stopped::OutOfTime
    } else {
        Stopped::Panicked
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "panics are what is tested")]
mod tests {
    use super::*;

    #[test]
    fn work_that_returns_gives_its_value() {
        assert_eq!(contain(|| 7), Ok(7));
    }

    #[test]
    fn a_panic_becomes_a_value() {
        assert_eq!(
            contain(|| panic!("the text is {}", "secret")),
            Err::<(), _>(Stopped::Panicked)
        );
    }

    #[test]
    fn work_that_gave_up_is_out_of_time() {
        assert_eq!(contain(|| give_up()), Err::<(), _>(Stopped::OutOfTime));
    }

    #[test]
    fn only_contained_panics_are_silent() {
        assert_eq!(contain(|| contain(|| panic!()).map_or(1, |()| 2)), Ok(1));
        assert!(!CONTAINED.get());
    }
}
