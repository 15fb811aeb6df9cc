//! The one armor header of our records: `Comment: archiver 2 log=… seq=… time=… prev=… leaf=… origin=…` (docs/format.md §7.1).
//!
//! There is exactly one text for each header and one header for each text; everything else is refused. GnuPG ignores the line.
//! Until a reader has recomputed the leaf, what a header says is *claimed*.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::origin::OriginProof;
use crate::vault::leaf::{LeafHash, NotItsText, Place};

/// What starts the line, and the version of what follows.
const PREFIX: &str = "Comment: archiver 2";

/// Stands for an origin proof that is not there.
const NO_ORIGIN: &str = "none";

/// The header of one of our records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Where the record stands in its log.
    pub place: Place,
    /// The record's leaf.
    pub leaf: LeafHash,
    /// The proof that the writer made this record's ephemeral key himself; none for certificates that do not allow one.
    pub origin: Option<OriginProof>,
}

impl Header {
    /// Whether an armor header line is meant as ours, well-formed or not. A line that is not ours belongs to another
    /// producer; one that is ours and does not parse is damage.
    #[must_use]
    pub fn is_meant(line: &[u8]) -> bool {
        line.starts_with(b"Comment: archiver ")
    }
}

impl fmt::Display for Header {
    /// The line, without its LF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            log,
            seq,
            time,
            prev,
        } = self.place;
        let (leaf, origin) = (self.leaf, OriginField(self.origin));
        write!(
            f,
            "{PREFIX} log={log} seq={seq} time={time} prev={prev} leaf={leaf} origin={origin}"
        )
    }
}

/// A line that is not a header of ours.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HeaderError {
    /// It does not start with our prefix and version.
    #[error("not an archiver header of version 2")]
    NotOurs,
    /// A field is missing, stands in the wrong place, or there is something after the last one.
    #[error("the archiver header has no field `{0}` in its place")]
    Field(&'static str),
    /// A field's value is not written in its one form.
    #[error("the archiver header's field `{0}` has a wrong value")]
    Value(&'static str),
    /// There is something after the last field.
    #[error("the archiver header goes on after its last field")]
    TrailingText,
}

impl FromStr for Header {
    type Err = HeaderError;

    /// Reads exactly the form that [`fmt::Display`] writes: the line without its LF.
    fn from_str(line: &str) -> Result<Self, HeaderError> {
        let fields = line.strip_prefix(PREFIX).ok_or(HeaderError::NotOurs)?;
        let mut fields = Fields(fields);
        let place = Place {
            log: fields.next("log")?,
            seq: fields.next("seq")?,
            time: fields.next("time")?,
            prev: fields.next("prev")?,
        };
        let leaf = fields.next("leaf")?;
        let OriginField(origin) = fields.next("origin")?;
        if fields.0.is_empty() {
            Ok(Self {
                place,
                leaf,
                origin,
            })
        } else {
            Err(HeaderError::TrailingText)
        }
    }
}

/// The value of the last field.
struct OriginField(Option<OriginProof>);

impl fmt::Display for OriginField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(proof) => proof.fmt(f),
            None => f.write_str(NO_ORIGIN),
        }
    }
}

impl FromStr for OriginField {
    type Err = NotItsText;

    fn from_str(text: &str) -> Result<Self, NotItsText> {
        if text == NO_ORIGIN {
            return Ok(Self(None));
        }
        text.parse().map(Some).map(Self)
    }
}

/// The part of the line that is still to be read: fields of the form ` name=value`.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    /// Takes the next field, whose name is known. Its value must be the text that the value itself would write.
    fn next<T: FromStr + fmt::Display>(&mut self, name: &'static str) -> Result<T, HeaderError> {
        let after_name = self
            .0
            .strip_prefix(' ')
            .and_then(|rest| rest.strip_prefix(name))
            .and_then(|rest| rest.strip_prefix('='))
            .ok_or(HeaderError::Field(name))?;
        let end = after_name.find(' ').unwrap_or(after_name.len());
        let (text, rest) = after_name.split_at(end);
        let value: T = text.parse().map_err(|_| HeaderError::Value(name))?;
        if value.to_string() != text {
            return Err(HeaderError::Value(name));
        }
        self.0 = rest;
        Ok(value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::UtcTime;
    use crate::vault::leaf::LogId;

    const LINE: &str = "Comment: archiver 2 log=000102030405060708090a0b0c0d0e0f seq=7 time=2026-11-24T20:28:37Z \
        prev=ERERERERERERERERERERERERERERERERERERERERERE= leaf=IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI= \
        origin=MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=";

    fn any_header() -> impl Strategy<Value = Header> {
        let time = -62_167_219_200_i64..253_402_000_000; // the years 0000 … 9999
        (
            any::<[u8; 16]>(),
            any::<u64>(),
            time,
            any::<[u8; 32]>(),
            any::<[u8; 32]>(),
            prop::option::of(prop::array::uniform::<_, 80>(any::<u8>())),
        )
            .prop_map(|(log, seq, time, prev, leaf, origin)| Header {
                place: Place {
                    log: LogId(log),
                    seq,
                    time: UtcTime::from_unix(time).unwrap(),
                    prev: LeafHash(prev),
                },
                leaf: LeafHash(leaf),
                origin: origin.map(OriginProof),
            })
    }

    proptest! {
        #[test]
        fn a_header_survives_its_text(header in any_header()) {
            prop_assert_eq!(header.to_string().parse::<Header>(), Ok(header));
        }

        #[test]
        fn a_line_that_parses_is_the_line_that_is_written(at in 0..LINE.len(), with in any::<char>()) {
            let mut line = LINE.to_owned();
            line.replace_range(at..=at, &with.to_string());
            if let Ok(header) = line.parse::<Header>() {
                prop_assert_eq!(header.to_string(), line);
            }
        }
    }

    #[test]
    fn the_line_of_the_format_page_parses() {
        let header: Header = LINE.parse().unwrap();
        assert_eq!(header.place.seq, 7);
        assert_eq!(header.place.prev, LeafHash([0x11; 32]));
        assert_eq!(header.leaf, LeafHash([0x22; 32]));
        assert_eq!(header.origin, Some(OriginProof([0x33; 80])));
        assert_eq!(header.to_string(), LINE);
        assert!(Header::is_meant(LINE.as_bytes()));
    }

    #[test]
    fn every_departure_from_the_one_form_is_named() {
        let cases = [
            (
                LINE.replace("archiver 2", "archiver 1"),
                HeaderError::NotOurs,
            ),
            (LINE.replace("Comment: ", "comment: "), HeaderError::NotOurs),
            (LINE.replace(" log", "  log"), HeaderError::Field("log")),
            (LINE.replace("seq=7", "seq=07"), HeaderError::Value("seq")),
            (LINE.replace("seq=7", "seq=+7"), HeaderError::Value("seq")),
            (
                LINE.replace("seq=7", "seq=18446744073709551616"),
                HeaderError::Value("seq"),
            ),
            (LINE.replace("seq=7 ", ""), HeaderError::Field("seq")),
            (LINE.replace("0a0b", "0A0B"), HeaderError::Value("log")),
            (LINE.replace("37Z", "37+00:00"), HeaderError::Value("time")),
            (
                LINE.replace("prev=ER", "prev=R"),
                HeaderError::Value("prev"),
            ),
            (
                LINE.replace("RERE= leaf", "RERF= leaf"),
                HeaderError::Value("prev"),
            ),
            (
                LINE.replace("origin=MzMz", "origin=MzM"),
                HeaderError::Value("origin"),
            ),
            (
                LINE.replace("origin=", "origin=none "),
                HeaderError::TrailingText,
            ),
            (
                LINE.replace(" origin=", " origin=None"),
                HeaderError::Value("origin"),
            ),
            (format!("{LINE} "), HeaderError::TrailingText),
            (format!("{LINE}\r"), HeaderError::Value("origin")),
        ];
        for (line, error) in cases {
            assert_eq!(line.parse::<Header>(), Err(error), "{line}");
        }
    }
}
