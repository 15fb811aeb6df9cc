//! The one place where the clock is read.

use std::time::{SystemTime, UNIX_EPOCH};

use archiver_core::identity::UtcTime;
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::Explained;

/// The clock shows no usable time.
#[derive(Debug, Error)]
#[error("this machine's clock shows a time before 1970 or after 9999")]
pub(crate) struct ClockError;

impl Explained for ClockError {
    fn hint(&self) -> String {
        "set the clock; the ceremony record and the key carry its time".to_owned()
    }

    fn exit(&self) -> Exit {
        Exit::Internal
    }
}

/// Now, in UTC.
pub(crate) fn now() -> Result<UtcTime, ClockError> {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|_| ClockError)?;
    let seconds = i64::try_from(since_1970.as_secs()).map_err(|_| ClockError)?;
    UtcTime::from_unix(seconds).ok_or(ClockError)
}
