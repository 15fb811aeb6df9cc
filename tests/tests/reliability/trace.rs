//! The hook under strace: which system calls it makes, one of them struck, and whether the record was synced before success was told.
//!
//! A call that strace made up (`INJECTED`) never reached the kernel: it counts as not made.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use custody_tests::needs;

/// A system call: its name, and the how manieth of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) number: usize,
    line: String,
}

/// What a hook did under strace.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) output: Output,
    pub(crate) calls: Vec<Call>,
}

/// Whether the hook can be traced here; loud when not. It may not dump core, so only root, or root of a name space of its own, may look into it.
pub(crate) fn may_trace() -> bool {
    needs("strace")
}

/// Runs `hook` with a mail from a file. `inject` is what strace is told to do, such as `fdatasync:error=EIO:when=1`.
pub(crate) fn trace(hook: &Command, mail: &Path, scratch: &Path, inject: &[String]) -> Traced {
    let file = scratch.join("trace");
    let mut strace = tracer(&file, inject);
    strace.arg(hook.get_program()).args(hook.get_args());
    strace.stdin(File::open(mail).unwrap());
    let output = strace.output().unwrap();
    let calls = fs::read(&file).unwrap();
    let calls = parse(&String::from_utf8_lossy(&calls));
    Traced { output, calls }
}

/// strace, up to the program that it shall run.
pub(crate) fn tracer(file: &Path, inject: &[String]) -> Command {
    let mut strace = Command::new("strace");
    if !rustix::process::geteuid().is_root() {
        strace = Command::new("unshare");
        strace.args(["--map-root-user", "strace"]);
    }
    strace.args(["-f", "-y", "-s", "0", "-o"]).arg(file);
    for inject in inject {
        strace.arg("-e").arg(format!("inject={inject}"));
    }
    strace.stdout(Stdio::piped()).stderr(Stdio::piped());
    strace
}

/// `12 fsync(3</tmp/x>) = 0`; lines that are no calls are passed over.
fn parse(trace: &str) -> Vec<Call> {
    let mut counts = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((_process, call)) = line.split_once(' ') else {
            continue;
        };
        let Some((name, _)) = call.trim_start().split_once('(') else {
            continue;
        };
        if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let number = counts.entry(name.to_owned()).or_insert(0);
            *number += 1;
            calls.push(Call {
                name: name.to_owned(),
                number: *number,
                line: call.trim_start().to_owned(),
            });
        }
    }
    calls
}

impl Call {
    /// Whether strace struck here.
    pub(crate) fn is_struck(&self) -> bool {
        self.line.contains("(INJECTED)")
    }

    /// Whether the kernel did it, on the file or folder at `path`.
    fn did(&self, names: &[&str], path: &Path) -> bool {
        let on = format!("<{}>", path.display());
        let (_, result) = self.line.rsplit_once(" = ").unwrap_or_default();
        let failed = result.starts_with('-') || result.starts_with('?');
        names.contains(&self.name.as_str())
            && !self.is_struck()
            && !failed
            && self.line.contains(&on)
    }

    fn makes(&self, path: &Path) -> bool {
        self.did(&["openat", "open", "creat"], path) && self.line.contains("O_CREAT")
    }
}

const WRITES: [&str; 7] = [
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "copy_file_range",
    "sendfile",
];
const SYNCS: [&str; 2] = ["fsync", "fdatasync"];

impl Traced {
    /// Whether a segment was made before the one in front of it was on stable storage.
    pub(crate) fn begun_before_synced(&self, last: &Path, new: &Path) -> Option<&'static str> {
        let synced = self.calls.iter().position(|call| call.did(&SYNCS, last));
        let made = self.calls.iter().position(|call| call.makes(new));
        let in_order = made.is_none() || synced.is_some() && synced < made;
        (!in_order).then_some("a segment was begun before the one in front of it was synced")
    }

    /// What of the file at `path` was not on stable storage when the hook ended; `None` when all was. Whoever finds a file empty must
    /// sync its folder too: the hook that made it may have been killed before it could.
    pub(crate) fn unsynced(&self, path: &Path, was_empty: bool) -> Option<&'static str> {
        let last = |what: &dyn Fn(&Call) -> bool| self.calls.iter().rposition(what);
        let folder = path.parent().unwrap();
        let written = last(&|call| call.did(&WRITES, path));
        let synced = last(&|call| call.did(&SYNCS, path));
        let made = last(&|call| call.makes(path));
        let folder_synced = last(&|call| call.did(&SYNCS, folder));
        if written.is_none() {
            Some("nothing was written")
        } else if synced < written {
            Some("the record was not synced after it was written")
        } else if was_empty && folder_synced.is_none() || folder_synced < made {
            Some("the folder of a new file was not synced")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsynced(was_empty: bool, trace: &[&str]) -> Option<&'static str> {
        let output = Command::new("true").output().unwrap();
        let calls = parse(&trace.concat());
        Traced { output, calls }.unsynced(Path::new("/v/VAULT"), was_empty)
    }

    const MAKE: &str =
        "1 openat(AT_FDCWD</>, \"/v/VAULT\", O_RDWR|O_CREAT|O_EXCL, 0600) = 4</v/VAULT>\n";
    const SYNC_FOLDER: &str = "1 fsync(5</v>) = 0\n";
    const WRITE: &str = "1 writev(4</v/VAULT>, [{iov_base=\"\"..., iov_len=3}], 1) = 3\n";
    const SYNC: &str = "1 fdatasync(4</v/VAULT>) = 0\n";

    #[test]
    fn what_is_written_synced_and_named_is_on_stable_storage() {
        assert_eq!(unsynced(true, &[MAKE, SYNC_FOLDER, WRITE, SYNC]), None);
        assert_eq!(unsynced(false, &[WRITE, SYNC]), None);
    }

    #[test]
    fn a_sync_that_is_missing_early_failed_made_up_or_of_another_file_is_none() {
        let not_synced = Some("the record was not synced after it was written");
        let failed = SYNC.replace("= 0", "= -1 EIO (Input/output error)");
        let made_up = SYNC.replace("= 0", "= 0 (INJECTED)");
        let other = SYNC.replace("VAULT", "VAULT.seals");
        for trace in [
            &[WRITE][..],
            &[SYNC, WRITE],
            &[WRITE, &failed],
            &[WRITE, &made_up],
            &[WRITE, &other],
        ] {
            assert_eq!(unsynced(false, trace), not_synced, "{trace:?}");
        }
        assert_eq!(unsynced(false, &[SYNC]), Some("nothing was written"));
    }

    #[test]
    fn a_new_file_needs_a_sync_of_its_folder() {
        let not_synced = Some("the folder of a new file was not synced");
        assert_eq!(unsynced(true, &[MAKE, WRITE, SYNC]), not_synced);
        assert_eq!(unsynced(true, &[WRITE, SYNC]), not_synced);
        let early = [SYNC_FOLDER, MAKE, WRITE, SYNC];
        assert_eq!(unsynced(true, &early), not_synced);
    }
}
