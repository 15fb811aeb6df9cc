//! To whom mails are encrypted: one encryption subkey of the archive's certificate.

use std::fmt;

use sequoia_openpgp as openpgp;

use openpgp::crypto::SessionKey;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::packet::pkesk::PKESK3;
use openpgp::packet::{Key, PKESK, Packet};
use openpgp::serialize::SerializeInto as _;
use openpgp::types::SymmetricAlgorithm;

use crate::openpgp::certificate::{ArchiveCert, reason};
use crate::openpgp::encrypt::EncryptError;
use crate::openpgp::session_key;
use crate::origin::{ArchiveFingerprints, Ephemeral};
use crate::secret::SecretBytes;

mod keys;
mod pinned;

pub use pinned::{Malformed, NotPinned, PinnedRecipient};

/// An encryption subkey, and the certificate that it belongs to.
pub struct Recipient {
    archive: ArchiveFingerprints,
    key: SubKey,
}

enum SubKey {
    /// We write its session-key packets ourselves, and they can carry an origin proof.
    Curve25519(session_key::Recipient),
    /// Sequoia writes them.
    Other(Key<PublicParts, UnspecifiedRole>),
}

impl Recipient {
    /// The fingerprints of the certificate's primary key and of the encryption subkey.
    #[must_use]
    pub fn fingerprints(&self) -> ArchiveFingerprints {
        self.archive
    }

    /// A session-key packet of version 3 for an AES-256 key, and the ephemeral key in it when it is ours.
    pub(super) fn session_key_packet(
        &self,
        key: &SecretBytes<32>,
    ) -> Result<(Vec<u8>, Option<Ephemeral>), EncryptError> {
        match &self.key {
            SubKey::Curve25519(recipient) => {
                let (packet, ephemeral) = session_key::wrap(recipient, key)?;
                Ok((packet, Some(ephemeral)))
            }
            SubKey::Other(recipient) => {
                let key = SessionKey::from(key.expose_bytes().as_slice());
                PKESK3::for_recipient(SymmetricAlgorithm::AES256, &key, recipient)
                    .and_then(|pkesk| Packet::from(PKESK::from(pkesk)).to_vec())
                    .map(|packet| (packet, None))
                    .map_err(|e| EncryptError::Encrypt(reason(&e)))
            }
        }
    }
}

impl From<&ArchiveCert> for Recipient {
    fn from(cert: &ArchiveCert) -> Self {
        let key = cert.recipient().map_or_else(
            || SubKey::Other(cert.encryption_key().clone()),
            SubKey::Curve25519,
        );
        Self {
            archive: cert.fingerprints(),
            key,
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("archive", &self.archive)
            .finish_non_exhaustive()
    }
}
