//! A scratch ceremony, held by the real binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sheet_scan::{Limits, read_codes, render_pdf};
use tempfile::TempDir;

use crate::binaries::{custodian, hook};
use crate::run::{Ran, run, run_with_stdin};

/// A plan of 2 of 3.
pub const PLAN: &str = r#"organisation = "Example AG"
archive = "Archiver <archiver@example.org>"
profile = "classic"
threshold = 2
paper = "a4"

[[custodian]]
name = "Åsa Öberg"
role = "Chief Financial Officer"
envelope = "A-1001"

[[custodian]]
name = "Bo Berg"
role = "Works Council"
envelope = "A-1002"

[[custodian]]
name = "Chen Cao"
role = "Outside Counsel"
envelope = "A-1003"
"#;

/// What a ceremony left, in a scratch folder.
#[derive(Debug)]
pub struct Ceremony {
    folder: TempDir,
}

impl Ceremony {
    /// Holds a ceremony by [`PLAN`].
    #[must_use]
    pub fn hold() -> Self {
        let folder = TempDir::with_prefix("ceremony-").expect("a scratch folder");
        fs::write(folder.path().join("plan.toml"), PLAN).expect("a scratch file");
        let ceremony = Self { folder };
        let ran = run(custodian()
            .args(["ceremony", "--yes", "--plan"])
            .arg(ceremony.path("plan.toml"))
            .arg("--out")
            .arg(ceremony.path("out")));
        let _ = ran.expect_code(0);
        ceremony
    }

    /// A path in the scratch folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The public folder.
    #[must_use]
    pub fn public(&self) -> PathBuf {
        self.path("out/public")
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path("out/public/archive.cert.asc")
    }

    /// The fingerprint of the encryption subkey, as the ceremony record shows it.
    #[must_use]
    pub fn subkey(&self) -> String {
        let manifest = fs::read(self.public().join("custody.json")).expect("the manifest");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
        let fingerprint = &manifest["sharing"]["encryption_fingerprint"];
        fingerprint.as_str().expect("a fingerprint").to_owned()
    }

    /// The vault, filled by [`Self::archive`].
    #[must_use]
    pub fn vault(&self) -> PathBuf {
        self.path("VAULT")
    }

    /// The PDF of a sheet.
    #[must_use]
    pub fn sheet_pdf(&self, share: u8) -> PathBuf {
        let prefix = format!("{share:03}-");
        let sheets = fs::read_dir(self.path("out/sheets")).expect("the sheets' folder");
        let mut sheets = sheets.flatten().map(|entry| entry.path());
        sheets
            .find(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
            })
            .expect("a sheet of that share")
    }

    /// The text in a sheet's code, read from the rendered page.
    #[must_use]
    pub fn sheet_text(&self, share: u8) -> String {
        let pdf = fs::read(self.sheet_pdf(share)).expect("the sheet");
        let codes = read_codes(&pdf, &Limits::default()).expect("the sheet's code");
        codes[0].expose_text().to_owned()
    }

    /// A sheet as a text file.
    #[must_use]
    pub fn sheet_file(&self, share: u8) -> PathBuf {
        let path = self.path(&format!("sheet-{share}.txt"));
        fs::write(&path, self.sheet_text(share)).expect("a scratch file");
        path
    }

    /// A sheet as a picture, as a scanner makes it.
    #[must_use]
    pub fn sheet_picture(&self, share: u8, dpi: f32) -> PathBuf {
        let pdf = fs::read(self.sheet_pdf(share)).expect("the sheet");
        let pages = render_pdf(&pdf, dpi, &Limits::default()).expect("the sheet renders");
        let path = self.path(&format!("sheet-{share}-{dpi}.png"));
        fs::write(&path, pages[0].to_png().expect("a picture").as_slice()).expect("a scratch file");
        path
    }

    /// Gives a mail to the hook.
    pub fn archive(&self, mail: &[u8]) {
        let ran = run_with_stdin(
            hook()
                .arg("--cert")
                .arg(self.certificate())
                .arg("--vault")
                .arg(self.vault()),
            mail,
        );
        let _ = ran.expect_code(0);
    }

    /// `custodian open` with the text of sheets 1 and 3, into `opened`.
    #[must_use]
    pub fn open(&self, vault: &Path, opened: &str) -> Ran {
        let sheets = [self.sheet_file(1), self.sheet_file(3)];
        run(self.command("open", &sheets, &self.path(opened)).arg(vault))
    }

    /// `custodian open` or `rebuild` with this public folder, these sheets, and this output.
    #[must_use]
    pub fn command(&self, command: &str, sheets: &[impl AsRef<Path>], out: &Path) -> Command {
        let mut custodian = custodian();
        custodian.args([command, "--public"]).arg(self.public());
        for sheet in sheets {
            custodian.arg("--sheet").arg(sheet.as_ref());
        }
        custodian.arg("--out").arg(out);
        custodian
    }

    /// The mails that were opened into `opened`, in the order of the vault.
    #[must_use]
    pub fn opened_mails(&self, opened: &str) -> Vec<Vec<u8>> {
        let mut paths = Vec::new();
        for folder in fs::read_dir(self.path(opened).join("messages"))
            .expect("the messages")
            .flatten()
        {
            for mail in fs::read_dir(folder.path())
                .expect("the messages' folder")
                .flatten()
            {
                paths.push(mail.path());
            }
        }
        paths.sort();
        paths
            .iter()
            .map(|path| fs::read(path).expect("an opened mail"))
            .collect()
    }
}

/// The mails of the rehearsal, in order.
#[must_use]
pub fn rehearsal_mails() -> Vec<Vec<u8>> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../custodian-cli/rehearsal-mails"
    );
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the rehearsal's mails")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("a mail"))
        .collect()
}
