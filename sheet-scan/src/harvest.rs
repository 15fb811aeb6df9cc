//! What the looks at a page have brought so far, and whether it is enough.
//!
//! A page may carry several sheets. What is read is remembered with its place, so that the next
//! look goes to the rest of the page; what looks like a code without being read is remembered too.

use crate::limits::Deadline;
use crate::place::{Area, Point, Spot};
use crate::readers::Sight;
use crate::{CodeText, ScanError, Watch};

/// The texts and the places of a page.
#[derive(Default)]
pub(crate) struct Harvest {
    texts: Vec<CodeText>,
    /// A text among them is wanted.
    wanted: bool,
    /// Where the codes stand that were read.
    read: Vec<Area>,
    suspects: Vec<Suspect>,
    /// How many looks there were.
    looks: usize,
    /// A reader came to an end.
    looked: bool,
}

/// Something that looks like a code.
struct Suspect {
    spot: Spot,
    /// The look at which it was seen last, and at how many it was seen.
    last: usize,
    times: usize,
}

/// Looks at a page, however clean, before it is done: a second sheet may be too pale for the first.
const LEAST_LOOKS: usize = 3;

/// Looks at which something must resemble a code. In a single one, words may.
const LEAST_SIGHTINGS: usize = 2;

/// How large something must be, beside the smallest code that was read, to be more than lettering:
/// a row of zeros, each with its dot, looks like finder patterns.
const LEAST_SIZE: f32 = 0.4;

impl Harvest {
    /// Adds what a look brought, its places in pixels of the page.
    pub(crate) fn gather(&mut self, sight: Sight, watch: &mut dyn Watch) {
        self.looks += 1;
        self.looked |= sight.looked;
        for code in sight.codes {
            self.wanted |= watch.wants(&code.text);
            code.text.join(&mut self.texts);
            if !self.has_read(&code.area.spot()) {
                self.read.push(code.area);
            }
        }
        for spot in sight.spots {
            self.suspect(spot);
        }
        let read = std::mem::take(&mut self.read);
        self.suspects
            .retain(|suspect| !is_within(&read, &suspect.spot));
        self.read = read;
    }

    fn suspect(&mut self, spot: Spot) {
        let look = self.looks;
        if let Some(known) = self
            .suspects
            .iter_mut()
            .find(|known| known.spot.meets(&spot))
        {
            known.times += usize::from(known.last != look);
            known.last = look;
            if spot.reach > known.spot.reach {
                known.spot = spot;
            }
        } else {
            self.suspects.push(Suspect {
                spot,
                last: look,
                times: 1,
            });
        }
    }

    fn has_read(&self, spot: &Spot) -> bool {
        is_within(&self.read, spot)
    }

    /// The areas of the codes that were read.
    pub(crate) fn read(&self) -> &[Area] {
        &self.read
    }

    /// How many looks there were.
    pub(crate) fn looks(&self) -> usize {
        self.looks
    }

    /// How many codes were seen, at least, that no look could read. What touches is counted once:
    /// noise shows one code at several places.
    pub(crate) fn unread(&self) -> usize {
        let reaches = self.read.iter().map(|area| area.spot().reach);
        let least = reaches.fold(f32::INFINITY, f32::min) * LEAST_SIZE;
        let mut counted: Vec<&Spot> = Vec::new();
        for Suspect { spot, times, .. } in &self.suspects {
            let sure = *times >= LEAST_SIGHTINGS && spot.reach >= least;
            if sure && !counted.iter().any(|other| other.touches(spot)) {
                counted.push(spot);
            }
        }
        counted.len()
    }

    /// Whether a wanted text was found and nothing is left that looks like a code.
    pub(crate) fn is_complete(&self) -> bool {
        self.wanted && self.looks >= LEAST_LOOKS && self.unread() == 0
    }

    /// From now on the page has so many times more pixels a side.
    pub(crate) fn scale(&mut self, times: f32) {
        let larger = |point: Point| Point {
            x: point.x * times,
            y: point.y * times,
        };
        for area in &mut self.read {
            *area = area.map(larger);
        }
        for Suspect { spot, .. } in &mut self.suspects {
            spot.centre = larger(spot.centre);
            spot.reach *= times;
        }
    }

    /// The texts, at least one.
    pub(crate) fn bring_in(self, deadline: Deadline) -> Result<Vec<CodeText>, ScanError> {
        if !self.texts.is_empty() {
            Ok(self.texts)
        } else if deadline.passed() {
            Err(deadline.error())
        } else if !self.looked {
            Err(ScanError::Crashed("QR reader"))
        } else {
            Err(ScanError::NoCode {
                steps: self.looks,
                seen: !self.suspects.is_empty(),
            })
        }
    }

    /// Whether a text was found, wanted or not.
    pub(crate) fn has_texts(&self) -> bool {
        !self.texts.is_empty()
    }
}

/// Whether a spot is on a code that was read.
fn is_within(read: &[Area], spot: &Spot) -> bool {
    read.iter().any(|area| area.grown().contains(spot.centre))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::readers::Code;

    /// The area of a code, the first of several in a row.
    fn area(place: u8) -> Area {
        let left = f32::from(place) * 100.0;
        let corners = [(0.0, 0.0), (80.0, 0.0), (80.0, 80.0), (0.0, 80.0)];
        Area(corners.map(|(x, y)| Point { x: left + x, y }))
    }

    fn sight(codes: &[(&str, u8)], spots: &[u8]) -> Sight {
        Sight {
            codes: codes
                .iter()
                .map(|&(text, place)| Code {
                    text: CodeText::from_text(text.to_owned()),
                    area: area(place),
                })
                .collect(),
            spots: spots.iter().map(|&place| area(place).spot()).collect(),
            looked: true,
        }
    }

    fn harvest(sights: impl IntoIterator<Item = Sight>) -> Harvest {
        let mut harvest = Harvest::default();
        for sight in sights {
            harvest.gather(sight, &mut ());
        }
        harvest
    }

    fn nothing() -> Sight {
        sight(&[], &[])
    }

    #[test]
    fn a_harvest_is_complete_when_some_looks_showed_nothing_more() {
        assert!(!harvest([sight(&[("one", 0)], &[])]).is_complete());
        assert!(harvest([sight(&[("one", 0)], &[]), nothing(), nothing()]).is_complete());
        assert!(!harvest([nothing(), nothing(), nothing()]).is_complete());
    }

    #[test]
    fn a_code_that_is_only_seen_is_searched_for_until_it_is_read() {
        let mut harvest = harvest([sight(&[("one", 0)], &[1]), sight(&[], &[1]), nothing()]);
        assert_eq!(harvest.unread(), 1);
        assert!(!harvest.is_complete());
        harvest.gather(sight(&[("two", 1)], &[]), &mut ());
        assert_eq!(harvest.unread(), 0);
        assert!(harvest.is_complete());
        assert_eq!(harvest.read().len(), 2);
    }

    #[test]
    fn what_resembles_a_code_only_once_is_none() {
        let twice_in_one_look = sight(&[("one", 0)], &[1, 1]);
        let harvest = harvest([twice_in_one_look, nothing(), nothing()]);
        assert_eq!(harvest.unread(), 0);
        assert!(harvest.is_complete());
    }

    #[test]
    fn what_is_much_smaller_than_a_code_is_lettering() {
        let lettering = || Sight {
            spots: vec![Spot {
                reach: 20.0,
                ..area(1).spot()
            }],
            ..nothing()
        };
        let harvest = harvest([sight(&[("one", 0)], &[]), lettering(), lettering()]);
        assert_eq!(harvest.unread(), 0);
        assert!(harvest.is_complete());
    }

    #[test]
    fn a_spot_on_a_code_that_was_read_is_none() {
        let harvest = harvest([
            sight(&[], &[0]),
            sight(&[("one", 0), ("one", 0)], &[0]),
            sight(&[], &[0]),
        ]);
        assert_eq!(harvest.unread(), 0);
        assert_eq!(harvest.read().len(), 1);
    }

    #[test]
    fn the_same_text_at_two_places_is_one_text() {
        let harvest = harvest([sight(&[("one", 0), ("one", 1)], &[])]);
        assert_eq!(harvest.read().len(), 2);
        let texts = harvest.bring_in(Limits::default().deadline());
        assert!(texts.is_ok_and(|texts| texts.len() == 1));
    }

    struct Wants(&'static str);

    impl Watch for Wants {
        fn wants(&mut self, text: &CodeText) -> bool {
            text.expose_text() == self.0
        }
    }

    #[test]
    fn a_text_that_is_not_wanted_is_kept_and_the_search_goes_on() {
        let mut harvest = Harvest::default();
        for _ in 0..2 * LEAST_LOOKS {
            harvest.gather(sight(&[("foreign", 0)], &[]), &mut Wants("ours"));
            assert!(!harvest.is_complete());
        }
        harvest.gather(sight(&[("ours", 1)], &[]), &mut Wants("ours"));
        assert!(harvest.is_complete());
        assert_eq!(harvest.texts.len(), 2);
    }

    #[test]
    fn places_grow_with_the_page() {
        let mut harvest = harvest([sight(&[("one", 1)], &[2]), sight(&[], &[2])]);
        harvest.scale(1.5);
        let spot = area(1).map(|Point { x, y }| Point {
            x: x * 1.5,
            y: y * 1.5,
        });
        harvest.gather(
            Sight {
                spots: vec![spot.spot()],
                ..nothing()
            },
            &mut (),
        );
        assert_eq!(harvest.unread(), 1);
    }

    #[test]
    fn readers_that_never_came_to_an_end_have_crashed() {
        let harvest = harvest([Sight {
            looked: false,
            ..nothing()
        }]);
        let outcome = harvest.bring_in(Limits::default().deadline());
        assert!(matches!(outcome, Err(ScanError::Crashed(_))));
    }
}
