//! The program as QR codes, compressed, which spares the typing.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use crate::code::{Code, Level};
use crate::flow::Flow;
use crate::form::LABEL;
use crate::page::Page;
use crate::{PaperError, parts};

const NAME: &str = "ARCHIVER-RECOVERY-1";
/// Most bytes in one code. Smaller codes than the manifest's: three rows of them fit on one page.
const BYTES_IN_CODE: usize = 480;
const SIDE: f32 = 71.0;
/// A row with the quiet zones above and below it.
const ROW: f32 = 77.4;
/// So many bytes are a whole number of base32 characters: the parts can be joined as text.
const BYTES_IN_BASE32: usize = 5;

/// Sets the codes, two in a row.
pub(super) fn set(flow: &mut Flow, script: &str) -> Result<(), PaperError> {
    let texts = texts(script)?;
    let total = texts.len();
    let codes = texts
        .iter()
        .map(|text| Code::new("the recovery program", text, Level::Medium, SIDE))
        .collect::<Result<Vec<_>, _>>()?;
    let mut codes = (1..).zip(codes).peekable();
    while codes.peek().is_some() {
        let row: Vec<_> = codes.by_ref().take(2).collect();
        flow.block(ROW, |page, y| {
            set_row(page, y, row, total);
            Ok(())
        })?;
    }
    Ok(())
}

/// Between the two codes stands, beside each, which part it is.
fn set_row(page: &mut Page, y: f32, row: Vec<(u32, Code)>, total: usize) {
    let (left, right) = (page.paper.left(), page.paper.right());
    for (number, code) in row {
        let beside = code.quiet_zone() + 1.5;
        let caption = format!("part {number} of {total}");
        if number % 2 == 1 {
            let x = left + SIDE + beside;
            page.text(x, y + 2.0, LABEL, "Program,");
            page.text(x, y + 5.2, LABEL, &caption);
            page.code(left, y, code);
        } else {
            let x = right - SIDE - beside;
            page.text_before(x, y + SIDE - 3.2, LABEL, "Program,");
            page.text_before(x, y + SIDE, LABEL, &caption);
            page.code(right - SIDE, y, code);
        }
    }
}

/// The texts of the codes.
fn texts(script: &str) -> Result<Vec<String>, PaperError> {
    Ok(parts::texts(NAME, &packed(script)?, BYTES_IN_CODE))
}

/// The script in gzip format (RFC 1952), filled up with zero bytes, which gunzip ignores.
fn packed(script: &str) -> Result<Vec<u8>, PaperError> {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    let mut bytes = gzip
        .write_all(script.as_bytes())
        .and_then(|()| gzip.finish())
        .map_err(|error| PaperError::Writer {
            reason: error.to_string(),
        })?;
    let step = bytes.len().div_ceil(BYTES_IN_CODE) * BYTES_IN_BASE32;
    bytes.resize(bytes.len().next_multiple_of(step), 0);
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::code::SMALLEST_MODULE;
    use crate::recovery_page::document;

    #[test]
    fn every_part_is_a_whole_number_of_base32_characters_in_a_code_that_reads_back() {
        for text in texts(document::script()).unwrap() {
            let base32 = text.rsplit(':').next().unwrap();
            assert!(base32.len().is_multiple_of(8), "{}", base32.len());
            let code = Code::new("script", &text, Level::Medium, SIDE).unwrap();
            assert!(code.module() >= SMALLEST_MODULE);
            assert!(code.side() + 2.0 * code.quiet_zone() <= ROW);
        }
    }
}
