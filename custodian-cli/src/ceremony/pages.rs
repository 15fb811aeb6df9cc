//! The ceremony's facts laid into the page templates, and the printed code read back from the rendered page.

use archiver_core::frame::to_qr_text;
use archiver_core::seal::public_keys::{SealKeys, ServerKeys};
use archiver_core::secret::SecretText;
use archiver_core::share::Share;
use archiver_core::sharing::{Purpose, SetId};
use archiver_core::words::{Row, to_rows};
use data_encoding::HEXLOWER;
use paper_templates::{
    CeremonyRecord, CeremonyStep, EnvelopeLabels, PaperError, RecordedCustodian, RecordedFile,
    RecordedServer, RecoveryPage, RevocationSheet, SecretPdf, ShareSheet, ceremony_record,
    envelope_labels, recovery_page, revocation_sheet, share_sheet,
};
use sha2::{Digest as _, Sha256};
use sheet_scan::{Limits, ScanError, read_codes};
use thiserror::Error;

use super::minutes::{Minutes, Step};
use super::output::{Folder, OutputFile};
use crate::plan::{Plan, PlannedCustodian};
use crate::version::{COMMIT, PROGRAM, binary_sha256};
use archiver_core::identity::{Fingerprint, UtcTime};
use archiver_core::manifest::Manifest;

/// The share frame's name on the sheet.
const FRAME_FORMAT: &str = "share frame version 1";

/// What all pages of one ceremony have in common.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) purpose: Purpose,
    pub(crate) primary: Fingerprint,
    pub(crate) set_id: SetId,
    pub(crate) seal_keys: &'a SealKeys,
    pub(crate) started: UtcTime,
}

/// A printed code that does not read back.
#[derive(Debug, Error)]
pub(crate) enum ReadBackError {
    #[error("its code cannot be read from the rendered page: {0}")]
    Scan(#[from] ScanError),
    #[error("its code reads back as something else")]
    Differs,
}

impl Pages<'_> {
    fn rehearsal(&self) -> bool {
        self.purpose == Purpose::Rehearsal
    }

    /// A custodian's sheet.
    pub(crate) fn sheet(
        &self,
        custodian: &PlannedCustodian,
        share: &Share,
    ) -> Result<SecretPdf, PaperError> {
        let text = to_qr_text(share);
        let rows: Vec<SecretText> = to_rows(share).iter().map(Row::expose_words).collect();
        share_sheet(
            &ShareSheet {
                organisation: &self.plan.organisation,
                archive: &self.plan.archive,
                share_index: custodian.share.get(),
                shares: self.plan.threshold.n(),
                threshold: self.plan.threshold.k(),
                fingerprint: &self.primary.to_string(),
                set_id: &self.set_id.to_string(),
                ceremony_date: &self.started.day(),
                custodian: &custodian.name,
                role: &custodian.role,
                envelope: &custodian.envelope,
                program: PROGRAM,
                format: FRAME_FORMAT,
                qr_text: text.expose_text(),
                words: &rows.iter().map(SecretText::expose_text).collect::<Vec<_>>(),
                rehearsal: self.rehearsal(),
            },
            self.plan.paper,
        )
    }

    /// The sheet that revokes the archive key.
    pub(crate) fn revocation(&self, certificate: &SecretText) -> Result<SecretPdf, PaperError> {
        revocation_sheet(
            &RevocationSheet {
                organisation: &self.plan.organisation,
                archive: &self.plan.archive,
                fingerprint: &self.primary.to_string(),
                ceremony_date: &self.started.day(),
                program: PROGRAM,
                certificate: certificate.expose_text(),
                rehearsal: self.rehearsal(),
            },
            self.plan.paper,
        )
    }

    /// The page that opens the archive without this program.
    pub(crate) fn recovery(&self) -> Result<Vec<u8>, PaperError> {
        recovery_page(
            &RecoveryPage {
                organisation: &self.plan.organisation,
                archive: &self.plan.archive,
                threshold: self.plan.threshold.k(),
                shares: self.plan.threshold.n(),
                fingerprint: &self.primary.to_string(),
                set_id: &self.set_id.to_string(),
                ceremony_date: &self.started.day(),
                program: PROGRAM,
                rehearsal: self.rehearsal(),
            },
            self.plan.paper,
        )
    }

    /// The labels for the envelopes.
    pub(crate) fn labels(&self) -> Result<Vec<u8>, PaperError> {
        envelope_labels(
            &EnvelopeLabels {
                organisation: &self.plan.organisation,
                shares: self.plan.threshold.n(),
                set_id: &self.set_id.to_string(),
                ceremony_date: &self.started.day(),
                custodians: &self.recorded(),
                rehearsal: self.rehearsal(),
            },
            self.plan.paper,
        )
    }

    fn recorded(&self) -> Vec<RecordedCustodian<'_>> {
        self.plan.custodians.iter().map(recorded).collect()
    }

    /// The ceremony record.
    pub(crate) fn record(
        &self,
        manifest: &Manifest,
        manifest_json: &[u8],
        minutes: &Minutes,
        files: &[OutputFile],
        ended: UtcTime,
    ) -> Result<Vec<u8>, PaperError> {
        let sharing = &manifest.sharing;
        let commitments: Vec<String> = sharing
            .commitments()
            .iter()
            .map(|c| HEXLOWER.encode(&c.to_bytes()))
            .collect();
        let files: Vec<(String, String)> = files.iter().filter_map(public_digest).collect();
        let servers = self.seal_keys.servers().iter().map(ServerTexts::of);
        let servers: Vec<ServerTexts> = servers.collect();
        let exceptions: Vec<&str> = minutes.exceptions.iter().map(String::as_str).collect();
        ceremony_record(
            &CeremonyRecord {
                organisation: &self.plan.organisation,
                archive: &self.plan.archive,
                started: &self.started.to_string(),
                ended: &ended.to_string(),
                program: PROGRAM,
                commit: COMMIT,
                binary_sha256: &binary_sha256(),
                profile: &sharing.profile().to_string(),
                threshold: sharing.threshold().k(),
                shares: sharing.threshold().n(),
                primary_fingerprint: &sharing.primary_fingerprint().to_string(),
                subkey_fingerprint: &sharing.encryption_fingerprint().to_string(),
                set_id: &self.set_id.to_string(),
                commitments: &commitments.iter().map(String::as_str).collect::<Vec<_>>(),
                custodians: &self.recorded(),
                servers: &servers
                    .iter()
                    .map(ServerTexts::recorded)
                    .collect::<Vec<_>>(),
                steps: &minutes.steps.iter().map(step).collect::<Vec<_>>(),
                exceptions: &exceptions,
                manifest: manifest_json,
                files: &files
                    .iter()
                    .map(|(path, sha256)| RecordedFile { path, sha256 })
                    .collect::<Vec<_>>(),
                rehearsal: self.rehearsal(),
            },
            self.plan.paper,
        )
    }
}

/// What the record says of a server, as text.
struct ServerTexts {
    name: String,
    log: String,
    days: String,
}

impl ServerTexts {
    fn of(keys: &ServerKeys) -> Self {
        let days = keys.days();
        Self {
            name: keys.name().to_string(),
            log: keys.log().to_string(),
            days: format!("{} to {}", days.start(), days.end()),
        }
    }

    fn recorded(&self) -> RecordedServer<'_> {
        RecordedServer {
            name: &self.name,
            log: &self.log,
            days: &self.days,
        }
    }
}

/// Renders a page, reads its code from the pixels, and compares it with what it should be.
pub(crate) fn read_back(page: &SecretPdf, expected: &str) -> Result<(), ReadBackError> {
    let codes = read_codes(page.expose_bytes(), &Limits::default())?;
    match codes.as_slice() {
        [code] if code.expose_text() == expected => Ok(()),
        _ => Err(ReadBackError::Differs),
    }
}

/// Path and SHA-256 of a file that holds no secret.
fn public_digest(file: &OutputFile) -> Option<(String, String)> {
    let public = matches!(file.folder, Folder::Public | Folder::Record);
    let path = format!("{}/{}", file.folder.name(), file.name.display());
    public.then(|| {
        (
            path,
            HEXLOWER.encode(&Sha256::digest(file.contents.as_slice())),
        )
    })
}

fn recorded(custodian: &PlannedCustodian) -> RecordedCustodian<'_> {
    RecordedCustodian {
        share_index: custodian.share.get(),
        name: &custodian.name,
        role: &custodian.role,
        envelope: &custodian.envelope,
    }
}

fn step(step: &Step) -> CeremonyStep<'_> {
    CeremonyStep {
        action: &step.action,
        expected: &step.expected,
        observed: &step.observed,
        verdict: if step.met {
            paper_templates::Verdict::Met
        } else {
            paper_templates::Verdict::NotMet
        },
    }
}
