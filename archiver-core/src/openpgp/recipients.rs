//! What an encrypted message says in the clear: to which keys it is encrypted, with which ephemeral points, and how its
//! content is protected. No key is needed, and nothing here is trusted.

use std::fmt;

use sequoia_openpgp as openpgp;

use data_encoding::HEXUPPER;
use openpgp::crypto::mpi::Ciphertext;
use openpgp::packet::{PKESK, SEIP};
use openpgp::parse::{Dearmor, PacketParserBuilder, PacketParserResult, Parse as _};
use openpgp::{KeyHandle, Packet};

use crate::identity::Fingerprint;

/// A message for more recipients is refused: each costs a key operation.
pub(super) const MOST_RECIPIENTS: usize = 256;

/// The clear part of an encrypted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// One for each session-key packet, in order.
    pub recipients: Vec<Recipient>,
    /// How the content is protected; `None` when no encrypted content follows.
    pub protection: Option<Protection>,
}

/// How encrypted content is protected against changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// SEIPD version 1: a SHA-1 modification detection code (RFC 4880 §5.13).
    Mdc,
    /// SEIPD version 2: authenticated encryption (RFC 9580 §5.13.2).
    Aead,
    /// Not at all: the old SED packet (RFC 4880 §5.7), which is never opened.
    Nothing,
}

/// One session-key packet: to whom, and with which ephemeral point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The key that can open it.
    pub key: RecipientKey,
    /// The sender's ephemeral X25519 point. Every message should have its own.
    pub ephemeral: Option<[u8; 32]>,
}

/// The key that a session-key packet names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecipientKey {
    /// A key id: the last 8 bytes of a version 4 fingerprint.
    Id([u8; 8]),
    /// A whole fingerprint.
    Fingerprint(Fingerprint),
    /// The sender hides the recipient.
    Anonymous,
}

impl RecipientKey {
    /// Whether this can be the key with that fingerprint; an anonymous recipient can be any key.
    #[must_use]
    pub fn may_be(&self, key: &Fingerprint) -> bool {
        match (self, key) {
            (Self::Anonymous, _) => true,
            (Self::Fingerprint(named), key) => named == key,
            (Self::Id(id), Fingerprint::V4(bytes)) => bytes.ends_with(id),
            (Self::Id(id), Fingerprint::V6(bytes)) => bytes.starts_with(id),
        }
    }
}

impl fmt::Display for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(&HEXUPPER.encode(id)),
            Self::Fingerprint(fingerprint) => fingerprint.fmt(f),
            Self::Anonymous => f.write_str("an anonymous recipient"),
        }
    }
}

impl Envelope {
    /// Reads the clear part at the start of a binary message. `start` may be cut off anywhere after the session-key packets;
    /// what is not understood ends the reading and is left out.
    #[must_use]
    pub fn of(start: &[u8]) -> Self {
        let mut envelope = Self {
            recipients: Vec::new(),
            protection: None,
        };
        let Ok(mut next) = parser(start) else {
            return envelope;
        };
        while let PacketParserResult::Some(packet) = next {
            match &packet.packet {
                Packet::PKESK(pkesk) if envelope.recipients.len() < MOST_RECIPIENTS => {
                    envelope.recipients.push(Recipient::of(pkesk));
                }
                Packet::SKESK(_) | Packet::Marker(_) => {}
                other => {
                    envelope.protection = protection(other);
                    return envelope;
                }
            }
            let Ok((_, rest)) = packet.next() else {
                return envelope;
            };
            next = rest;
        }
        envelope
    }
}

impl Recipient {
    pub(super) fn of(pkesk: &PKESK) -> Self {
        Self {
            key: recipient_key(pkesk),
            ephemeral: ephemeral(pkesk.esk()),
        }
    }
}

fn parser(start: &[u8]) -> openpgp::Result<PacketParserResult<'_>> {
    PacketParserBuilder::from_bytes(start)?
        .dearmor(Dearmor::Disabled)
        .automatic_hashing(false)
        .build()
}

/// How a packet protects what it holds; `None` when it is no encrypted packet.
pub(super) fn protection(packet: &Packet) -> Option<Protection> {
    match packet {
        Packet::SEIP(SEIP::V1(_)) => Some(Protection::Mdc),
        Packet::SEIP(SEIP::V2(_)) => Some(Protection::Aead),
        other if other.tag() == openpgp::packet::Tag::SED => Some(Protection::Nothing),
        _ => None,
    }
}

fn recipient_key(pkesk: &PKESK) -> RecipientKey {
    match pkesk.recipient() {
        Some(KeyHandle::Fingerprint(named)) => Fingerprint::from_bytes(named.as_bytes())
            .map_or(RecipientKey::Anonymous, RecipientKey::Fingerprint),
        Some(KeyHandle::KeyID(id)) => id
            .as_bytes()
            .try_into()
            .map_or(RecipientKey::Anonymous, RecipientKey::Id),
        None => RecipientKey::Anonymous,
    }
}

fn ephemeral(ciphertext: &Ciphertext) -> Option<[u8; 32]> {
    match ciphertext {
        Ciphertext::ECDH { e, .. } => e.value().strip_prefix(&[0x40])?.try_into().ok(),
        Ciphertext::X25519 { e, .. } => Some(**e),
        Ciphertext::MLKEM768_X25519 { ecdh, .. } => Some(**ecdh),
        _ => None,
    }
}
