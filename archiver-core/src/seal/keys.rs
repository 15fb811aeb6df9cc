//! The secret side of a log's seal keys: a seed for each UTC day, from which the day's signing key and the next day's seed follow, and
//! nothing earlier (docs/format.md §8.1).
//!
//! A seed is consumed by going to the next day. That the old one is also gone from the disk is the writer's duty.

use std::fmt;

use data_encoding::BASE64;
use hkdf::Hkdf;
use sha2::Sha256;

use super::day::Day;
use super::ed25519;
use crate::secret::{NoRandomness, SecretBytes};
use crate::vault::leaf::LogId;

const LABEL_NEXT: &[u8] = b"archiver v1 seal next\0";
const LABEL_SIGN: &[u8] = b"archiver v1 seal sign\0";

/// For how many days keys are made unless somebody says otherwise: ten years.
pub const DEFAULT_DAYS: u32 = 3653;

/// The seed of one log's day. Whoever has it can sign for this day and every later one.
pub struct Seed {
    log: LogId,
    day: Day,
    secret: SecretBytes<32>,
}

impl Seed {
    /// Draws the seed of a log's first day.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn draw(log: LogId, first_day: Day) -> Result<Self, NoRandomness> {
        Ok(Self::of(log, first_day, SecretBytes::random()?))
    }

    pub(super) fn of(log: LogId, day: Day, secret: SecretBytes<32>) -> Self {
        Self { log, day, secret }
    }

    /// The log that it belongs to.
    #[must_use]
    pub fn log(&self) -> LogId {
        self.log
    }

    /// The day that it is for.
    #[must_use]
    pub fn day(&self) -> Day {
        self.day
    }

    pub(super) fn secret(&self) -> &SecretBytes<32> {
        &self.secret
    }

    /// The seed of the next day, from which this one cannot be computed. `None` behind the year 9999.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.next_seed()
    }

    /// A second copy, for looking ahead; the disk has only the one.
    pub(super) fn again(&self) -> Self {
        let secret =
            SecretBytes::filled_by(|copy| copy.copy_from_slice(self.secret.expose_bytes()));
        Self::of(self.log, self.day, secret)
    }

    fn next_seed(&self) -> Option<Self> {
        let day = self.day.plus(1)?;
        Some(Self::of(self.log, day, self.derive(LABEL_NEXT)))
    }

    /// The day's signing key.
    #[must_use]
    pub fn signing_key(&self) -> DayKey {
        DayKey {
            key: ed25519::SecretKey::of_seed(&self.derive(LABEL_SIGN)),
        }
    }

    /// The public keys of this day and the days after it, `days` in all (fewer at the end of the year 9999).
    #[must_use]
    pub fn public_keys(&self, days: u32) -> Vec<PublicKey> {
        let mut keys = Vec::new();
        let mut later = None;
        for _ in 0..days {
            let seed = later.as_ref().unwrap_or(self);
            keys.push(seed.signing_key().public());
            let Some(next) = seed.next_seed() else { break };
            later = Some(next);
        }
        keys
    }

    /// HKDF-SHA-256 (RFC 5869) without salt.
    fn derive(&self, label: &[u8]) -> SecretBytes<32> {
        SecretBytes::filled_by(|output| {
            let day = self.day.number().to_be_bytes();
            // 32 bytes are within HKDF's bound of 255 · 32, so expanding cannot fail.
            let expanded = Hkdf::<Sha256>::new(None, self.secret.expose_bytes())
                .expand_multi_info(&[label, &self.log.0, &day], output);
            debug_assert!(expanded.is_ok());
        })
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({}, {}, <redacted>)", self.log, self.day)
    }
}

/// The signing key of one day. Only for as long as one checkpoint takes.
pub struct DayKey {
    key: ed25519::SecretKey,
}

impl DayKey {
    /// Its public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.key.public())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message)
    }
}

impl fmt::Debug for DayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DayKey(<redacted>)")
    }
}

/// The public key of one day: 32 bytes, RFC 8032 §5.1.5. As text base64. Not known to be a point of the curve: one that is none verifies nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        ed25519::is_signature(&self.0, message, signature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::seal::seed_file;
    use crate::seal::vectors::{Vectors, bytes, hash};
    use crate::secret::assert_not_impl;

    assert_not_impl!(Seed: Clone, PartialEq, fmt::Display, serde::Serialize);
    assert_not_impl!(DayKey: Clone, PartialEq, fmt::Display, serde::Serialize);

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn seed(log: u8, at: &str, secret: u8) -> Seed {
        let secret = SecretBytes::filled_by(|bytes| bytes.fill(secret));
        Seed::of(LogId([log; 16]), day(at), secret)
    }

    #[test]
    fn seeds_and_keys_are_those_that_python_computes() {
        let vectors = Vectors::read();
        let first = seed_file::decode(&bytes(&vectors.seed_file)).unwrap();
        assert_eq!(first.log(), vectors.log.parse().unwrap());
        assert_eq!(first.day(), day(&vectors.first_day));
        let published = first.public_keys(DEFAULT_DAYS);
        let mut seeds: Vec<Seed> = vec![first];
        while seeds.len() < published.len() {
            seeds.push(seeds.last().unwrap().next_seed().unwrap());
        }
        assert_eq!(vectors.days.len(), 3);
        for expected in vectors.days {
            assert_eq!(
                seeds[expected.number].secret().expose_bytes(),
                &hash(&expected.seed)
            );
            assert_eq!(
                published[expected.number],
                PublicKey(hash(&expected.public_key))
            );
        }
    }

    #[test]
    fn the_published_keys_are_those_of_the_ratcheted_seeds() {
        let first = seed(1, "2028-02-28", 7);
        let published = first.public_keys(4);
        let mut at = Some(first);
        for expected in published {
            let seed = at.take().unwrap();
            assert_eq!(seed.signing_key().public(), expected);
            at = seed.next();
        }
        assert_eq!(at.unwrap().day(), day("2028-03-03"));
    }

    #[test]
    fn a_seed_is_bound_to_its_log_and_its_day() {
        let keys = |seed: Seed| {
            (
                seed.signing_key().public(),
                seed.next().unwrap().public_keys(1),
            )
        };
        let (key, next) = keys(seed(1, "2026-11-24", 7));
        for other in [
            seed(2, "2026-11-24", 7),
            seed(1, "2026-11-25", 7),
            seed(1, "2026-11-24", 8),
        ] {
            let (other_key, other_next) = keys(other);
            assert!(other_key != key && other_next != next);
        }
    }

    #[test]
    fn a_signature_verifies_under_its_key_over_its_message_alone() {
        let first = seed(1, "2026-11-24", 7);
        let signature = first.signing_key().sign(b"message");
        assert_eq!(signature, first.signing_key().sign(b"message"));
        let key = first.signing_key().public();
        assert!(key.verifies(b"message", &signature));
        assert!(!key.verifies(b"messag", &signature));
        for bit in 0..512 {
            let mut flipped = signature;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verifies(b"message", &flipped), "bit {bit}");
        }
        let other = first.next().unwrap().signing_key().public();
        assert!(!other.verifies(b"message", &signature));
    }

    #[test]
    fn a_key_of_small_order_or_off_the_curve_verifies_nothing() {
        // The identity signs everything where a verifier is not strict: R = identity, s = 0.
        let mut identity = [0; 32];
        identity[0] = 1;
        let signature: [u8; 64] = std::array::from_fn(|i| u8::from(i == 0));
        for key in [identity, [0xff; 32], [2; 32]] {
            assert!(!PublicKey(key).verifies(b"anything", &signature));
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let seed = seed(1, "2026-11-24", 0x5a);
        let shown = format!("{seed:?} {:?}", seed.signing_key());
        assert!(
            shown.ends_with("2026-11-24, <redacted>) DayKey(<redacted>)"),
            "{shown}"
        );
    }
}
