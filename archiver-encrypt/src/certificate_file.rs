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
use thiserror::Error;

use crate::args::Args;
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

/// Reads the certificate that the arguments name, as of the time `now`.
pub(crate) fn read(
    args: &Args,
    now: UtcTime,
    notices: &mut Vec<Notice>,
) -> Result<ArchiveCert, CertificateFileError> {
    use CertificateFileError as E;
    let path = || args.cert.display().to_string();
    let (bytes, metadata) = read_file(&args.cert)?;
    if args.fingerprint.is_none() {
        let mode = metadata.permissions().mode();
        if mode & WRITABLE_BY_OTHERS != 0 {
            return Err(E::WritableByAll(path()));
        }
        if mode & WRITABLE_BY_GROUP != 0 {
            notices.push(Notice::WritableByGroup(path()));
        }
    }
    let cert = ArchiveCert::parse(&bytes, args.fingerprint.as_ref(), now)
        .map_err(|e| E::Unfit(path(), Box::new(e)))?;
    match cert.validity() {
        Validity::Valid => (),
        other if args.strict_cert => return Err(E::NotInForce(path(), other)),
        other => notices.push(Notice::NotInForce(path(), other)),
    }
    Ok(cert)
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
