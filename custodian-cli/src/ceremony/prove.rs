//! The secret part of a ceremony: the key's secret is shared, and everything that an audit will need is proved to work before anything is printed.

use archiver_core::frame::{from_qr_text, to_qr_text};
use archiver_core::identity::UtcTime;
use archiver_core::openpgp::archive_key::ArchiveKey;
use archiver_core::openpgp::certificate::ArchiveCert;
use archiver_core::openpgp::decrypt::{DecryptionKey, open_message};
use archiver_core::openpgp::encrypt::{Compression, in_memory, seal as seal_mail};
use archiver_core::openpgp::recipient::Recipient;
use archiver_core::quorum::{Gathering, RebuiltSecret};
use archiver_core::seal::public_keys::SealKeys;
use archiver_core::share::Share;
use archiver_core::sharing::{Purpose, SharingTerms};
use archiver_core::split::Dealing;
use archiver_core::words::{Row, Rows, to_rows};

use super::hold::CeremonyError;
use super::minutes::Minutes;
use crate::operator::Operator;
use crate::plan::Plan;

/// What is archived and opened once before anything is printed.
const CANARY: &[u8] =
    b"From: ceremony\nSubject: test mail\n\nIf this can be read, the archive opens.\n";

/// Shares the key's secret and proves the shares before anything is printed.
pub(super) fn share(
    plan: &Plan,
    purpose: Purpose,
    key: &ArchiveKey,
    seal_keys: &SealKeys,
    minutes: &mut Minutes,
    operator: &mut dyn Operator,
) -> Result<Dealing, CeremonyError> {
    let secret = key.x25519_secret()?;
    let terms = SharingTerms {
        profile: plan.profile,
        purpose,
        threshold: plan.threshold,
        primary: key.primary_fingerprint(),
        encryption: key.encryption_fingerprint(),
        seal_keys_sha256: Some(seal_keys.sha256()),
    };
    operator.say(&format!("Sharing its secret, {} …", plan.threshold));
    let dealing = Dealing::deal(&secret, &terms)?;
    minutes.met(
        "Archive key made and shared",
        format!(
            "{} shares, any {} open",
            plan.threshold.n(),
            plan.threshold.k()
        ),
        format!(
            "{} shares and {} commitments",
            dealing.shares().len(),
            dealing.sharing().commitments().len()
        ),
    );
    prove(&dealing, minutes, operator)?;
    Ok(dealing)
}

/// Tries the subsets of shares: enough of them must give the key, fewer must not.
fn prove(
    dealing: &Dealing,
    minutes: &mut Minutes,
    operator: &mut dyn Operator,
) -> Result<(), CeremonyError> {
    let threshold = dealing.sharing().threshold();
    let proof = dealing.prove()?;
    let which = if proof.exhaustive { "all" } else { "random" };
    minutes.met(
        "Key rebuilt from sets of shares",
        format!(
            "every set of {} gives the key, no set of {} does",
            threshold.k(),
            threshold.k() - 1
        ),
        format!(
            "{which} {} sets gave the key, {} smaller ones did not",
            proof.rebuilt, proof.refused
        ),
    );
    operator.say(&format!(
        "Proved: {which} {} sets of {} shares rebuild the key.",
        proof.rebuilt,
        threshold.k()
    ));
    Ok(())
}

/// Rebuilds the secret as an audit will: from texts, through verification.
pub(super) fn rebuild_from_texts(
    dealing: &Dealing,
    minutes: &mut Minutes,
) -> Result<RebuiltSecret, CeremonyError> {
    let mut gathering = Gathering::new(dealing.sharing().clone());
    let mut from_words = Gathering::new(dealing.sharing().clone());
    for share in dealing.shares() {
        gathering.add(from_qr_text(to_qr_text(share).expose_text())?)?;
        from_words.add(read_words(share)?)?;
    }
    let verified = gathering.have().min(from_words.have());
    let rebuilt = gathering.into_quorum()?.rebuild()?;
    minutes.met(
        "Each share verified against the commitments, from the text of its code and from its words",
        format!("{} verified", dealing.shares().len()),
        format!("{verified} verified"),
    );
    Ok(rebuilt)
}

/// The share from its own words, read as they will be typed.
fn read_words(share: &Share) -> Result<Share, CeremonyError> {
    let mut rows = Rows::new();
    for row in to_rows(share) {
        let words = row.expose_words();
        let words: Vec<&str> = words.expose_text().split(' ').collect();
        rows.insert(Row::read(row.letter(), &words)?);
    }
    Ok(rows.share()?)
}

/// Locks the whole key with the passphrase that the shares give, and unlocks it again.
pub(super) fn seal(
    key: &ArchiveKey,
    rebuilt: &RebuiltSecret,
    minutes: &mut Minutes,
) -> Result<Vec<u8>, CeremonyError> {
    let passphrase = rebuilt.sealed_key_passphrase();
    let sealed = key.locked_armored(&passphrase)?;
    let unsealed = ArchiveKey::unseal(&sealed, &passphrase)?;
    let same = unsealed.primary_fingerprint() == key.primary_fingerprint()
        && unsealed.x25519_secret()?.public_key() == rebuilt.x25519().public_key();
    if !same {
        return Err(CeremonyError::SealedKeyDiffers);
    }
    minutes.met(
        "Secret key sealed, and unsealed with the passphrase that the shares give",
        format!("fingerprint {}", key.primary_fingerprint()),
        format!("fingerprint {}", unsealed.primary_fingerprint()),
    );
    Ok(sealed)
}

/// Encrypts a test mail as the mail server will, and opens it as the audit will.
pub(super) fn open_canary(
    key: &ArchiveKey,
    rebuilt: &RebuiltSecret,
    started: UtcTime,
    minutes: &mut Minutes,
) -> Result<(), CeremonyError> {
    let certificate = ArchiveCert::parse(&key.certificate_armored()?, None, started)?;
    let sealed = seal_mail(
        &Recipient::from(&certificate),
        CANARY,
        Compression::Zlib,
        &mut in_memory,
    )?;
    let decryption = DecryptionKey::from_x25519(&certificate, rebuilt.x25519())?;
    let mut opened = Vec::new();
    open_message(
        sealed.message().reader(),
        &decryption,
        CANARY.len() as u64,
        &mut opened,
    )?;
    if opened != CANARY {
        return Err(CeremonyError::CanaryDiffers);
    }
    minutes.met(
        "Test mail encrypted to the certificate, opened with the key rebuilt from the shares",
        format!("{} bytes as they went in", CANARY.len()),
        format!("{} bytes as they went in", opened.len()),
    );
    Ok(())
}
