//! A mail server's folders in a scratch folder: certificate, vault, and a collector of the system's log.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use custody_tests::{Ceremony, Ran, hook, run, run_with_stdin};
use tempfile::TempDir;

/// The scratch mail server.
pub(crate) struct Host {
    ceremony: Ceremony,
    folder: TempDir,
}

impl Host {
    pub(crate) fn new() -> Self {
        let host = Self {
            ceremony: Ceremony::hold(),
            folder: TempDir::with_prefix("operation-").unwrap(),
        };
        chmod(host.folder.path(), 0o755);
        fs::create_dir(host.vault_folder()).unwrap();
        chmod(&host.vault_folder(), 0o700);
        fs::copy(host.ceremony.certificate(), host.cert()).unwrap();
        chmod(&host.cert(), 0o644);
        host
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn cert(&self) -> PathBuf {
        self.path("archive.cert.asc")
    }

    pub(crate) fn vault_folder(&self) -> PathBuf {
        self.path("lib")
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.vault_folder().join("VAULT")
    }

    pub(crate) fn vault_text(&self) -> String {
        fs::read_to_string(self.vault()).unwrap()
    }

    /// The ceremony's folder for this server's seals.
    pub(crate) fn server_folder(&self) -> PathBuf {
        self.ceremony.path("out/server")
    }

    pub(crate) fn subkey(&self) -> String {
        self.ceremony.subkey()
    }

    /// Gives the hook a mail.
    pub(crate) fn deliver(&self, options: &[&str], mail: &[u8]) -> Ran {
        run_with_stdin(self.with_paths(&mut hook()).args(options), mail)
    }

    /// Archives a mail without a line in the log.
    pub(crate) fn archive(&self, mail: &[u8]) {
        let _ = self.deliver(&["--syslog", "off"], mail).expect_code(0);
    }

    pub(crate) fn status(&self, options: &[&str]) -> Ran {
        let mut status = hook();
        run(self.with_paths(status.arg("status")).args(options))
    }

    fn with_paths<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.arg("--cert").arg(self.cert());
        command.arg("--vault").arg(self.vault())
    }
}

/// Where the hook's lines for the system's log arrive.
pub(crate) struct Collector {
    socket: UnixDatagram,
    pub(crate) path: PathBuf,
}

impl Collector {
    pub(crate) fn new(host: &Host) -> Self {
        let path = host.path("dev-log");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket, path }
    }

    /// What has arrived, without the process's number.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) => lines.push(without_number(&buffer[..length])),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return lines,
                Err(e) => panic!("{e}"),
            }
        }
    }

    /// The one line that has arrived.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let lines = self.lines();
        let [line] = lines.as_slice() else {
            panic!("one line expected: {lines:?}")
        };
        line.clone()
    }
}

fn without_number(line: &[u8]) -> String {
    let line = std::str::from_utf8(line).unwrap();
    let (tag, text) = line.split_once(']').unwrap();
    let (tag, number) = tag.split_once('[').unwrap();
    let _: u32 = number.parse().expect("a process's number");
    format!("{tag}{text}")
}

/// The word behind `name=`.
pub(crate) fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let start = format!(" {name}=");
    let value = line
        .split_once(&start)
        .unwrap_or_else(|| panic!("no {name} in {line}"))
        .1;
    value
        .split([' ', '\n'])
        .next()
        .unwrap()
        .trim_end_matches(':')
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
