//! Bytes on paper as one QR code or several: what each code says of its place among the others.
//!
//! A code holds `<name>:<part>/<parts>:<id>:<base32>`: the id is the first eight hexadecimal digits, upper
//! case, of the SHA-256 of all bytes, and the base32 (RFC 4648, no padding) is that of this part of them.
//! The parts joined in order are the bytes. All of it is in QR's alphanumeric set: byte mode comes back
//! corrupted from some readers.

use data_encoding::{BASE32_NOPAD, HEXUPPER};
use sha2::{Digest, Sha256};

/// The texts of the codes, of parts that are as equal as can be and at most `most` bytes long.
pub(crate) fn texts(name: &str, bytes: &[u8], most: usize) -> Vec<String> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let digest = HEXUPPER.encode(&Sha256::digest(bytes));
    let id = digest.get(..8).unwrap_or_default();
    let parts = bytes.len().div_ceil(most);
    let chunks = bytes.chunks(bytes.len().div_ceil(parts));
    (1..)
        .zip(chunks)
        .map(|(part, chunk)| format!("{name}:{part}/{parts}:{id}:{}", BASE32_NOPAD.encode(chunk)))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn parts_joined_in_order_are_the_bytes() {
        for length in [1, 599, 600, 601, 1200, 1201, 2200] {
            let bytes: Vec<u8> = (0..=255u8).cycle().take(length).collect();
            let texts = texts("NAME", &bytes, 600);
            assert_eq!(texts.len(), length.div_ceil(600));
            let part = |text: &String| {
                BASE32_NOPAD
                    .decode(text.rsplit(':').next().unwrap().as_bytes())
                    .unwrap()
            };
            assert_eq!(texts.iter().flat_map(part).collect::<Vec<_>>(), bytes);
        }
    }

    #[test]
    fn a_part_says_which_it_is_and_of_what() {
        let texts = texts("NAME", &[0; 601], 600);
        assert!(texts[1].starts_with("NAME:2/2:"));
        let ids: Vec<_> = texts
            .iter()
            .map(|text| text.split(':').nth(2).unwrap())
            .collect();
        assert_eq!(ids[0].len(), 8);
        assert_eq!(ids[0], ids[1]);
    }

    #[test]
    fn nothing_needs_no_code() {
        assert!(texts("NAME", &[], 600).is_empty());
    }
}
