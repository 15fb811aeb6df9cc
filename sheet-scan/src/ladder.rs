//! The ladder: what is tried with a page, step by step, until its codes are read.
//!
//! The ways are data. Their order was chosen on pages with simulated damage: what reads most for
//! its time comes first; what only damaged pages need comes late. What was read is painted over
//! before the next step, so that every step is for the codes that are left. The ladder knows
//! nothing of files.

use crate::filters::{self, Turn};
use crate::harvest::Harvest;
use crate::limits::Deadline;
use crate::place::{Area, Point};
use crate::readers::{Sight, look};
use crate::{CodeText, GreyPage, ScanError, Watch};

/// One step of a scan, as told to a [`Watch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The page of the document, from 1.
    pub page: usize,
    /// How many pages the document has.
    pub pages: usize,
    /// Which step with this page, from 1.
    pub number: usize,
    /// How many there are at most.
    pub of: usize,
}

/// The work on one page, which may be shown several times, each time finer.
pub(crate) struct Climb<'watch> {
    page: usize,
    pages: usize,
    showings: usize,
    deadline: Deadline,
    watch: &'watch mut dyn Watch,
    harvest: Harvest,
    blank: bool,
    width: Option<usize>,
}

impl<'watch> Climb<'watch> {
    /// Begins with a page, counted from 1, that will be shown so many times at most.
    pub(crate) fn new(
        (page, pages): (usize, usize),
        showings: usize,
        deadline: Deadline,
        watch: &'watch mut dyn Watch,
    ) -> Self {
        Self {
            page,
            pages,
            showings,
            deadline,
            watch,
            harvest: Harvest::default(),
            blank: false,
            width: None,
        }
    }

    /// Climbs until the codes on a page are read: a wanted text is found, and nothing is left that
    /// looks like a code.
    pub(crate) fn climb(&mut self, page: &GreyPage) {
        if filters::is_blank(page) {
            self.blank = true;
            return;
        }
        if let Some(width) = self.width.replace(page.width()) {
            self.harvest.scale(ratio(page.width(), width));
        }
        let mut sizes = Sizes::of(page);
        let ways: Vec<&Way> = LADDER.iter().filter(|way| way.suits(page)).collect();
        for way in &ways {
            if self.is_done() {
                break;
            }
            self.watch.step(Step {
                page: self.page,
                pages: self.pages,
                number: self.harvest.looks() + 1,
                of: ways.len() * self.showings,
            });
            let sight = way.look(&mut sizes, self.harvest.read(), self.deadline);
            self.harvest.gather(sight, self.watch);
        }
    }

    /// Whether another showing of the page would bring nothing more.
    pub(crate) fn is_done(&self) -> bool {
        self.blank || self.harvest.is_complete() || self.deadline.passed()
    }

    /// Whether there is a text already.
    pub(crate) fn has_texts(&self) -> bool {
        self.harvest.has_texts()
    }

    /// The texts, wanted or not. The watch is told of the codes that were seen and not read.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(crate) fn bring_in(self) -> Result<Vec<CodeText>, ScanError> {
        if self.blank && !self.has_texts() {
            return Err(ScanError::Blank);
        }
        let unread = self.harvest.unread();
        let texts = self.harvest.bring_in(self.deadline)?;
        if unread > 0 {
            self.watch.left_unread(self.page, unread);
        }
        Ok(texts)
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "pages have fewer than 2²⁴ pixels a side"
)]
fn ratio(one: usize, other: usize) -> f32 {
    one as f32 / other as f32
}

/// One way to look at a page.
struct Way {
    /// How many times smaller.
    times: usize,
    filter: Filter,
    /// Turned by so many degrees.
    turn: f32,
}

enum Filter {
    Plain,
    Blurred,
    Flat,
    FlatBlurred,
    FlatMedian,
    /// Black and white, against the mean of a window; how many windows fit across the page.
    Threshold(usize),
}

const fn way(times: usize, filter: Filter) -> Way {
    Way {
        times,
        filter,
        turn: 0.0,
    }
}

const fn turned(times: usize, filter: Filter, turn: f32) -> Way {
    Way {
        times,
        filter,
        turn,
    }
}

const LADDER: &[Way] = &[
    way(2, Filter::Plain),
    way(3, Filter::Threshold(30)),
    way(2, Filter::Threshold(30)),
    way(2, Filter::FlatBlurred),
    way(3, Filter::Flat),
    way(3, Filter::Plain),
    way(3, Filter::FlatBlurred),
    way(2, Filter::Blurred),
    way(1, Filter::Blurred),
    way(1, Filter::Plain),
    way(1, Filter::FlatMedian),
    way(1, Filter::FlatBlurred),
    way(1, Filter::Threshold(30)),
    way(2, Filter::Threshold(12)),
    turned(3, Filter::Plain, 15.0),
    turned(2, Filter::Plain, 15.0),
    turned(2, Filter::Flat, 45.0),
    turned(1, Filter::Plain, 15.0),
    turned(1, Filter::Flat, 45.0),
];

impl Way {
    /// A long strip is not turned: its canvas would be giant.
    fn suits(&self, page: &GreyPage) -> bool {
        let (long, short) = (
            page.width().max(page.height()),
            page.width().min(page.height()),
        );
        self.turn == 0.0 || long / short < 4
    }

    /// Looks at the page in this way, past the areas that were read already. Places are in pixels
    /// of the page, before and after.
    fn look(&self, sizes: &mut Sizes<'_>, read: &[Area], deadline: Deadline) -> Sight {
        let times = sizes.times(self.times);
        let scaled = sizes.at(self.times);
        let frame = Frame {
            times: ratio(times, 1),
            turn: Turn::new(scaled, self.turn),
        };
        let mut view = self.apply(scaled, &frame.turn);
        for area in read {
            view.get_or_insert_with(|| scaled.copy())
                .whiten(&area.map(|point| frame.to_view(point)).grown());
        }
        let sight = look(view.as_ref().unwrap_or(scaled), deadline);
        sight.moved(|point| frame.to_page(point))
    }

    /// The page as this way shows it; none where that is the page itself.
    fn apply(&self, page: &GreyPage, turn: &Turn) -> Option<GreyPage> {
        let flat = || filters::flattened(page, page.width() / 24);
        let filtered = match self.filter {
            Filter::Plain => None,
            Filter::Blurred => Some(filters::blurred(page)),
            Filter::Flat => Some(flat()),
            Filter::FlatBlurred => Some(filters::blurred(&flat())),
            Filter::FlatMedian => Some(filters::median(&flat())),
            Filter::Threshold(windows) => {
                Some(filters::thresholded(page, page.width() / windows / 2))
            }
        };
        if self.turn == 0.0 {
            return filtered;
        }
        Some(turn.apply(filtered.as_ref().unwrap_or(page)))
    }
}

/// From the page to a view of it and back: smaller, and turned.
struct Frame {
    times: f32,
    turn: Turn,
}

impl Frame {
    fn to_view(&self, Point { x, y }: Point) -> Point {
        self.turn.forth(Point {
            x: x / self.times,
            y: y / self.times,
        })
    }

    fn to_page(&self, point: Point) -> Point {
        let Point { x, y } = self.turn.back(point);
        Point {
            x: x * self.times,
            y: y * self.times,
        }
    }
}

/// A page in several sizes, the last one kept for the next step.
struct Sizes<'page> {
    page: &'page GreyPage,
    base: usize,
    times: usize,
    reduced: Option<GreyPage>,
}

/// More pixels than this show no code better: A4 at 470 dpi.
const MOST_PIXELS: usize = 22_000_000;

impl<'page> Sizes<'page> {
    fn of(page: &'page GreyPage) -> Self {
        let pixels = page.expose_pixels().len();
        let mut base = 1;
        while pixels / (base * base) > MOST_PIXELS {
            base += 1;
        }
        Self {
            page,
            base,
            times: 1,
            reduced: None,
        }
    }

    /// How many times smaller the page really gets, for its sheer size.
    fn times(&self, times: usize) -> usize {
        times * self.base
    }

    /// The page so many times smaller, beside what its sheer size demands.
    fn at(&mut self, times: usize) -> &GreyPage {
        let times = self.times(times);
        if times == 1 {
            return self.page;
        }
        if self.times != times {
            self.times = times;
            self.reduced = None;
        }
        self.reduced
            .get_or_insert_with(|| filters::reduced(self.page, times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_giant_page_is_first_made_workable() {
        let page = GreyPage::painted(7000, 7000, |_, _| ());
        let mut sizes = Sizes::of(&page);
        assert_eq!(sizes.at(1).width(), 3500);
        assert_eq!(sizes.at(2).width(), 1750);
        let small = GreyPage::painted(70, 70, |_, _| ());
        assert_eq!(Sizes::of(&small).at(1).width(), 70);
    }

    #[test]
    fn places_find_their_way_into_a_view_and_back() {
        let page = GreyPage::painted(600, 400, |_, _| ());
        for degrees in [0.0, 15.0, 45.0, 200.0] {
            let frame = Frame {
                times: 3.0,
                turn: Turn::new(&page, degrees),
            };
            let point = Point { x: 500.0, y: 900.0 };
            let back = frame.to_page(frame.to_view(point));
            assert!(point.distance(back) < 0.1, "{degrees}: {back:?}");
        }
    }
}
