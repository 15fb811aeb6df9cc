//! The Debian packages: built by the one command, and on a machine of their own installed, used as docs/operation.md says, and removed.
//!
//! The machine is this one with everything that is written going into memory (an overlay), in a root of its own, for one shell only. It has its own `/dev/log`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use custody_tests::{Ran, needs, needs_root, run};

use crate::host::Host;

const PAGE: &str = include_str!("../../../docs/operation.md");

/// Mounts the machine at `$1/root`, and runs the script `given/script` there.
const IN_A_MACHINE: &str = r#"
set -e
mount -t tmpfs none "$1"
mkdir "$1/changes" "$1/scratch" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/scratch" "$1/root"
cd "$1/root"
mount -t tmpfs none dev
for device in null zero random urandom; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mount -t proc none proc
mount -t tmpfs none run
mkdir -p given
cp "$2"/*.deb "$3" "$4" given/
chroot . sh -c 'cd /given && exec sh script'
"#;

/// Collects what the hook sends to the machine's log.
const COLLECTOR: &str = r#"
python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
print("listening", flush=True)
while True:
    print(s.recv(8192).decode(), flush=True)
' > /given/log &
while ! grep -q listening /given/log; do sleep 0.1; done
"#;

/// The block of commands on the page that begins so.
fn block(begin: &str) -> &'static str {
    let mut blocks = PAGE.split("```sh\n").skip(1);
    let block = blocks
        .find(|block| block.starts_with(begin))
        .expect("a block on the page");
    block.split("```").next().unwrap()
}

/// The folder with the packages, built once from the development build.
fn packages() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/build-deb");
        let _ = run(Command::new(script).arg(&out).env("PROFILE", "dev")).expect_code(0);
        out
    })
}

fn package(name: &str) -> PathBuf {
    let mut files = fs::read_dir(packages())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let begin = format!("{name}_");
    let found = files.find(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(&begin)
    });
    found.unwrap_or_else(|| panic!("no package {name}"))
}

/// Runs a script on a machine of its own, where both packages lie in the current folder.
fn on_a_machine(host: &Host, script: &str) -> Ran {
    let file = host.path("script");
    fs::write(&file, script.replace("SUBKEY", &host.subkey())).unwrap();
    let root = host.path("machine");
    fs::create_dir(&root).unwrap();
    let mut machine = Command::new("unshare");
    machine.args([
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        IN_A_MACHINE,
        "sh",
    ]);
    machine.arg(root).arg(packages()).arg(host.cert()).arg(file);
    run(&mut machine)
}

/// The whole life of the packages; what must be seen is printed.
fn life() -> String {
    let (install, setup) = (block("dpkg -i"), block("archiver-encrypt setup"));
    let (status, timer, remove) = (
        block("runuser"),
        block("systemctl enable"),
        block("dpkg -r"),
    );
    format!(
        r#"
set -e
userdel archiver 2> /dev/null || true
rm -rf /etc/archiver /var/lib/archiver /var/lib/archiver-seals
exec 2>&1
left() {{ find /etc /usr /var /run -name '*archiver-*' -o -name 'archiver' -o -name '*custodian*' | grep -v -e /var/lib/dpkg -e /var/cache -e '^{sources}/' || true; }}
left > before
{COLLECTOR}
{install}
stat -c '%U %a %n' /usr/bin/archiver-encrypt /etc/archiver /etc/archiver/archive.cert.asc /var/lib/archiver /var/lib/archiver-seals /var/log/archiver.log
{setup}
echo "setup $?"
{status}
echo "status $?"
systemd-analyze verify /usr/lib/systemd/system/archiver-seal.* /usr/lib/systemd/system/archiver-status.*
echo "units $?"
{timer}
test -h /etc/systemd/system/timers.target.wants/archiver-status.timer && echo "timer is enabled"
rm /etc/systemd/system/timers.target.wants/archiver-status.timer
for page in archiver-encrypt archiver-encrypt-setup archiver-encrypt-status custodian custodian-open; do man -w "$page" > /dev/null; done
bash -c '. /usr/share/bash-completion/completions/custodian && complete -p custodian' > /dev/null
custodian inspect /var/lib/archiver/VAULT
cat log
dpkg -i archiver-encrypt_*_amd64.deb > /dev/null
echo "after the update: $(stat -c '%U %a %n' /var/lib/archiver/VAULT)"
{remove}
test ! -e /usr/bin/archiver-encrypt && test -e /etc/archiver/archive.cert.asc && echo "removed, not purged"
dpkg -P archiver-encrypt
stat -c '%U %a %n' /var/lib/archiver /var/lib/archiver/VAULT
test ! -e /etc/archiver && test ! -e /var/log/archiver.log && echo "purged, but for the vault"
dpkg -i archiver-encrypt_*_amd64.deb > /dev/null
rm /var/lib/archiver/VAULT
echo remembered > /var/lib/archiver/VAULT.recipient
echo half > /var/lib/archiver/VAULT.recipient.new
dpkg -P archiver-encrypt custodian > /dev/null
getent passwd archiver || echo "no user is left"
left > after
cmp before after && echo "nothing is left"
"#,
        sources = env!("CARGO_MANIFEST_DIR").trim_end_matches("/tests"),
    )
}

#[test]
fn the_packages_install_work_as_the_page_says_and_leave_nothing_but_the_vault() {
    let programs = [
        "cargo-deb",
        "dpkg-deb",
        "dpkg-shlibdeps",
        "systemd-analyze",
        "python3",
    ];
    if !needs_root() || !programs.into_iter().all(needs) {
        return;
    }
    let host = Host::new();
    let ran = on_a_machine(&host, &life()).expect_code(0);
    let mut rest = ran.stdout.as_str();
    for expected in [
        "root 755 /usr/bin/archiver-encrypt",
        "root 755 /etc/archiver",
        "root 644 /etc/archiver/archive.cert.asc",
        "archiver 700 /var/lib/archiver",
        "archiver 700 /var/lib/archiver-seals",
        "archiver 600 /var/log/archiver.log",
        "ok    program /usr/bin/archiver-encrypt may be written by root only",
        "ok    a canary was archived as archiver by: /usr/bin/archiver-encrypt --confirm ",
        "The hook works as the recipes start it.",
        "setup 0",
        "ARCHIVER ",
        "1 record, the last ",
        "status 0",
        "units 0",
        "timer is enabled",
        "/var/lib/archiver/VAULT: 1 record, ",
        "<22>archiver-encrypt[",
        "]: archived seq=0 log=",
        "<19>archiver-encrypt[",
        "]: not archived bytes=0 ms=",
        "after the update: archiver 600 /var/lib/archiver/VAULT",
        "mail for the archive waits in the queue",
        "removed, not purged",
        "kept, because something is in it: /var/lib/archiver; and the user archiver, who owns it",
        "archiver 700 /var/lib/archiver",
        "archiver 600 /var/lib/archiver/VAULT",
        "purged, but for the vault",
        "no user is left",
        "nothing is left",
    ] {
        let Some((_, behind)) = rest.split_once(expected) else {
            panic!("{expected:?} expected, in its order, in:\n{}", ran.stdout)
        };
        rest = behind;
    }
}

#[test]
fn the_packages_are_in_order_by_debians_own_judge() {
    if !["cargo-deb", "dpkg-deb", "dpkg-shlibdeps", "lintian"]
        .into_iter()
        .all(needs)
    {
        return;
    }
    for name in ["archiver-encrypt", "custodian"] {
        let mut lintian = Command::new("lintian");
        lintian.args(["--fail-on", "error,warning", "--suppress-tags", NOT_OURS]);
        let ran = run(lintian.arg(package(name)));
        assert_eq!(ran.code, 0, "{}", ran.stdout);
    }
}

/// What lintian says of packages that mean to become part of Debian, or that came out of a debhelper: no bug of theirs to close, no address of a person. That a
/// timer is disabled when its program goes needs systemctl. A static program that can be loaded anywhere is no library without prerequisites, and depends on nothing.
const NOT_OURS: &str = "initial-upload-closes-no-bugs,bogus-mail-host,bogus-mail-host-in-debian-changelog,maintainer-script-calls-systemctl,shared-library-lacks-prerequisites,statically-linked-binary,empty-field";

#[test]
fn cron_and_units_run_the_commands_that_there_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (cron, unit) = (
        read("cron/archiver"),
        read("systemd/archiver-status.service"),
    );
    let command = unit.lines().find(|line| line.starts_with("ExecStart="));
    // systemd wants each $ that is the shell's twice.
    let command = command.unwrap().replace("$$", "$");
    let (_, command) = command.split_once("/usr/bin/").unwrap();
    let command = command.trim_end_matches('\'');
    assert!(cron.contains(command), "{cron}");
    let (without_seals, _) = command.split_once(" ${d").unwrap();
    assert!(block("runuser").contains(without_seals));
    let (cron, unit) = (read("cron/archiver"), read("systemd/archiver-seal.service"));
    let command = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/bin/archiver-encrypt seal "));
    // cron says something only when there is something to look after.
    let quietly = format!("archiver-encrypt seal --quiet {}", command.unwrap());
    assert!(cron.contains(&quietly), "{cron}");
}
