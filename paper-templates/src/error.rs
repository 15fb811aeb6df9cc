//! Why a page was refused. Each message names the field; none quotes a secret.

/// Why a page was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// A field that must stand on the page is empty or blank.
    #[error("{field} is empty")]
    Empty {
        /// Which field.
        field: String,
    },
    /// The fonts of the pages lack a character.
    #[error("{field} holds {character:?} (U+{:04X}), which the fonts of the pages do not have", u32::from(*.character))]
    MissingGlyph {
        /// Which field.
        field: String,
        /// The first character that cannot be printed.
        character: char,
    },
    /// The text has no room, even in small type and two lines.
    #[error("{field} is too long for its place on the page")]
    TooLong {
        /// Which field.
        field: String,
    },
    /// The field is not what it must be.
    #[error("{field} must be {expected}")]
    Malformed {
        /// Which field.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The QR code would have modules too small to be read back from paper.
    #[error("{field} is too long for a QR code of its size")]
    TooDense {
        /// Which field.
        field: String,
    },
    /// The PDF library refused the page or warned about it; a warning counts as an error.
    #[error("the PDF could not be written: {reason}")]
    Writer {
        /// What the library said. It never quotes the page's text.
        reason: String,
    },
}
