//! The three embedded faces: which characters they have and how wide these are.
//!
//! The files and how they were made: `fonts/README.md`. Widths are the integers that stand in the PDF
//! (thousandths of the type size), so that what is measured here is what a viewer draws.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::draw;

/// Millimetres in a typographic point.
pub(crate) const MM_PER_POINT: f32 = 25.4 / 72.0;

/// A face in which text is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    Regular,
    Semibold,
    Mono,
}

impl Face {
    pub(crate) const ALL: [Face; 3] = [Face::Regular, Face::Semibold, Face::Mono];

    /// Its name in the PDF.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Face::Regular => "OpenSans-Regular",
            Face::Semibold => "OpenSans-Semibold",
            Face::Mono => "DejaVuSansMono",
        }
    }

    /// Its TrueType program.
    pub(crate) fn program(self) -> &'static [u8] {
        match self {
            Face::Regular => include_bytes!("../fonts/OpenSans-Regular.ttf"),
            Face::Semibold => include_bytes!("../fonts/OpenSans-Semibold.ttf"),
            Face::Mono => include_bytes!("../fonts/DejaVuSansMono.ttf"),
        }
    }

    /// Width of a text in millimetres at a type size in points. A character that the face lacks has none.
    pub(crate) fn width(self, text: &str, size: f32) -> f32 {
        let advances = self.advances();
        let thousandths: u32 = text
            .chars()
            .filter_map(|c| advances.get(&c))
            .map(|advance| u32::from(*advance))
            .sum();
        // A line holds far fewer than 2^24 thousandths, so the conversion is exact.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        let ems = thousandths as f32 / 1000.0;
        ems * size * MM_PER_POINT
    }

    fn has(self, character: char) -> bool {
        self.advances().contains_key(&character)
    }

    fn advances(self) -> &'static BTreeMap<char, u16> {
        static ADVANCES: LazyLock<[BTreeMap<char, u16>; 3]> =
            LazyLock::new(|| Face::ALL.map(|face| draw::advances(face.program())));
        let [regular, semibold, mono] = &*ADVANCES;
        match self {
            Face::Regular => regular,
            Face::Semibold => semibold,
            Face::Mono => mono,
        }
    }
}

/// The first character of `text` that the pages' fonts cannot print, or `None` when all can be printed.
///
/// The fonts have Latin-1, Latin Extended-A and common punctuation. Control characters, tabs and line ends
/// cannot be printed; nor can an accent that stands as a character of its own (write `é` as one character).
#[must_use]
pub fn missing_glyph(text: &str) -> Option<char> {
    text.chars()
        .find(|c| !Face::ALL.iter().all(|face| face.has(*c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn european_names_can_be_printed() {
        for name in [
            "Zoë Müller-Lüdenscheidt",
            "Łukasz Żółć",
            "Þórður Ægisson",
            "Ștefan Țîră",
            "O’Brien — ½ € “x”",
        ] {
            assert_eq!(missing_glyph(name), None, "{name}");
        }
    }

    #[test]
    fn the_first_character_without_a_glyph_is_named() {
        for (text, missing) in [
            ("Ольга", 'О'),
            ("A 李", '李'),
            ("tab\tstop", '\t'),
            ("line\nend", '\n'),
            ("Jose\u{301}", '\u{301}'),
            ("🔑", '🔑'),
        ] {
            assert_eq!(missing_glyph(text), Some(missing), "{text}");
        }
    }

    #[test]
    fn the_signs_that_only_pages_print_are_in_their_faces() {
        assert!(['✓', '✗', '–'].iter().all(|c| Face::Mono.has(*c)));
        assert!(
            ['ℓ', '∑', '∏', '−', '′', '·', '⁵', '²']
                .iter()
                .all(|c| Face::Regular.has(*c))
        );
    }

    #[test]
    fn mono_is_mono_and_widths_grow_with_size() {
        let one = Face::Mono.width("0", 10.0);
        assert!((Face::Mono.width("Oil1 ", 10.0) - 5.0 * one).abs() < 0.001);
        assert!(
            (Face::Regular.width("sheet", 20.0) - 2.0 * Face::Regular.width("sheet", 10.0)).abs()
                < 0.001
        );
    }
}
