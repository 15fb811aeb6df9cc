//! Runs the real hook as a separate process, once a mail: this executable under the hook's name.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::mails::Mail;

/// Gives one mail to the hook, as the mail server does.
pub(crate) fn deliver(mail: &Mail, certificate: &Path, vault: &Path) -> io::Result<Output> {
    let mut hook = Command::new("/proc/self/exe")
        .arg0("archiver-encrypt")
        .arg("--cert")
        .arg(certificate)
        .arg("--vault")
        .arg(vault)
        // The mails are made up: the system's log is for real ones.
        .args(["--syslog", "off"])
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
