//! Runs the testkit of bad inputs, `tests/testkit/`: one failure a file, and what a person is told. Its README says what a file holds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use archiver_core::frame::from_qr_text;
use archiver_core::words::{Row, to_rows};
use custody_tests::{Ceremony, custodian, may_mount, run};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testkit");

/// One file of the kit.
#[derive(Default)]
struct Case {
    name: String,
    needs_mounts: bool,
    prepare: String,
    command: String,
    exit: Option<i32>,
    said: Vec<String>,
    printed: Vec<String>,
    made: BTreeSet<String>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let mut case = Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            ..Self::default()
        };
        assert!(
            text.starts_with("# "),
            "{}: say what it is about",
            case.name
        );
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            case.take(line);
        }
        assert!(
            case.exit.is_some() && !case.command.is_empty(),
            "{}",
            case.name
        );
        case
    }

    fn take(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "#" => {}
            "$" => {
                self.prepare += rest;
                self.prepare.push('\n');
            }
            ">" => rest.clone_into(&mut self.command),
            "exit" => self.exit = Some(rest.parse().unwrap()),
            "error:" | "hint:" | "warning:" => self.said.push(line.to_owned()),
            "says" => self.said.push(rest.to_owned()),
            "prints" => self.printed.push(rest.to_owned()),
            "makes" => drop(self.made.insert(rest.to_owned())),
            "needs" if rest == "mounts" => self.needs_mounts = true,
            _ => panic!("{}: what is {line:?}?", self.name),
        }
    }

    /// Runs the case; everything that it should have been and was not.
    fn judge(&self, scene: &Scene) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let log = tempfile::tempdir().unwrap();
        let copied = run(Command::new("cp")
            .arg("-r")
            .arg(&scene.folder)
            .arg(folder.path().join("at")));
        let _ = copied.expect_code(0);
        let mut shell = Command::new("timeout");
        shell.args(["--kill-after=5", "90"]);
        if self.needs_mounts {
            shell.args(["unshare", "--mount", "--map-root-user"]);
        }
        shell.args(["sh", "-c", &self.script()]);
        shell.current_dir(folder.path().join("at"));
        shell.env("CUSTODIAN", custodian().get_program());
        shell.env("TESTKIT", FOLDER).env("LOG", log.path());
        let ran = run(&mut shell);
        let read = |name: &str| {
            let bytes = fs::read(log.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        if read("code").is_empty() {
            return vec![format!("it could not be prepared, or hung: {ran:?}")];
        }
        let mut wrong = self.compare(read("code").trim(), &read("stdout"), &read("stderr"));
        wrong.extend(self.compare_names(&read("before"), &read("after")));
        wrong.extend(scene.shown_secrets(&(read("stdout") + &read("stderr"))));
        wrong
    }

    fn script(&self) -> String {
        format!(
            r#"set -eu
            custodian() {{ timeout 60 "$CUSTODIAN" "$@"; }}
            names() {{ find . | LC_ALL=C sort; }}
            unprivileged() {{
                [ "$(id -u)" = 0 ] || {{ "$@"; return; }}
                shift
                timeout 60 setpriv --bounding-set=-dac_override,-dac_read_search \
                    --inh-caps=-dac_override,-dac_read_search "$CUSTODIAN" "$@"
            }}
            {}
            names > "$LOG/before"
            set +e
            {} > "$LOG/stdout" 2> "$LOG/stderr" < /dev/null
            echo $? > "$LOG/code"
            names > "$LOG/after"
            "#,
            self.prepare, self.command
        )
    }

    fn compare(&self, code: &str, stdout: &str, stderr: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let expected = self.exit.unwrap_or_default().to_string();
        if code != expected {
            wrong.push(format!("exit {code}, not {expected}"));
        }
        for (texts, stream) in [(&self.said, stderr), (&self.printed, stdout)] {
            let missing = texts
                .iter()
                .filter(|text| !stream.lines().any(|line| line.contains(text.as_str())));
            wrong.extend(missing.map(|text| format!("missing: {text}")));
        }
        if stderr.contains("panicked") {
            wrong.push("it panicked".to_owned());
        }
        if !wrong.is_empty() {
            wrong.push(format!("stdout:\n{stdout}\nstderr:\n{stderr}"));
        }
        wrong
    }

    fn compare_names(&self, before: &str, after: &str) -> Vec<String> {
        let [before, after] = [before, after].map(|names| names.lines().collect::<BTreeSet<_>>());
        let top = |name: &str| name.split('/').nth(1).unwrap_or_default().to_owned();
        let made: BTreeSet<String> = after.difference(&before).map(|name| top(name)).collect();
        let mut wrong: Vec<String> = before
            .difference(&after)
            .map(|name| format!("{name} is gone"))
            .collect();
        if made != self.made {
            wrong.push(format!("it made {made:?}, not {:?}", self.made));
        }
        wrong
    }
}

/// What every case finds.
struct Scene {
    folder: PathBuf,
    secrets: Vec<String>,
    _ceremonies: [Ceremony; 2],
}

impl Scene {
    fn set() -> Self {
        let [ceremony, other] = [Ceremony::hold(), Ceremony::hold()];
        let folder = ceremony.path("scene");
        fs::create_dir(&folder).unwrap();
        for name in ["first", "second", "third"] {
            ceremony.archive(format!("Subject: {name}\n\n{name}\n").as_bytes());
        }
        other.archive(b"Subject: other\n\nother\n");
        let copy = |from: PathBuf, to: &str| {
            let copied = run(Command::new("cp").arg("-r").arg(from).arg(folder.join(to)));
            let _ = copied.expect_code(0);
        };
        copy(ceremony.path("plan.toml"), "plan.toml");
        copy(ceremony.path("out"), "out");
        copy(other.path("out"), "other");
        copy(ceremony.vault(), "VAULT");
        copy(other.vault(), "OTHER-VAULT");
        let mut secrets = Vec::new();
        for share in 1..=3 {
            secrets.push(ceremony.sheet_text(share));
            copy(ceremony.sheet_file(share), &format!("sheet-{share}.txt"));
        }
        fs::write(folder.join("words-1.txt"), words_of(&ceremony)).unwrap();
        fs::write(folder.join("other-words-1.txt"), words_of(&other)).unwrap();
        copy(ceremony.sheet_picture(1, 200.0), "sheet-1.png");
        copy(other.sheet_file(1), "other-sheet-1.txt");
        Self {
            folder,
            secrets,
            _ceremonies: [ceremony, other],
        }
    }

    fn shown_secrets(&self, text: &str) -> Option<String> {
        // The last 40 characters hold the share itself; the first ones only what is printed openly.
        let shown = self
            .secrets
            .iter()
            .any(|secret| text.contains(&secret[secret.len() - 40..]));
        shown.then(|| "it shows a share".to_owned())
    }
}

/// The words of the first sheet, a row a line.
fn words_of(ceremony: &Ceremony) -> String {
    let share = from_qr_text(&ceremony.sheet_text(1)).unwrap();
    let rows = to_rows(&share);
    let line = |row: &Row| {
        format!(
            "{} {}\n",
            row.letter().as_char(),
            row.expose_words().expose_text()
        )
    };
    rows.iter().map(line).collect()
}

#[test]
fn every_bad_input_is_refused_as_its_case_says() {
    let mut paths: Vec<PathBuf> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some("case".as_ref()))
        .collect();
    paths.sort();
    let only = std::env::var("CASES").unwrap_or_default();
    let mut cases: Vec<Case> = paths.iter().map(|path| Case::read(path)).collect();
    cases.retain(|case| case.name.contains(&only));
    let mounts = may_mount();
    cases.retain(|case| mounts || !case.needs_mounts);
    let scene = Scene::set();
    let wrong = judge_all(&cases, &scene);
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// On all cores. A case that panics is wrong too.
fn judge_all(cases: &[Case], scene: &Scene) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let judged = catch_unwind(AssertUnwindSafe(|| case.judge(scene)));
            let found = judged.unwrap_or_else(|_| vec!["the test itself failed".to_owned()]);
            if !found.is_empty() {
                wrong.push(format!("{}:\n  {}", case.name, found.join("\n  ")));
            }
        }
        wrong
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    })
}
