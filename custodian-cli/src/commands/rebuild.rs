//! `custodian rebuild`: the whole OpenPGP secret key, for gpg or sq.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use archiver_core::openpgp::archive_key::{ArchiveKey, ArchiveKeyError};
use archiver_core::quorum::{NotTheKey, RebuiltSecret};
use archiver_core::secret::SecretText;
use serde::Serialize;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::archive_files::ArchiveFiles;
use crate::clock;
use crate::exit::Exit;
use crate::failure::{Explained, Failure, shown};
use crate::operator::{NoTerminal, Operator};
use crate::report::{Report, to_json};
use crate::secret_file::{check_is_free, write_secret_file};
use crate::sheets::{GatheredSheets, Source, Telling, Until, custodians_of};

/// Rebuild the OpenPGP secret key from sheets, for gpg or sq. To read the vault, `open` does it without leaving a key behind.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  custodian rebuild --public public --sheet anna.png --sheet bo.png --out archive.key.asc

Then, with GnuPG: gpg --import archive.key.asc")]
pub(crate) struct Args {
    /// The public folder of the ceremony.
    #[arg(long, value_name = "DIR")]
    public: PathBuf,

    /// The file to write (mode 0600); it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// A sheet: a scan (PNG, JPEG, TIFF, PDF), a text file, a folder of them, or - for stdin. Once for each sheet.
    /// Without any, they are asked for at the terminal.
    #[arg(long = "sheet", value_name = "FILE")]
    sheets: Vec<PathBuf>,

    /// The ceremony's custodians.json: sheets are then answered with their custodians' names.
    #[arg(long, value_name = "FILE")]
    custodians: Option<PathBuf>,

    /// Lock the key with the first line of this file instead of asking for a passphrase.
    #[arg(long, value_name = "FILE", conflicts_with = "unlocked")]
    passphrase_file: Option<PathBuf>,

    /// Write the key without a passphrase: whoever sees the file can read the archive.
    #[arg(long)]
    unlocked: bool,
}

/// In bytes.
const LONGEST_PASSPHRASE: usize = 4096;

/// A rebuild that failed after the sheets were gathered.
#[derive(Debug, Error)]
pub(crate) enum RebuildError {
    #[error(transparent)]
    NotTheKey(#[from] NotTheKey),
    #[error("archive.sealed.asc: {0}")]
    Key(#[from] ArchiveKeyError),
    #[error("the sealed key is the key {found}, but the archive's is {expected}")]
    OtherKey { found: String, expected: String },
    #[error("the passphrase file {path} cannot be read: {source}")]
    PassphraseFile { path: String, source: io::Error },
    #[error("the passphrase is longer than 4,096 bytes")]
    LongPassphrase,
    #[error("the passphrase is empty")]
    EmptyPassphrase,
}

impl Explained for RebuildError {
    fn hint(&self) -> String {
        match self {
            Self::NotTheKey(_) | Self::Key(_) | Self::OtherKey { .. } => {
                "take the public folder from another copy, such as the one kept with the ceremony record".to_owned()
            }
            Self::PassphraseFile { .. } => "name a file whose first line is the passphrase".to_owned(),
            Self::LongPassphrase => "give a shorter passphrase in the file's first line".to_owned(),
            Self::EmptyPassphrase => "give a passphrase, or say --unlocked".to_owned(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::EmptyPassphrase | Self::LongPassphrase => Exit::Usage,
            _ => Exit::Input,
        }
    }
}

impl Args {
    pub(crate) fn run(&self, operator: &mut dyn Operator) -> Result<Box<dyn Report>, Failure> {
        let sheets = Source::of(&self.sheets, Until::Quorum, "--sheet FILE", operator)?;
        let archive = ArchiveFiles::load(&self.public, clock::now()?, operator)?;
        let custodians = custodians_of(self.custodians.as_deref(), archive.public.manifest())?;
        check_is_free(&self.out)?;
        let from_file = self
            .passphrase_file
            .as_deref()
            .map(first_line)
            .transpose()?;
        let gathered = GatheredSheets::new(archive.public.sharing(), custodians).gather(
            sheets,
            Telling::News,
            operator,
        )?;
        let rebuilt = gathered
            .into_quorum()?
            .rebuild()
            .map_err(RebuildError::from)?;
        let key = whole_key(&archive, &rebuilt)?;
        if self.unlocked {
            let armored = key.unlocked_armored().map_err(RebuildError::from)?;
            write_secret_file(&self.out, armored.expose_text().as_bytes())?;
        } else {
            let passphrase = from_file.map_or_else(|| ask_passphrase(operator), Ok)?;
            let armored = key
                .locked_armored(&passphrase)
                .map_err(RebuildError::from)?;
            write_secret_file(&self.out, &armored)?;
        }
        Ok(Box::new(RebuildReport {
            file: shown(&self.out),
            fingerprint: key.primary_fingerprint().to_string(),
            locked: !self.unlocked,
            decrypts_only: archive.sealed_key.is_none(),
        }))
    }
}

/// Asks until the same passphrase was typed twice: a slip must not cost the sheets that were given before.
fn ask_passphrase(operator: &mut dyn Operator) -> Result<SecretText, NoTerminal> {
    const FLAG: &str = "--passphrase-file FILE";
    let _hidden = operator.hide_typing();
    loop {
        let passphrase = operator.ask_secret("Passphrase to lock the rebuilt key", FLAG)?;
        if passphrase.expose_text().is_empty() {
            operator.reply("  It is empty: give a passphrase.");
            continue;
        }
        let again = operator.ask_secret("The same passphrase again", FLAG)?;
        if passphrase.expose_text() == again.expose_text() {
            return Ok(passphrase);
        }
        operator.reply("  The two passphrases differ: type them again.");
    }
}

/// Unseals the sealed key; where that file is lost, joins the certificate with the rebuilt secret, which can decrypt but not certify.
fn whole_key(archive: &ArchiveFiles, rebuilt: &RebuiltSecret) -> Result<ArchiveKey, RebuildError> {
    let sharing = archive.public.sharing();
    let Some(sealed) = &archive.sealed_key else {
        let encryption = sharing.encryption_fingerprint();
        return Ok(ArchiveKey::from_subkey_secret(
            &archive.certificate,
            &encryption,
            rebuilt.x25519(),
        )?);
    };
    let key = ArchiveKey::unseal(sealed, &rebuilt.sealed_key_passphrase())?;
    let (found, expected) = (key.primary_fingerprint(), sharing.primary_fingerprint());
    if found != expected || key.x25519_secret()?.public_key() != rebuilt.x25519().public_key() {
        return Err(RebuildError::OtherKey {
            found: found.to_string(),
            expected: expected.to_string(),
        });
    }
    Ok(key)
}

fn first_line(path: &Path) -> Result<SecretText, RebuildError> {
    let unreadable = |source| RebuildError::PassphraseFile {
        path: shown(path),
        source,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_PASSPHRASE + 1));
    let file = File::open(path).map_err(unreadable)?;
    file.take(LONGEST_PASSPHRASE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        _ if line.len() > LONGEST_PASSPHRASE => Err(RebuildError::LongPassphrase),
        Err(_) => Err(unreadable(io::Error::new(
            io::ErrorKind::InvalidData,
            "its first line is not UTF-8",
        ))),
        Ok("") => Err(RebuildError::EmptyPassphrase),
        Ok(line) => Ok(SecretText::new(line.to_owned())),
    }
}

#[derive(Debug, Serialize)]
struct RebuildReport {
    file: String,
    fingerprint: String,
    locked: bool,
    /// The sealed key was missing: this key can neither certify nor revoke.
    decrypts_only: bool,
}

impl Report for RebuildReport {
    fn text(&self) -> String {
        let lock = if self.locked {
            "locked with the passphrase"
        } else {
            "NOT LOCKED"
        };
        format!(
            "The archive's secret key is rebuilt: {} ({lock}).\nfingerprint  {}\n\nFrom now on whoever has this file{} can read the whole archive. Wipe it when the audit is over.\n",
            self.file,
            self.fingerprint,
            if self.locked {
                " and the passphrase"
            } else {
                ""
            },
        )
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }
}
