//! A vault in segments (docs/format.md §7.5): the names in its folder, and the rules by which a new segment is begun.
//!
//! Says which names are whose, and nothing of what stands in the files.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::str::FromStr;

use thiserror::Error;

use crate::identity::UtcTime;

/// The file with the rules, in the folder.
pub const RULES_FILE: &str = "segments.conf";
/// No rules file is longer.
pub(crate) const LONGEST_RULES: usize = 256;

/// What a vault is called by the files in its folder, when it is one of segments: its seals are `VAULT.seals`.
pub const STEM: &str = "VAULT";
/// How the name of a vault's seals ends, behind the vault's own name.
pub const SEALS_END: &str = ".seals";
/// How the name of a vault's recipient file ends (docs/format.md §7.6).
pub const RECIPIENT_END: &str = ".recipient";
/// What is put behind a file's name while it is made.
pub const NEW_END: &str = ".new";
const SEGMENT_END: &str = ".asc";
const RETIRED_END: &str = ".retired";

/// The name of what stands beside a vault of this name ([`SEALS_END`], [`RECIPIENT_END`]). Of a folder of segments the vault's name is [`STEM`].
#[must_use]
pub fn beside(vault: &OsStr, end: &str) -> OsString {
    let mut name = vault.to_owned();
    name.push(end);
    name
}

/// The number of a segment, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentNumber(NonZero<u32>);

impl SegmentNumber {
    /// The first segment's.
    pub const FIRST: Self = Self(NonZero::<u32>::MIN);

    /// The number; never 0.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The number after this one; `None` after the last there is, 2^32 − 1.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    /// The segment's file: `VAULT-000001.asc`.
    #[must_use]
    pub fn file_name(self) -> OsString {
        format!("{STEM}-{:06}{SEGMENT_END}", self.0).into()
    }

    /// What stands in place of a segment that was removed at the end of its retention: `VAULT-000001.retired`.
    #[must_use]
    pub fn retired_name(self) -> OsString {
        format!("{STEM}-{:06}{RETIRED_END}", self.0).into()
    }

    /// Reads exactly what [`Self::file_name`] gives.
    #[must_use]
    pub fn of_file(name: &OsStr) -> Option<Self> {
        Self::with_end(name, SEGMENT_END).filter(|number| number.file_name() == name)
    }

    /// Reads exactly what [`Self::retired_name`] gives.
    fn of_retired(name: &OsStr) -> Option<Self> {
        Self::with_end(name, RETIRED_END).filter(|number| number.retired_name() == name)
    }

    /// Whether a name is that of a retired segment's file in the making.
    fn is_retired_in_the_making(name: &OsStr) -> bool {
        let name = name.to_str().and_then(|name| name.strip_suffix(".new"));
        name.is_some_and(|name| Self::of_retired(name.as_ref()).is_some())
    }

    fn with_end(name: &OsStr, end: &str) -> Option<Self> {
        let number = name.to_str()?.strip_prefix(STEM)?.strip_prefix('-')?;
        number.strip_suffix(end)?.parse().ok().map(Self)
    }
}

impl FromStr for SegmentNumber {
    type Err = NotASegment;

    /// Reads a number, or the name of the segment's file.
    fn from_str(text: &str) -> Result<Self, NotASegment> {
        let number = text.parse().ok().map(Self);
        let number = number.or_else(|| Self::of_file(text.as_ref()));
        number.ok_or(NotASegment)
    }
}

/// Text that names no segment.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a segment is named by its number or its file: 1, or VAULT-000001.asc")]
pub struct NotASegment;

/// What stands in the folder of a vault in segments.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The segments, in order.
    pub segments: Vec<SegmentNumber>,
    /// The segments that were retired, in order.
    pub retired: Vec<SegmentNumber>,
    /// Names that belong to no vault. They are ignored; a reader names them.
    pub foreign: Vec<OsString>,
    /// The file with the rules is there.
    pub has_rules: bool,
}

impl Listing {
    /// Sorts the names of a folder.
    #[must_use]
    pub fn of(names: impl IntoIterator<Item = OsString>) -> Self {
        let mut listing = Self::default();
        for name in names {
            if let Some(number) = SegmentNumber::of_file(&name) {
                listing.segments.push(number);
            } else if let Some(number) = SegmentNumber::of_retired(&name) {
                listing.retired.push(number);
            } else if name == RULES_FILE {
                listing.has_rules = true;
            } else if !stands_beside_segments(&name) {
                listing.foreign.push(name);
            }
        }
        listing.segments.sort_unstable();
        listing.retired.sort_unstable();
        listing.foreign.sort_unstable();
        listing
    }

    /// The numbers between two segments that have neither a segment nor a retired one. Numbers missing in front of the first
    /// segment are in order: it is from the front that segments are removed.
    #[must_use]
    pub fn missing(&self) -> Vec<RangeInclusive<u32>> {
        let pairs = self.segments.iter().zip(self.segments.iter().skip(1));
        let mut missing = Vec::new();
        for (before, after) in pairs {
            let mut from = before.get() + 1;
            let retired = self.retired.iter().map(|number| number.get());
            let between = retired.filter(|n| (before.get()..after.get()).contains(n));
            for taken in between.chain([after.get()]) {
                if from < taken {
                    missing.push(from..=taken - 1);
                }
                from = from.max(taken + 1);
            }
        }
        missing
    }

    /// The segments that stand although they were retired: a retirement was interrupted.
    pub fn half_retired(&self) -> impl Iterator<Item = SegmentNumber> {
        let retired = self.retired.iter().copied();
        retired.filter(|number| self.segments.contains(number))
    }

    /// The retired segments that stand for those in front of the first segment, in order.
    pub(crate) fn retired_in_front(&self) -> Vec<SegmentNumber> {
        let first = self.segments.first();
        let is_in_front = |number: &&SegmentNumber| first.is_none_or(|first| *number < first);
        self.retired.iter().filter(is_in_front).copied().collect()
    }

    /// Requires that a folder with these names is a vault: it has rules, or segments, or had some. So neither a path given by mistake, such
    /// as that of a home folder, nor the mount point of a disk that is not mounted becomes a vault.
    ///
    /// # Errors
    /// When nothing in it says that it is one.
    pub fn require_vault(&self) -> Result<(), NotAVault> {
        if self.has_rules || !self.segments.is_empty() || !self.retired.is_empty() {
            Ok(())
        } else if self.foreign.is_empty() {
            Err(NotAVault::Empty)
        } else {
            Err(NotAVault::OtherThings)
        }
    }

    /// The number of the segment to begin when the present one is full, or when there is none; `None` when there is no number left.
    pub(crate) fn next(&self) -> Option<SegmentNumber> {
        match self.segments.last().max(self.retired.last()) {
            Some(last) => last.next(),
            None => Some(SegmentNumber::FIRST),
        }
    }
}

/// The seals, the hook's recipient file, also in the making (docs/format.md §7.6), and a retired segment's file in the making.
fn stands_beside_segments(name: &OsStr) -> bool {
    let rest = name.to_str().and_then(|name| name.strip_prefix(STEM));
    let is_seals_or_recipient = rest.is_some_and(|rest| {
        rest == SEALS_END || rest.strip_suffix(NEW_END).unwrap_or(rest) == RECIPIENT_END
    });
    is_seals_or_recipient || SegmentNumber::is_retired_in_the_making(name)
}

/// What a name is taken for in or beside a vault, when no vault may have it; `None` for a name that a vault may have. A record that is appended to
/// such a file spoils it, or is never found.
#[must_use]
pub fn taken_for(name: &OsStr) -> Option<&'static str> {
    let text = name.to_string_lossy();
    let made = text.strip_suffix(NEW_END).unwrap_or(&text);
    match () {
        () if made.ends_with(RECIPIENT_END) => Some("the recipient file of a vault"),
        () if made.ends_with(SEALS_END) => Some("the seals of a vault"),
        () if text.ends_with(RETIRED_END) => Some("the mark of a segment that was retired"),
        () if text == RULES_FILE => Some("the rules of a folder of segments"),
        () if SegmentNumber::of_file(name).is_some() => {
            Some("a segment of a vault that is a folder")
        }
        () => None,
    }
}

/// A folder in which nothing says that it is a vault ([`Listing::require_vault`]).
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotAVault {
    /// Nothing stands in it but what a hook may leave beside segments.
    #[error(
        "it is a folder with neither segments nor {RULES_FILE} in it: when its disk is not mounted, mount it; when a new vault shall begin here, make it one of segments with: archiver-encrypt setup --segments"
    )]
    Empty,
    /// Other files stand in it.
    #[error(
        "it is a folder with other files in it, and neither segments nor {RULES_FILE}; give the path of the vault's file, or make this folder one of segments with: archiver-encrypt setup --segments"
    )]
    OtherThings,
}

/// When a new segment is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentRules {
    /// A segment of so many bytes or more takes no further record.
    pub size: NonZero<u64>,
    /// A segment whose last record of ours is of an earlier UTC day takes no further record.
    pub by_day: bool,
}

impl SegmentRules {
    /// One GiB.
    const USUAL_SIZE: NonZero<u64> = NonZero::<u64>::MIN.saturating_add((1 << 30) - 1);

    /// The rules of a folder whose rules file has these bytes; the usual ones when it has no such file.
    ///
    /// # Errors
    /// When the file is not in its one form.
    pub fn of_file(file: Option<&[u8]>) -> Result<Self, RulesError> {
        let Some(file) = file else {
            return Ok(Self::default());
        };
        std::str::from_utf8(file).map_err(|_| RulesError)?.parse()
    }

    /// Whether a record at `time` begins a new segment, when the present one has `size` bytes and its last record of ours, if there is
    /// one, is of `last`.
    pub(crate) fn want_new(&self, size: u64, last: Option<UtcTime>, time: UtcTime) -> bool {
        let is_full = size >= self.size.get();
        let is_of_another_day = last.is_some_and(|last| day(last) < day(time));
        is_full || (self.by_day && is_of_another_day)
    }
}

/// Days since 1970-01-01.
fn day(time: UtcTime) -> i64 {
    time.unix().div_euclid(24 * 60 * 60)
}

impl Default for SegmentRules {
    /// One GiB, whatever the day.
    fn default() -> Self {
        Self {
            size: Self::USUAL_SIZE,
            by_day: false,
        }
    }
}

/// A rules file that is not in its one form.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "its {RULES_FILE} is not one line of the form `archiver segments 1 size=BYTES day=yes` (or `day=no`); write it anew, with the usual rules as `{}`",
    SegmentRules::default()
)]
pub struct RulesError;

impl fmt::Display for SegmentRules {
    /// The line, without its LF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = if self.by_day { "yes" } else { "no" };
        write!(f, "archiver segments 1 size={} day={day}", self.size)
    }
}

impl FromStr for SegmentRules {
    type Err = RulesError;

    /// Reads the file's text: exactly the form that [`fmt::Display`] writes, with or without an LF behind it.
    fn from_str(text: &str) -> Result<Self, RulesError> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let values = line
            .strip_prefix("archiver segments 1 size=")
            .and_then(|values| values.split_once(" day="));
        let (size, day) = values.ok_or(RulesError)?;
        let rules = Self {
            size: size.parse().map_err(|_| RulesError)?,
            by_day: day == "yes",
        };
        if rules.to_string() == line {
            Ok(rules)
        } else {
            Err(RulesError)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn number(number: u32) -> SegmentNumber {
        SegmentNumber(NonZero::new(number).unwrap())
    }

    #[test]
    fn a_segments_name_and_its_number_map_one_to_one() {
        for (n, name) in [
            (1, "VAULT-000001.asc"),
            (999_999, "VAULT-999999.asc"),
            (1_000_000, "VAULT-1000000.asc"),
            (u32::MAX, "VAULT-4294967295.asc"),
        ] {
            assert_eq!(number(n).file_name(), name);
            assert_eq!(SegmentNumber::of_file(OsStr::new(name)), Some(number(n)));
        }
        assert_eq!(number(u32::MAX).next(), None);
        for other in [
            "VAULT-000000.asc",
            "VAULT-00001.asc",
            "VAULT-0000001.asc",
            "VAULT-+00001.asc",
            "VAULT-4294967296.asc",
            "VAULT-000001.asc.new",
            "vault-000001.asc",
            "VAULT-.asc",
            "VAULT",
        ] {
            assert_eq!(SegmentNumber::of_file(OsStr::new(other)), None, "{other}");
        }
    }

    #[test]
    fn a_folders_names_are_sorted_by_number_and_foreign_ones_are_told_apart() {
        let names = [
            "VAULT-1000000.asc",
            "VAULT-000002.asc",
            "notes",
            "VAULT.seals",
            "VAULT.recipient",
            "VAULT.recipient.new",
            "VAULT.recipient.77.new",
            "VAULT.new",
            "VAULT-999999.asc",
            "segments.conf",
            "VAULT-000001.retired",
            "VAULT-000002.retired.new",
            "VAULT-000003.asc~",
        ];
        let listing = Listing::of(names.map(OsString::from));
        let segments = [2, 999_999, 1_000_000].map(number);
        assert_eq!(listing.segments, segments);
        assert_eq!(listing.retired, [number(1)]);
        let foreign = [
            "VAULT-000003.asc~",
            "VAULT.new",
            "VAULT.recipient.77.new",
            "notes",
        ];
        assert_eq!(listing.foreign, foreign);
        assert!(listing.has_rules);
        assert_eq!(listing.next(), Some(number(1_000_001)));
    }

    #[test]
    fn numbers_missing_in_the_middle_are_named_and_at_the_start_they_are_in_order() {
        let missing = |segments: &[u32], retired: &[u32]| {
            Listing {
                segments: segments.iter().copied().map(number).collect(),
                retired: retired.iter().copied().map(number).collect(),
                ..Listing::default()
            }
            .missing()
        };
        assert_eq!(missing(&[1, 2, 3], &[]), []);
        assert_eq!(missing(&[5, 6], &[]), []);
        assert_eq!(missing(&[1, 4, 5, 7], &[]), [2..=3, 6..=6]);
        assert_eq!(missing(&[1, 6], &[3, 4]), [2..=2, 5..=5]);
        assert_eq!(missing(&[1, 3], &[2]), []);
        assert_eq!(missing(&[], &[]), []);
    }

    #[test]
    fn a_folder_is_a_vault_only_when_something_in_it_says_so() {
        let judged = |names: &[&str]| Listing::of(names.iter().map(OsString::from)).require_vault();
        for vault in [
            &["segments.conf"][..],
            &["lost+found", "segments.conf"],
            &["lost+found", "VAULT-000007.asc"],
            &["lost+found", "VAULT-000007.retired"],
        ] {
            assert_eq!(judged(vault), Ok(()), "{vault:?}");
        }
        for empty in [&[][..], &["VAULT.recipient"], &["VAULT.seals"]] {
            assert_eq!(judged(empty), Err(NotAVault::Empty), "{empty:?}");
        }
        for other in [&["lost+found"][..], &["etc", "VAULT.recipient"]] {
            assert_eq!(judged(other), Err(NotAVault::OtherThings), "{other:?}");
        }
    }

    #[test]
    fn names_that_are_taken_in_or_beside_a_vault_are_told_apart_from_a_vaults_own() {
        for taken in [
            "VAULT.recipient",
            "mails.recipient.new",
            ".recipient",
            "VAULT.seals",
            "VAULT.seals.new",
            "VAULT-000001.retired",
            "old.retired",
            "segments.conf",
            "VAULT-000001.asc",
        ] {
            assert!(taken_for(OsStr::new(taken)).is_some(), "{taken}");
        }
        for free in [
            "VAULT",
            "VAULT-2026-11-24",
            "mails.asc",
            "seals",
            "recipient",
            "VAULT.new",
        ] {
            assert_eq!(taken_for(OsStr::new(free)), None, "{free}");
        }
    }

    #[test]
    fn after_the_last_retired_segment_the_numbers_go_on() {
        let mut listing = Listing::default();
        assert_eq!(listing.next(), Some(SegmentNumber::FIRST));
        listing.retired.push(number(4));
        assert_eq!(listing.next(), Some(number(5)));
        listing.segments.push(number(u32::MAX));
        assert_eq!(listing.next(), None);
    }

    #[test]
    fn rules_have_one_text_and_every_departure_is_refused_with_what_to_mend() {
        let text = "archiver segments 1 size=1073741824 day=no";
        assert_eq!(SegmentRules::default().to_string(), text);
        assert_eq!(text.parse(), Ok(SegmentRules::default()));
        let daily: SegmentRules = "archiver segments 1 size=7 day=yes\n".parse().unwrap();
        assert_eq!((daily.size.get(), daily.by_day), (7, true));
        for wrong in [
            "",
            "\n",
            "archiver segments 1",
            "archiver segments 2 size=7 day=yes",
            "archiver segments 1 size=0 day=yes",
            "archiver segments 1 size=07 day=yes",
            "archiver segments 1 size=1G day=yes",
            "archiver segments 1 size=7 day=maybe",
            "archiver segments 1 size=7 day=yes ",
            "archiver segments 1 size=7 day=yes\n\n",
            "archiver segments 1 day=yes size=7",
            "archiver segments 1 size=18446744073709551616 day=no",
        ] {
            assert_eq!(wrong.parse::<SegmentRules>(), Err(RulesError), "{wrong}");
        }
        assert!(RulesError.to_string().contains("size=1073741824 day=no"));
    }

    #[test]
    fn a_segment_is_full_by_size_or_by_the_day() {
        let at = |unix| UtcTime::from_unix(unix).unwrap();
        let rules = |by_day| SegmentRules {
            size: NonZero::new(100).unwrap(),
            by_day,
        };
        let midnight = 1_795_564_800;
        let (before, after) = (at(midnight - 1), at(midnight));
        for (by_day, size, last, expected) in [
            (false, 0, None, false),
            (false, 99, Some(before), false),
            (false, 100, Some(before), true),
            (true, 60, Some(before), true),
            (true, 60, Some(after), false),
            (true, 60, None, false),
        ] {
            let wanted = rules(by_day).want_new(size, last, after);
            assert_eq!(wanted, expected, "{by_day} {size} {last:?}");
        }
    }
}
