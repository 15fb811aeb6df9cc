//! The rehearsal in the order in which it happens, each step told as it is done.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;

use archiver_core::counted::Counted;
use archiver_core::openpgp::decrypt::{DecryptionKey, KeyError};
use archiver_core::quorum::{NotTheKey, Quorum};
use archiver_core::sharing::Purpose;
use sheet_scan::{Limits, ScanError, render_pdf};
use thiserror::Error;

use super::hook::MailServer;
use super::mails::Mail;
use crate::archive_files::{ArchiveFiles, ArchiveFilesError};
use crate::ceremony::environment;
use crate::ceremony::hold::{CeremonyError, hold};
use crate::ceremony::minutes::Minutes;
use crate::ceremony::output::OutputFolder;
use crate::clock::{self, ClockError};
use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::hardening::Hardened;
use crate::interrupt::holding_off;
use crate::new_files::{self, make_half_folder};
use crate::opening::sealing::Seals;
use crate::opening::{NoProgress, OpenError, Summary, open_vaults};
use crate::operator::Operator;
use crate::operator::indented::Indented;
use crate::plan::{Plan, PlanError};
use crate::secret_file::{SecretFileError, write_secret_file};
use crate::sheets::{GatheredSheets, Telling, TooFewSheets};
use crate::staging::StagingError;

/// The plan of a rehearsal that was given no other.
const PLAN: &str = include_str!("plan.toml");
/// As a good scanner has it.
const SCAN_DPI: f32 = 300.0;

/// A rehearsal that did not come to its end.
#[derive(Debug, Error)]
pub(crate) enum RehearsalError {
    #[error(transparent)]
    Clock(#[from] ClockError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Output(#[from] StagingError),
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
    #[error(transparent)]
    SecretFile(#[from] SecretFileError),
    #[error("the hook refused the mail {mail} (exit {status}): {said}")]
    Hook {
        mail: String,
        status: String,
        said: String,
    },
    #[error("archiver-encrypt {command} failed (exit {status}): {said}")]
    Seals {
        command: &'static str,
        status: String,
        said: String,
    },
    #[error("{mails} were archived with their seals, and the seals cover {covered} of them")]
    NotCovered { mails: u64, covered: u64 },
    #[error("the sheet {sheet} cannot be rendered: {source}")]
    Render { sheet: String, source: ScanError },
    #[error("the sheet {sheet} cannot be made a picture")]
    NoPicture { sheet: String },
    #[error(transparent)]
    Public(#[from] ArchiveFilesError),
    #[error(transparent)]
    TooFewSheets(#[from] TooFewSheets),
    #[error(transparent)]
    NotTheKey(#[from] NotTheKey),
    #[error(transparent)]
    DecryptionKey(#[from] KeyError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{} went in, and {opened} came out of the vault", Counted(*sent as u64, "mail"))]
    Count { sent: usize, opened: usize },
    #[error("the mail {mail} did not come out of the vault as it went in")]
    Differs { mail: String },
    #[error("there is no mail in {0}")]
    NoMails(String),
    #[error("the mails in {folder} cannot be read: {source}")]
    Mails { folder: String, source: io::Error },
    #[error("the folder {path} cannot be made: {source}")]
    Folder { path: String, source: io::Error },
}

impl Explained for RehearsalError {
    fn hint(&self) -> String {
        match self {
            Self::Clock(error) => error.hint(),
            Self::Plan(error) => error.hint(),
            Self::Output(error) => error.hint(),
            Self::Ceremony(error) => error.hint(),
            Self::SecretFile(error) => error.hint(),
            Self::Public(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::NoMails(_) | Self::Mails { .. } => {
                "name a folder with --mails that holds at least one mail, each in a file of its own".to_owned()
            }
            Self::Folder { .. } => "name a new folder with --out, whose parent exists".to_owned(),
            Self::File { .. } => "name a folder on a medium with free space with --out".to_owned(),
            _ => "this program does not do here what it should: do not hold a ceremony with it, and report this with custodian --version".to_owned(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Output(error) => error.exit(),
            Self::SecretFile(error) => error.exit(),
            Self::Open(error) => error.exit(),
            Self::File { .. } | Self::Folder { .. } => Exit::Output,
            Self::NoMails(_) | Self::Mails { .. } => Exit::Input,
            _ => Exit::Internal,
        }
    }
}

/// What a rehearsal went through.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) set_id: String,
    pub(crate) mails: usize,
    pub(crate) vault_bytes: u64,
}

/// The plan of a rehearsal that was given no other: 2 of 3.
pub(crate) fn own_plan() -> Result<Plan, RehearsalError> {
    Ok(Plan::parse(PLAN)?)
}

/// Plays the story in `out`, a new folder. When the story fails the folder stays, to be looked into; when it is interrupted the folder is removed.
pub(crate) fn play(
    out: &Path,
    plan: &Plan,
    mails: &[Mail],
    hardened: Hardened,
    operator: &mut dyn Operator,
) -> Result<Told, RehearsalError> {
    let folder = make_half_folder(out, 0o700).map_err(not_made(out))?;
    let told = play_in(out, plan, mails, hardened, operator);
    folder.complete(out, || Ok::<(), RehearsalError>(()))?;
    told
}

fn play_in(
    out: &Path,
    plan: &Plan,
    mails: &[Mail],
    hardened: Hardened,
    operator: &mut dyn Operator,
) -> Result<Told, RehearsalError> {
    operator.say("1. The ceremony");
    let set_id = hold_ceremony(&out.join("ceremony"), plan, hardened, operator)?;

    operator.say("2. The mail server");
    let server = MailServer::in_folder(out);
    install_seals(out, plan, &server, operator)?;
    archive(out, mails, &server, operator)?;
    seal(&server, operator)?;
    let vault = server.vault;

    operator.say("3. The audit");
    let quorum = read_sheets(out, plan, operator)?;
    let summary = open(out, &vault, &quorum, operator)?;
    compare(&out.join("opened"), mails, &summary)?;
    operator.say(&format!(
        "   all {} came out as they went in, byte for byte",
        Counted(mails.len() as u64, "mail")
    ));
    require_covered(mails, &summary)?;
    operator.say(
        "   the seals cover them; the day is open until midnight (UTC), when its final seal comes",
    );
    let vault_bytes = fs::metadata(&vault).map_err(at(&vault))?.len();
    Ok(Told {
        set_id,
        mails: mails.len(),
        vault_bytes,
    })
}

fn hold_ceremony(
    out: &Path,
    plan: &Plan,
    hardened: Hardened,
    operator: &mut dyn Operator,
) -> Result<String, RehearsalError> {
    let folder = OutputFolder::prepare(out)?;
    let mut minutes = Minutes::default();
    environment::observe(hardened, &mut minutes);
    let held = hold(
        plan,
        Purpose::Rehearsal,
        clock::now()?,
        minutes,
        &mut Indented(operator),
    )?;
    folder.fill(&held.files)?;
    Ok(held.sharing.set_id().to_string())
}

/// On the first of the planned servers.
fn install_seals(
    out: &Path,
    plan: &Plan,
    server: &MailServer,
    operator: &mut dyn Operator,
) -> Result<(), RehearsalError> {
    let mut from = out.join("ceremony/server");
    if let [first, _, ..] = plan.servers.as_slice() {
        from.push(first.name.to_string());
    }
    let installed = holding_off(|| server.install_seals(&from)).map_err(at(&from))?;
    require_success("seal install", &installed)?;
    operator.say("   archiver-encrypt seal install: the first seal key is taken over, and wiped where it came from");
    Ok(())
}

fn seal(server: &MailServer, operator: &mut dyn Operator) -> Result<(), RehearsalError> {
    let sealed = holding_off(|| server.seal()).map_err(at(&server.vault))?;
    require_success("seal", &sealed)?;
    let said = one_line(&sealed.stdout);
    operator.say(&format!("   archiver-encrypt seal: {said}"));
    Ok(())
}

fn require_success(command: &'static str, output: &Output) -> Result<(), RehearsalError> {
    if output.status.success() {
        return Ok(());
    }
    Err(RehearsalError::Seals {
        command,
        status: output.status.to_string(),
        said: one_line(&output.stderr),
    })
}

fn one_line(said: &[u8]) -> String {
    String::from_utf8_lossy(said)
        .trim()
        .replace(char::is_control, " ")
}

/// Every mail stands in a day with a seal key that nothing speaks against.
fn require_covered(mails: &[Mail], summary: &Summary) -> Result<(), RehearsalError> {
    let (mails, covered) = (
        mails.len() as u64,
        summary.seals.open + summary.seals.sealed,
    );
    if mails == covered {
        Ok(())
    } else {
        Err(RehearsalError::NotCovered { mails, covered })
    }
}

fn archive(
    out: &Path,
    mails: &[Mail],
    server: &MailServer,
    operator: &mut dyn Operator,
) -> Result<(), RehearsalError> {
    let sent = out.join("mails");
    make_folder(&sent)?;
    for mail in mails {
        let copy = sent.join(&mail.name);
        write_secret_file(&copy, &mail.bytes)?;
        // A signal waits for the hook, which would write into the folder that is being removed.
        let delivered = holding_off(|| server.deliver(mail));
        let output = delivered.map_err(at(&server.vault))?;
        if !output.status.success() {
            return Err(RehearsalError::Hook {
                mail: mail.name.clone(),
                status: output.status.to_string(),
                said: one_line(&output.stderr),
            });
        }
        operator.say(&format!(
            "   archiver-encrypt  {} ({} bytes)",
            mail.name,
            mail.bytes.len()
        ));
    }
    Ok(())
}

/// Turns the sheets into pictures, as a scanner does, and reads the codes of as many as are needed.
fn read_sheets(
    out: &Path,
    plan: &Plan,
    operator: &mut dyn Operator,
) -> Result<Quorum, RehearsalError> {
    let scans = out.join("scans");
    make_folder(&scans)?;
    let mut pictures = Vec::new();
    for sheet in files_of(&out.join("ceremony/sheets"))? {
        let picture = scans
            .join(sheet.file_name().unwrap_or_default())
            .with_extension("png");
        scan(&sheet, &picture)?;
        pictures.push(picture);
    }
    operator.say(&format!(
        "   {} sheets rendered to pictures of {SCAN_DPI} dpi",
        pictures.len()
    ));
    let archive = ArchiveFiles::load(&out.join("ceremony/public"), clock::now()?, operator)?;
    // The first custodians are away: as many as may be.
    let away = plan.threshold.n() - plan.threshold.k();
    let present = pictures.get(usize::from(away)..).unwrap_or_default();
    let mut gathered = GatheredSheets::new(archive.public.sharing(), None);
    gathered.take_files(present, Telling::News, &mut Indented(operator));
    Ok(gathered.into_quorum()?)
}

fn open(
    out: &Path,
    vault: &Path,
    quorum: &Quorum,
    operator: &mut dyn Operator,
) -> Result<Summary, RehearsalError> {
    let now = clock::now()?;
    let archive = ArchiveFiles::load(&out.join("ceremony/public"), now, operator)?;
    let rebuilt = quorum.rebuild()?;
    operator.say("   key rebuilt in memory; it fits the archive's certificate");
    let key = DecryptionKey::from_x25519(archive.public.certificate(), rebuilt.x25519())?;
    Ok(open_vaults(
        &[vault.to_owned()],
        &key,
        Seals::of(&archive.public, now),
        &out.join("opened"),
        &NoProgress,
    )?)
}

fn compare(opened: &Path, mails: &[Mail], summary: &Summary) -> Result<(), RehearsalError> {
    let files = eml_files(&opened.join("messages"))?;
    if files.len() != mails.len() || summary.anomalies() {
        return Err(RehearsalError::Count {
            sent: mails.len(),
            opened: files.len(),
        });
    }
    for (mail, file) in mails.iter().zip(files) {
        if fs::read(&file).map_err(at(&file))? != mail.bytes {
            return Err(RehearsalError::Differs {
                mail: mail.name.clone(),
            });
        }
    }
    Ok(())
}

fn scan(sheet: &Path, picture: &Path) -> Result<(), RehearsalError> {
    let pdf = fs::read(sheet).map_err(at(sheet))?;
    let failed = |source| RehearsalError::Render {
        sheet: shown(sheet),
        source,
    };
    let no_picture = || RehearsalError::NoPicture {
        sheet: shown(sheet),
    };
    let pages = render_pdf(&pdf, SCAN_DPI, &Limits::default()).map_err(failed)?;
    for page in &pages {
        write_secret_file(picture, &page.to_png().ok_or_else(no_picture)?)?;
    }
    Ok(())
}

/// The opened mails in the order of the vault: names begin with the position.
fn eml_files(messages: &Path) -> Result<Vec<PathBuf>, RehearsalError> {
    let mut files = Vec::new();
    for folder in files_of(messages)? {
        files.extend(files_of(&folder)?);
    }
    Ok(files)
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, RehearsalError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}

fn make_folder(path: &Path) -> Result<(), RehearsalError> {
    new_files::make_folder(path, 0o700).map_err(not_made(path))
}

fn not_made(path: &Path) -> impl FnOnce(io::Error) -> RehearsalError {
    let path = shown(path);
    move |source| RehearsalError::Folder { path, source }
}

fn at(path: &Path) -> impl Fn(io::Error) -> RehearsalError {
    let path = shown(path);
    move |source| RehearsalError::File {
        path: path.clone(),
        source,
    }
}
