//! Finds a key in a certificate's file by its fingerprint, without judging the certificate: it was verified before, byte for byte.
//!
//! What is not understood is not found; nothing that is found can be another key than its fingerprint says.

use std::borrow::Cow;

use base64_simd::STANDARD;
use memchr::memmem;
use sequoia_openpgp as openpgp;

use openpgp::packet::Key;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::parse::Parse as _;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{Recipient, SubKey};
use crate::identity::Fingerprint;
use crate::openpgp::framing::RawPacket;
use crate::openpgp::session_key::{self, KdfParameters};
use crate::origin::ArchiveFingerprints;

const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;

/// The key with the fingerprint `subkey` in a certificate whose primary key has the fingerprint `primary`.
pub(super) fn find_key(
    file: &[u8],
    primary: &Fingerprint,
    subkey: &Fingerprint,
) -> Option<Recipient> {
    let binary = dearmored(file)?;
    let mut keys = RawPacket::all_in(&binary)
        .filter(|packet| matches!(packet.tag, PUBLIC_KEY | PUBLIC_SUBKEY))
        .peekable();
    let first = keys.peek()?;
    if first.tag != PUBLIC_KEY || fingerprint(first.body)? != *primary {
        return None;
    }
    let key = keys.find(|packet| fingerprint(packet.body) == Some(*subkey))?;
    let archive = ArchiveFingerprints {
        primary: *primary,
        encryption: *subkey,
    };
    let key = match curve25519(archive, key.body) {
        Some(recipient) => SubKey::Curve25519(recipient),
        None => SubKey::Other(parsed(key.bytes)?),
    };
    Some(Recipient { archive, key })
}

/// A version 4 ECDH key on Curve25519 (RFC 6637 §9): time, algorithm, curve, point, key derivation.
fn curve25519(archive: ArchiveFingerprints, key: &[u8]) -> Option<session_key::Recipient> {
    const ECDH: [u8; 1] = [18];
    const CURVE_AND_POINT: [u8; 14] = [
        10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01, 0x01, 0x07, 0x40,
    ];
    let (_version_and_time, rest) = key.split_at_checked(5)?;
    let rest = rest.strip_prefix(&ECDH)?.strip_prefix(&CURVE_AND_POINT)?;
    let (point, kdf) = rest.split_first_chunk::<32>()?;
    let [3, 1, hash, cipher] = *kdf else {
        return None;
    };
    let kdf = KdfParameters::from_numbers(hash, cipher)?;
    session_key::Recipient::new(archive, point, kdf).ok()
}

fn parsed(packet: &[u8]) -> Option<Key<PublicParts, UnspecifiedRole>> {
    match openpgp::Packet::from_bytes(packet).ok()? {
        openpgp::Packet::PublicKey(key) => Some(key.role_into_unspecified()),
        openpgp::Packet::PublicSubkey(key) => Some(key.role_into_unspecified()),
        _ => None,
    }
}

/// RFC 4880 §12.2 for version 4, RFC 9580 §5.5.4.3 for version 6.
fn fingerprint(key: &[u8]) -> Option<Fingerprint> {
    match key.first()? {
        4 => {
            let length = u16::try_from(key.len()).ok()?.to_be_bytes();
            let hash = Sha1::new().chain_update([0x99]).chain_update(length);
            Some(Fingerprint::V4(hash.chain_update(key).finalize().into()))
        }
        6 => {
            let length = u32::try_from(key.len()).ok()?.to_be_bytes();
            let hash = Sha256::new().chain_update([0x9b]).chain_update(length);
            Some(Fingerprint::V6(hash.chain_update(key).finalize().into()))
        }
        _ => None,
    }
}

/// The bytes without their armor, when they have one (RFC 4880 §6.2). The checksum is not looked at: what the keys are, their
/// fingerprints say.
fn dearmored(file: &[u8]) -> Option<Cow<'_, [u8]>> {
    const A_PACKET: u8 = 0b1000_0000;
    if file.first()? & A_PACKET != 0 {
        return Some(Cow::Borrowed(file));
    }
    let begin = memmem::find(file, b"-----BEGIN PGP PUBLIC KEY BLOCK-----")?;
    let (_, armor) = file.split_at(begin);
    let base64: Vec<u8> = armor
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .skip_while(|line| !line.is_empty())
        .take_while(|line| !line.starts_with(b"=") && !line.starts_with(b"-"))
        .flatten()
        .copied()
        .collect();
    STANDARD.decode_to_vec(base64).ok().map(Cow::Owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use openpgp::cert::{Cert, CertBuilder, CipherSuite};
    use openpgp::serialize::SerializeInto as _;
    use openpgp::{Packet, Profile};

    use super::*;
    use crate::identity::UtcTime;
    use crate::openpgp::certificate::ArchiveCert;

    fn certificate(suite: CipherSuite, profile: Profile) -> Cert {
        let builder = CertBuilder::new()
            .set_cipher_suite(suite)
            .set_profile(profile)
            .unwrap();
        let builder = builder.add_storage_encryption_subkey();
        builder.generate().unwrap().0
    }

    fn ours(theirs: &openpgp::Fingerprint) -> Fingerprint {
        Fingerprint::from_bytes(theirs.as_bytes()).unwrap()
    }

    #[test]
    fn keys_of_all_kinds_are_found_by_their_fingerprints() {
        for (suite, profile) in [
            (CipherSuite::Cv25519, Profile::RFC4880),
            (CipherSuite::RSA2k, Profile::RFC4880),
            (CipherSuite::Cv25519, Profile::RFC9580),
        ] {
            let cert = certificate(suite, profile);
            let (primary, file) = (ours(&cert.fingerprint()), cert.to_vec().unwrap());
            for key in cert.keys() {
                let fingerprint = ours(&key.key().fingerprint());
                let found = find_key(&file, &primary, &fingerprint).unwrap();
                assert_eq!(found.fingerprints().encryption, fingerprint);
                let parsed = parsed(
                    &Packet::from(key.key().clone().role_into_subordinate())
                        .to_vec()
                        .unwrap(),
                );
                assert_eq!(parsed.unwrap().fingerprint(), key.key().fingerprint());
                let armored = cert.armored().to_vec().unwrap();
                let with_crlf = String::from_utf8(armored).unwrap().replace('\n', "\r\n");
                assert!(find_key(with_crlf.as_bytes(), &primary, &fingerprint).is_some());
            }
        }
    }

    #[test]
    fn a_curve25519_subkey_is_read_without_sequoia_and_is_the_verified_one() {
        let cert = certificate(CipherSuite::Cv25519, Profile::RFC4880);
        let file = cert.to_vec().unwrap();
        let now = UtcTime::from_unix(4_000_000_000).unwrap();
        let verified = Recipient::from(&ArchiveCert::parse(&file, None, now).unwrap());
        let ArchiveFingerprints {
            primary,
            encryption,
        } = verified.fingerprints();
        let found = find_key(&file, &primary, &encryption).unwrap();
        let (SubKey::Curve25519(found), SubKey::Curve25519(verified)) = (found.key, verified.key)
        else {
            unreachable!("both are Curve25519")
        };
        assert_eq!(format!("{found:?}"), format!("{verified:?}"));
    }

    #[test]
    fn any_changed_byte_of_a_key_makes_it_another_key() {
        let cert = certificate(CipherSuite::Cv25519, Profile::RFC4880);
        let primary = ours(&cert.fingerprint());
        let subkey = cert.keys().subkeys().next().unwrap();
        let subkey = ours(&subkey.key().fingerprint());
        let file = cert.to_vec().unwrap();
        let packets: Vec<_> = RawPacket::all_in(&file).collect();
        let mut start = 0;
        for packet in &packets {
            let end = start + packet.bytes.len();
            if matches!(packet.tag, PUBLIC_KEY | PUBLIC_SUBKEY) {
                for at in start..end {
                    let mut changed = file.clone();
                    changed[at] ^= 1;
                    assert!(find_key(&changed, &primary, &subkey).is_none(), "{at}");
                }
            }
            start = end;
        }
        assert!(find_key(b"", &primary, &subkey).is_none());
    }
}
