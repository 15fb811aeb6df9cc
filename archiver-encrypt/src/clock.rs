//! Where the time comes from: the system's clock, in everything that is shipped.

use std::time::{SystemTime, UNIX_EPOCH};

use archiver_core::identity::UtcTime;

/// Says what time it is; `None` when it cannot.
pub type Clock = fn() -> Option<UtcTime>;

/// Now, in UTC; `None` when the clock stands before 1970 or beyond the year 9999.
#[must_use]
pub fn system_clock() -> Option<UtcTime> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    UtcTime::from_unix(since_1970.as_secs().try_into().ok()?)
}
