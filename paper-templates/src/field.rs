//! Checks on the fields that a caller gives: present, printable, well formed.
//!
//! Nothing is repaired or cut here; the first field that does not pass is named.

use crate::{PaperError, missing_glyph};

/// The value, when it is not blank and every character of it can be printed.
pub(crate) fn printable<'a>(field: &str, value: &'a str) -> Result<&'a str, PaperError> {
    if value.trim().is_empty() {
        return Err(PaperError::Empty {
            field: field.to_owned(),
        });
    }
    match missing_glyph(value) {
        Some(character) => Err(PaperError::MissingGlyph {
            field: field.to_owned(),
            character,
        }),
        None => Ok(value),
    }
}

/// An OpenPGP fingerprint of version 4 or 6 in groups of four, with a wider gap in the middle.
pub(crate) fn fingerprint(field: &str, value: &str) -> Result<String, PaperError> {
    let expected = "40 or 64 hexadecimal digits";
    if !matches!(value.len(), 40 | 64) {
        return Err(malformed(field, expected));
    }
    let digits = hex(field, value, expected)?;
    let (first, second) = digits.split_at(digits.len() / 2);
    Ok(format!("{}  {}", grouped(first, 4), grouped(second, 4)))
}

/// A SHA-256 digest or another 32-byte value, lower case, in groups of eight.
pub(crate) fn hex_32_bytes(field: &str, value: &str) -> Result<String, PaperError> {
    let expected = "64 hexadecimal digits";
    if value.len() != 64 {
        return Err(malformed(field, expected));
    }
    Ok(grouped(&hex(field, value, expected)?.to_lowercase(), 8))
}

/// A set id: 20 base32 characters (RFC 4648) in five groups.
pub(crate) fn set_id<'a>(field: &str, value: &'a str) -> Result<&'a str, PaperError> {
    let groups: Vec<&str> = value.split('-').collect();
    let base32 = |c: char| matches!(c, 'A'..='Z' | '2'..='7');
    if groups.len() == 5 && groups.iter().all(|g| g.len() == 4 && g.chars().all(base32)) {
        Ok(value)
    } else {
        Err(malformed(field, "20 base32 characters in five groups"))
    }
}

/// The threshold k and the number of shares n, when 2 ≤ k ≤ n.
pub(crate) fn threshold(k: u8, n: u8) -> Result<(), PaperError> {
    if (2..=n).contains(&k) {
        Ok(())
    } else {
        Err(malformed(
            "threshold",
            "at least 2 and at most the number of shares",
        ))
    }
}

pub(crate) fn malformed(field: &str, expected: &'static str) -> PaperError {
    PaperError::Malformed {
        field: field.to_owned(),
        expected,
    }
}

pub(crate) fn too_long(field: &str) -> PaperError {
    PaperError::TooLong {
        field: field.to_owned(),
    }
}

/// ASCII text in groups of `size`, with a blank between.
pub(crate) fn grouped(text: &str, size: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / size.max(1));
    for (position, character) in text.chars().enumerate() {
        if position > 0 && position.is_multiple_of(size) {
            out.push(' ');
        }
        out.push(character);
    }
    out
}

fn hex(field: &str, value: &str, expected: &'static str) -> Result<String, PaperError> {
    if value.chars().all(|c| c.is_ascii_hexdigit()) {
        Ok(value.to_uppercase())
    } else {
        Err(malformed(field, expected))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_grouped_as_gpg_groups_it() {
        assert_eq!(
            fingerprint("f", "0123456789abcdef0123456789ABCDEF01234567").unwrap(),
            "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567"
        );
        assert!(fingerprint("f", &"A".repeat(64)).is_ok());
        for wrong in [
            "",
            "0123",
            &"G".repeat(40),
            &"0".repeat(41),
            &"é".repeat(20),
        ] {
            assert!(fingerprint("f", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_set_id_has_five_groups_of_base32() {
        assert!(set_id("set", "7K2Q-ABCD-EFGH-IJKL-MNOP").is_ok());
        for wrong in [
            "7K2Q-ABCD-EFGH-IJKL",
            "7K2Q-ABCD-EFGH-IJKL-MNO1",
            "7k2q-abcd-efgh-ijkl-mnop",
            "",
        ] {
            assert!(set_id("set", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_of_n_is_refused() {
        assert!(threshold(1, 5).is_err());
        assert!(threshold(6, 5).is_err());
        assert!(threshold(2, 2).is_ok());
        assert!(threshold(255, 255).is_ok());
    }

    #[test]
    fn a_missing_glyph_names_field_and_character() {
        let error = printable("custodian", "Nguyễn").unwrap_err();
        assert_eq!(
            error,
            PaperError::MissingGlyph {
                field: "custodian".to_owned(),
                character: 'ễ'
            }
        );
        assert_eq!(
            error.to_string(),
            "custodian holds 'ễ' (U+1EC5), which the fonts of the pages do not have"
        );
        assert_eq!(
            printable("role", " ").unwrap_err().to_string(),
            "role is empty"
        );
    }
}
