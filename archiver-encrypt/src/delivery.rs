//! The order of work for one mail: certificate, mail, encryption, and only then the vault.

use std::io::{self, Read, Write};
use std::path::Path;

use archiver_core::identity::Fingerprint;
use archiver_core::openpgp::encrypt::{Compression, EncryptError, seal};
use archiver_core::seal::writer::Sealer;
use archiver_core::vault::append::{AppendError, append};
use archiver_core::vault::armor;
use archiver_core::vault::header::Header;
use thiserror::Error;

use crate::args::Args;
use crate::certificate_file::{self, CertificateFileError};
use crate::clock::Clock;
use crate::disk::{self, DiskFolder};
use crate::reply::{self, Notice};
use crate::seal_folder;
use crate::spool;
use crate::stop::StopSignals;
use crate::vault_place::{NoVaultsPath, require_vaults_path};

/// Why a mail is not archived, or not surely so.
#[derive(Debug, Error)]
pub(crate) enum DeliveryError {
    #[error("the system's clock cannot be read or is far off; set it")]
    Clock,
    #[error(transparent)]
    NoVaultsPath(#[from] NoVaultsPath),
    #[error(transparent)]
    Certificate(#[from] CertificateFileError),
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    #[error("vault {0}: {1}")]
    Append(String, AppendError),
    #[error("the record could not be written to standard output: {0}")]
    Output(io::Error),
}

/// Archives one mail. On success the record is on stable storage, with the header that is returned (or, with `--output -`, without one,
/// handed to `out`, and flushed).
pub(crate) fn deliver(
    args: &Args,
    mail: impl Read,
    out: &mut impl Write,
    stop: &StopSignals,
    clock: Clock,
    notices: &mut Vec<Notice>,
) -> Result<Option<Header>, DeliveryError> {
    let now = clock().ok_or(DeliveryError::Clock)?;
    if let Some(vault) = &args.vault {
        require_vaults_path(vault, Some(&args.cert), args.seal_dir.as_deref())?;
    }
    let certificate = certificate_file::read(args, now, notices)?;
    let recipient = &certificate.recipient;
    let compression = if args.no_compress {
        Compression::None
    } else {
        Compression::Zlib
    };
    let mut make_spool = || spool::make(args.vault.as_deref());
    let sealed = seal(recipient, mail, compression, &mut make_spool)?;

    let Some(path) = &args.vault else {
        let written = armor::write(None, sealed.message(), out).and_then(|()| out.flush());
        return written.map(|()| None).map_err(DeliveryError::Output);
    };
    let name = || path.display().to_string();
    let subkey = recipient.fingerprints().encryption;
    let mut server = sealer(args, path, subkey, notices);
    let receipt = disk::vault_at(path, args.allow_network_fs, stop)
        .map_err(AppendError::Lock)
        .and_then(|mut vault| match &mut server {
            Some(server) => server.append(&mut vault, sealed, || clock().unwrap_or(now)),
            None => append(&mut vault, sealed, || clock().unwrap_or(now)),
        });
    if let Some(server) = &mut server {
        tell_anomalies(server, notices);
    }
    let receipt = receipt.map_err(|e| DeliveryError::Append(name(), e))?;
    certificate.keep();
    if args.confirm {
        reply::confirm(&receipt.header.place, out);
    }
    if receipt.found_torn_tail {
        notices.push(Notice::TornTail(name()));
    }
    if receipt.clock_is_far_behind() {
        let claimed = receipt.header.place.time;
        notices.push(Notice::ClockBehind(name(), receipt.now, claimed));
    }
    Ok(Some(receipt.header))
}

/// The server that seals, if one is asked for. A mail must not wait in the queue, and at last be returned, because it cannot be sealed: the log goes on
/// without, and the next run with the seal folder seals what came meanwhile.
fn sealer(
    args: &Args,
    vault: &Path,
    subkey: Fingerprint,
    notices: &mut Vec<Notice>,
) -> Option<Sealer<DiskFolder<'static>>> {
    let folder = args.seal_dir.as_deref()?;
    let opened = seal_folder::open(folder, vault, Some(subkey), args.allow_network_fs);
    opened
        .inspect_err(|e| notices.push(Notice::Seals(e.to_string())))
        .ok()
}

fn tell_anomalies(sealer: &mut Sealer<DiskFolder<'_>>, notices: &mut Vec<Notice>) {
    let anomalies = sealer.take_anomalies().into_iter();
    // What is only a hint for later would stand in the log with each mail; `seal` and `status` give it.
    let anomalies = anomalies.filter(|anomaly| !anomaly.is_notice());
    notices.extend(anomalies.map(|anomaly| Notice::Seals(anomaly.to_string())));
}
