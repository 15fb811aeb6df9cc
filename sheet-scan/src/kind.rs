//! What a file is, told from its first bytes and never from its name.
//!
//! Knows the kinds that we read, and those that people bring by mistake, so that the error can
//! name them.

use std::fmt;

/// What some bytes seem to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A PNG image: read.
    Png,
    /// A JPEG image: read.
    Jpeg,
    /// A PDF document: its pages are rendered and read.
    Pdf,
    /// A TIFF image of one or more pages: read.
    Tiff,
    /// A GIF image.
    Gif,
    /// A WebP image.
    WebP,
    /// A BMP image.
    Bmp,
    /// A HEIC or AVIF image, as phones make them.
    Heif,
    /// A video, as phones make them.
    Video,
    /// A JPEG 2000 image.
    Jpeg2000,
    /// A ZIP archive, which office documents are as well.
    Zip,
    /// Readable text.
    Text,
    /// Nothing at all.
    Empty,
    /// None of these.
    Unknown,
}

impl Kind {
    /// Tells the kind from the first bytes of a file; more than 4 KiB are not looked at.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let head = bytes.get(..4096).unwrap_or(bytes);
        MAGIC
            .iter()
            .find(|magic| magic.begins(head))
            .map_or_else(|| Self::without_magic(head), |magic| magic.kind)
    }

    /// What to do with a file of a kind that is not read, to follow its name.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Gif | Self::WebP | Self::Bmp | Self::Jpeg2000 => ": save it as PNG",
            Self::Heif => ": export it as JPEG",
            Self::Video => ": take a photo instead",
            Self::Zip => ": take the scan out of it",
            Self::Empty => ": scan the sheet again",
            _ => "",
        }
    }

    fn without_magic(head: &[u8]) -> Self {
        // A PDF may have up to 1 KiB of other things in front (ISO 32000-1, annex H, note 13).
        let front = head.get(..1024).unwrap_or(head);
        if head.is_empty() {
            Self::Empty
        } else if front.windows(5).any(|window| window == b"%PDF-") {
            Self::Pdf
        } else if is_text(head) {
            Self::Text
        } else {
            Self::Unknown
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "a PNG image",
            Self::Jpeg => "a JPEG image",
            Self::Pdf => "a PDF document",
            Self::Tiff => "a TIFF image",
            Self::Gif => "a GIF image",
            Self::WebP => "a WebP image",
            Self::Bmp => "a BMP image",
            Self::Heif => "a HEIC or AVIF photo",
            Self::Video => "a video",
            Self::Jpeg2000 => "a JPEG 2000 image",
            Self::Zip => "a ZIP archive or an office document",
            Self::Text => "a text file",
            Self::Empty => "an empty file",
            Self::Unknown => "a file of an unknown kind",
        })
    }
}

/// The bytes at some offset that give a kind away.
struct Magic {
    offset: usize,
    bytes: &'static [u8],
    kind: Kind,
}

impl Magic {
    const fn new(offset: usize, bytes: &'static [u8], kind: Kind) -> Self {
        Self {
            offset,
            bytes,
            kind,
        }
    }

    fn begins(&self, head: &[u8]) -> bool {
        head.get(self.offset..)
            .is_some_and(|rest| rest.starts_with(self.bytes))
    }
}

const MAGIC: &[Magic] = &[
    Magic::new(0, b"\x89PNG\r\n\x1a\n", Kind::Png),
    Magic::new(0, b"\xff\xd8\xff", Kind::Jpeg),
    Magic::new(0, b"%PDF-", Kind::Pdf),
    Magic::new(0, b"II*\0", Kind::Tiff),
    Magic::new(0, b"MM\0*", Kind::Tiff),
    Magic::new(0, b"II+\0", Kind::Tiff),
    Magic::new(0, b"MM\0+", Kind::Tiff),
    Magic::new(0, b"GIF8", Kind::Gif),
    Magic::new(8, b"WEBP", Kind::WebP),
    Magic::new(0, b"BM", Kind::Bmp),
    Magic::new(4, b"ftyphei", Kind::Heif),
    Magic::new(4, b"ftyphev", Kind::Heif),
    Magic::new(4, b"ftypmif", Kind::Heif),
    Magic::new(4, b"ftypmsf", Kind::Heif),
    Magic::new(4, b"ftypavi", Kind::Heif),
    Magic::new(4, b"ftyp", Kind::Video),
    Magic::new(0, b"\0\0\0\x0cjP  ", Kind::Jpeg2000),
    Magic::new(0, b"PK\x03\x04", Kind::Zip),
];

/// UTF-8 without control characters; the last character may be cut off by the end of the head.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_some() => return false,
        Err(error) => {
            let (whole, _) = head.split_at(error.valid_up_to());
            std::str::from_utf8(whole).unwrap_or_default()
        }
    };
    !valid.is_empty()
        && valid
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_from_the_first_bytes() {
        let cases: &[(&[u8], Kind)] = &[
            (b"\x89PNG\r\n\x1a\n\0\0", Kind::Png),
            (b"\xff\xd8\xff\xe0", Kind::Jpeg),
            (b"%PDF-1.7", Kind::Pdf),
            (b"printer junk\n%PDF-1.4", Kind::Pdf),
            (b"II*\0\x08", Kind::Tiff),
            (b"RIFF\0\0\0\0WEBPVP8 ", Kind::WebP),
            (b"\0\0\0\x18ftypheic", Kind::Heif),
            (b"\0\0\0\x18ftypmp42", Kind::Video),
            (b"MM\0+\0\x08\0\0", Kind::Tiff),
            (b"\0\0\0\x0cjP  \r\n", Kind::Jpeg2000),
            (b"PK\x03\x04", Kind::Zip),
            ("Sheet of Zoë\r\n".as_bytes(), Kind::Text),
            (b"", Kind::Empty),
            (b"\x89PNG\r\n", Kind::Unknown),
            (b"\0\x01\x02", Kind::Unknown),
        ];
        for (bytes, kind) in cases {
            assert_eq!(Kind::of(bytes), *kind, "{bytes:?}");
        }
    }

    #[test]
    fn text_is_text_where_the_head_cuts_a_character() {
        let long = "é".repeat(5000);
        assert_eq!(Kind::of(long.as_bytes()), Kind::Text);
        assert_eq!(Kind::of(format!("x{long}").as_bytes()), Kind::Text);
    }
}
