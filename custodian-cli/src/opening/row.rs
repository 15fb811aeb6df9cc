//! One row of the manifest: everything that is said of one stretch of a vault.

use archiver_core::vault::chain::Standing;
use archiver_core::vault::header::Header;
use archiver_core::vault::read::Claim;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::message::{Fate, Opened};
use super::pipeline::Job;
use super::sealing::{DayState, NotVerified, SealsReport};
use super::shown::{cell, harmless};

/// What became of a stretch of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Opened,
    OpenedWithoutHeader,
    Torn,
    Damaged,
    Foreign,
    StrayBytes,
    WhiteSpace,
}

/// What a header's claims are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Worth {
    /// Nobody has compared them.
    Claimed,
    /// The record's leaf comes out of them.
    VerifiedByLeaf,
}

/// What the seals say of the day in which a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Seal {
    Sealed,
    Open,
    Broken,
    Missing,
    /// No seal key stands for it.
    Unsealed,
    /// The seal keys are missing.
    Unverified,
}

/// One stretch of a vault.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) record: Option<u64>,
    vault: String,
    offset: u64,
    pub(super) length: u64,
    pub(super) result: Outcome,
    reason: String,
    file: String,
    log: String,
    seq: Option<u64>,
    archived: String,
    place: Option<Worth>,
    link: String,
    /// None for what is no whole record.
    pub(super) seal: Option<Seal>,
    record_sha256: String,
    mail_sha256: String,
    mail_bytes: Option<u64>,
    signed: Option<bool>,
    pub(super) duplicate_of: Option<u64>,
    from: String,
    to: String,
    subject: String,
    date: String,
    message_id: String,
    #[serde(skip)]
    digest: Option<[u8; 32]>,
    #[serde(skip)]
    broken: bool,
}

/// The names of the cells.
pub(super) const COLUMNS: [&str; 23] = [
    "record",
    "vault",
    "offset",
    "length",
    "result",
    "reason",
    "file",
    "log",
    "seq",
    "archived",
    "place",
    "link",
    "seal",
    "record_sha256",
    "mail_sha256",
    "mail_bytes",
    "signed",
    "duplicate_of",
    "from",
    "to",
    "subject",
    "date",
    "message_id",
];

impl Row {
    /// The row of a span, but for its standing in a log and its duplicates.
    pub(super) fn of(job: &Job<'_>, opened: &Opened) -> Self {
        let claim = opened.facts.as_ref().map(|facts| &facts.claim);
        let header = match claim {
            Some(Claim::Header(header)) => Some(header),
            _ => None,
        };
        let (result, reason) = outcome(&opened.outcome, header);
        let place = job.source.place_of(job.span.offset);
        let mut row = Self {
            record: job.record,
            vault: harmless(&place.file.to_string_lossy()),
            offset: place.offset,
            length: job.span.length,
            result,
            reason,
            file: String::new(),
            log: header.map(|h| h.place.log.to_string()).unwrap_or_default(),
            seq: header.map(|h| h.place.seq),
            archived: header.map(|h| h.place.time.to_string()).unwrap_or_default(),
            place: header.map(|_| Worth::Claimed),
            link: String::new(),
            seal: None,
            record_sha256: HEXLOWER.encode(&opened.sha256),
            mail_sha256: String::new(),
            mail_bytes: None,
            signed: None,
            duplicate_of: None,
            from: String::new(),
            to: String::new(),
            subject: String::new(),
            date: String::new(),
            message_id: String::new(),
            digest: None,
            broken: false,
        };
        row.take_mail(&opened.outcome);
        row
    }

    fn take_mail(&mut self, fate: &Fate) {
        let Fate::Mail(mail) = fate else { return };
        self.file.clone_from(&mail.file);
        self.mail_sha256 = HEXLOWER.encode(&mail.opened.sha256);
        self.digest = Some(mail.opened.sha256);
        self.mail_bytes = Some(mail.opened.size);
        self.signed = Some(mail.opened.signed);
        self.from.clone_from(&mail.headers.from);
        self.to.clone_from(&mail.headers.to);
        self.subject.clone_from(&mail.headers.subject);
        self.date.clone_from(&mail.headers.date);
        self.message_id.clone_from(&mail.headers.message_id);
    }

    pub(super) fn take_standing(&mut self, standing: Option<Standing>) {
        match standing {
            None | Some(Standing::NoHeader) => {}
            Some(Standing::MalformedHeader(e)) => {
                let why = e.map_or_else(|| "not text".to_owned(), |e| e.to_string());
                self.link = format!("broken: malformed header: {why}");
                self.broken = true;
            }
            Some(Standing::Linked(link)) => {
                if link.leaf_matches {
                    self.place = Some(Worth::VerifiedByLeaf);
                }
                self.broken = link.fault.is_some();
                self.link = match link.fault {
                    Some(fault) => format!("broken: {fault}"),
                    None => "holds".to_owned(),
                };
            }
        }
    }

    /// Takes what the seals say of the day that the record claims. A record that claims a day falsely breaks that day, whatever else it breaks.
    pub(super) fn take_seal(&mut self, vault: usize, seals: &SealsReport) {
        let is_whole = !matches!(
            self.result,
            Outcome::Torn | Outcome::StrayBytes | Outcome::WhiteSpace
        );
        let seal = match (
            seals.not_verified,
            seals.day_of(vault, &self.log, &self.archived),
        ) {
            (Some(NotVerified::NoneMade), _) | (None, None) => Seal::Unsealed,
            (Some(NotVerified::KeysMissing | NotVerified::NoPublicFolder), _) => Seal::Unverified,
            (None, Some(DayState::Sealed)) => Seal::Sealed,
            (None, Some(DayState::Open)) => Seal::Open,
            (None, Some(DayState::Broken)) => Seal::Broken,
            (None, Some(DayState::Missing)) => Seal::Missing,
        };
        self.seal = is_whole.then_some(seal);
    }

    pub(super) fn is_opened(&self) -> bool {
        matches!(self.result, Outcome::Opened | Outcome::OpenedWithoutHeader)
    }

    pub(super) fn link_is_broken(&self) -> bool {
        self.broken
    }

    /// The SHA-256 and the file of the mail, when there is one.
    pub(super) fn mail(&self) -> Option<(&str, &str)> {
        self.digest
            .map(|_| (self.mail_sha256.as_str(), self.file.as_str()))
    }

    /// The whole SHA-256 of the mail, when there is one.
    pub(super) fn mail_sha256(&self) -> Option<&[u8; 32]> {
        self.digest.as_ref()
    }

    /// The cells in the order of [`COLUMNS`].
    pub(super) fn cells(&self) -> [String; COLUMNS.len()] {
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        [
            number(self.record),
            cell(&self.vault),
            self.offset.to_string(),
            self.length.to_string(),
            name(&self.result),
            cell(&self.reason),
            self.file.clone(),
            self.log.clone(),
            number(self.seq),
            self.archived.clone(),
            self.place.as_ref().map(name).unwrap_or_default(),
            self.link.clone(),
            self.seal.as_ref().map(name).unwrap_or_default(),
            self.record_sha256.clone(),
            self.mail_sha256.clone(),
            number(self.mail_bytes),
            self.signed
                .map(|signed| signed.to_string())
                .unwrap_or_default(),
            number(self.duplicate_of),
            cell(&self.from),
            cell(&self.to),
            cell(&self.subject),
            cell(&self.date),
            cell(&self.message_id),
        ]
    }
}

fn outcome(fate: &Fate, header: Option<&Header>) -> (Outcome, String) {
    match fate {
        Fate::Mail(_) if header.is_some() => (Outcome::Opened, String::new()),
        Fate::Mail(_) => (Outcome::OpenedWithoutHeader, String::new()),
        Fate::Torn => (Outcome::Torn, "the record's end is missing".to_owned()),
        Fate::Damaged(why) => (Outcome::Damaged, harmless(why)),
        Fate::Foreign(why) => (Outcome::Foreign, harmless(why)),
        Fate::StrayBytes => (Outcome::StrayBytes, String::new()),
        Fate::WhiteSpace => (Outcome::WhiteSpace, String::new()),
    }
}

/// The name that an enum has in JSON.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
