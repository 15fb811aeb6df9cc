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
use crate::place::{Area, Point, Spot};
use crate::{CodeText, GreyPage};

/// What the readers saw on a page.
#[derive(Default)]
pub(crate) struct Sight {
    /// The codes that were read; one that both readers read stands twice.
    pub(crate) codes: Vec<Code>,
    /// What looks like a code and was not read by the reader that saw it.
    pub(crate) spots: Vec<Spot>,
    /// At least one reader came to an end.
    pub(crate) looked: bool,
}

/// A code that was read, and where it stands.
pub(crate) struct Code {
    pub(crate) text: CodeText,
    pub(crate) area: Area,
}

impl Sight {
    /// The same, with every place moved.
    pub(crate) fn moved(mut self, to: impl Fn(Point) -> Point) -> Self {
        for code in &mut self.codes {
            code.area = code.area.map(&to);
        }
        for spot in &mut self.spots {
            let edge = Point {
                x: spot.centre.x + spot.reach,
                ..spot.centre
            };
            spot.centre = to(spot.centre);
            spot.reach = spot.centre.distance(to(edge));
        }
        self
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
