//! What a verification of the certificate found, written down so that the next runs need not repeat it (docs/format.md §7.6).
//!
//! It holds no key. The key that mails are encrypted to is always taken from the certificate's own file, where it is found by its
//! fingerprint, so that whoever can write this, but not the certificate, cannot divert mail to a key of his own. It counts for
//! one exact certificate file, for one day at most, and never beyond the time at which the certificate expires.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::Recipient;
use super::keys::find_key;
use crate::identity::{Fingerprint, UtcTime};
use crate::openpgp::certificate::{ArchiveCert, Validity};

/// What starts the line, and the version of what follows.
const PREFIX: &str = "archiver recipient 1";

/// How long a verification counts, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// The result of one verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinnedRecipient {
    /// SHA-256 of the certificate's file.
    certificate: [u8; 32],
    /// The fingerprint that was asked for.
    asked: Option<Fingerprint>,
    primary: Fingerprint,
    subkey: Fingerprint,
    validity: Validity,
    checked: UtcTime,
    until: UtcTime,
}

/// Why a verification does not count, or no more.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotPinned {
    /// The certificate's file is another one.
    #[error("it is about another certificate file")]
    OtherCertificate,
    /// Another fingerprint was asked for, or none.
    #[error("it was made for another --fingerprint")]
    AskedOtherwise,
    /// It is too old, or made later than now.
    #[error("it counts from {0} until {1} only")]
    OtherTime(UtcTime, UtcTime),
    /// It claims to count for more than a day. No program of ours writes that.
    #[error("it claims to count for more than a day")]
    TooLong,
    /// The certificate has no such keys. No program of ours writes that.
    #[error("it names keys that the certificate does not have")]
    OtherKeys,
}

impl NotPinned {
    /// Whether somebody else must have written it.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        matches!(self, Self::TooLong | Self::OtherKeys)
    }
}

impl PinnedRecipient {
    /// Of a certificate that was verified at the time `now`, with `asked` as its pinned fingerprint. `file` is what it was parsed from.
    #[must_use]
    pub fn of(
        cert: &ArchiveCert,
        file: &[u8],
        asked: Option<&Fingerprint>,
        now: UtcTime,
    ) -> Option<Self> {
        let day = UtcTime::from_unix(now.unix() + DAY)?;
        let pinned = Self {
            certificate: Sha256::digest(file).into(),
            asked: asked.copied(),
            primary: cert.primary_fingerprint(),
            subkey: cert.encryption_fingerprint(),
            validity: cert.validity(),
            checked: now,
            until: holds_until(cert).map_or(day, |end| end.min(day)),
        };
        // What could not be used is not written.
        pinned.recipient(file, asked, now).is_ok().then_some(pinned)
    }

    /// The fingerprints of the primary key and of the encryption subkey.
    #[must_use]
    pub fn keys(&self) -> (Fingerprint, Fingerprint) {
        (self.primary, self.subkey)
    }

    /// Whether the certificate was in force.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The recipient, from the certificate's file, which must be the one that was verified.
    ///
    /// # Errors
    /// [`NotPinned`]; the certificate is to be verified again then.
    pub fn recipient(
        &self,
        file: &[u8],
        asked: Option<&Fingerprint>,
        now: UtcTime,
    ) -> Result<Recipient, NotPinned> {
        if self.until.unix() - self.checked.unix() > DAY {
            return Err(NotPinned::TooLong);
        }
        if self.certificate != *Sha256::digest(file) {
            return Err(NotPinned::OtherCertificate);
        }
        if self.asked.as_ref() != asked {
            return Err(NotPinned::AskedOtherwise);
        }
        if now < self.checked || now >= self.until {
            return Err(NotPinned::OtherTime(self.checked, self.until));
        }
        if asked.is_some_and(|asked| *asked != self.primary && *asked != self.subkey) {
            return Err(NotPinned::OtherKeys);
        }
        find_key(file, &self.primary, &self.subkey).ok_or(NotPinned::OtherKeys)
    }
}

/// When the certificate's validity will be another one by itself, as far as that is known.
fn holds_until(cert: &ArchiveCert) -> Option<UtcTime> {
    match cert.validity() {
        Validity::Valid => cert.expires(),
        Validity::NotBefore(time) => Some(time),
        Validity::ExpiredSince(_) | Validity::Revoked => None,
    }
}

impl fmt::Display for PinnedRecipient {
    /// The one line that the file consists of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = HEXLOWER.encode(&self.certificate);
        write!(f, "{PREFIX} certificate={certificate} asked=")?;
        match self.asked {
            Some(asked) => asked.fmt(f)?,
            None => f.write_str(NONE)?,
        }
        write!(f, " primary={} subkey={}", self.primary, self.subkey)?;
        match self.validity {
            Validity::Valid => f.write_str(" validity=valid")?,
            Validity::Revoked => f.write_str(" validity=revoked")?,
            Validity::NotBefore(time) => write!(f, " validity=from:{time}")?,
            Validity::ExpiredSince(time) => write!(f, " validity=until:{time}")?,
        }
        writeln!(f, " checked={} until={}", self.checked, self.until)
    }
}

const NONE: &str = "none";

/// Text that is not the line of a recipient file.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("it is not in the form of a recipient file")]
pub struct Malformed;

impl FromStr for PinnedRecipient {
    type Err = Malformed;

    /// Reads exactly the form that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let line = text.strip_suffix('\n').ok_or(Malformed)?;
        let fields = line.strip_prefix(PREFIX).ok_or(Malformed)?;
        let mut fields = fields.split(' ').skip(1);
        let mut field = |name: &str| {
            let field = fields.next().and_then(|field| field.strip_prefix(name));
            field
                .and_then(|rest| rest.strip_prefix('='))
                .ok_or(Malformed)
        };
        let certificate = HEXLOWER
            .decode(field("certificate")?.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Malformed)?;
        let asked = match field("asked")? {
            NONE => None,
            asked => Some(parsed(asked)?),
        };
        let pinned = Self {
            certificate,
            asked,
            primary: parsed(field("primary")?)?,
            subkey: parsed(field("subkey")?)?,
            validity: validity(field("validity")?)?,
            checked: parsed(field("checked")?)?,
            until: parsed(field("until")?)?,
        };
        (pinned.to_string() == text)
            .then_some(pinned)
            .ok_or(Malformed)
    }
}

fn parsed<T: FromStr>(text: &str) -> Result<T, Malformed> {
    text.parse().map_err(|_| Malformed)
}

fn validity(text: &str) -> Result<Validity, Malformed> {
    match text.split_once(':') {
        None if text == "valid" => Ok(Validity::Valid),
        None if text == "revoked" => Ok(Validity::Revoked),
        Some(("from", time)) => parsed(time).map(Validity::NotBefore),
        Some(("until", time)) => parsed(time).map(Validity::ExpiredSince),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use sequoia_openpgp as openpgp;

    use openpgp::cert::{Cert, CertBuilder, CipherSuite};
    use openpgp::serialize::SerializeInto as _;

    use super::*;
    use crate::openpgp::certificate::system_time;

    const MADE: i64 = 1_700_000_000;
    const YEAR: i64 = 365 * DAY;

    fn at(unix: i64) -> UtcTime {
        UtcTime::from_unix(unix).unwrap()
    }

    fn certificate() -> Cert {
        let builder = CertBuilder::new()
            .set_cipher_suite(CipherSuite::Cv25519)
            .add_userid("Archiver <archiver@example.org>")
            .set_creation_time(system_time(at(MADE)))
            .set_validity_period(Duration::from_secs(YEAR.unsigned_abs()))
            .add_signing_subkey()
            .add_storage_encryption_subkey();
        builder.generate().unwrap().0
    }

    fn pinned(file: &[u8], asked: Option<&Fingerprint>, now: i64) -> PinnedRecipient {
        let cert = ArchiveCert::parse(file, asked, at(now)).unwrap();
        PinnedRecipient::of(&cert, file, asked, at(now)).unwrap()
    }

    fn refusal(text: &str, file: &[u8], now: i64) -> NotPinned {
        let pinned: PinnedRecipient = text.parse().unwrap();
        pinned.recipient(file, None, at(now)).unwrap_err()
    }

    #[test]
    fn the_recipient_is_the_verified_one_from_armor_and_from_binary() {
        let cert = certificate();
        for file in [cert.armored().to_vec().unwrap(), cert.to_vec().unwrap()] {
            let pinned = pinned(&file, None, MADE + 5);
            let recipient = pinned.recipient(&file, None, at(MADE + 6)).unwrap();
            let verified = ArchiveCert::parse(&file, None, at(MADE + 5)).unwrap();
            assert_eq!(recipient.fingerprints(), verified.fingerprints());
            assert_eq!(pinned.validity(), Validity::Valid);
        }
    }

    #[test]
    fn it_counts_for_a_day_and_not_beyond_the_certificates_end() {
        let file = certificate().to_vec().unwrap();
        for (checked, lasts) in [(MADE + 5, DAY), (MADE + YEAR - 7, 7), (MADE + YEAR, DAY)] {
            let pinned = pinned(&file, None, checked);
            for (now, counts) in [(-1, false), (0, true), (lasts - 1, true), (lasts, false)] {
                let outcome = pinned.recipient(&file, None, at(checked + now));
                assert_eq!(outcome.is_ok(), counts, "{checked} {now}");
            }
        }
        let expired = pinned(&file, None, MADE + YEAR);
        assert_eq!(expired.validity(), Validity::ExpiredSince(at(MADE + YEAR)));
    }

    #[test]
    fn it_counts_for_one_certificate_file_and_one_pinned_fingerprint() {
        let (cert, other) = (certificate(), certificate().to_vec().unwrap());
        let file = cert.to_vec().unwrap();
        let primary = Fingerprint::from_bytes(cert.fingerprint().as_bytes()).unwrap();
        let none = pinned(&file, None, MADE);
        let (_, subkey) = none.keys();
        assert_eq!(
            none.recipient(&other, None, at(MADE)).unwrap_err(),
            NotPinned::OtherCertificate
        );
        for asked in [Some(&primary), Some(&subkey)] {
            assert!(
                pinned(&file, asked, MADE)
                    .recipient(&file, asked, at(MADE))
                    .is_ok()
            );
            assert_eq!(
                none.recipient(&file, asked, at(MADE)).unwrap_err(),
                NotPinned::AskedOtherwise
            );
        }
    }

    #[test]
    fn what_no_program_of_ours_writes_is_suspicious() {
        let file = certificate().to_vec().unwrap();
        let pinned = pinned(&file, None, MADE);
        let text = pinned.to_string();
        let (primary, subkey) = pinned.keys();
        let stranger = Fingerprint::V4([7; 20]).to_string();
        let until = format!("until={}", at(MADE + DAY));
        for (edited, expected) in [
            (
                text.replace(&subkey.to_string(), &stranger),
                NotPinned::OtherKeys,
            ),
            (
                text.replace(&primary.to_string(), &stranger),
                NotPinned::OtherKeys,
            ),
            (
                text.replace(&primary.to_string(), &subkey.to_string()),
                NotPinned::OtherKeys,
            ),
            (
                text.replace(&until, &format!("until={}", at(MADE + YEAR))),
                NotPinned::TooLong,
            ),
        ] {
            let refusal = refusal(&edited, &file, MADE + 1);
            assert!(refusal.is_suspicious());
            assert_eq!(refusal, expected);
        }
        assert!(!NotPinned::OtherCertificate.is_suspicious());
    }

    proptest! {
        #[test]
        fn text_that_parses_is_the_text_that_is_written(at in 0..400_usize, with in any::<char>()) {
            let pinned = PinnedRecipient {
                certificate: [3; 32],
                asked: None,
                primary: Fingerprint::V4([4; 20]),
                subkey: Fingerprint::V6([5; 32]),
                validity: Validity::ExpiredSince(super::tests::at(MADE)),
                checked: super::tests::at(MADE),
                until: super::tests::at(MADE + 1),
            };
            let text = pinned.to_string();
            prop_assert_eq!(text.parse(), Ok(pinned));
            let at = at % text.len();
            let mut edited = text.clone();
            edited.replace_range(at..=at, &with.to_string());
            if let Ok(parsed) = edited.parse::<PinnedRecipient>() {
                prop_assert_eq!(parsed.to_string(), edited);
            }
            prop_assert!(text[..at].parse::<PinnedRecipient>().is_err());
        }
    }
}
