//! A mail server in a scratch folder: the page's paths, put elsewhere, and the page's recipes, filled in.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use custody_tests::{Ceremony, Ran, hook, needs, run, run_with_stdin};
use tempfile::TempDir;

use crate::page;

/// Who hands the mail to the hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    Procmail,
    Maildrop,
}

/// What an agent does with a mail once it is in its hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The archive's own address: into the vault, and nowhere else.
    OwnAddress,
    /// In front of a user's delivery.
    InFront,
    /// The archive's own address, with `>>`.
    Appending,
}

/// The scratch mail server.
pub(crate) struct Site {
    ceremony: Ceremony,
    folder: TempDir,
    vault_folder: PathBuf,
    openings: Cell<u32>,
}

/// A recipe in its file, ready for mails.
pub(crate) struct Recipe {
    words: Vec<String>,
}

impl Agent {
    pub(crate) const ALL: [Self; 2] = [Self::Procmail, Self::Maildrop];

    fn program(self) -> &'static str {
        match self {
            Self::Procmail => "procmail",
            Self::Maildrop => "maildrop",
        }
    }

    /// The file that the page puts the recipe for the archive's own address into.
    fn own_file(self) -> &'static str {
        match self {
            Self::Procmail => "/etc/procmailrcs/archive",
            Self::Maildrop => "/etc/archiver/mailfilter",
        }
    }

    /// The recipe on the page.
    pub(crate) fn recipe(self, kind: Kind) -> &'static str {
        let file = match (self, kind) {
            (_, Kind::OwnAddress) => self.own_file().to_owned(),
            (_, Kind::Appending) => format!("{}, with >>", self.own_file()),
            (Self::Procmail, Kind::InFront) => "/etc/procmailrc".to_owned(),
            (Self::Maildrop, Kind::InFront) => "/etc/maildroprc".to_owned(),
        };
        page::recipe(self.program(), &file)
    }

    /// What the page says that the hook gets of a mail.
    pub(crate) fn hands_over(self, mail: &[u8]) -> Vec<u8> {
        let mut mail = mail.to_vec();
        if self == Self::Maildrop && !mail.is_empty() && !mail.ends_with(b"\n") {
            mail.push(b'\n');
        }
        mail
    }
}

impl Site {
    /// A site after the page's installation, when procmail and maildrop are there.
    pub(crate) fn new() -> Option<Self> {
        if !Agent::ALL.iter().all(|agent| needs(agent.program())) {
            return None;
        }
        let folder = TempDir::with_prefix("mail-server-").unwrap();
        let vault_folder = folder.path().join("lib");
        let site = Self {
            ceremony: Ceremony::hold(),
            folder,
            vault_folder,
            openings: Cell::new(0),
        };
        fs::create_dir(&site.vault_folder).unwrap();
        fs::copy(site.ceremony.certificate(), site.certificate()).unwrap();
        symlink(hook().get_program(), site.hook()).unwrap();
        Some(site)
    }

    /// The same, with the vault's folder on another disk.
    pub(crate) fn with_vaults_in(self, folder: &Path) -> Self {
        let vault_folder = folder.to_owned();
        Self {
            vault_folder,
            ..self
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn hook(&self) -> PathBuf {
        self.path("archiver-encrypt")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("archive.cert.asc")
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.vault_folder.join("VAULT")
    }

    pub(crate) fn log(&self) -> String {
        // A shell that takes a program for a script complains of it in the program's own bytes.
        let log = fs::read(self.path("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The mailbox to which a mail goes that no recipe kept.
    pub(crate) fn mailbox(&self) -> PathBuf {
        self.path("mailbox")
    }

    /// The ceremony whose certificate the hook has.
    pub(crate) fn ceremony(&self) -> &Ceremony {
        &self.ceremony
    }

    /// The page's text, with this site's paths.
    pub(crate) fn fill(&self, text: &str) -> String {
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        text.replace("/usr/local/bin/archiver-encrypt", &path(self.hook()))
            .replace("/etc/archiver/archive.cert.asc", &path(self.certificate()))
            .replace("/var/lib/archiver/VAULT", &path(self.vault()))
            .replace("/var/log/archiver.log", &path(self.path("log")))
            .replace("/etc/procmailrcs/archive", &path(self.path("own.procmail")))
            .replace("/etc/archiver/mailfilter", &path(self.path("own.maildrop")))
            .replace("SUBKEY", &self.ceremony.subkey())
    }

    /// The page's recipe, in its file.
    pub(crate) fn recipe(&self, agent: Agent, kind: Kind) -> Recipe {
        let own = self.path(&format!("own.{}", agent.program()));
        match kind {
            Kind::OwnAddress | Kind::Appending => self.own_address(agent, agent.recipe(kind)),
            Kind::InFront => {
                if agent == Agent::Procmail {
                    write_private(&own, &self.fill(agent.recipe(Kind::OwnAddress)));
                }
                self.with_mailbox(agent, agent.recipe(kind))
            }
        }
    }

    /// A recipe for an address of its own, started as the page says.
    pub(crate) fn own_address(&self, agent: Agent, recipe: &str) -> Recipe {
        let file = self.path(&format!("own.{}", agent.program()));
        let mut text = self.fill(recipe);
        if agent == Agent::Maildrop {
            text = format!("{}{text}", self.default_mailbox());
        }
        write_private(&file, &text);
        let line = page::command_line(&format!("/usr/bin/{}", agent.program()));
        Recipe::of(self.fill(line).split(' '))
    }

    /// A recipe that is followed by a delivery into [`Self::mailbox`].
    pub(crate) fn with_mailbox(&self, agent: Agent, recipe: &str) -> Recipe {
        let file = self.path(&format!("front.{}", agent.program()));
        let mailbox = self.mailbox();
        let (file_name, mailbox) = (file.to_str().unwrap(), mailbox.to_str().unwrap());
        match agent {
            Agent::Procmail => {
                write_private(&file, &self.fill(recipe));
                let (default, original) =
                    (format!("DEFAULT={mailbox}"), format!("ORGMAIL={mailbox}"));
                Recipe::of(["procmail", "-t", "-Y", &default, &original, file_name])
            }
            Agent::Maildrop => {
                let text = format!("{}{}", self.default_mailbox(), self.fill(recipe));
                write_private(&file, &text);
                Recipe::of(["maildrop", file_name])
            }
        }
    }

    /// maildrop's default mailbox can be set in the recipe only.
    fn default_mailbox(&self) -> String {
        format!("DEFAULT=\"{}\"\n", self.mailbox().to_str().unwrap())
    }

    /// Puts a shell script in the hook's place.
    pub(crate) fn replace_hook(&self, script: &str) {
        fs::remove_file(self.hook()).unwrap();
        fs::write(self.hook(), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(self.hook(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts the real hook back.
    pub(crate) fn restore_hook(&self) {
        let _ = fs::remove_file(self.hook());
        symlink(hook().get_program(), self.hook()).unwrap();
    }

    /// Opens vaults with the sheets, which must end with `code`, and gives the mails in the vaults' order.
    pub(crate) fn open(&self, vaults: &[PathBuf], code: i32) -> Vec<Vec<u8>> {
        self.openings.set(self.openings.get() + 1);
        let name = format!("opened-{}", self.openings.get());
        let sheets = [1, 3].map(|share| self.ceremony.sheet_file(share));
        let mut open = self
            .ceremony
            .command("open", &sheets, &self.ceremony.path(&name));
        let _ = run(open.args(vaults)).expect_code(code);
        self.ceremony.opened_mails(&name)
    }

    /// The mails in the vault, which must be without any fault.
    pub(crate) fn mails(&self) -> Vec<Vec<u8>> {
        self.open(&[self.vault()], 0)
    }

    /// Fails the test when `mark` stands in a file of the site: a mail lies somewhere in plaintext.
    #[track_caller]
    pub(crate) fn assert_no_plaintext(&self, mark: &str) {
        for folder in [self.folder.path(), &self.vault_folder] {
            for file in fs::read_dir(folder).into_iter().flatten().flatten() {
                if file.file_type().unwrap().is_file() {
                    let bytes = fs::read(file.path()).unwrap();
                    let found = String::from_utf8_lossy(&bytes).contains(mark);
                    assert!(!found, "{} holds the mail", file.path().display());
                }
            }
        }
    }
}

impl Recipe {
    fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words = words.into_iter().map(str::to_owned).collect();
        Self { words }
    }

    /// The same with an option more, or one less.
    pub(crate) fn with_options(&self, change: impl FnOnce(&mut Vec<String>)) -> Self {
        let mut words = self.words.clone();
        change(&mut words);
        Self { words }
    }

    pub(crate) fn file(&self) -> &Path {
        Path::new(self.words.last().unwrap())
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }

    /// Hands over one mail, as a mail server does.
    pub(crate) fn deliver(&self, mail: &[u8]) -> Ran {
        run_with_stdin(&mut self.command(), mail)
    }
}

/// The vault that the page's rotation has put beside: its name has the day.
pub(crate) fn rotated(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut rotated = entries.filter(|entry| {
        let name = entry.file_name();
        name.to_str().unwrap().starts_with("VAULT-")
    });
    rotated.next().expect("a rotated vault").path()
}

/// Waits until another process has done something.
pub(crate) fn wait_for<T>(mut done: impl FnMut() -> Option<T>) -> T {
    for _ in 0..6000 {
        if let Some(done) = done() {
            return done;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("nothing happened for half a minute");
}

/// maildrop insists on the mode.
pub(crate) fn write_private(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}
