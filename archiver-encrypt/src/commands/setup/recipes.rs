//! The recipes of docs/mail-server.md, out of that page itself, with the paths in use.
//!
//! The page's recipes are what the tests run, so what is printed here is tested too. Paths that would mean something to a shell or to procmail are refused: the
//! recipes could not hold them.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use archiver_core::identity::Fingerprint;
use thiserror::Error;

const PAGE: &str = include_str!("../../../../docs/mail-server.md");

/// Which blocks of the page are printed, and under which heading. A language's first block is the usual recipe; for Postfix's master.cf there are several to
/// choose from.
const RECIPES: [(&str, &str, Blocks); 4] = [
    ("main.cf", "Postfix, main.cf", Blocks::First),
    ("master.cf", "Postfix, master.cf (take one)", Blocks::All),
    (
        "procmail",
        "procmail, an address of its own for the archive",
        Blocks::First,
    ),
    (
        "maildrop",
        "maildrop, an address of its own for the archive",
        Blocks::First,
    ),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocks {
    First,
    All,
}

/// Where the hook, its certificate and its vault are on this machine.
#[derive(Debug)]
pub(crate) struct Site {
    hook: String,
    cert: String,
    vault: String,
    fingerprint: Option<Fingerprint>,
    seal_dir: Option<String>,
}

/// Why no recipe can be written for these paths.
#[derive(Debug, Error)]
pub(crate) enum SiteError {
    #[error("where this program lies could not be found out: {0}")]
    Program(io::Error),
    #[error(
        "{0}: a recipe can only hold a whole path, from / on, of letters, digits and / . _ + @ -; give another one"
    )]
    Path(PathBuf),
}

impl Site {
    pub(crate) fn new(
        cert: &Path,
        vault: &Path,
        fingerprint: Option<Fingerprint>,
        seal_dir: Option<&Path>,
    ) -> Result<Self, SiteError> {
        let program = std::env::current_exe().map_err(SiteError::Program)?;
        Ok(Self {
            hook: plain(&program)?,
            cert: plain(cert)?,
            vault: plain(vault)?,
            fingerprint,
            seal_dir: seal_dir.map(plain).transpose()?,
        })
    }

    pub(crate) fn hook(&self) -> &str {
        &self.hook
    }

    pub(crate) fn cert(&self) -> &str {
        &self.cert
    }

    pub(crate) fn vault(&self) -> &str {
        &self.vault
    }

    pub(crate) fn fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprint.as_ref()
    }

    pub(crate) fn seal_dir(&self) -> Option<&str> {
        self.seal_dir.as_deref()
    }

    /// The command that the recipes hold, word by word.
    pub(crate) fn command(&self) -> Vec<String> {
        let mut words = vec![self.hook.clone(), "--confirm".to_owned()];
        words.extend(["--cert".to_owned(), self.cert.clone()]);
        if let Some(fingerprint) = &self.fingerprint {
            words.extend(["--fingerprint".to_owned(), fingerprint.to_string()]);
        }
        words.extend(["--vault".to_owned(), self.vault.clone()]);
        if let Some(seal_dir) = &self.seal_dir {
            words.extend(["--seal-dir".to_owned(), seal_dir.clone()]);
        }
        words
    }

    /// The page's text, with this site's paths.
    fn fill(&self, text: &str) -> String {
        let pinned = self
            .fingerprint
            .map(|fingerprint| format!(" --fingerprint {fingerprint}"));
        let seal_dir = self.seal_dir.as_ref();
        let seal_dir = seal_dir.map(|folder| format!(" --seal-dir {folder}"));
        let vault = format!("--vault {}{}", self.vault, seal_dir.unwrap_or_default());
        text.replace(" --fingerprint SUBKEY", &pinned.unwrap_or_default())
            .replace("/usr/local/bin/archiver-encrypt", &self.hook)
            .replace("/etc/archiver/archive.cert.asc", &self.cert)
            .replace("--vault /var/lib/archiver/VAULT", &vault)
            .replace("/var/lib/archiver/VAULT", &self.vault)
    }
}

/// All recipes for a site, each under a heading.
pub(crate) fn text(site: &Site) -> String {
    let mut text = String::new();
    for (language, heading, wanted) in RECIPES {
        let all = blocks(language);
        let count = if wanted == Blocks::First {
            1
        } else {
            usize::MAX
        };
        for block in all.take(count) {
            let _ = write!(text, "--- {heading}\n\n{}\n\n", site.fill(block));
        }
    }
    if let Some(seal_dir) = &site.seal_dir {
        let _ = write!(
            text,
            "--- The seals, for cron (a timer unit comes with the package); the second line is mailed to whoever keeps the finals\n\n\
             */15 * * * * archiver {hook} seal --quiet --vault {vault} --seal-dir {seal_dir}\n\
             30 6 * * * archiver {hook} seal --print-finals 7 --vault {vault} --seal-dir {seal_dir}\n\n",
            hook = site.hook,
            vault = site.vault,
        );
    }
    text.push_str("How the mail server starts them, and why each line is there: docs/mail-server.md, in the package /usr/share/doc/archiver-encrypt/mail-server.md\n");
    text
}

/// The page's fenced blocks in one language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("\n```{language}\n");
    PAGE.split("\n```\n").filter_map(move |part| {
        let (_, block) = part.rsplit_once(fence.as_str())?;
        Some(block)
    })
}

/// A path that means nothing but itself, wherever it stands in a recipe.
fn plain(path: &Path) -> Result<String, SiteError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+@-".contains(c);
    let text = path
        .to_str()
        .filter(|text| text.starts_with('/') && text.chars().all(is_plain));
    text.map(str::to_owned)
        .ok_or_else(|| SiteError::Path(path.to_owned()))
}
