//! The ceremony in the order in which it happens. Nothing is written here: the result is a list of files.

use archiver_core::frame::NotAShareText;
use archiver_core::identity::UtcTime;
use archiver_core::manifest::{CustodiansError, ManifestError};
use archiver_core::openpgp::archive_key::{ArchiveKey, ArchiveKeyError, NewArchiveKey};
use archiver_core::openpgp::certificate::CertError;
use archiver_core::openpgp::decrypt::{KeyError, MessageError};
use archiver_core::openpgp::encrypt::EncryptError;
use archiver_core::public_folder::PublicFolderError;
use archiver_core::quorum::{NotEnoughSheets, NotTheKey};
use archiver_core::seal::public_keys::{SealKeysError, SealKeysRefused};
use archiver_core::seal::seed_file::SeedFileRefused;
use archiver_core::secret::{NoRandomness, SecretText};
use archiver_core::share::ShareRefused;
use archiver_core::sharing::{Purpose, SharingPart};
use archiver_core::split::{Dealing, FaultyDealing, SplitError};
use archiver_core::words::{RowRefused, RowsRefused};
use paper_templates::PaperError;
use thiserror::Error;

use super::files::{custodians_of, make_revocation, make_sheets, manifest_of, publish, push};
use super::minutes::Minutes;
use super::output::{Folder, OutputFile};
use super::pages::{Pages, ReadBackError};
use super::prove::{open_canary, rebuild_from_texts, seal, share};
use super::seals::{Seals, make_seals};
use crate::clock::{self, ClockError};
use crate::exit::Exit;
use crate::failure::Explained;
use crate::operator::Operator;
use crate::plan::Plan;

/// A ceremony that was held: its files, still in memory, and its minutes.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) sharing: SharingPart,
    pub(crate) files: Vec<OutputFile>,
    pub(crate) minutes: Minutes,
}

/// Holds the ceremony of `plan`: makes the key and the servers' seal keys, shares it, proves the shares, seals the key, signs the manifest, makes the pages and reads them back.
pub(crate) fn hold(
    plan: &Plan,
    purpose: Purpose,
    started: UtcTime,
    mut minutes: Minutes,
    operator: &mut dyn Operator,
) -> Result<Held, CeremonyError> {
    let made = make_key(plan, purpose, started, &mut minutes, operator)?;
    let sharing = made.dealing.sharing().clone();
    let pages = Pages {
        plan,
        purpose,
        primary: sharing.primary_fingerprint(),
        set_id: sharing.set_id(),
        seal_keys: &made.seals.keys,
        started,
    };
    let files = make_files(&made, &pages, &mut minutes, operator)?;
    Ok(Held {
        sharing,
        files,
        minutes,
    })
}

/// The archive key, shared, proved and sealed.
struct Made {
    key: ArchiveKey,
    revocation_certificate: SecretText,
    seals: Seals,
    dealing: Dealing,
    sealed: Vec<u8>,
}

fn make_key(
    plan: &Plan,
    purpose: Purpose,
    started: UtcTime,
    minutes: &mut Minutes,
    operator: &mut dyn Operator,
) -> Result<Made, CeremonyError> {
    operator.say("Making the archive key …");
    let NewArchiveKey {
        key,
        revocation_certificate,
    } = ArchiveKey::generate_classic(&plan.archive, started)?;
    let seals = make_seals(plan, key.primary_fingerprint(), started, minutes, operator)?;
    let dealing = share(plan, purpose, &key, &seals.keys, minutes, operator)?;
    let rebuilt = rebuild_from_texts(&dealing, minutes)?;
    let sealed = seal(&key, &rebuilt, minutes)?;
    open_canary(&key, &rebuilt, started, minutes)?;
    Ok(Made {
        key,
        revocation_certificate,
        seals,
        dealing,
        sealed,
    })
}

fn make_files(
    made: &Made,
    pages: &Pages<'_>,
    minutes: &mut Minutes,
    operator: &mut dyn Operator,
) -> Result<Vec<OutputFile>, CeremonyError> {
    operator.say("Writing and signing the manifest …");
    let mut files = Vec::new();
    let sharing = made.dealing.sharing();
    let custodians = custodians_of(pages.plan, sharing)?;
    let manifest = manifest_of(pages.plan, sharing, &custodians, pages.started)?;
    let manifest_json = publish(
        &made.key,
        &manifest,
        &made.seals.keys,
        made.sealed.clone(),
        pages.started,
        &mut files,
        minutes,
    )?;
    push(
        &mut files,
        Folder::Record,
        "custodians.json",
        custodians.to_json()?,
    );
    make_sheets(pages, &made.dealing, &mut files, minutes, operator)?;
    make_revocation(
        pages,
        &made.key,
        &made.revocation_certificate,
        &mut files,
        minutes,
    )?;
    let subkey = sharing.encryption_fingerprint();
    made.seals.push_folders(subkey, &mut files);
    minutes.left_out(
        "the first seeds in server/ can seal every day to come: install each on its server, wipe it, and note that under The servers’ folders",
    );
    minutes.left_out(
        "the program cannot see the printed sheets: scan each one, run custodian check, and note it under The sheets on paper",
    );
    for (name, page) in [
        ("recovery-page.pdf", pages.recovery()?),
        ("envelope-labels.pdf", pages.labels()?),
    ] {
        push(&mut files, Folder::Record, name, page);
    }
    let record = pages.record(&manifest, &manifest_json, minutes, &files, clock::now()?)?;
    push(&mut files, Folder::Record, "ceremony-record.pdf", record);
    Ok(files)
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
    #[error("a share's row does not survive its own words: {0}")]
    Row(#[from] RowRefused),
    #[error("a share does not survive its own words: {0}")]
    Words(#[from] RowsRefused),
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
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the seal keys cannot be published: {0}")]
    SealKeys(#[from] SealKeysError),
    #[error("the fresh seal keys do not survive their file: {0}")]
    SealKeysFile(#[from] SealKeysRefused),
    #[error("a fresh seed file {0}")]
    SeedFile(#[from] SeedFileRefused),
    #[error("a fresh seed does not give its seal keys again")]
    SealKeysDiffer,
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
