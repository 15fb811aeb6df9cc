//! The manifest on paper: as QR codes when it is short enough, and its SHA-256 in any case.
//!
//! The codes are those of [`parts`] under the name `ARCHIVER-MANIFEST-1`.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{Cell, HEX};
use crate::PaperError;
use crate::code::{Code, Level};
use crate::field;
use crate::flow::Flow;
use crate::parts;

/// Most bytes in one code, and most codes.
const BYTES_IN_CODE: usize = 600;
const LARGEST: usize = 2200;
/// Side of a code that stands alone, and of one beside another.
const ALONE: f32 = 90.0;
const BESIDE: f32 = 82.0;

pub(super) fn set(flow: &mut Flow, manifest: &[u8]) -> Result<(), PaperError> {
    if manifest.is_empty() {
        return Err(PaperError::Empty {
            field: "manifest".to_owned(),
        });
    }
    let digest = HEXLOWER.encode(&Sha256::digest(manifest));
    flow.heading("Manifest");
    flow.fact(
        "File",
        &Cell::new(
            super::TEXT,
            format!("custody.json, {} bytes", manifest.len()),
        ),
    );
    flow.fact("SHA-256", &Cell::new(HEX, field::grouped(&digest, 8)));
    flow.space();
    let texts = code_texts(manifest);
    if texts.is_empty() {
        flow.paragraph("It is too long for codes on paper; the digest above identifies the file.");
        return Ok(());
    }
    flow.paragraph(
        "Each code holds `ARCHIVER-MANIFEST-1`, its part and the number of parts, the first eight digits of the SHA-256, \
         and that part of the file in base32 (RFC 4648). The parts, joined in order, are the file.",
    );
    let side = if texts.len() == 1 { ALONE } else { BESIDE };
    let code = |text: &String| Code::at_most("manifest", text, Level::Medium, side);
    flow.codes(texts.iter().map(code).collect::<Result<_, _>>()?);
    Ok(())
}

/// The texts of the codes; none when the manifest is too long.
fn code_texts(manifest: &[u8]) -> Vec<String> {
    if manifest.len() > LARGEST {
        return Vec::new();
    }
    parts::texts("ARCHIVER-MANIFEST-1", manifest, BYTES_IN_CODE)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_largest_part_still_has_modules_that_read_back() {
        for (length, side) in [(600, ALONE), (1200, BESIDE), (2200, BESIDE)] {
            for text in code_texts(&vec![0xA5; length]) {
                let code = Code::new("manifest", &text, Level::Medium, side).unwrap();
                assert!(code.module() >= 0.8, "{length}: {}", code.module());
            }
        }
    }

    #[test]
    fn a_longer_manifest_has_no_codes() {
        assert!(code_texts(&[0; 2201]).is_empty());
    }
}
