//! The reader rxing, taken apart so that it can be stopped.
//!
//! Its parts are called one by one: find the finder patterns, group them by three, sample and
//! decode each group. A page made to hurt has thousands of patterns; only the largest are tried.

use std::cmp::Reverse;

use rxing::common::{BitMatrix, DetectorRXingResult, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{
    FindFinderPatterns, FinderPatternSet, GenerateFinderPatternSets, SampleQR,
};
use rxing::{Binarizer, Luma8Source};

use super::Sight;
use crate::contain::give_up;
use crate::limits::Deadline;
use crate::{CodeText, GreyPage};

/// Finder patterns that are looked at: enough for a hundred codes on a page.
const MOST_PATTERNS: usize = 300;

/// Reads every code that rxing finds and counts those it sees. Only to be called contained.
pub(super) fn read(page: &GreyPage, deadline: Deadline, sight: &mut Sight) {
    let Some(matrix) = black_and_white(page) else {
        return;
    };
    let mut patterns = FindFinderPatterns(&matrix, true, 0);
    patterns.sort_by_key(|pattern| Reverse(pattern.size));
    patterns.truncate(MOST_PATTERNS);
    let mut read: Vec<FinderPatternSet> = Vec::new();
    for set in GenerateFinderPatternSets(&mut patterns) {
        if deadline.passed() {
            give_up();
        }
        if read.iter().any(|other| share_a_pattern(other, &set)) {
            continue;
        }
        let decoded = SampleQR(&matrix, &set).and_then(|sampled| Decode(sampled.getBits()));
        if let Ok(code) = decoded.as_ref()
            && code.isValid()
        {
            CodeText::from_text(code.text()).join(&mut sight.texts);
            read.push(set);
        }
    }
    let another = patterns.len() >= 3 * read.len() + SIGN_OF_A_CODE;
    sight.count(read.len() + usize::from(another), read.len());
}

/// Finder patterns that make it likely that there is one more code; a code has three, one of
/// which may be spoilt.
const SIGN_OF_A_CODE: usize = 2;

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

fn share_a_pattern(one: &FinderPatternSet, other: &FinderPatternSet) -> bool {
    [one.bl, one.tl, one.tr]
        .iter()
        .any(|p| [other.bl, other.tl, other.tr].contains(p))
}
