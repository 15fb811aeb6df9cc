//! What is looked at before the canary: the program and the certificate, as files. And a check's form: a verdict and one line.

use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use archiver_core::openpgp::certificate::{ArchiveCert, Validity};

use super::recipes::Site;
use crate::certificate_file::{self, CertificateFileError};
use crate::clock::system_clock;

const OTHERS_WRITE: u32 = 0o022;

/// In such a folder nobody exchanges the files of others.
const STICKY: u32 = 0o1000;

/// How a check ended; the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Good,
    Doubtful,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) verdict: Verdict,
    text: String,
}

impl Check {
    pub(crate) fn good(text: impl Into<String>) -> Self {
        Self::new(Verdict::Good, text)
    }

    pub(crate) fn doubtful(text: impl Into<String>) -> Self {
        Self::new(Verdict::Doubtful, text)
    }

    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(Verdict::Bad, text)
    }

    fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        let text = text.into().replace(char::is_control, " ");
        Self { verdict, text }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "ok  ",
            Verdict::Doubtful => "WARN",
            Verdict::Bad => "FAIL",
        };
        write!(f, "{verdict}  {}", self.text)
    }
}

/// The program: whoever can exchange it reads all mail.
pub(crate) fn program(site: &Site) -> Vec<Check> {
    let path = site.hook();
    match fs::metadata(path) {
        Ok(metadata) => vec![owned_by_root("program", path, &metadata)],
        Err(e) => vec![Check::bad(format!(
            "program {path} could not be looked at: {e}"
        ))],
    }
}

/// The certificate: whoever can exchange it diverts all mail, unless the fingerprint says which one it must be.
pub(crate) fn certificate(site: &Site) -> Vec<Check> {
    let Some(now) = system_clock() else {
        return vec![Check::bad(
            "this machine's clock cannot be read or is far off; set it",
        )];
    };
    let read = certificate_file::read_file(site.cert().as_ref());
    let judged = read.and_then(|(bytes, metadata)| {
        let cert = ArchiveCert::parse(&bytes, site.fingerprint(), now);
        let unfit = |e| CertificateFileError::Unfit(site.cert().to_owned(), Box::new(e));
        Ok((cert.map_err(unfit)?, metadata))
    });
    match judged {
        Ok((cert, metadata)) => vec![
            identity(&cert, site),
            validity(&cert),
            owned_by_root("certificate", site.cert(), &metadata),
        ],
        Err(e) => vec![Check::bad(e.to_string())],
    }
}

fn identity(cert: &ArchiveCert, site: &Site) -> Check {
    let subkey = cert.encryption_fingerprint();
    if site.fingerprint().is_some() {
        return Check::good(format!(
            "certificate {} has the fingerprint that was given; encryption subkey {subkey}",
            site.cert()
        ));
    }
    Check::doubtful(format!(
        "certificate {} has the encryption subkey {subkey}; compare that with the ceremony record on paper, and run this again with --fingerprint and what stands there",
        site.cert()
    ))
}

fn validity(cert: &ArchiveCert) -> Check {
    match (cert.validity(), cert.expires()) {
        (Validity::Valid, Some(end)) => {
            Check::good(format!("the certificate is valid until {end}"))
        }
        (Validity::Valid, None) => Check::good("the certificate is valid and does not expire"),
        (other, _) => Check::doubtful(format!(
            "the certificate is {other}; mail is archived all the same"
        )),
    }
}

/// Neither the file nor a folder above it may be in the hands of others: whoever may write a folder can put another file into it.
fn owned_by_root(what: &str, path: &str, metadata: &Metadata) -> Check {
    let is_open = |mode: u32| mode & OTHERS_WRITE != 0;
    if is_open(metadata.mode()) {
        return Check::bad(format!(
            "{what} {path} may be written by others than its owner; run: chmod go-w {path}"
        ));
    }
    let folders = Path::new(path).ancestors().skip(1);
    for folder in folders {
        let mode = fs::metadata(folder).map_or(0, |metadata| metadata.mode());
        if is_open(mode) && mode & STICKY == 0 {
            let folder = folder.display();
            return Check::bad(format!(
                "{what} {path} may be exchanged by whoever may write {folder}; run: chmod go-w {folder}"
            ));
        }
    }
    match metadata.uid() {
        0 => Check::good(format!("{what} {path} may be written by root only")),
        _ => Check::doubtful(format!(
            "{what} {path} does not belong to root, and its owner may exchange it; run: chown root {path}"
        )),
    }
}
