//! The reader rxing, taken apart so that it can be stopped.
//!
//! Its parts are called one by one: find the finder patterns, group them by three, sample and
//! decode each group. A page made to hurt has thousands of patterns; only the largest are tried.

use rxing::common::{DetectorRXingResult, HybridBinarizer};
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

/// Reads every code that rxing finds. Only to be called contained.
pub(super) fn read(page: &GreyPage, deadline: Deadline, sight: &mut Sight) {
    let (Ok(width), Ok(height)) = (u32::try_from(page.width()), u32::try_from(page.height()))
    else {
        return;
    };
    let Ok(source) = Luma8Source::new_with_slice(page.expose_pixels(), width, height) else {
        return;
    };
    let binarizer = HybridBinarizer::new(source);
    let Ok(matrix) = binarizer.get_black_matrix() else {
        return;
    };
    let mut patterns = FindFinderPatterns(matrix, true, 0);
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.size));
    patterns.truncate(MOST_PATTERNS);
    let mut read: Vec<FinderPatternSet> = Vec::new();
    for set in GenerateFinderPatternSets(&mut patterns) {
        if deadline.passed() {
            give_up();
        }
        if read.iter().any(|other| share_a_pattern(other, &set)) {
            continue;
        }
        let decoded = SampleQR(matrix, &set).and_then(|sampled| Decode(sampled.getBits()));
        if let Ok(code) = decoded.as_ref()
            && code.isValid()
        {
            CodeText::from_text(code.text()).join(&mut sight.texts);
            read.push(set);
        }
    }
}

fn share_a_pattern(one: &FinderPatternSet, other: &FinderPatternSet) -> bool {
    [one.bl, one.tl, one.tr]
        .iter()
        .any(|p| [other.bl, other.tl, other.tr].contains(p))
}
