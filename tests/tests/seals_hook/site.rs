//! A mail server whose seals are due.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use archiver_core::seal::note::{Kind, Note};
use archiver_core::seal::notes::pieces;
use archiver_core::seal::public_keys::ServerKeys;
use archiver_core::seal::seed_file;
use archiver_core::vault::leaf::LogId;
use custody_tests::{
    Ceremony, Ran, SEALED_ARCHIVE, hook, make_seal_folder, run, run_with_stdin, sealed_delivery,
    today,
};

/// A mail server whose seals were installed some days ago, and which was switched off since.
pub(crate) struct Site {
    pub(crate) ceremony: Ceremony,
    pub(crate) keys: ServerKeys,
}

impl Site {
    pub(crate) fn installed(days_ago: i64) -> Self {
        let ceremony = Ceremony::hold();
        let keys = seal_folder(
            &ceremony.path("seal"),
            LogId([7; 16]),
            days_ago,
            &ceremony.subkey(),
        );
        Self { ceremony, keys }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.ceremony.path("seal")
    }

    pub(crate) fn seals(&self) -> PathBuf {
        self.ceremony.path("VAULT.seals")
    }

    pub(crate) fn hook(&self) -> Command {
        sealed_delivery(hook(), &self.ceremony, &self.folder())
    }

    /// The mail is archived, whatever is said about its seal.
    #[track_caller]
    pub(crate) fn archive(&self, mail: &str) -> Ran {
        run_with_stdin(&mut self.hook(), mail.as_bytes()).expect_code(0)
    }

    pub(crate) fn seal(&self, options: &[&str]) -> Ran {
        let mut seal = hook();
        seal.args(["seal", "--vault"]).arg(self.ceremony.vault());
        run(seal.arg("--seal-dir").arg(self.folder()).args(options))
    }

    pub(crate) fn status(&self) -> Ran {
        let mut status = hook();
        status.args(["status", "--warn-free", "0%", "--crit-free", "0%", "--cert"]);
        status.arg(self.ceremony.certificate());
        status.args(["--fingerprint", &self.ceremony.subkey(), "--vault"]);
        status.arg(self.ceremony.vault());
        run(status.arg("--seal-dir").arg(self.folder()))
    }

    pub(crate) fn notes(&self) -> Vec<Note> {
        let file = fs::read(self.seals()).unwrap_or_default();
        pieces(&file, 0)
            .filter_map(|piece| piece.note.ok())
            .collect()
    }

    /// The finals' days, counted from the first key; each verifies, and none has a second one.
    #[track_caller]
    pub(crate) fn finals(&self) -> Vec<i64> {
        let mut texts = BTreeSet::new();
        let mut days = Vec::new();
        for note in self.notes() {
            assert!(note.verify(SEALED_ARCHIVE, &self.keys).is_ok());
            let is_new = texts.insert(note.to_string());
            if is_new && note.claimed.kind == Kind::Final {
                days.push(note.claimed.day.days_since(*self.keys.days().start()));
            }
        }
        days
    }

    pub(crate) fn key_day(&self) -> i64 {
        let seed = seed_file::decode(&fs::read(self.folder().join("seed")).unwrap()).unwrap();
        seed.day().days_since(*self.keys.days().start())
    }
}

/// Makes a seal folder with keys for 400 days, the first of which was some days ago.
pub(crate) fn seal_folder(path: &Path, log: LogId, days_ago: i64, subkey: &str) -> ServerKeys {
    let first_day = today().plus(-days_ago).unwrap();
    make_seal_folder(path, log, first_day, 400, subkey)
}
