//! The bytes of the file `seed` in a server's folder: one day's seed, with a check against damage (docs/format.md §8.3).
//!
//! The file is a secret: mode 0600, never in a backup or a snapshot. Writing it safely is the writer's duty.

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::day::Day;
use super::keys::Seed;
use crate::secret::SecretBytes;
use crate::vault::leaf::LogId;

/// The file's length.
pub const SEED_FILE_BYTES: usize = 61;

/// The length of its beginning, in which nothing is secret.
pub const HEAD_BYTES: usize = 25;

const VERSION: u8 = 1;
const LABEL: &[u8] = b"archiver v1 seal seed\0";

/// A seed file that cannot be used. No message holds anything of the seed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SeedFileRefused {
    /// Not as long as a seed file is.
    #[error("is no seed file: it has {0} bytes instead of {SEED_FILE_BYTES}")]
    Length(usize),
    /// A newer version, or another file.
    #[error(
        "has version {0}, and this program knows version {VERSION}: it is another file, or a newer program made it"
    )]
    Version(u8),
    /// The check does not come out.
    #[error("is damaged: its check does not come out")]
    Check,
    /// The day lies outside of the years 0000 … 9999.
    #[error("is damaged: its day cannot be")]
    Day,
}

/// Writes a seed down.
#[must_use]
pub fn encode(seed: &Seed) -> SecretBytes<SEED_FILE_BYTES> {
    SecretBytes::filled_by(|file| {
        let day = seed.day().number().to_be_bytes();
        let parts: [&[u8]; 4] = [
            &[VERSION],
            &seed.log().0,
            &day,
            seed.secret().expose_bytes(),
        ];
        let (content, end) = file.split_at_mut(SEED_FILE_BYTES - 4);
        content
            .iter_mut()
            .zip(parts.into_iter().flatten())
            .for_each(|(to, from)| *to = *from);
        end.copy_from_slice(&check(content));
    })
}

/// What the beginning of a seed file says. The secret stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedHead {
    /// The log whose days it seals.
    pub log: LogId,
    /// The day whose key it makes.
    pub day: Day,
}

/// Reads the beginning, for those who must not see the rest. Whether that is damaged is not known then.
///
/// # Errors
/// When no seed file begins so.
pub fn head(beginning: &[u8; HEAD_BYTES]) -> Result<SeedHead, SeedFileRefused> {
    let (version, rest) = beginning.split_first().unwrap_or((&0, &[]));
    if *version != VERSION {
        return Err(SeedFileRefused::Version(*version));
    }
    let parts = rest.split_first_chunk::<16>();
    let parts = parts.and_then(|(log, day)| Some((*log, <[u8; 8]>::try_from(day).ok()?)));
    let (log, day) = parts.ok_or(SeedFileRefused::Length(HEAD_BYTES))?;
    let day = Day::from_number(i64::from_be_bytes(day)).ok_or(SeedFileRefused::Day)?;
    Ok(SeedHead {
        log: LogId(log),
        day,
    })
}

/// Reads it back.
///
/// # Errors
/// When the bytes are not exactly those of a seed file.
pub fn decode(file: &[u8]) -> Result<Seed, SeedFileRefused> {
    let damaged_length = || SeedFileRefused::Length(file.len());
    let (content, end) = file.split_last_chunk::<4>().ok_or_else(damaged_length)?;
    let (beginning, secret) = content.split_first_chunk().ok_or_else(damaged_length)?;
    let secret: &[u8; 32] = secret.try_into().map_err(|_| damaged_length())?;
    let head = head(beginning);
    if !matches!(head, Err(SeedFileRefused::Version(_))) && check(content) != *end {
        return Err(SeedFileRefused::Check);
    }
    let SeedHead { log, day } = head?;
    let secret = SecretBytes::filled_by(|bytes| bytes.copy_from_slice(secret));
    Ok(Seed::of(log, day, secret))
}

fn check(content: &[u8]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(LABEL).chain_update(content);
    let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
    [a, b, c, d]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn file() -> [u8; SEED_FILE_BYTES] {
        let secret = SecretBytes::filled_by(|bytes| bytes.fill(7));
        let day = "2026-11-24".parse().unwrap();
        *encode(&Seed::of(LogId([1; 16]), day, secret)).expose_bytes()
    }

    #[test]
    fn a_seed_survives_its_file() {
        let seed = decode(&file()).unwrap();
        assert_eq!(
            (seed.log(), seed.day().to_string().as_str()),
            (LogId([1; 16]), "2026-11-24")
        );
        assert_eq!(seed.secret().expose_bytes(), &[7; 32]);
        assert_eq!(*encode(&seed).expose_bytes(), file());
    }

    #[test]
    fn its_beginning_tells_log_and_day_and_holds_nothing_of_the_secret() {
        let file = file();
        let (beginning, rest) = file.split_first_chunk::<HEAD_BYTES>().unwrap();
        assert_eq!(rest[..32], [7; 32]);
        let expected = SeedHead {
            log: LogId([1; 16]),
            day: "2026-11-24".parse().unwrap(),
        };
        assert_eq!(head(beginning), Ok(expected));
        assert_eq!(head(&[0; HEAD_BYTES]), Err(SeedFileRefused::Version(0)));
        let mut no_day = *beginning;
        no_day[17..].copy_from_slice(&i64::MAX.to_be_bytes());
        assert_eq!(head(&no_day), Err(SeedFileRefused::Day));
    }

    #[test]
    fn every_flipped_bit_and_every_other_length_is_refused() {
        let file = file();
        for bit in 0..8 * file.len() {
            let mut flipped = file;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = decode(&flipped).unwrap_err();
            let expected = if bit < 8 {
                SeedFileRefused::Version(flipped[0])
            } else {
                SeedFileRefused::Check
            };
            assert_eq!(error, expected, "bit {bit}");
        }
        for length in 0..file.len() {
            assert_eq!(
                decode(&file[..length]).unwrap_err(),
                SeedFileRefused::Length(length)
            );
        }
        let longer = [&file[..], &[0]].concat();
        assert_eq!(decode(&longer).unwrap_err(), SeedFileRefused::Length(62));
    }

    #[test]
    fn a_day_that_cannot_be_is_refused_even_with_a_good_check() {
        let mut file = file();
        file[17..25].copy_from_slice(&i64::MAX.to_be_bytes());
        let (content, end) = file.split_at_mut(SEED_FILE_BYTES - 4);
        end.copy_from_slice(&check(content));
        assert_eq!(decode(&file).unwrap_err(), SeedFileRefused::Day);
    }
}
