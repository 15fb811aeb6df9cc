//! What can be said of vaults without a key: records, claimed times, broken links, damage, records for other keys, and ephemeral
//! points that come more than once, and, when the archive is known, origin proofs that are not good.
//!
//! Nothing is decrypted, so nothing here says that a record will open.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use archiver_core::identity::{Fingerprint, UtcTime};
use archiver_core::openpgp::recipients::{Envelope, Protection, RecipientKey};
use archiver_core::origin::{ArchiveFingerprints, OriginError};
use archiver_core::vault::chain::Standing;
use archiver_core::vault::header::Header;
use archiver_core::vault::read::{Claim, MessageReader, RecordFacts, read_record};
use archiver_core::vault::scan::SpanKind;
use serde::{Serialize, Serializer};

use super::pipeline::{self, Chains, Job};
use super::retired::{Passed, RetiredReport};
use super::sealing::{NotVerified, Seals, SealsReport, Walks};
use super::shown::harmless;
use super::source::{self, VaultSource};
use super::{OpenError, Progress, all_cores};

mod origins;

use origins::Origin;
pub(crate) use origins::OriginProofs;

/// Of each kind so many findings are listed; all are counted.
pub(crate) const LISTED: usize = 1000;

/// What was found, vault by vault.
#[derive(Debug, Serialize)]
pub(crate) struct InspectReport {
    pub(crate) vaults: Vec<VaultReport>,
    /// Records whose ephemeral point was seen before, in any of the vaults.
    pub(crate) repeated_points: Findings<RepeatedPoint>,
    #[serde(flatten)]
    pub(crate) seals: SealsReport,
}

impl InspectReport {
    /// Whether something was found that must be looked into.
    pub(crate) fn anomalies(&self) -> bool {
        self.repeated_points.count > 0
            || self.vaults.iter().any(VaultReport::anomalies)
            || self.seals.anomalies()
    }
}

/// What was found in one vault.
#[derive(Debug, Default, Serialize)]
pub(crate) struct VaultReport {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// Of a vault in segments.
    pub(crate) segments: Vec<SegmentReport>,
    /// Numbers of segments that are missing between others.
    pub(crate) missing_segments: Vec<String>,
    /// Segments that were removed at the end of their retention.
    pub(crate) retired_segments: Vec<RetiredReport>,
    /// Names in the folder of segments that belong to no vault.
    pub(crate) foreign_names: Vec<String>,
    /// Whole records and torn ones.
    pub(crate) records: u64,
    /// Whole records without a header of ours.
    pub(crate) without_header: u64,
    pub(crate) logs: Vec<LogReport>,
    pub(crate) torn: Findings<Finding>,
    /// Records whose armor or whose clear part is damaged, or that are not encrypted with integrity protection.
    pub(crate) damaged: Findings<Finding>,
    /// Records for another key than that of the certificate, when one was given.
    pub(crate) foreign: Findings<Finding>,
    pub(crate) stray: Findings<Finding>,
    pub(crate) broken_links: Findings<Finding>,
    /// None when the archive is not known, so that the proofs were not checked.
    pub(crate) origin_proofs: Option<OriginProofs>,
    pub(crate) wrong_origin_proofs: Findings<Finding>,
}

impl VaultReport {
    /// No record stands in it, and none was retired from it: a copy that failed looks like this.
    pub(crate) fn is_without_records(&self) -> bool {
        self.records == 0 && self.retired_segments.is_empty()
    }

    fn anomalies(&self) -> bool {
        let all = [
            &self.torn,
            &self.damaged,
            &self.foreign,
            &self.stray,
            &self.broken_links,
            &self.wrong_origin_proofs,
        ];
        let mut retired = self.retired_segments.iter();
        let is_in_doubt = retired.any(|segment| segment.trouble.is_some());
        is_in_doubt
            || self.is_without_records()
            || !self.missing_segments.is_empty()
            || all.iter().any(|findings| findings.count > 0)
    }
}

/// One segment of a vault.
#[derive(Debug, Serialize)]
pub(crate) struct SegmentReport {
    pub(crate) file: String,
    pub(crate) bytes: u64,
}

/// The records of one log in one vault.
#[derive(Debug, Serialize)]
pub(crate) struct LogReport {
    #[serde(serialize_with = "as_text")]
    pub(crate) log: archiver_core::vault::leaf::LogId,
    pub(crate) records: u64,
    /// Of these, records whose leaf comes out of what their header says.
    pub(crate) verified_by_leaf: u64,
    pub(crate) lowest_seq: u64,
    pub(crate) highest_seq: u64,
    #[serde(serialize_with = "as_text")]
    pub(crate) earliest: UtcTime,
    #[serde(serialize_with = "as_text")]
    pub(crate) latest: UtcTime,
}

/// One place in a vault that somebody should look at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The record's number in this run, from 1; none for stray bytes.
    pub(crate) record: Option<u64>,
    /// The segment in which it stands; none in a vault that is one file.
    pub(crate) segment: Option<String>,
    /// From the start of the segment, or of the vault.
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) reason: String,
}

/// A record that has the ephemeral point of an earlier one.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RepeatedPoint {
    pub(crate) record: u64,
    pub(crate) first_seen_in: u64,
}

/// Findings of one kind: all are counted, the first thousand are listed.
#[derive(Debug, Serialize)]
pub(crate) struct Findings<T> {
    pub(crate) count: u64,
    pub(crate) listed: Vec<T>,
}

impl<T> Default for Findings<T> {
    fn default() -> Self {
        Self {
            count: 0,
            listed: Vec::new(),
        }
    }
}

impl<T> Findings<T> {
    pub(super) fn add(&mut self, finding: T) {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push(finding);
        }
    }
}

/// Looks through vaults without a key. With the archive's fingerprints, records for other keys are found and origin proofs are checked.
///
/// # Errors
/// When a vault cannot be opened or read.
pub(crate) fn inspect_vaults(
    vaults: &[PathBuf],
    archive: Option<ArchiveFingerprints>,
    seals: Result<Seals<'_>, NotVerified>,
    progress: &dyn Progress,
) -> Result<InspectReport, OpenError> {
    // The seals before the vaults, so that a vault that grows meanwhile is not taken for one that was cut off.
    let walks = match seals {
        Ok(seals) => Ok(Walks::begin(&seals, vaults)?),
        Err(why) => Err(why),
    };
    let sources = source::open_all(vaults)?;
    progress.begin(sources.iter().map(VaultSource::length).sum());
    let mut inspector = Inspector {
        walks,
        subkey: archive.map(|archive| archive.encryption),
        chains: Chains::default(),
        points: HashMap::new(),
        report: InspectReport {
            vaults: sources
                .iter()
                .map(|source| vault_report(source, archive.is_some()))
                .collect(),
            repeated_points: Findings::default(),
            seals: SealsReport::default(),
        },
    };
    let look = |job: &Job<'_>| look(job, archive.as_ref());
    pipeline::in_order(&sources, all_cores(), look, |job, seen| {
        progress.advance(job.span.length, u64::from(job.record.is_some()));
        inspector.pass_retired_before(job, &sources)?;
        inspector.take(job, seen)
    })?;
    inspector.pass_retired_at_the_end(&sources)?;
    inspector.report.seals = match inspector.walks {
        Ok(walks) => walks.finish(),
        Err(why) => SealsReport::unverified(why),
    };
    Ok(inspector.report)
}

fn vault_report(source: &VaultSource, proofs_are_checked: bool) -> VaultReport {
    VaultReport {
        path: harmless(&source.path().to_string_lossy()),
        bytes: source.length(),
        origin_proofs: proofs_are_checked.then(OriginProofs::default),
        segments: source
            .segments()
            .map(|(file, bytes)| SegmentReport {
                file: file_name(file),
                bytes,
            })
            .collect(),
        missing_segments: source.missing_segments().iter().map(numbers).collect(),
        foreign_names: source.foreign_names().map(|name| harmless(&name)).collect(),
        ..VaultReport::default()
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    harmless(&name.to_string_lossy())
}

fn numbers(range: &RangeInclusive<u32>) -> String {
    let (first, last) = (range.start(), range.end());
    if first == last {
        first.to_string()
    } else {
        format!("{first} to {last}")
    }
}

/// What one span shows.
enum Seen {
    Record(Box<RecordFacts>, Envelope, Option<Origin>),
    Stray { blank: bool },
}

fn look(job: &Job<'_>, archive: Option<&ArchiveFingerprints>) -> Result<Seen, OpenError> {
    if job.span.kind == SpanKind::Stray {
        let looked = job.source.look_at_stray(&job.span);
        let (_, blank) = looked.map_err(|e| job.source.unreadable(e))?;
        return Ok(Seen::Stray { blank });
    }
    let section = job.source.section(&job.span);
    let clear =
        |message: &mut dyn MessageReader| (message.envelope(), message.session_keys().to_vec());
    let (facts, (envelope, session_keys)) =
        read_record(section, job.span.length, clear).map_err(|e| job.source.unreadable(e))?;
    let is_ours = |archive: &&ArchiveFingerprints| others(&envelope, &archive.encryption).is_none();
    let archive = archive.filter(is_ours);
    let origin = archive.and_then(|archive| Origin::of(archive, &facts, &session_keys));
    Ok(Seen::Record(Box::new(facts), envelope, origin))
}

struct Inspector<'a> {
    walks: Result<Walks<'a>, NotVerified>,
    subkey: Option<Fingerprint>,
    chains: Chains,
    /// The first record of each point.
    points: HashMap<[u8; 32], u64>,
    report: InspectReport,
}

impl Inspector<'_> {
    fn pass_retired_before(
        &mut self,
        job: &Job<'_>,
        sources: &[VaultSource],
    ) -> Result<(), OpenError> {
        let (report, walks) = (&mut self.report, &mut self.walks);
        let take = |vault, passed| take_retired(report, walks.as_mut().ok(), vault, passed);
        self.chains.pass_retired_before(job, sources, take)
    }

    fn pass_retired_at_the_end(&mut self, sources: &[VaultSource]) -> Result<(), OpenError> {
        let (report, walks) = (&mut self.report, &mut self.walks);
        let take = |vault, passed| take_retired(report, walks.as_mut().ok(), vault, passed);
        self.chains.pass_retired_at_the_end(sources, take)
    }

    fn take(&mut self, job: &Job<'_>, seen: Seen) -> Result<(), OpenError> {
        let place = job.source.place_of(job.span.offset);
        let is_segment = place.file != job.source.path();
        let found = |reason: String| Finding {
            record: job.record,
            segment: is_segment.then(|| file_name(place.file)),
            offset: place.offset,
            length: job.span.length,
            reason,
        };
        let Some(vault) = self.report.vaults.get_mut(job.vault) else {
            return Ok(());
        };
        let (facts, envelope, origin) = match seen {
            Seen::Stray { blank: true } => return Ok(()),
            Seen::Stray { blank: false } => {
                vault.stray.add(found("stray bytes".to_owned()));
                return Ok(());
            }
            Seen::Record(facts, envelope, origin) => (facts, envelope, origin),
        };
        vault.records += 1;
        if job.span.kind == SpanKind::Torn {
            vault
                .torn
                .add(found("the record's end is missing".to_owned()));
            return Ok(());
        }
        vault.without_header += u64::from(facts.claim == Claim::None);
        if let Some(damage) = damage(&facts, &envelope) {
            vault.damaged.add(found(damage));
        } else if let Some(others) = self.subkey.and_then(|ours| others(&envelope, &ours)) {
            vault.foreign.add(found(others));
        }
        if let Some(wrong) = origin.and_then(|origin| vault.count_origin(origin)) {
            vault.wrong_origin_proofs.add(found(wrong.to_string()));
        }
        let standing = self.chains.follow(job, Some(*facts))?;
        if let (Ok(walks), Some(Standing::Linked(link))) = (&mut self.walks, &standing) {
            walks.record(job.vault, &link.into());
        }
        if let Some(reason) = standing.and_then(|standing| vault.take_standing(standing)) {
            vault.broken_links.add(found(reason));
        }
        if let Some(record) = job.record {
            self.take_points(record, &envelope);
        }
        Ok(())
    }

    fn take_points(&mut self, record: u64, envelope: &Envelope) {
        for point in envelope.recipients.iter().filter_map(|r| r.ephemeral) {
            let first_seen_in = *self.points.entry(point).or_insert(record);
            if first_seen_in != record {
                self.report.repeated_points.add(RepeatedPoint {
                    record,
                    first_seen_in,
                });
            }
        }
    }
}

fn take_retired(
    report: &mut InspectReport,
    walks: Option<&mut Walks<'_>>,
    vault: usize,
    passed: Passed,
) {
    let Some(found) = report.vaults.get_mut(vault) else {
        return;
    };
    if let Some(walks) = walks {
        walks.retired(vault, &passed);
    }
    for record in &passed.records {
        if let Some(fault) = &record.fault {
            let seq = record.place.seq;
            found.broken_links.add(Finding {
                record: None,
                segment: Some(passed.report.segment.clone()),
                offset: 0,
                length: 0,
                reason: format!("number {seq} of its log, in a retired segment: {fault}"),
            });
        }
    }
    found.retired_segments.push(passed.report);
}

impl VaultReport {
    /// Counts an origin proof; returns what is wrong with it.
    fn count_origin(&mut self, origin: Origin) -> Option<OriginError> {
        self.origin_proofs
            .get_or_insert_default()
            .count(origin)
            .err()
    }

    /// Counts a record in its log; returns what is wrong with its link.
    fn take_standing(&mut self, standing: Standing) -> Option<String> {
        match standing {
            Standing::NoHeader => None,
            Standing::MalformedHeader(e) => Some(e.map_or_else(
                || "malformed header".to_owned(),
                |e| format!("malformed header: {e}"),
            )),
            Standing::Linked(link) => {
                self.count_in_log(&link.header, link.leaf_matches);
                link.fault.map(|fault| fault.to_string())
            }
        }
    }

    fn count_in_log(&mut self, header: &Header, verified: bool) {
        let place = header.place;
        // Almost always the last one; a vault with many logs is a forgery, and then only the first thousand are listed.
        let known = self
            .logs
            .iter_mut()
            .rev()
            .find(|known| known.log == place.log);
        if let Some(known) = known {
            known.records += 1;
            known.verified_by_leaf += u64::from(verified);
            known.lowest_seq = known.lowest_seq.min(place.seq);
            known.highest_seq = known.highest_seq.max(place.seq);
            known.earliest = known.earliest.min(place.time);
            known.latest = known.latest.max(place.time);
        } else if self.logs.len() < LISTED {
            self.logs.push(LogReport {
                log: place.log,
                records: 1,
                verified_by_leaf: u64::from(verified),
                lowest_seq: place.seq,
                highest_seq: place.seq,
                earliest: place.time,
                latest: place.time,
            });
        }
    }
}

fn damage(facts: &RecordFacts, envelope: &Envelope) -> Option<String> {
    if let Err(e) = &facts.message {
        return Some(e.to_string());
    }
    match envelope.protection {
        None => Some("not a well-formed encrypted message".to_owned()),
        Some(Protection::Nothing) => {
            Some("encrypted without integrity protection (an SED packet)".to_owned())
        }
        Some(Protection::Mdc | Protection::Aead) => None,
    }
}

/// For whom a record is, when it is not for us.
fn others(envelope: &Envelope, ours: &Fingerprint) -> Option<String> {
    let keys = || envelope.recipients.iter().map(|recipient| recipient.key);
    if keys().any(|key| key.may_be(ours)) {
        return None;
    }
    let named: Vec<String> = keys()
        .take(4)
        .map(|key: RecipientKey| key.to_string())
        .collect();
    Some(if named.is_empty() {
        "for another archive: it names no key".to_owned()
    } else {
        format!("for another archive: encrypted to {}", named.join(", "))
    })
}

fn as_text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}
