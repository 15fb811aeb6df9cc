//! What a ceremony leaves: the public folder, the sheets, the revocation sheet; the servers' folders are made in [`super::seals`]. Made in memory, each checked as its reader will check it.

use std::path::PathBuf;

use archiver_core::frame::to_qr_text;
use archiver_core::identity::UtcTime;
use archiver_core::manifest::{Custodian, Custodians, CustodiansError, Description, Manifest};
use archiver_core::openpgp::archive_key::ArchiveKey;
use archiver_core::public_folder::{PublicFiles, PublicFolder, file_names};
use archiver_core::seal::public_keys::SealKeys;
use archiver_core::secret::SecretText;
use archiver_core::sharing::SharingPart;
use archiver_core::split::Dealing;
use zeroize::Zeroizing;

use super::hold::CeremonyError;
use super::minutes::Minutes;
use super::output::{Folder, OutputFile};
use super::pages::{Pages, read_back};
use crate::operator::Operator;
use crate::plan::{Plan, sheet_file_name};
use crate::version::PROGRAM;

/// Makes the public folder's files and checks them against each other, as every reader will. Returns the manifest's bytes.
pub(super) fn publish(
    key: &ArchiveKey,
    manifest: &Manifest,
    seal_keys: &SealKeys,
    sealed: Vec<u8>,
    started: UtcTime,
    files: &mut Vec<OutputFile>,
    minutes: &mut Minutes,
) -> Result<Vec<u8>, CeremonyError> {
    let json = manifest.to_json()?;
    let signature = key.sign_detached(&json, started)?;
    let certificate = key.certificate_armored()?;
    let seal_keys = seal_keys.to_text().into_bytes();
    let public = PublicFiles {
        manifest: &json,
        certificate: &certificate,
        signature: Some(&signature),
        seal_keys: Some(&seal_keys),
    };
    let checked = PublicFolder::check(&public, started)?;
    minutes.met(
        "Public folder checked against itself, signature and seal keys included",
        format!("set id {}", manifest.sharing.set_id()),
        format!("set id {}", checked.sharing().set_id()),
    );
    push(files, Folder::Public, file_names::CERTIFICATE, certificate);
    push(files, Folder::Public, file_names::SEALED_KEY, sealed);
    push(files, Folder::Public, file_names::MANIFEST, json.clone());
    push(files, Folder::Public, file_names::SIGNATURE, signature);
    push(files, Folder::Public, file_names::SEAL_KEYS, seal_keys);
    Ok(json)
}

pub(super) fn custodians_of(
    plan: &Plan,
    sharing: &SharingPart,
) -> Result<Custodians, CustodiansError> {
    let custodians = plan
        .custodians
        .iter()
        .map(|custodian| Custodian {
            share: custodian.share,
            name: custodian.name.clone(),
            role: custodian.role.clone(),
            envelope: custodian.envelope.clone(),
        })
        .collect();
    Custodians::new(sharing.set_id(), custodians)
}

pub(super) fn manifest_of(
    plan: &Plan,
    sharing: &SharingPart,
    custodians: &Custodians,
    started: UtcTime,
) -> Result<Manifest, CustodiansError> {
    Ok(Manifest {
        sharing: sharing.clone(),
        description: Description {
            organisation: plan.organisation.clone(),
            archive: plan.archive.clone(),
            ceremony_time: started,
            program: PROGRAM.to_owned(),
            custodians_sha256: custodians.salted_hash()?,
        },
    })
}

pub(super) fn make_sheets(
    pages: &Pages<'_>,
    dealing: &Dealing,
    files: &mut Vec<OutputFile>,
    minutes: &mut Minutes,
    operator: &mut dyn Operator,
) -> Result<(), CeremonyError> {
    let mut read = 0;
    for (custodian, share) in pages.plan.custodians.iter().zip(dealing.shares()) {
        let on_sheet = |source| CeremonyError::Sheet {
            share: custodian.share.get(),
            source,
        };
        let sheet = pages.sheet(custodian, share).map_err(on_sheet)?;
        read_back(&sheet, to_qr_text(share).expose_text()).map_err(|source| {
            CeremonyError::ReadBack {
                sheet: format!("sheet {}", custodian.share),
                source,
            }
        })?;
        read += 1;
        operator.say(&format!(
            "Sheet {} for {}: made, and read back from its pixels.",
            custodian.share, custodian.name
        ));
        push(
            files,
            Folder::Sheets,
            sheet_file_name(custodian),
            sheet.expose_bytes().to_vec(),
        );
    }
    minutes.met(
        "Sheets made, rendered, and their codes read back from the pixels",
        format!(
            "{} sheets, each with its own share",
            pages.plan.threshold.n()
        ),
        format!("{read} sheets, each with its own share"),
    );
    Ok(())
}

pub(super) fn make_revocation(
    pages: &Pages<'_>,
    key: &ArchiveKey,
    certificate: &SecretText,
    files: &mut Vec<OutputFile>,
    minutes: &mut Minutes,
) -> Result<(), CeremonyError> {
    if !key.is_revoked_by(certificate, pages.started)? {
        return Err(CeremonyError::DoesNotRevoke);
    }
    let sheet = pages.revocation(certificate)?;
    read_back(&sheet, certificate.expose_text()).map_err(|source| CeremonyError::ReadBack {
        sheet: "the revocation sheet".to_owned(),
        source,
    })?;
    minutes.met(
        "Revocation certificate made, on a sheet of its own, read back from its pixels",
        "it revokes the archive key",
        "it revokes the archive key",
    );
    push(
        files,
        Folder::Revocation,
        "revocation-sheet.pdf",
        sheet.expose_bytes().to_vec(),
    );
    push(
        files,
        Folder::Revocation,
        "revocation.asc",
        certificate.expose_text().as_bytes().to_vec(),
    );
    Ok(())
}

/// Adds a file to those that will be written.
pub(super) fn push(
    files: &mut Vec<OutputFile>,
    folder: Folder,
    name: impl Into<PathBuf>,
    contents: Vec<u8>,
) {
    files.push(OutputFile {
        folder,
        name: name.into(),
        contents: Zeroizing::new(contents),
    });
}
