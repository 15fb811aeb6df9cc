//! The ceremony in the order in which it happens. Nothing is written here: the result is a list of files.

use std::path::PathBuf;

use archiver_core::frame::{NotAShareText, from_qr_text, to_qr_text};
use archiver_core::identity::UtcTime;
use archiver_core::manifest::{
    Custodian, Custodians, CustodiansError, Description, Manifest, ManifestError,
};
use archiver_core::openpgp::archive_key::{ArchiveKey, ArchiveKeyError, NewArchiveKey};
use archiver_core::openpgp::certificate::{ArchiveCert, CertError};
use archiver_core::openpgp::decrypt::{DecryptionKey, KeyError, MessageError, open_message};
use archiver_core::openpgp::encrypt::{Compression, EncryptError, seal as seal_mail};
use archiver_core::public_folder::{PublicFolder, PublicFolderError, file_names};
use archiver_core::quorum::{Gathering, NotEnoughSheets, NotTheKey, RebuiltSecret};
use archiver_core::secret::SecretText;
use archiver_core::share::ShareRefused;
use archiver_core::sharing::{Purpose, SharingPart};
use archiver_core::split::{Dealing, FaultyDealing, SharingTerms, SplitError};
use paper_templates::PaperError;
use thiserror::Error;
use zeroize::Zeroizing;

use super::minutes::Minutes;
use super::output::{Folder, OutputFile};
use super::pages::{Pages, ReadBackError, read_back};
use crate::clock::{self, ClockError};
use crate::exit::Exit;
use crate::failure::Explained;
use crate::operator::Operator;
use crate::plan::{Plan, sheet_file_name};
use crate::version::PROGRAM;

/// What is archived and opened once before anything is printed.
const CANARY: &[u8] =
    b"From: ceremony\nSubject: test mail\n\nIf this can be read, the archive opens.\n";

/// A ceremony that was held: its files, still in memory, and its minutes.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) sharing: SharingPart,
    pub(crate) files: Vec<OutputFile>,
    pub(crate) minutes: Minutes,
}

/// A ceremony that failed. Nothing was written, and no secret of it remains.
#[derive(Debug, Error)]
pub(crate) enum CeremonyError {
    #[error(transparent)]
    Clock(#[from] ClockError),
    #[error(transparent)]
    Key(#[from] ArchiveKeyError),
    #[error(transparent)]
    Split(#[from] SplitError),
    #[error("the shares failed their proof: {0}")]
    Faulty(#[from] FaultyDealing),
    #[error("a share does not survive its own text: {0}")]
    Text(#[from] NotAShareText),
    #[error("a fresh share was refused: {0}")]
    Refused(#[from] ShareRefused),
    #[error("the fresh sheets do not rebuild the key: {0}")]
    NotEnough(#[from] NotEnoughSheets),
    #[error(transparent)]
    NotTheKey(#[from] NotTheKey),
    #[error("the sealed key does not hold the key that was sealed")]
    SealedKeyDiffers,
    #[error("the fresh certificate does not serve: {0}")]
    Certificate(#[from] CertError),
    #[error("a test mail cannot be encrypted: {0}")]
    Encrypt(#[from] EncryptError),
    #[error("the rebuilt secret does not open the archive: {0}")]
    DecryptionKey(#[from] KeyError),
    #[error("a test mail does not open: {0}")]
    Canary(#[from] MessageError),
    #[error("a test mail did not come out as it went in")]
    CanaryDiffers,
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Custodians(#[from] CustodiansError),
    #[error("the fresh public folder does not fit together: {0}")]
    Public(#[from] PublicFolderError),
    #[error("a page cannot be made: {0}")]
    Paper(#[from] PaperError),
    #[error("{sheet}: {source}")]
    ReadBack {
        sheet: String,
        source: ReadBackError,
    },
    #[error("sheet {share} cannot be made: {source}")]
    Sheet { share: u8, source: PaperError },
    #[error("the revocation certificate does not revoke the archive key")]
    DoesNotRevoke,
}

impl Explained for CeremonyError {
    fn hint(&self) -> String {
        match self {
            Self::Clock(error) => error.hint(),
            Self::Paper(_) | Self::Sheet { .. } => "change the plan so that the text fits its place".to_owned(),
            _ => "nothing was written; run the ceremony again, and report this with the program's --version".to_owned(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Paper(_) | Self::Sheet { .. } => Exit::Input,
            _ => Exit::Internal,
        }
    }
}

/// Holds the ceremony of `plan`: makes the key, shares it, proves the shares, seals the key, signs the manifest, makes the pages and reads them back.
pub(crate) fn hold(
    plan: &Plan,
    purpose: Purpose,
    started: UtcTime,
    mut minutes: Minutes,
    operator: &mut dyn Operator,
) -> Result<Held, CeremonyError> {
    let mut files = Vec::new();
    operator.say("Making the archive key …");
    let NewArchiveKey {
        key,
        revocation_certificate,
    } = ArchiveKey::generate_classic(&plan.archive, started)?;
    let dealing = share(plan, purpose, &key, &mut minutes, operator)?;
    let rebuilt = rebuild_from_texts(&dealing, &mut minutes)?;
    let sealed = seal(&key, &rebuilt, &mut minutes)?;
    open_canary(&key, &rebuilt, started, &mut minutes)?;

    operator.say("Writing and signing the manifest …");
    let custodians = custodians_of(plan, dealing.sharing())?;
    let manifest = manifest_of(plan, dealing.sharing(), &custodians, started)?;
    let manifest_json = publish(&key, &manifest, sealed, started, &mut files, &mut minutes)?;
    push(
        &mut files,
        Folder::Record,
        "custodians.json",
        custodians.to_json()?,
    );

    let set_id = dealing.sharing().set_id();
    let pages = Pages {
        plan,
        purpose,
        primary: key.primary_fingerprint(),
        set_id,
        started,
    };
    make_sheets(&pages, &dealing, &mut files, &mut minutes, operator)?;
    make_revocation(
        &pages,
        &key,
        &revocation_certificate,
        &mut files,
        &mut minutes,
    )?;
    minutes.left_out(
        "the printed sheets were not read back from paper: after printing, scan each one and run custodian check",
    );
    let record = pages.record(&manifest, &manifest_json, &minutes, &files, clock::now()?)?;
    push(&mut files, Folder::Record, "ceremony-record.pdf", record);
    Ok(Held {
        sharing: dealing.sharing().clone(),
        files,
        minutes,
    })
}

/// Makes the public folder's files and checks them against each other, as every reader will. Returns the manifest's bytes.
fn publish(
    key: &ArchiveKey,
    manifest: &Manifest,
    sealed: Vec<u8>,
    started: UtcTime,
    files: &mut Vec<OutputFile>,
    minutes: &mut Minutes,
) -> Result<Vec<u8>, CeremonyError> {
    let json = manifest.to_json()?;
    let signature = key.sign_detached(&json, started)?;
    let certificate = key.certificate_armored()?;
    let checked = PublicFolder::check(&json, &certificate, Some(&signature), started)?;
    minutes.met(
        "Public folder checked against itself, signature included",
        format!("set id {}", manifest.sharing.set_id()),
        format!("set id {}", checked.sharing().set_id()),
    );
    push(files, Folder::Public, file_names::CERTIFICATE, certificate);
    push(files, Folder::Public, file_names::SEALED_KEY, sealed);
    push(files, Folder::Public, file_names::MANIFEST, json.clone());
    push(files, Folder::Public, file_names::SIGNATURE, signature);
    Ok(json)
}

/// Shares the key's secret and proves the shares before anything is printed.
fn share(
    plan: &Plan,
    purpose: Purpose,
    key: &ArchiveKey,
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
    let proof = dealing.prove()?;
    let which = if proof.exhaustive { "all" } else { "random" };
    minutes.met(
        "Key rebuilt from sets of shares",
        format!(
            "every set of {} gives the key, no set of {} does",
            plan.threshold.k(),
            plan.threshold.k() - 1
        ),
        format!(
            "{which} {} sets gave the key, {} smaller ones did not",
            proof.rebuilt, proof.refused
        ),
    );
    operator.say(&format!(
        "Proved: {which} {} sets of {} shares rebuild the key.",
        proof.rebuilt,
        plan.threshold.k()
    ));
    Ok(dealing)
}

/// Rebuilds the secret as an audit will: from texts, through verification.
fn rebuild_from_texts(
    dealing: &Dealing,
    minutes: &mut Minutes,
) -> Result<RebuiltSecret, CeremonyError> {
    let mut gathering = Gathering::new(dealing.sharing().clone());
    for share in dealing.shares() {
        gathering.add(from_qr_text(to_qr_text(share).expose_text())?)?;
    }
    let verified = gathering.have();
    let rebuilt = gathering.into_quorum()?.rebuild()?;
    minutes.met(
        "Each share verified against the commitments, from the text of its code",
        format!("{} verified", dealing.shares().len()),
        format!("{verified} verified"),
    );
    Ok(rebuilt)
}

fn seal(
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
fn open_canary(
    key: &ArchiveKey,
    rebuilt: &RebuiltSecret,
    started: UtcTime,
    minutes: &mut Minutes,
) -> Result<(), CeremonyError> {
    let certificate = ArchiveCert::parse(&key.certificate_armored()?, None, started)?;
    let sealed = seal_mail(&certificate, CANARY, Compression::Zlib)?;
    let decryption = DecryptionKey::from_x25519(&certificate, rebuilt.x25519())?;
    let mut opened = Vec::new();
    open_message(
        sealed.message(),
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

fn custodians_of(plan: &Plan, sharing: &SharingPart) -> Result<Custodians, CustodiansError> {
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

fn manifest_of(
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

fn make_sheets(
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

fn make_revocation(
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

fn push(files: &mut Vec<OutputFile>, folder: Folder, name: impl Into<PathBuf>, contents: Vec<u8>) {
    files.push(OutputFile {
        folder,
        name: name.into(),
        contents: Zeroizing::new(contents),
    });
}
