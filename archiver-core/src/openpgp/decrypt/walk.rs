//! The walk over a message's packets: which may stand where, which one is decrypted, and what proves that it was whole.

use std::io::{Read, Write};

use sequoia_openpgp as openpgp;

use openpgp::Packet;
use openpgp::crypto::SessionKey;
use openpgp::packet::{PKESK, SEIP};
use openpgp::parse::buffered_reader::BufferedReader as _;
use openpgp::parse::{
    Dearmor, PacketParser, PacketParserBuilder, PacketParserEOF, PacketParserResult, Parse as _,
};
use openpgp::types::SymmetricAlgorithm;
use sha2::{Digest as _, Sha256};

use super::{DecryptionKey, MessageError, OpenedMessage, Unlock};
use crate::openpgp::recipients::{
    MOST_RECIPIENTS, Protection, Recipient, RecipientKey, protection,
};

/// SEIPD, compressed data, literal: nothing that we open lies deeper.
const DEEPEST: u8 = 3;
/// More packets than any mail program makes, beside the session keys.
const MOST_PACKETS: usize = 256;
const PIECE: usize = 32 * 1024;

/// Opens the message; see [`super::open_message`].
pub(super) fn open<R: Read + Send + Sync>(
    binary: &mut R,
    key: &DecryptionKey,
    allowed: u64,
    out: &mut dyn Write,
) -> Result<OpenedMessage, MessageError> {
    let mut walk = Walk {
        key,
        allowed,
        out,
        recipients: Vec::new(),
        passphrases: 0,
        packets: 0,
        protection: None,
        compressed: false,
        signed: false,
        intact: false,
        literal: None,
    };
    let mut next = PacketParserBuilder::from_reader(binary)
        .and_then(|parser| {
            parser
                .dearmor(Dearmor::Disabled)
                .automatic_hashing(false)
                .max_recursion_depth(DEEPEST)
                .build()
        })
        .map_err(|e| walk.broken(&e))?;
    loop {
        match next {
            PacketParserResult::Some(mut packet) => {
                walk.packet(&mut packet)?;
                let (packet, rest) = packet.recurse().map_err(|e| walk.broken(&e))?;
                walk.remember(packet)?;
                next = rest;
            }
            PacketParserResult::EOF(end) => return walk.finish(&end),
        }
    }
}

/// What was seen so far.
struct Walk<'a> {
    key: &'a DecryptionKey,
    allowed: u64,
    out: &'a mut dyn Write,
    recipients: Vec<PKESK>,
    passphrases: usize,
    packets: usize,
    /// Set once the content is being decrypted.
    protection: Option<Protection>,
    compressed: bool,
    signed: bool,
    /// The modification detection code was seen and right.
    intact: bool,
    literal: Option<(u64, [u8; 32])>,
}

impl Walk<'_> {
    fn packet(&mut self, packet: &mut PacketParser<'_>) -> Result<(), MessageError> {
        self.packets += 1;
        if self.packets > MOST_PACKETS + MOST_RECIPIENTS {
            return Err(MessageError::Malformed("too many packets".to_owned()));
        }
        if protection(&packet.packet) == Some(Protection::Nothing) {
            return Err(MessageError::Unprotected);
        }
        if packet.recursion_depth() == 0 {
            return self.outer(packet);
        }
        if self.intact {
            return Err(MessageError::Changed);
        }
        self.inner(packet)
    }

    /// A packet that everybody can read.
    fn outer(&mut self, packet: &mut PacketParser<'_>) -> Result<(), MessageError> {
        match packet.packet {
            Packet::PKESK(_) | Packet::Marker(_) | Packet::Padding(_) => Ok(()),
            Packet::SKESK(_) => {
                self.passphrases += 1;
                Ok(())
            }
            Packet::SEIP(_) if self.protection.is_none() => self.unlock(packet),
            Packet::Literal(_) | Packet::CompressedData(_) | Packet::OnePassSig(_)
                if self.protection.is_none() =>
            {
                Err(MessageError::NotEncrypted)
            }
            _ => Err(unexpected(&packet.packet)),
        }
    }

    /// A packet that came out of the encryption.
    fn inner(&mut self, packet: &mut PacketParser<'_>) -> Result<(), MessageError> {
        match &packet.packet {
            Packet::CompressedData(_) if self.compressed || !packet.processed() => {
                Err(if self.compressed {
                    MessageError::Nested
                } else {
                    MessageError::Malformed("unknown kind of compression".to_owned())
                })
            }
            Packet::CompressedData(_) => {
                self.compressed = true;
                Ok(())
            }
            Packet::Literal(_) if self.literal.is_none() => self.write(packet),
            Packet::OnePassSig(_) | Packet::Signature(_) => {
                self.signed = true;
                Ok(())
            }
            #[allow(deprecated, reason = "the packet that proves SEIPD version 1 whole")]
            Packet::MDC(mdc) => {
                self.intact = packet.recursion_depth() == 1 && mdc.valid();
                self.intact.then_some(()).ok_or(MessageError::Changed)
            }
            Packet::Marker(_) | Packet::Padding(_) => Ok(()),
            Packet::SEIP(_) | Packet::PKESK(_) | Packet::SKESK(_) => Err(MessageError::Nested),
            other => Err(unexpected(other)),
        }
    }

    fn remember(&mut self, packet: Packet) -> Result<(), MessageError> {
        if let Packet::PKESK(pkesk) = packet {
            if self.recipients.len() == MOST_RECIPIENTS {
                return Err(MessageError::TooManyRecipients);
            }
            self.recipients.push(pkesk);
        }
        Ok(())
    }

    /// Finds the session key and starts the decryption of the content.
    fn unlock(&mut self, content: &mut PacketParser<'_>) -> Result<(), MessageError> {
        let ours = self.key.fingerprint();
        let named: Vec<RecipientKey> = self
            .recipients
            .iter()
            .map(|r| Recipient::of(r).key)
            .collect();
        let mut failure = None;
        for (pkesk, name) in self.recipients.iter().zip(&named) {
            if !name.may_be(&ours) {
                continue;
            }
            match self.session_key(pkesk, content) {
                Some((cipher, session_key)) => match start(content, cipher, &session_key) {
                    Ok(()) => {
                        self.protection = protection(&content.packet);
                        return Ok(());
                    }
                    Err(e) => failure = Some(e),
                },
                None if *name == RecipientKey::Anonymous => {}
                None => failure = Some(MessageError::SessionKey),
            }
        }
        Err(match failure {
            Some(failure) => failure,
            None if !named.is_empty() => MessageError::ForOthers(named),
            None if self.passphrases > 0 => MessageError::ForPassphrase,
            None => MessageError::ForNobody,
        })
    }

    fn session_key(
        &self,
        pkesk: &PKESK,
        content: &PacketParser<'_>,
    ) -> Option<(Option<SymmetricAlgorithm>, SessionKey)> {
        let hint = match &content.packet {
            Packet::SEIP(SEIP::V2(seip)) => Some(seip.symmetric_algo()),
            _ => None,
        };
        let (cipher, session_key) = pkesk.decrypt(&mut Unlock(self.key), hint)?;
        Some((hint.or(cipher), session_key))
    }

    /// Writes the mail.
    fn write(&mut self, literal: &mut PacketParser<'_>) -> Result<(), MessageError> {
        let (mut size, mut hash) = (0_u64, Sha256::new());
        loop {
            let piece = literal.data(PIECE).map_err(|_| MessageError::Changed)?;
            if piece.is_empty() {
                break;
            }
            let length = piece.len();
            size += length as u64;
            if size > self.allowed {
                let allowed = self.allowed;
                return Err(MessageError::Inflates { allowed });
            }
            hash.update(piece);
            self.out.write_all(piece).map_err(MessageError::Write)?;
            literal.consume(length);
        }
        self.literal = Some((size, hash.finalize().into()));
        Ok(())
    }

    /// What an error of the parser means at this point.
    fn broken(&self, error: &openpgp::anyhow::Error) -> MessageError {
        if self.protection.is_some() {
            return MessageError::Changed;
        }
        MessageError::Malformed(format!("{error:#}").replace(char::is_control, " "))
    }

    fn finish(self, end: &PacketParserEOF<'_>) -> Result<OpenedMessage, MessageError> {
        let Some(protection) = self.protection else {
            return Err(MessageError::NotEncrypted);
        };
        if protection == Protection::Mdc && !self.intact {
            return Err(MessageError::Changed);
        }
        end.is_message().map_err(|e| {
            MessageError::Malformed(format!("{e:#}").replace(char::is_control, " "))
        })?;
        let Some((size, sha256)) = self.literal else {
            return Err(MessageError::Malformed("it holds no data".to_owned()));
        };
        Ok(OpenedMessage {
            size,
            sha256,
            signed: self.signed,
            protection,
        })
    }
}

/// Starts the decryption with a session key that came out well.
fn start(
    content: &mut PacketParser<'_>,
    cipher: Option<SymmetricAlgorithm>,
    session_key: &SessionKey,
) -> Result<(), MessageError> {
    if let Some(unsupported) = cipher.filter(|cipher| !cipher.is_supported()) {
        return Err(MessageError::Cipher(unsupported.to_string()));
    }
    content
        .decrypt(cipher, session_key)
        .map_err(|_| MessageError::Changed)
}

fn unexpected(packet: &Packet) -> MessageError {
    MessageError::Malformed(format!("a {} packet does not belong there", packet.tag()))
}
