//! QR codes (ISO/IEC 18004) as modules, and how large they must be to be read back from paper.
//!
//! The one module that names the QR encoder. It refuses a code whose modules would be under
//! [`SMALLEST_MODULE`].

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::PaperError;

/// Smallest module that still reads back from a worn page, in millimetres.
pub(crate) const SMALLEST_MODULE: f32 = 0.75;
/// White modules that must surround a code.
pub(crate) const QUIET_MODULES: u8 = 4;

/// How much of a code may be damaged.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    /// About 15 %: for public payloads of several hundred bytes.
    Medium,
    /// About 25 %: for shares.
    Quartile,
}

/// A code of given modules, drawn in a square of given side. Wiped when dropped.
pub(crate) struct Code {
    modules_per_side: u8,
    side: f32,
    dark: Zeroizing<Vec<bool>>,
}

impl Code {
    /// Encodes `text` so that the code, without its quiet zone, has the given side in millimetres.
    pub(crate) fn new(
        field: &str,
        text: &str,
        level: Level,
        side: f32,
    ) -> Result<Self, PaperError> {
        let refused = || PaperError::TooDense {
            field: field.to_owned(),
        };
        let level = match level {
            Level::Medium => EcLevel::M,
            Level::Quartile => EcLevel::Q,
        };
        let code = QrCode::with_error_correction_level(text, level).map_err(|_| refused())?;
        let modules_per_side = u8::try_from(code.width()).map_err(|_| refused())?;
        let colors = code.into_colors();
        let dark = Zeroizing::new(colors.iter().map(|color| *color == Color::Dark).collect());
        let code = Self {
            modules_per_side,
            side,
            dark,
        };
        if code.module() < SMALLEST_MODULE {
            return Err(refused());
        }
        Ok(code)
    }

    /// Encodes `text` with modules of 1 mm, or as much less as keeps the code's side at `largest`.
    pub(crate) fn at_most(
        field: &str,
        text: &str,
        level: Level,
        largest: f32,
    ) -> Result<Self, PaperError> {
        let code = Self::new(field, text, level, largest)?;
        let side = f32::from(code.modules_per_side).min(largest);
        Ok(Self { side, ..code })
    }

    /// Side of the square without the quiet zone, in millimetres.
    pub(crate) fn side(&self) -> f32 {
        self.side
    }

    /// Side of one module in millimetres.
    pub(crate) fn module(&self) -> f32 {
        self.side / f32::from(self.modules_per_side)
    }

    /// Width of the quiet zone in millimetres.
    pub(crate) fn quiet_zone(&self) -> f32 {
        self.module() * f32::from(QUIET_MODULES)
    }

    /// The dark modules as horizontal runs: row, first column, column after the last.
    pub(crate) fn dark_runs(&self) -> impl Iterator<Item = (u8, u8, u8)> {
        let rows = (0u8..).zip(self.dark.chunks(usize::from(self.modules_per_side)));
        rows.flat_map(|(row, modules)| {
            let mut end = 0u8;
            modules.chunk_by(PartialEq::eq).filter_map(move |run| {
                let start = end;
                end = start.saturating_add(u8::try_from(run.len()).unwrap_or(u8::MAX));
                run.first()
                    .is_some_and(|dark| *dark)
                    .then_some((row, start, end))
            })
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::paper::NARROW;

    fn share_text(base32: usize) -> String {
        format!("ARCHIVER-SHARE-1:{}", "A".repeat(base32))
    }

    fn module_of(text: &str) -> f32 {
        Code::new("share", text, Level::Quartile, NARROW)
            .unwrap()
            .module()
    }

    #[test]
    fn a_share_of_one_scalar_is_version_6_with_large_modules() {
        let code = Code::new("share", &share_text(90), Level::Quartile, NARROW).unwrap();
        assert_eq!(code.modules_per_side, 41, "alphanumeric mode, level Q");
        assert!(code.module() >= 1.05);
    }

    #[test]
    fn a_share_of_two_scalars_still_has_large_modules() {
        assert!(module_of(&share_text(141)) >= 1.05);
    }

    #[test]
    fn a_code_with_too_small_modules_is_refused() {
        let error = Code::new("share", &share_text(1000), Level::Quartile, NARROW)
            .err()
            .unwrap();
        assert_eq!(
            error,
            PaperError::TooDense {
                field: "share".to_owned()
            }
        );
        assert!(Code::new("share", &share_text(9000), Level::Quartile, 500.0).is_err());
    }

    #[test]
    fn runs_cover_exactly_the_dark_modules() {
        let code = Code::new("share", "ARCHIVER", Level::Quartile, NARROW).unwrap();
        let covered: usize = code
            .dark_runs()
            .map(|(_, start, end)| usize::from(end - start))
            .sum();
        assert_eq!(covered, code.dark.iter().filter(|dark| **dark).count());
        assert_eq!(
            code.dark_runs().next(),
            Some((0, 0, 7)),
            "a finder's upper edge"
        );
    }
}
