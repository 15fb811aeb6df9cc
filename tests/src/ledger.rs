//! The ledger of a mail server: which mails it was told are archived. It is held against the vaults afterwards.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::process::Output;

use sha2::{Digest as _, Sha256};

use crate::archive::{Contents, Record};

/// How a hook ended. With `--confirm` its word is the line `archived seq=N log=ID`, whole.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Exit code 0, and its word.
    Acknowledged(Option<String>),
    /// Exit code 75, and what it said.
    Refused(String),
    /// A signal ended it, perhaps after it had given its word.
    Signalled(i32, Option<String>),
    /// Any other exit code, which a mail server would take for a bounce; and what it said.
    Other(i32, String),
}

impl End {
    /// Looks at the exit code, stdout, and stderr.
    #[must_use]
    pub fn of(output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match (output.status.code(), output.status.signal()) {
            (Some(0), _) => Self::Acknowledged(word(&output.stdout)),
            (Some(75), _) => Self::Refused(said),
            (Some(code), _) => Self::Other(code, said),
            (None, signal) => Self::Signalled(signal.unwrap_or(0), word(&output.stdout)),
        }
    }
}

fn word(stdout: &[u8]) -> Option<String> {
    let line = stdout.strip_suffix(b"\n")?;
    let line = std::str::from_utf8(line).ok()?;
    line.starts_with("archived seq=").then(|| line.to_owned())
}

/// All mails that were handed over, and those of which the hook said that they are archived.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    sent: HashSet<[u8; 32]>,
    acknowledged: BTreeMap<String, [u8; 32]>,
    complaints: Vec<String>,
}

impl Ledger {
    /// A mail is about to be handed over.
    pub fn send(&mut self, mail: &[u8]) {
        self.sent.insert(Sha256::digest(mail).into());
    }

    /// Takes over what another ledger says was handed over.
    pub fn send_all_of(&mut self, other: &Self) {
        self.sent.extend(&other.sent);
    }

    /// The hook gave its word for a mail: it stands at that place.
    pub fn acknowledge(&mut self, place: &str, mail: &[u8]) {
        let before = self
            .acknowledged
            .insert(place.to_owned(), Sha256::digest(mail).into());
        if before.is_some() {
            self.complain(format!("two mails were told the same place: {place}"));
        }
    }

    /// Something happened that must not happen.
    pub fn complain(&mut self, complaint: String) {
        self.complaints.push(complaint);
    }

    /// Holds the ledger against all the vaults into which the mails went.
    #[must_use]
    pub fn judge(&self, vaults: &[Contents]) -> Judgement {
        let mut judgement = Judgement {
            complaints: self.complaints.clone(),
            ..Judgement::default()
        };
        let mut missing: HashMap<&str, &[u8; 32]> = self
            .acknowledged
            .iter()
            .map(|(k, v)| (k.as_str(), v))
            .collect();
        for vault in vaults {
            judgement.torn += vault.torn;
            if vault.stray > 0 {
                judgement.complain(format!("{} stretches of foreign bytes", vault.stray));
            }
            for record in &vault.records {
                self.judge_record(record, &mut missing, &mut judgement);
            }
        }
        for place in missing.keys() {
            judgement.complain(format!("lost: {place}"));
        }
        judgement
    }

    fn judge_record(
        &self,
        record: &Record,
        missing: &mut HashMap<&str, &[u8; 32]>,
        judgement: &mut Judgement,
    ) {
        let place = record
            .place
            .as_deref()
            .unwrap_or("a record without a place");
        if let Some(fault) = &record.fault {
            judgement.complain(format!("{place}: {fault}"));
        }
        let digest: [u8; 32] = match &record.mail {
            Ok(mail) => Sha256::digest(mail).into(),
            Err(e) => return judgement.complain(format!("{place} does not open: {e}")),
        };
        if !self.sent.contains(&digest) {
            judgement.complain(format!("{place} is no mail that was handed over"));
        }
        match missing.remove(place) {
            Some(expected) if *expected == digest => judgement.acknowledged += 1,
            Some(_) => judgement.complain(format!("{place} is another mail than acknowledged")),
            None => judgement.unacknowledged += 1,
        }
    }
}

/// What came out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Mails that were acknowledged and are there, byte for byte.
    pub acknowledged: usize,
    /// Whole records of which nobody was told: the mail server tries again, and the mail is there twice.
    pub unacknowledged: usize,
    /// Pieces of records.
    pub torn: usize,
    /// What must not be.
    pub complaints: Vec<String>,
}

impl Judgement {
    fn complain(&mut self, complaint: String) {
        self.complaints.push(complaint);
    }

    /// Fails the test when there is anything to complain about.
    #[track_caller]
    pub fn expect_clean(&self, context: &str) {
        let shown: Vec<&String> = self.complaints.iter().take(10).collect();
        let number = self.complaints.len();
        assert!(number == 0, "{context}: {number} complaints: {shown:#?}");
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            unacknowledged,
            torn,
            complaints,
        } = self;
        write!(
            f,
            "{acknowledged} mails acknowledged and there, {unacknowledged} there without, {torn} torn records, {} complaints",
            complaints.len()
        )
    }
}
