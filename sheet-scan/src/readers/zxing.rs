//! The reader rxing, taken apart so that it can be stopped.
//!
//! Its parts are called one by one: find the finder patterns, group them by three, sample and
//! decode each group. A page made to hurt has thousands of patterns; only the largest are tried.

use std::cmp::Reverse;

use rxing::common::cpp_essentials::{ConcentricPattern, DecoderResult};
use rxing::common::{BitMatrix, DetectorRXingResult, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{
    FindFinderPatterns, FinderPatternSet, FinderPatterns, GenerateFinderPatternSets, SampleQR,
};
use rxing::{Binarizer, Luma8Source};

use super::{Code, Sight};
use crate::contain::give_up;
use crate::limits::Deadline;
use crate::place::{Area, Point, Spot};
use crate::{CodeText, GreyPage};

/// Finder patterns that are looked at: enough for a hundred codes on a page.
const MOST_PATTERNS: usize = 300;

/// Reads every code that rxing finds and tells where it sees one that it cannot read. Only to be
/// called contained.
pub(super) fn read(page: &GreyPage, deadline: Deadline, sight: &mut Sight) {
    let Some(matrix) = black_and_white(page) else {
        return;
    };
    let mut patterns = FindFinderPatterns(&matrix, true, 0);
    patterns.sort_by_key(|pattern| Reverse(pattern.size));
    patterns.truncate(MOST_PATTERNS);
    let mut failed: Vec<FinderPatternSet> = Vec::new();
    for set in GenerateFinderPatternSets(&mut patterns) {
        if deadline.passed() {
            give_up();
        }
        if !three_of(&set).iter().all(|one| patterns.contains(one)) {
            continue;
        }
        if let Some(code) = read_set(&matrix, &set) {
            patterns.retain(|one| !three_of(&set).contains(one) && !covers(&code.area, one));
            sight.codes.push(code);
        } else {
            failed.push(set);
        }
    }
    sight.spots.extend(suspicious(failed, patterns));
}

fn read_set(matrix: &BitMatrix, set: &FinderPatternSet) -> Option<Code> {
    let sampled = SampleQR(matrix, set).ok()?;
    let decoded = Decode(sampled.getBits())
        .ok()
        .filter(DecoderResult::isValid)?;
    let &[a, b, c, d] = sampled.getPoints() else {
        return None;
    };
    Some(Code {
        text: CodeText::from_text(decoded.text()),
        area: Area([a, b, c, d].map(point)),
    })
}

/// Where finder patterns that belong to no code that was read make it likely that there is one:
/// three in the corners of a square, or two side by side, where a stain hides the third.
fn suspicious(sets: Vec<FinderPatternSet>, mut left: FinderPatterns) -> Vec<Spot> {
    let mut spots = Vec::new();
    for set in sets {
        if three_of(&set).iter().all(|one| left.contains(one)) {
            spots.push(between(set.bl, set.tr));
            left.retain(|one| !three_of(&set).contains(one));
        }
    }
    while let Some(one) = left.pop() {
        if let Some(other) = left.iter().position(|&other| are_a_pair(one, other)) {
            spots.push(between(one, left.swap_remove(other)));
        }
    }
    spots
}

/// Whether two finder patterns can be of one code of our size: about as large, and 4 to 14 times
/// their own size apart (the codes of sheets: 7 times along a side and 10 times across).
fn are_a_pair(one: ConcentricPattern, other: ConcentricPattern) -> bool {
    let (small, large) = (one.size.min(other.size), one.size.max(other.size));
    let apart = point(one.p).distance(point(other.p));
    large * 2 <= small * 3 && (length(small) * 4.0..length(large) * 14.0).contains(&apart)
}

fn between(one: ConcentricPattern, other: ConcentricPattern) -> Spot {
    let (one_end, other_end) = (point(one.p), point(other.p));
    Spot {
        centre: one_end.middle(other_end),
        reach: one_end.distance(other_end) / 2.0 + length(one.size),
    }
}

fn covers(area: &Area, pattern: &ConcentricPattern) -> bool {
    area.contains(point(pattern.p))
}

fn three_of(set: &FinderPatternSet) -> [ConcentricPattern; 3] {
    [set.bl, set.tl, set.tr]
}

fn point(point: rxing::Point) -> Point {
    Point {
        x: point.x,
        y: point.y,
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "pages have fewer than 2²⁴ pixels a side"
)]
fn length(pixels: i32) -> f32 {
    pixels as f32
}

fn black_and_white(page: &GreyPage) -> Option<BitMatrix> {
    let (width, height) = (
        page.width().try_into().ok()?,
        page.height().try_into().ok()?,
    );
    let source = Luma8Source::new_with_slice(page.expose_pixels(), width, height).ok()?;
    HybridBinarizer::new(source)
        .get_black_matrix()
        .ok()
        .cloned()
}
