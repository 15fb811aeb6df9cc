//! One run: the archive is made, everything is measured, the rows come out in the order of the targets.

use std::io;
use std::path::PathBuf;

use tempfile::TempDir;
use thiserror::Error;

use crate::archive::{Archive, ArchiveError};
use crate::binaries::Binaries;
use crate::child::ChildError;
use crate::corpus::{Corpus, CorpusError};
use crate::gpg::{self, Gpg, GpgError};
use crate::table::Row;
use crate::{crowd, hook, opening, paper, vault_size};

/// How much is measured: the more, the steadier the figures.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Pairs of processes for a mail of 1, 10 and 100 KB.
    pub pairs: usize,
    /// Pairs for a mail of 10 MB.
    pub big_pairs: usize,
    /// Mails of the corpus that are archived by both.
    pub corpus_mails: usize,
    /// Mails in the vault that is opened.
    pub opened_mails: usize,
    /// How often it is opened.
    pub openings: usize,
    /// Mails that gpg decrypts one by one.
    pub loop_mails: usize,
    /// Mails that come at the same time, 64 at once.
    pub crowd_mails: usize,
    /// Ceremonies, and readings of all sheets.
    pub ceremonies: usize,
}

impl Scale {
    /// A few minutes.
    pub const FULL: Self = Self {
        pairs: 300,
        big_pairs: 11,
        corpus_mails: usize::MAX,
        opened_mails: 2000,
        openings: 5,
        loop_mails: 300,
        crowd_mails: 6400,
        ceremonies: 5,
    };

    /// Less than a minute.
    pub const QUICK: Self = Self {
        pairs: 60,
        big_pairs: 3,
        corpus_mails: 400,
        opened_mails: 1000,
        openings: 3,
        loop_mails: 60,
        crowd_mails: 640,
        ceremonies: 1,
    };
}

/// What a run needs.
#[derive(Debug)]
pub struct Setup {
    /// The programs under test.
    pub binaries: Binaries,
    /// Where mails are kept between runs, and the scratch folder is made: on the kind of disk that a vault is on.
    pub folder: PathBuf,
    /// Whether the real mails may be fetched.
    pub download: bool,
    /// How much is measured.
    pub scale: Scale,
}

/// What is measured on.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) binaries: &'a Binaries,
    pub(crate) scale: Scale,
    pub(crate) scratch: TempDir,
    pub(crate) archive: Archive,
    /// With the public key, as on a mail server; `None` when gpg is not installed.
    pub(crate) gpg: Option<Gpg>,
    pub(crate) corpus: Corpus,
}

/// A run that could not be finished.
#[derive(Debug, Error)]
pub enum RunError {
    /// A process failed.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The throw-away archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// gpg.
    #[error(transparent)]
    Gpg(#[from] GpgError),
    /// The mails.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The scratch folder.
    #[error("the scratch folder cannot be used: {0}")]
    Scratch(#[from] io::Error),
    /// A vault does not hold what was archived: no figure means anything then.
    #[error("{archived} mails were archived, but the vault holds {found} whole records in order")]
    Lost {
        /// Mails for which the hook exited with 0.
        archived: usize,
        /// Records found.
        found: u64,
    },
}

type Step = fn(&Bench<'_>) -> Result<Vec<Row>, RunError>;

/// Measures everything. `say` is told what is being done, and loudly what is left out.
///
/// # Errors
/// [`RunError`], when something fails or a mail is lost. What merely is not installed makes a row that says so.
pub fn run(setup: &Setup, mut say: impl FnMut(&str)) -> Result<Vec<Row>, RunError> {
    let bench = prepare(setup, &mut say)?;
    let mut rows = Vec::new();
    let steps: [(&str, Step); 5] = [
        ("the hook, a mail at a time", hook::rows),
        ("the corpus into a vault", vault_size::rows),
        ("64 hooks at once", crowd::rows),
        ("opening", opening::rows),
        ("ceremony and sheets", paper::rows),
    ];
    for (name, step) in steps {
        say(name);
        rows.append(&mut step(&bench)?);
    }
    Ok(rows)
}

fn prepare<'a>(setup: &'a Setup, say: &mut impl FnMut(&str)) -> Result<Bench<'a>, RunError> {
    std::fs::create_dir_all(&setup.folder)?;
    let (corpus, reason) = Corpus::load(&setup.folder, setup.download, setup.scale.corpus_mails)?;
    if let Some(reason) = reason {
        say(&format!(
            "*** the real mails are not used: {reason}; {} instead ***",
            corpus.name
        ));
    }
    let scratch = TempDir::with_prefix_in("scratch-", &setup.folder)?;
    let (archive, _) = Archive::hold(&setup.binaries, &scratch.path().join("archive"))?;
    let gpg = if gpg::is_there() {
        Some(Gpg::with_key(&archive.certificate(), &[])?)
    } else {
        say("*** gpg is not installed: nothing is measured beside it ***");
        None
    };
    Ok(Bench {
        binaries: &setup.binaries,
        scale: setup.scale,
        scratch,
        archive,
        gpg,
        corpus,
    })
}

impl Bench<'_> {
    /// A path in the scratch folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }
}
