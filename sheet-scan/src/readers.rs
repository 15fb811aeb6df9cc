//! Looks for QR codes on one page as it is, with two readers of different descent: what one
//! misses, the other often reads.
//!
//! rqrr descends from quirc, rxing from zxing-cpp. Both work until they are done or their time is
//! over; their panics stay here.

mod quirc;
mod zxing;

use std::time::Duration;

use crate::contain::contain;
use crate::limits::Deadline;
use crate::{CodeText, GreyPage};

/// What the readers saw on a page.
#[derive(Default)]
pub(crate) struct Sight {
    /// The texts of the codes that were read, each once.
    pub(crate) texts: Vec<CodeText>,
    /// The most codes that a reader saw, read or not.
    pub(crate) seen: usize,
    /// The most codes that a reader read; more than there are texts where a code stands twice.
    pub(crate) read: usize,
    /// At least one reader came to an end.
    pub(crate) looked: bool,
}

impl Sight {
    fn count(&mut self, seen: usize, read: usize) {
        self.seen = self.seen.max(seen);
        self.read = self.read.max(read);
    }
}

/// What a reader may take for one look. Noise can look like a thousand finder patterns; another
/// look at the page, filtered, costs less than trying them all.
const TIME_FOR_A_LOOK: Duration = Duration::from_secs(2);

/// Reads what can be read on this page as it is.
pub(crate) fn look(page: &GreyPage, deadline: Deadline) -> Sight {
    let mut sight = Sight::default();
    for read in [zxing::read, quirc::read] {
        let deadline = deadline.within(TIME_FOR_A_LOOK);
        sight.looked |= contain(|| read(page, deadline, &mut sight)).is_ok();
    }
    sight
}
