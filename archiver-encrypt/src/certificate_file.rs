//! Reads the archive's certificate from its file, and judges the file: whoever can write it could divert all mail to a
//! key of his own.
//!
//! A file that everybody may write is refused, one that a group may write is warned about; both are in order when `--fingerprint`
//! says which certificate it must be.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use archiver_core::identity::UtcTime;
use archiver_core::openpgp::certificate::{ArchiveCert, CertError, Validity};
use archiver_core::openpgp::recipient::{PinnedRecipient, Recipient};
use thiserror::Error;

use crate::args::Args;
use crate::recipient_file::RecipientFile;
use crate::reply::Notice;

/// A certificate with post-quantum signatures has 14 KB.
const MAX_BYTES: u64 = 1024 * 1024;

const WRITABLE_BY_OTHERS: u32 = 0o002;
const WRITABLE_BY_GROUP: u32 = 0o020;

/// Why the certificate's file does not serve.
#[derive(Debug, Error)]
pub(crate) enum CertificateFileError {
    #[error(
        "certificate {0} could not be read: {1}; check --cert, and that the user who runs the hook may read it"
    )]
    Read(String, io::Error),
    #[error("certificate {0} is not a file; give --cert the file archive.cert.asc of the ceremony")]
    NotAFile(String),
    #[error(
        "certificate {0} is longer than {MAX_BYTES} bytes; give --cert the file archive.cert.asc of the ceremony"
    )]
    TooLong(String),
    #[error(
        "certificate {0} may be written by everybody, who could divert all mail; run: chmod go-w {0}"
    )]
    WritableByAll(String),
    #[error("certificate {0}: {1}; {remedy}", remedy = remedy(.1))]
    Unfit(String, Box<CertError>),
    #[error(
        "certificate {0} is {1}, and --strict-cert was given; put a certificate in force there, or leave --strict-cert out"
    )]
    NotInForce(String, Validity),
}

/// To whom mails are encrypted.
pub(crate) struct Checked {
    pub(crate) recipient: Recipient,
    /// What a verification found, and where it is kept for the next run.
    found: Option<(RecipientFile, PinnedRecipient)>,
}

impl Checked {
    /// Keeps what was found. To be called when the mail is archived: a run that is refused leaves no file, wherever its vault's path led.
    pub(crate) fn keep(&self) {
        if let Some((file, pinned)) = &self.found {
            file.write(pinned);
        }
    }
}

/// Reads the certificate that the arguments name, as of the time `now`. It is verified unless the vault's recipient file says that this
/// was done, for exactly this file, within the last day.
pub(crate) fn read(
    args: &Args,
    now: UtcTime,
    notices: &mut Vec<Notice>,
) -> Result<Checked, CertificateFileError> {
    let (bytes, metadata) = read_file(&args.cert)?;
    judge_file(args, &metadata, notices)?;
    let kept = args.vault.as_deref().and_then(RecipientFile::of);
    let pinned = kept.as_ref().and_then(|kept| look_at(kept, notices));
    let asked = args.fingerprint.as_ref();
    let mut found = None;
    let (recipient, validity) =
        match pinned.map(|pinned| (pinned, pinned.recipient(&bytes, asked, now))) {
            Some((pinned, Ok(recipient))) => (recipient, pinned.validity()),
            outdated => {
                if let (Some((_, Err(e))), Some(kept)) = (&outdated, &kept)
                    && e.is_suspicious()
                {
                    notices.push(Notice::RecipientFile(name(kept.path()), e.to_string()));
                }
                let before = outdated.map(|(pinned, _)| pinned);
                let (recipient, validity, pinned) = verify(args, &bytes, now, before, notices)?;
                found = kept.zip(pinned);
                (recipient, validity)
            }
        };
    judge_validity(args, validity, notices)?;
    Ok(Checked { recipient, found })
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// Whoever can write the file could divert all mail, unless the fingerprint is pinned.
fn judge_file(
    args: &Args,
    metadata: &Metadata,
    notices: &mut Vec<Notice>,
) -> Result<(), CertificateFileError> {
    if args.fingerprint.is_some() {
        return Ok(());
    }
    let mode = metadata.permissions().mode();
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(CertificateFileError::WritableByAll(name(&args.cert)));
    }
    if mode & WRITABLE_BY_GROUP != 0 {
        notices.push(Notice::WritableByGroup(name(&args.cert)));
    }
    Ok(())
}

/// What the recipient file says, if it can be believed.
fn look_at(kept: &RecipientFile, notices: &mut Vec<Notice>) -> Option<PinnedRecipient> {
    kept.read().unwrap_or_else(|distrust| {
        let reason = distrust.to_string();
        notices.push(Notice::RecipientFile(name(kept.path()), reason));
        None
    })
}

/// Verifies the certificate. The last thing is what the next run may go by.
fn verify(
    args: &Args,
    bytes: &[u8],
    now: UtcTime,
    before: Option<PinnedRecipient>,
    notices: &mut Vec<Notice>,
) -> Result<(Recipient, Validity, Option<PinnedRecipient>), CertificateFileError> {
    let asked = args.fingerprint.as_ref();
    let cert = ArchiveCert::parse(bytes, asked, now)
        .map_err(|e| CertificateFileError::Unfit(name(&args.cert), Box::new(e)))?;
    let keys = (cert.primary_fingerprint(), cert.encryption_fingerprint());
    if let Some(before) = before
        .map(|before| before.keys())
        .filter(|before| *before != keys)
    {
        let (was, is) = if before.0 == keys.0 {
            (before.1, keys.1)
        } else {
            (before.0, keys.0)
        };
        notices.push(Notice::OtherKey(name(&args.cert), was, is));
    }
    let pinned = PinnedRecipient::of(&cert, bytes, asked, now);
    Ok((Recipient::from(&cert), cert.validity(), pinned))
}

fn judge_validity(
    args: &Args,
    validity: Validity,
    notices: &mut Vec<Notice>,
) -> Result<(), CertificateFileError> {
    match validity {
        Validity::Valid => (),
        other if args.strict_cert => {
            return Err(CertificateFileError::NotInForce(name(&args.cert), other));
        }
        other => notices.push(Notice::NotInForce(name(&args.cert), other)),
    }
    Ok(())
}

/// What to do about a certificate that does not serve.
fn remedy(problem: &CertError) -> &'static str {
    match problem {
        CertError::SeveralEncryptionSubkeys { .. } => "choose one with --fingerprint",
        CertError::WrongFingerprint { .. } => {
            "put the right certificate there, or mend --fingerprint"
        }
        _ => "put the file archive.cert.asc of the ceremony there",
    }
}

/// A regular file's bytes. Others are not even opened: a FIFO would keep the mail server waiting.
pub(crate) fn read_file(path: &Path) -> Result<(Vec<u8>, Metadata), CertificateFileError> {
    use CertificateFileError as E;
    let name = || path.display().to_string();
    let unreadable = |e| E::Read(name(), e);
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(E::NotAFile(name()));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(MAX_BYTES + 1);
    let length = bounded.read_to_end(&mut bytes).map_err(unreadable)?;
    if length as u64 > MAX_BYTES {
        return Err(E::TooLong(name()));
    }
    Ok((bytes, metadata))
}
