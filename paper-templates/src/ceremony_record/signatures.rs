//! What is written by hand: what became of each sheet after it was printed, and the lines that everybody signs.

use super::{RecordedCustodian, TEXT};
use crate::PaperError;
use crate::flow::Flow;
use crate::form::{self, LABEL};
use crate::page::Page;
use crate::paper::{GUTTER, TEXT_WIDTH};
use crate::typeset::fit;

const BLOCK_WIDTH: f32 = (TEXT_WIDTH - GUTTER) / 2.0;
const BLOCK_HEIGHT: f32 = 33.0;
const SIGNATURE_WIDTH: f32 = 46.0;
const GAP: f32 = 4.0;
const LINE_HEIGHT: f32 = 10.5;
const SHARE_WIDTH: f32 = 24.0;

/// Who signs: as what, and under which name when it is known.
struct Signer<'a> {
    role: String,
    name: Option<&'a str>,
}

pub(super) fn set(flow: &mut Flow, custodians: &[RecordedCustodian<'_>]) -> Result<(), PaperError> {
    after_printing(flow, custodians)?;
    let signers: Vec<Signer<'_>> = signers(custodians).collect();
    let pairs: Vec<_> = signers.chunks(2).collect();
    flow.heading_with_blocks("Signatures", BLOCK_HEIGHT, pairs.len());
    flow.paragraph("Each signs that the ceremony went as recorded on these pages.");
    flow.space();
    for pair in pairs {
        flow.block(BLOCK_HEIGHT, |page, y| pair_of_blocks(page, y, pair))?;
    }
    Ok(())
}

/// One line for each sheet: the program cannot see what happens to the paper.
fn after_printing(flow: &mut Flow, custodians: &[RecordedCustodian<'_>]) -> Result<(), PaperError> {
    flow.heading_with_blocks("The sheets on paper", LINE_HEIGHT, custodians.len());
    flow.paragraph("Filled in by hand, with initials, as each sheet is printed, read once more from the paper, and sealed.");
    flow.space();
    for custodian in custodians {
        flow.block(LINE_HEIGHT, |page, y| {
            let mut x = page.paper.left();
            page.text(x, y, TEXT, &format!("Share {}", custodian.share_index));
            x += SHARE_WIDTH;
            let width = (TEXT_WIDTH - SHARE_WIDTH + GAP) / 3.0;
            for label in ["Printed, whole", "Read from paper", "Sealed"] {
                form::blank(page, x, y, width - GAP, label);
                x += width;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn signers<'a>(custodians: &'a [RecordedCustodian<'a>]) -> impl Iterator<Item = Signer<'a>> {
    let unnamed = |role: &str| Signer {
        role: role.to_owned(),
        name: None,
    };
    let custodian = |custodian: &'a RecordedCustodian<'a>| Signer {
        role: format!("Custodian of share {}", custodian.share_index),
        name: Some(custodian.name),
    };
    [unnamed("Leader"), unnamed("Operator")]
        .into_iter()
        .chain(custodians.iter().map(custodian))
        .chain([unnamed("First witness"), unnamed("Second witness")])
}

fn pair_of_blocks(page: &mut Page, y: f32, pair: &[Signer<'_>]) -> Result<(), PaperError> {
    let mut x = page.paper.left();
    for signer in pair {
        block(page, x, y, signer)?;
        x += BLOCK_WIDTH + GUTTER;
    }
    Ok(())
}

fn block(page: &mut Page, x: f32, y: f32, signer: &Signer<'_>) -> Result<(), PaperError> {
    page.text(x, y, LABEL, &signer.role);
    match signer.name {
        Some(name) => {
            fit(&signer.role.to_lowercase(), name, TEXT, BLOCK_WIDTH)?.set(page, x, y + 4.6);
        }
        None => form::blank(page, x, y + 7.0, BLOCK_WIDTH, "Name"),
    }
    let line = y + 20.0;
    form::blank(page, x, line, SIGNATURE_WIDTH, "Signature");
    let place = x + SIGNATURE_WIDTH + GAP;
    form::blank(
        page,
        place,
        line,
        BLOCK_WIDTH - SIGNATURE_WIDTH - GAP,
        "Place, date",
    );
    Ok(())
}
