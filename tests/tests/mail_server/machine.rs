//! A machine of its own, on which the page is followed word for word: every command that it shows, run by root at the very paths that it names.
//!
//! The machine is this one, with `/etc`, `/home`, `/root`, `/tmp`, `/usr/local/bin` and the folders under `/var` hidden behind scratch copies,
//! and with processes of its own, which end with it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use custody_tests::{Ran, Tmpfs, custodian, hook, run, tmpfs};

use crate::page;
use crate::site::{Agent, Kind, Site, wait_for};

/// Room for the programs, unoptimised, and a copy of /etc.
const DISK_KILOBYTES: usize = 2_000_000;

/// The first of the machine's processes ends with the test, or after ten minutes, and with it all the others.
const HIDE_THIS_MACHINE: &str = r#"
set -e
cp -a /etc "$DISK/etc"
mkdir "$DISK/bin" "$DISK/lib" "$DISK/log" "$DISK/spool" "$DISK/home" "$DISK/mail" "$DISK/tmp" "$DISK/vartmp"
chgrp mail "$DISK/mail"; chmod 2775 "$DISK/mail"
chmod 1777 "$DISK/tmp" "$DISK/vartmp"
touch "$DISK/work/bin/custodian"
mount --bind "$CUSTODIAN" "$DISK/work/bin/custodian"
mount --bind "$DISK/etc" /etc
mount --bind "$DISK/bin" /usr/local/bin
mount --bind "$DISK/lib" /var/lib
mount --bind "$DISK/log" /var/log
mount --bind "$DISK/spool" /var/spool
mount --bind "$DISK/mail" /var/mail
mount --bind "$DISK/home" /home
mount --rbind "$DISK/work" /root
mount --bind "$DISK/vartmp" /var/tmp
rm -f /etc/procmailrc /etc/maildroprc
if id archiver > "$DISK/out" 2>&1; then userdel archiver > "$DISK/out" 2>&1; fi
rm -rf /etc/archiver
touch "$DISK/ready"
mount --bind "$DISK/tmp" /tmp
exec timeout 600 cat > /dev/null
"#;

/// The machine.
pub(crate) struct Machine {
    pub(crate) site: Site,
    disk: Tmpfs,
    /// Its end is the end of the machine's processes.
    running: Child,
    /// The machine's first process, as this machine counts.
    first: String,
}

impl Machine {
    /// A machine with what the administrator has been given in root's home, where mounting is permitted.
    pub(crate) fn new() -> Option<Self> {
        let disk = tmpfs(DISK_KILOBYTES)?;
        let site = Site::new()?;
        fs::set_permissions(disk.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fill_home(&disk.path().join("work"), &site);
        let running = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["bash", "-c", HIDE_THIS_MACHINE])
            .env("DISK", disk.path())
            .env("CUSTODIAN", custodian().get_program())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(|| disk.path().join("ready").exists().then_some(()));
        let id = running.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        Some(Self {
            site,
            disk,
            running,
            first: children.trim().to_owned(),
        })
    }

    /// The page's installation, with procmail's and maildrop's recipes.
    pub(crate) fn install(&self) {
        let page = ["Installing it", "procmail", "maildrop"].map(page::commands_under);
        let ran = self
            .run(&format!("set -e\n{}", page.concat()))
            .expect_code(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    }

    /// Runs a script in root's home, as root.
    pub(crate) fn run(&self, script: &str) -> Ran {
        let whole = format!(
            "cd /root\nexport PATH=\"/root/bin:$PATH\"\n{}",
            self.with_subkey(script)
        );
        run(Command::new("timeout")
            .args(["120", "nsenter", "--target", &self.first])
            .args(["--mount", "--pid"])
            .args(["bash", "-c", &whole]))
    }

    /// The page's text, with this archive's subkey.
    pub(crate) fn with_subkey(&self, text: &str) -> String {
        text.replace("SUBKEY", &self.site.ceremony().subkey())
    }

    /// One of the machine's paths, as seen from outside.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        Path::new("/proc")
            .join(&self.first)
            .join("root")
            .join(path.trim_start_matches('/'))
    }

    /// The machine's whole disk.
    pub(crate) fn disk(&self) -> &Path {
        self.disk.path()
    }

    /// Whether a process, as this machine counts, is one of the machine's.
    pub(crate) fn runs(&self, process: &str) -> bool {
        let space = |process: &str| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
        space(process).is_some_and(|its| Some(its) == space(&self.first))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

/// The certificate, the programs, and the page's recipes, filled in.
fn fill_home(home: &Path, site: &Site) {
    fs::create_dir_all(home.join("bin")).unwrap();
    let subkey = site.ceremony().subkey();
    let put = |name: &str, text: &str| {
        fs::write(home.join(name), text.replace("SUBKEY", &subkey)).unwrap();
    };
    put(
        "archive.procmailrc",
        Agent::Procmail.recipe(Kind::OwnAddress),
    );
    put(
        "archive.mailfilter",
        Agent::Maildrop.recipe(Kind::OwnAddress),
    );
    put("procmailrc", Agent::Procmail.recipe(Kind::InFront));
    fs::copy(site.certificate(), home.join("archive.cert.asc")).unwrap();
    fs::copy(hook().get_program(), home.join("archiver-encrypt")).unwrap();
}
