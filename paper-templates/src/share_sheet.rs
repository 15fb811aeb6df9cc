//! A custodian's sheet: one page that holds one share, for thirty years in a safe.
//!
//! The page is folded twice and read in its thirds: who holds what (`identity`), the code and how to open
//! the archive with any tools (`recovery`), the share in words and as text, the signatures and the storage advice
//! (`closing`). No fold goes through the code.

mod closing;
mod identity;
mod recovery;
mod share_text;
mod share_words;

use std::fmt;

use self::share_text::ShareText;
use self::share_words::ShareWords;
use crate::page::Page;
use crate::{Paper, PaperError, SecretPdf, draw, field};

/// What stands on one custodian's sheet.
pub struct ShareSheet<'a> {
    /// Who owns the archive; up to about 80 characters.
    pub organisation: &'a str,
    /// The archive's OpenPGP user id, `Archiver <archiver@example.org>`.
    pub archive: &'a str,
    /// This share's index x, 1 to `shares`.
    pub share_index: u8,
    /// The number of shares n.
    pub shares: u8,
    /// The threshold k, at least 2.
    pub threshold: u8,
    /// The primary key's fingerprint: 40 hexadecimal digits (version 4) or 64 (version 6), not grouped.
    pub fingerprint: &'a str,
    /// The set id: 20 base32 characters in five groups.
    pub set_id: &'a str,
    /// The day of the ceremony, `2026-11-24`.
    pub ceremony_date: &'a str,
    /// The custodian's name; up to about 60 characters.
    pub custodian: &'a str,
    /// The custodian's role.
    pub role: &'a str,
    /// The serial of the envelope or bag.
    pub envelope: &'a str,
    /// The program and its version, `custodian 0.1.0`.
    pub program: &'a str,
    /// The format and its version, `share frame version 1`.
    pub format: &'a str,
    /// The share: a prefix that ends with a colon, then base32, all upper case. Secret.
    pub qr_text: &'a str,
    /// The same share in words: one text a row, its five words with blanks between. At most 12 rows. Secret.
    pub words: &'a [&'a str],
    /// Whether this is a rehearsal's sheet, which is overprinted and opens nothing.
    pub rehearsal: bool,
}

impl fmt::Debug for ShareSheet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareSheet")
            .field("set_id", &self.set_id)
            .field("share_index", &self.share_index)
            .field("qr_text", &"<redacted>")
            .field("words", &"<redacted>")
            .finish_non_exhaustive()
    }
}

/// Makes a custodian's sheet. The recovery steps on it are those of the `classic` profile.
///
/// The text of the code is set in QR alphanumeric mode at level Q, 60 mm wide: the 107 characters of a
/// share of one scalar give modules of 1.46 mm, the 158 characters of a share of two scalars 1.13 mm.
///
/// # Errors
///
/// [`PaperError`] names the field that is empty, malformed, holds a character that the fonts lack, or has
/// no room even at the smallest type size and in two lines.
pub fn share_sheet(sheet: &ShareSheet<'_>, paper: Paper) -> Result<SecretPdf, PaperError> {
    let page = page(sheet, paper)?;
    let title = format!(
        "Share {} of {}, set {}",
        sheet.share_index, sheet.shares, sheet.set_id
    );
    draw::pdf(&[page], &title).map(SecretPdf::new)
}

fn page(sheet: &ShareSheet<'_>, paper: Paper) -> Result<Page, PaperError> {
    field::threshold(sheet.threshold, sheet.shares)?;
    if !(1..=sheet.shares).contains(&sheet.share_index) {
        return Err(field::malformed(
            "share index",
            "at least 1 and at most the number of shares",
        ));
    }
    let text = ShareText::parse(sheet.qr_text)?;
    let words = ShareWords::parse(sheet.words)?;
    let mut page = Page::new(paper, sheet.rehearsal);
    page.fold_marks();
    identity::set(&mut page, sheet)?;
    recovery::set(&mut page, sheet, &text)?;
    closing::set(&mut page, &words, &text);
    Ok(page)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::fonts::MM_PER_POINT;
    use crate::page::Mark;

    /// The fullest sheet: two scalars, 255 shares, names of two lines.
    fn fullest(qr_text: &str) -> ShareSheet<'_> {
        ShareSheet {
            organisation: "Kommunalwissenschaftliches Institut für Archivwesen und Überlieferungsbildung e.V.",
            archive: "Archiver of the Supervisory Board <archiver-of-the-board@records.example.org>",
            share_index: 255,
            shares: 255,
            threshold: 255,
            fingerprint: "9D4B1A7C02E85F3361B7C0AA54D21F98E3706C5B9D4B1A7C02E85F3361B7C0AA",
            set_id: "7K2Q-ABCD-EFGH-IJKL-MNOP",
            ceremony_date: "2026-11-24",
            custodian: "Dr. Maximiliane-Alexandra Freifrau von und zu Hohenlohe-Lang",
            role: "Deputy Chairwoman of the Supervisory Board, Legal and Compliance",
            envelope: "SECURITY-BAG-2026-000000000042-17",
            program: "custodian 0.1.0",
            format: "share frame version 1",
            qr_text,
            words: &["aluminum mountain triumph armchair aluminum"; 12],
            rehearsal: true,
        }
    }

    /// Left, top, right and bottom of a text.
    fn extent(mark: &Mark) -> Option<[f32; 4]> {
        match mark {
            Mark::Text { x, y, style, text } => {
                let size = style.size * MM_PER_POINT;
                Some([*x, y - 0.75 * size, x + style.width(text), y + 0.25 * size])
            }
            _ => None,
        }
    }

    #[test]
    fn no_text_leaves_the_margins_stands_on_a_fold_or_on_another() {
        let qr_text = format!("ARCHIVER-SHARE-1:{}", "A".repeat(141));
        for paper in [Paper::A4, Paper::Letter] {
            let page = page(&fullest(&qr_text), paper).unwrap();
            let extents: Vec<_> = page.marks.iter().filter_map(extent).collect();
            for (position, [left, top, right, bottom]) in extents.iter().enumerate() {
                assert!(*left >= paper.left() && *right <= paper.right() + 0.01);
                assert!(*top > 5.0 && *bottom < paper.height() - 5.0);
                assert!(paper.folds().iter().all(|fold| fold < top || fold > bottom));
                for [other_left, other_top, other_right, other_bottom] in
                    extents.iter().skip(position + 1)
                {
                    let beside = right <= other_left || other_right <= left;
                    let apart = bottom <= other_top || other_bottom <= top;
                    assert!(
                        beside || apart,
                        "{paper:?}, text {position} at {left}, {bottom}"
                    );
                }
            }
        }
    }
}
