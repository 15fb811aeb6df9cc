//! The ladder: what is tried with a page, step by step, until its codes are read.
//!
//! The ways are data. Their order was chosen on pages with simulated damage: what reads most for
//! its time comes first; what only damaged pages need comes late. The ladder knows nothing of files.

use crate::filters;
use crate::limits::Deadline;
use crate::readers::{Sight, look};
use crate::{CodeText, GreyPage, ScanError, Watch};

/// One step of a scan, as told to a [`Watch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The page of the document, from 1.
    pub page: usize,
    /// Which step with this page, from 1.
    pub number: usize,
    /// How many there are at most.
    pub of: usize,
}

/// Climbs until the codes on a page are read: a wanted text is found, and no code was seen that
/// could not be read.
///
/// # Errors
///
/// When no text was found, wanted or not.
pub(crate) fn climb(
    page: &GreyPage,
    number: usize,
    deadline: Deadline,
    watch: &mut dyn Watch,
) -> Result<Vec<CodeText>, ScanError> {
    let mut sizes = Sizes::of(page);
    let mut harvest = Harvest::default();
    let ways: Vec<&Way> = LADDER.iter().filter(|way| way.suits(page)).collect();
    for way in &ways {
        if harvest.is_complete() || deadline.passed() {
            break;
        }
        harvest.steps += 1;
        watch.step(Step {
            page: number,
            number: harvest.steps,
            of: ways.len(),
        });
        let scaled = sizes.at(way.times);
        let changed = way.apply(scaled);
        harvest.gather(look(changed.as_ref().unwrap_or(scaled), deadline), watch);
    }
    harvest.bring_in(deadline)
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

    /// The page as this way shows it; none where that is the page itself.
    fn apply(&self, page: &GreyPage) -> Option<GreyPage> {
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
        Some(filters::rotated(
            filtered.as_ref().unwrap_or(page),
            self.turn,
        ))
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

    /// The page so many times smaller, beside what its sheer size demands.
    fn at(&mut self, times: usize) -> &GreyPage {
        let times = times * self.base;
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

/// What the steps so far have brought.
#[derive(Default)]
struct Harvest {
    texts: Vec<CodeText>,
    /// A text among them is wanted.
    wanted: bool,
    /// The most codes seen in one step, and the most read.
    seen: usize,
    read: usize,
    steps: usize,
    /// Steps since a wanted text was found.
    waited: usize,
    /// A reader came to an end.
    looked: bool,
}

/// How many steps a code that was seen, but not read, is worth once another was read.
const PATIENCE: usize = 4;

impl Harvest {
    fn gather(&mut self, sight: Sight, watch: &mut dyn Watch) {
        self.waited += usize::from(self.wanted);
        self.looked |= sight.looked;
        self.seen = self.seen.max(sight.seen);
        self.read = self.read.max(sight.read);
        for text in sight.texts {
            self.wanted |= watch.wants(&text);
            text.join(&mut self.texts);
        }
    }

    fn is_complete(&self) -> bool {
        let all_read = self.read.max(self.texts.len()) >= self.seen;
        self.wanted && (all_read || self.waited >= PATIENCE)
    }

    fn bring_in(self, deadline: Deadline) -> Result<Vec<CodeText>, ScanError> {
        if !self.texts.is_empty() {
            Ok(self.texts)
        } else if deadline.passed() {
            Err(deadline.error())
        } else if !self.looked {
            Err(ScanError::Crashed("QR reader"))
        } else {
            Err(ScanError::NoCode {
                steps: self.steps,
                seen: self.seen > 0,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn sight(texts: &[&str], seen: usize) -> Sight {
        let texts = texts
            .iter()
            .map(|&text| CodeText::from_text(text.to_owned()))
            .collect::<Vec<_>>();
        let read = texts.len();
        Sight {
            texts,
            seen,
            read,
            looked: true,
        }
    }

    struct Wants(&'static str);

    impl Watch for Wants {
        fn wants(&mut self, text: &CodeText) -> bool {
            text.expose_text() == self.0
        }
    }

    #[test]
    fn a_harvest_is_complete_when_every_code_seen_is_read() {
        let mut harvest = Harvest::default();
        harvest.gather(sight(&[], 1), &mut ());
        assert!(!harvest.is_complete());
        harvest.gather(sight(&["one"], 2), &mut ());
        assert!(!harvest.is_complete());
        harvest.gather(sight(&["two"], 1), &mut ());
        assert!(harvest.is_complete());
    }

    #[test]
    fn a_code_that_is_only_seen_is_waited_for_a_while() {
        let mut harvest = Harvest::default();
        harvest.gather(sight(&["one"], 2), &mut ());
        for _ in 0..PATIENCE {
            assert!(!harvest.is_complete());
            harvest.gather(sight(&["one"], 2), &mut ());
        }
        assert!(harvest.is_complete());
    }

    #[test]
    fn a_text_that_is_not_wanted_is_kept_and_the_search_goes_on() {
        let mut harvest = Harvest::default();
        for _ in 0..2 * PATIENCE {
            harvest.gather(sight(&["foreign"], 1), &mut Wants("ours"));
            assert!(!harvest.is_complete());
        }
        harvest.gather(sight(&["ours"], 1), &mut Wants("ours"));
        assert!(harvest.is_complete());
        assert_eq!(harvest.texts.len(), 2);
    }

    #[test]
    fn readers_that_never_came_to_an_end_have_crashed() {
        let mut harvest = Harvest::default();
        let deadline = Limits::default().deadline();
        harvest.gather(
            Sight {
                looked: false,
                ..sight(&[], 0)
            },
            &mut (),
        );
        assert!(matches!(
            harvest.bring_in(deadline),
            Err(ScanError::Crashed(_))
        ));
    }

    #[test]
    fn a_giant_page_is_first_made_workable() {
        let page = GreyPage::painted(7000, 7000, |_, _| ());
        let mut sizes = Sizes::of(&page);
        assert_eq!(sizes.at(1).width(), 3500);
        assert_eq!(sizes.at(2).width(), 1750);
        let small = GreyPage::painted(70, 70, |_, _| ());
        assert_eq!(Sizes::of(&small).at(1).width(), 70);
    }
}
