//! The certificate: whether the hook can use it, until when, and who could put another in its place.

use std::os::unix::fs::MetadataExt as _;

use archiver_core::identity::UtcTime;
use archiver_core::openpgp::certificate::{ArchiveCert, Validity};
use serde::Serialize;

use super::Args;
use super::state::{Findings, State};
use crate::certificate_file::{self, CertificateFileError};

/// The certificate, as of now.
#[derive(Debug, Serialize)]
pub(crate) struct Certificate {
    pub(crate) path: String,
    pub(crate) fingerprint: String,
    pub(crate) encryption_subkey: String,
    pub(crate) validity: String,
    pub(crate) expires: Option<String>,
    pub(crate) days_left: Option<i64>,
}

/// Looks at the certificate's file.
pub(crate) fn look(args: &Args, now: UtcTime, findings: &mut Findings) -> Option<Certificate> {
    match read(args, now, findings) {
        Ok(cert) => {
            let days_left = cert.expires().map(|end| (end.unix() - now.unix()) / 86_400);
            judge_validity(&cert, days_left, args, findings);
            Some(Certificate {
                path: args.cert.display().to_string(),
                fingerprint: cert.primary_fingerprint().to_string(),
                encryption_subkey: cert.encryption_fingerprint().to_string(),
                validity: cert.validity().to_string(),
                expires: cert.expires().map(|end| end.to_string()),
                days_left,
            })
        }
        Err(e) => {
            findings.add(State::Critical, format!("no mail is archived: {e}"));
            None
        }
    }
}

fn read(
    args: &Args,
    now: UtcTime,
    findings: &mut Findings,
) -> Result<ArchiveCert, CertificateFileError> {
    let (bytes, metadata) = certificate_file::read_file(&args.cert)?;
    let name = args.cert.display().to_string();
    let cert = ArchiveCert::parse(&bytes, args.fingerprint.as_ref(), now)
        .map_err(|e| CertificateFileError::Unfit(name, Box::new(e)))?;
    judge_permissions(metadata.mode(), args, findings);
    Ok(cert)
}

fn judge_permissions(mode: u32, args: &Args, findings: &mut Findings) {
    let path = args.cert.display();
    let who = match mode {
        _ if args.fingerprint.is_some() => return,
        mode if mode & 0o002 != 0 => "everybody",
        mode if mode & 0o020 != 0 => "its group",
        _ => return,
    };
    let text = format!(
        "certificate {path} may be written by {who}, who could divert all mail; run: chmod go-w {path}"
    );
    findings.add(State::Critical, text);
}

fn judge_validity(
    cert: &ArchiveCert,
    days_left: Option<i64>,
    args: &Args,
    findings: &mut Findings,
) {
    let path = args.cert.display();
    let state = match (cert.validity(), days_left) {
        (Validity::Valid, Some(days)) if days < i64::from(args.warn_cert_days) => State::Warning,
        (Validity::Valid, _) => State::Ok,
        _ => State::Warning,
    };
    let expiry = cert.expires().map_or_else(
        || "does not expire".to_owned(),
        |end| format!("expires on {}", end.day()),
    );
    let subkey = cert.encryption_fingerprint();
    let text = match cert.validity() {
        Validity::Valid => {
            format!("certificate {path} is valid and {expiry}; encryption subkey {subkey}")
        }
        other => format!(
            "certificate {path} is {other}; mail is archived all the same, unless the hook has --strict-cert"
        ),
    };
    findings.add(state, text);
}
