//! What can be wrong with the seals, and what to do about it, in words for a mail admin.

use std::io;

use thiserror::Error;

use crate::counted::Counted;
use crate::identity::UtcTime;
use crate::seal::day::Day;
use crate::seal::position::Contradiction;
use crate::seal::seal_folder::NoSeed;
use crate::vault::leaf::LogId;

/// Something is wrong with the seals. The mail is archived all the same.
#[derive(Debug, Error)]
pub enum Anomaly {
    /// The seal folder could not be locked.
    #[error("the seal folder could not be locked, so nothing was sealed: {0}")]
    SealFolder(#[source] io::Error),
    /// There is no usable seed.
    #[error("nothing can be sealed, because {0}")]
    NoSeed(#[from] NoSeed),
    /// The `.seals` file cannot be read.
    #[error(
        "the seals beside the vault cannot be opened for reading and writing, so nothing was sealed: {0}"
    )]
    ReadSeals(#[source] io::Error),
    /// The `.seals` file is that of another log.
    #[error(
        "the seals beside the vault are those of another log, so nothing was sealed: this is another server's vault, or another server's seal folder"
    )]
    OtherSeals,
    /// Records of another log stand behind those of this server.
    #[error(
        "the vault's last record is of another log ({0}), behind records of this server's: two servers write into this vault, or one with two seal folders; give each seal folder a vault of its own, because only one of them can have its seals beside it"
    )]
    AnotherServer(LogId),
    /// Finals that were written are not there.
    #[error(
        "{} not in the seals beside the vault, and no key can make them again: put the file with the seals back from its newest copy, and look for finals that were mailed or printed; without them those days are missing in every verdict",
        finals(*from, *until)
    )]
    SealsMissing {
        /// The first day whose final is gone.
        from: Day,
        /// The last one, the day before the key's.
        until: Day,
    },
    /// The vault could not be read again.
    #[error(
        "the vault could not be read to find out where its log stands, so nothing was sealed: {0}"
    )]
    ReadVault(#[source] io::Error),
    /// The log contradicts its checkpoints.
    #[error(
        "the log contradicts its seals, and nothing more is sealed: {0}; compare the vault with a copy, and run `archiver-encrypt seal` when it is mended"
    )]
    Contradiction(Contradiction),
    /// The log was found to contradict its checkpoints before.
    #[error(
        "nothing is sealed, because the log contradicted its seals before; run `archiver-encrypt seal` to have it read again"
    )]
    NotSealing,
    /// Records that were remembered are not there.
    #[error(
        "this server remembers {} of its log, and the vault has {}",
        Counted(*remembered, "record"),
        what_is_left(*found)
    )]
    Forgotten {
        /// How many it remembers.
        remembered: u64,
        /// How many there are.
        found: u64,
    },
    /// A note stands behind the last one that this server can vouch for.
    #[error(
        "behind the last seal of this server stands one of {0} beside the vault that it did not write there; it was passed over, and sealing goes on; keep the file as it is, find out who else can write there, and tell the auditor"
    )]
    StrangeSeal(Day),
    /// The clock jumped.
    #[error(
        "the clock says {today}, which is more than a week after {day}, the day of the seal key; records are dated to the end of {day} until the clock is set right, or `archiver-encrypt seal --catch-up {today}` says that it is"
    )]
    ClockFarAhead {
        /// The key's day.
        day: Day,
        /// What the clock says.
        today: Day,
    },
    /// The clock is behind the key.
    #[error(
        "the clock says {now}, which is more than a day before {day}, the day of the seal key; records are dated to the beginning of that day until the clock is set right"
    )]
    ClockBehind {
        /// The key's day.
        day: Day,
        /// What the clock says.
        now: UtcTime,
    },
    /// There are no keys left.
    #[error(
        "the last seal key was that of {0}; nothing is sealed any more, until a new ceremony makes new keys"
    )]
    KeysEnded(Day),
    /// There will soon be none.
    #[error("the last seal key is that of {last_day}, in {}; plan a new ceremony", Counted(days.unsigned_abs(), "day"))]
    KeysEndSoon {
        /// How many days are left after today.
        days: i64,
        /// The last day with a key.
        last_day: Day,
    },
    /// The vault could not be synced.
    #[error("the vault could not be synced to disk, so it was not sealed: {0}")]
    SyncVault(#[source] io::Error),
    /// The `.seals` file could not be written.
    #[error("the seals could not be written beside the vault: {0}")]
    WriteSeals(#[source] io::Error),
    /// The next day's seed could not be written.
    #[error("the day is sealed, and its key could not be given up: {0}; the next run tries again")]
    WriteSeed(#[source] io::Error),
    /// The used seed's bytes are still on the disk.
    #[error(
        "the day is sealed and its key replaced, but the used key's bytes could not be overwritten on the disk: {0}; whoever reads the raw disk may find them and forge that day and every later one, so look after the disk, and let the last finals leave this machine"
    )]
    SeedNotOverwritten(#[source] io::Error),
    /// The state could not be written.
    #[error(
        "what the server knows of its log could not be written down, so that the next run reads the vault again: {0}"
    )]
    NotRemembered(#[source] io::Error),
}

fn finals(from: Day, until: Day) -> String {
    if from == until {
        format!("the final seal of {from} is")
    } else {
        format!("the final seals of {from} to {until} are")
    }
}

fn what_is_left(found: u64) -> String {
    if found == 0 {
        return "none of them: another vault was given, or it was begun anew, moved away or replaced; each vault needs a seal folder of its own, and with seals it is rotated by segments".to_owned();
    }
    format!(
        "{found}: after a power cut the last ones may be lost (nobody was told that they were safe); otherwise the vault was cut, replaced or moved away"
    )
}

impl Anomaly {
    /// Whether it is only a hint for later.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        matches!(self, Self::KeysEndSoon { .. })
    }
}
