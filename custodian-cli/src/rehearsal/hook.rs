//! Runs the real `archiver-encrypt` as a separate process, as on a mail server: this executable under that name.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::mails::Mail;

/// A mail server of the rehearsal: where its certificate, its vault and its seals are.
#[derive(Debug)]
pub(crate) struct MailServer {
    certificate: PathBuf,
    public: PathBuf,
    pub(crate) vault: PathBuf,
    seal_folder: PathBuf,
}

impl MailServer {
    /// In the rehearsal's folder, which holds its ceremony.
    pub(crate) fn in_folder(out: &Path) -> Self {
        let public = out.join("ceremony/public");
        Self {
            certificate: public.join("archive.cert.asc"),
            public,
            vault: out.join("VAULT"),
            seal_folder: out.join("seals"),
        }
    }

    /// Installs the seals from the folder that the ceremony made for this server, whose first seed is wiped.
    pub(crate) fn install_seals(&self, from: &Path) -> io::Result<Output> {
        let mut install = hook();
        install.args(["seal", "install", "--from"]).arg(from);
        install.arg("--public").arg(&self.public);
        self.with_vault(&mut install).output()
    }

    /// Gives one mail to the hook, as the mail server does.
    pub(crate) fn deliver(&self, mail: &Mail) -> io::Result<Output> {
        let mut hook = hook();
        hook.arg("--cert").arg(&self.certificate);
        // The mails are made up: the system's log is for real ones.
        self.with_vault(&mut hook).args(["--syslog", "off"]);
        let mut hook = hook
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = hook.stdin.take() {
            // A hook that fails early closes its stdin; its exit code tells.
            let _ = stdin.write_all(&mail.bytes);
        }
        hook.wait_with_output()
    }

    /// Seals what is archived until now, as the timer does.
    pub(crate) fn seal(&self) -> io::Result<Output> {
        self.with_vault(hook().arg("seal")).output()
    }

    fn with_vault<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.arg("--vault").arg(&self.vault);
        command.arg("--seal-dir").arg(&self.seal_folder)
    }
}

fn hook() -> Command {
    let mut hook = Command::new("/proc/self/exe");
    hook.arg0("archiver-encrypt").stdin(Stdio::null());
    hook
}
