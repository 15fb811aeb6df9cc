//! Opens one span: its hash and its header's claims, and for a whole record the mail, into a file named by us.

use std::io::{self, Write};

use archiver_core::openpgp::decrypt::{
    DecryptionKey, Limits, MessageError, OpenedMessage, open_message,
};
use archiver_core::vault::read::{Claim, RecordFacts, read_record};
use archiver_core::vault::scan::SpanKind;

use super::OpenError;
use super::out_folder::{OutFolder, PartFile, unwritable};
use super::pipeline::Job;
use super::shown::{HeaderReader, MailHeaders};

/// Mails up to this length are held in memory until they are verified; longer ones go to a `.part` file as they come.
const IN_MEMORY: usize = 256 * 1024;
/// Header fields are looked for in so many bytes at a mail's start.
const HEADERS: usize = 64 * 1024;

/// Opens spans; shared by all threads.
#[derive(Debug)]
pub(super) struct Opener<'a> {
    pub(super) key: &'a DecryptionKey,
    pub(super) limits: Limits,
    pub(super) out: &'a OutFolder,
    pub(super) headers: HeaderReader,
}

/// What became of a span.
#[derive(Debug)]
pub(super) struct Opened {
    /// For records, whole and torn.
    pub(super) facts: Option<RecordFacts>,
    pub(super) sha256: [u8; 32],
    pub(super) outcome: Fate,
}

/// What became of a span's content.
#[derive(Debug)]
pub(super) enum Fate {
    Mail(Box<Mail>),
    Torn,
    Damaged(String),
    Foreign(String),
    StrayBytes,
    WhiteSpace,
}

/// A mail that stands complete under its final name.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) file: String,
    pub(super) opened: OpenedMessage,
    pub(super) headers: MailHeaders,
}

impl Opener<'_> {
    pub(super) fn open(&self, job: &Job<'_>) -> Result<Opened, OpenError> {
        match (job.span.kind, job.record) {
            (SpanKind::Record, Some(record)) => self.open_record(job, record),
            (SpanKind::Torn, _) => {
                let (facts, ()) =
                    read_record(job.source.section(&job.span), job.span.length, |_| ())
                        .map_err(|e| job.source.unreadable(e))?;
                Ok(Opened {
                    sha256: facts.sha256,
                    facts: Some(facts),
                    outcome: Fate::Torn,
                })
            }
            _ => look_at_stray(job),
        }
    }

    fn open_record(&self, job: &Job<'_>, record: u64) -> Result<Opened, OpenError> {
        let length = job.span.length;
        let mut sink = Sink::new(self.out, record);
        let allowed = self.limits.plaintext_for(length / 4 * 3);
        let (facts, result) = read_record(job.source.section(&job.span), length, |message| {
            open_message(&mut *message, self.key, allowed, &mut sink)
        })
        .map_err(|e| job.source.unreadable(e))?;
        let outcome = match result {
            Ok(opened) => Fate::Mail(Box::new(self.keep(sink, record, &facts, opened)?)),
            Err(MessageError::Read(e)) => return Err(job.source.unreadable(e)),
            Err(MessageError::Write(e)) => return Err(sink.unwritable(e)),
            Err(e @ MessageError::ForOthers(_)) => Fate::Foreign(e.to_string()),
            Err(e) => Fate::Damaged(e.to_string()),
        };
        Ok(Opened {
            sha256: facts.sha256,
            facts: Some(facts),
            outcome,
        })
    }

    fn keep(
        &self,
        sink: Sink<'_>,
        record: u64,
        facts: &RecordFacts,
        opened: OpenedMessage,
    ) -> Result<Mail, OpenError> {
        let headers = self.headers.read(sink.start());
        let file = file_name(record, &facts.claim, &opened.sha256);
        sink.keep_as(&file)?;
        Ok(Mail {
            file,
            opened,
            headers,
        })
    }
}

fn look_at_stray(job: &Job<'_>) -> Result<Opened, OpenError> {
    let (sha256, blank) = job
        .source
        .look_at_stray(&job.span)
        .map_err(|e| job.source.unreadable(e))?;
    Ok(Opened {
        facts: None,
        sha256,
        outcome: if blank {
            Fate::WhiteSpace
        } else {
            Fate::StrayBytes
        },
    })
}

/// The folder of a record's mail: the first six of the ten digits of its number.
fn folder(record: u64) -> String {
    format!("{:06}", record / 10_000)
}

/// `messages/000001/0000012345-seq42-0123456789abcdef.eml`: number in this run, claimed number in the log, start of the mail's
/// SHA-256. Nothing of it comes from the mail's own text.
pub(super) fn file_name(record: u64, claim: &Claim, sha256: &[u8; 32]) -> String {
    let seq = match claim {
        Claim::Header(header) => format!("seq{}", header.place.seq),
        Claim::None | Claim::Malformed(_) => "noseq".to_owned(),
    };
    let (start, _) = sha256.split_at(8);
    let start = data_encoding::HEXLOWER.encode(start);
    format!("messages/{}/{record:010}-{seq}-{start}.eml", folder(record))
}

/// Takes a mail that is not verified yet.
struct Sink<'a> {
    out: &'a OutFolder,
    record: u64,
    /// The whole mail, or its start when it has gone to the file.
    memory: Vec<u8>,
    file: Option<PartFile>,
    /// An error that the writer's interface cannot carry.
    failure: Option<OpenError>,
}

impl<'a> Sink<'a> {
    fn new(out: &'a OutFolder, record: u64) -> Self {
        Self {
            out,
            record,
            memory: Vec::with_capacity(32 * 1024),
            file: None,
            failure: None,
        }
    }

    fn start(&self) -> &[u8] {
        self.memory.get(..HEADERS).unwrap_or(&self.memory)
    }

    /// Gives the verified mail its name.
    fn keep_as(self, name: &str) -> Result<(), OpenError> {
        if let Some(part) = self.file {
            return self.out.keep(part, name);
        }
        self.out.make_message_folder(&folder(self.record))?;
        self.out.write(name, &self.memory)
    }

    fn begin(&self) -> Result<PartFile, OpenError> {
        let folder = folder(self.record);
        self.out.make_message_folder(&folder)?;
        self.out
            .begin(&format!("messages/{folder}/{:010}", self.record))
    }

    fn spill(&mut self) -> io::Result<&mut PartFile> {
        let mut part = self.begin().map_err(|e| {
            self.failure = Some(e);
            io::Error::other("the file could not be made")
        })?;
        part.write_all(&self.memory)?;
        self.memory.truncate(HEADERS);
        Ok(self.file.insert(part))
    }

    fn unwritable(self, error: io::Error) -> OpenError {
        let name = format!("messages/{}/{:010}.part", folder(self.record), self.record);
        self.failure
            .unwrap_or_else(|| unwritable(self.out.path(&name), error))
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.memory.len() + buf.len() <= IN_MEMORY {
            self.memory.extend_from_slice(buf);
            return Ok(buf.len());
        }
        match &mut self.file {
            Some(part) => part.write(buf),
            None => self.spill()?.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
