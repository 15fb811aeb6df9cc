//! The beginning of a log's seals on its server: every day from the ceremony to the day before the installation is sealed as empty, and its
//! seed forgotten (docs/format.md §8.1).
//!
//! Pure: in which order the finals, the seed and the wiping of the source reach the disk is the installer's duty.

use thiserror::Error;

use super::day::Day;
use super::keys::{DayKey, Seed};
use super::merkle::Tree;
use super::note::{Checkpoint, Kind, Note, NoteHash, Origin};
use super::server::Server;

/// What a server starts with.
#[derive(Debug)]
pub struct Installation {
    /// The finals of the days before, which had no records. They must be on stable storage before [`Self::seed`] is.
    pub finals: Vec<Note>,
    /// The seed of the first day on the server, from which no earlier one can be computed.
    pub seed: Seed,
}

/// Why a server cannot start.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotInstallable {
    /// Seed and server file do not belong together.
    #[error("the files seed and server are of two different servers")]
    OtherLog,
    /// The seed has been in use.
    #[error(
        "the seed is that of {seed}, not that of the server's first day, {first}: it was in use already"
    )]
    Used {
        /// The seed's day.
        seed: Day,
        /// The first day.
        first: Day,
    },
    /// The day has no key yet.
    #[error(
        "it is {day} by this machine's clock, and the server's first seal key is for {first}; set the clock"
    )]
    TooEarly {
        /// The day of the installation.
        day: Day,
        /// The first day.
        first: Day,
    },
    /// The day has no key any more.
    #[error(
        "it is {day} by this machine's clock, and the server's last seal key was for {last}; set the clock, or hold a new ceremony"
    )]
    TooLate {
        /// The day of the installation.
        day: Day,
        /// The last day.
        last: Day,
    },
}

/// Goes from the server's first seed, as the ceremony made it, to that of `day`.
///
/// # Errors
/// When the seed is not the server's first one, or the server has no seal key for the day.
pub fn install(
    server: &Server,
    first_seed: Seed,
    day: Day,
) -> Result<Installation, NotInstallable> {
    let (first, last) = (*server.days().start(), *server.days().end());
    if first_seed.log() != server.log() {
        return Err(NotInstallable::OtherLog);
    }
    if first_seed.day() != first {
        let seed = first_seed.day();
        return Err(NotInstallable::Used { seed, first });
    }
    if day < first {
        return Err(NotInstallable::TooEarly { day, first });
    }
    if day > last {
        return Err(NotInstallable::TooLate { day, last });
    }
    let (mut seed, mut finals) = (first_seed, Vec::new());
    while seed.day() < day {
        let previous = finals.last().map(Note::hash);
        finals.push(empty_final(
            server,
            seed.day(),
            previous,
            &seed.signing_key(),
        ));
        // There is a next day: `day` is one.
        seed = seed.next().ok_or(NotInstallable::TooLate { day, last })?;
    }
    Ok(Installation { finals, seed })
}

fn empty_final(server: &Server, day: Day, previous: Option<NoteHash>, key: &DayKey) -> Note {
    let checkpoint = Checkpoint {
        origin: Origin {
            archive: server.archive(),
            log: server.log(),
        },
        size: 0,
        root: Tree::empty().root(),
        kind: Kind::Final,
        day,
        previous,
        last_time: None,
        subkey: server.subkey(),
    };
    Note::sign(checkpoint, key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::identity::Fingerprint;
    use crate::seal::public_keys::ServerKeys;
    use crate::seal::seed_file;
    use crate::vault::leaf::LogId;

    const DAYS: u32 = 5;

    fn day(number: i64) -> Day {
        let first: Day = "2026-12-30".parse().unwrap();
        first.plus(number).unwrap()
    }

    /// A server, its keys, and its first seed's file.
    fn server() -> (Server, ServerKeys, Vec<u8>) {
        let seed = Seed::draw(LogId([7; 16]), day(0)).unwrap();
        let keys = seed.public_keys(DAYS);
        let keys = ServerKeys::new("mail".parse().unwrap(), seed.log(), day(0), keys).unwrap();
        let (archive, subkey) = (Fingerprint::V4([1; 20]), Fingerprint::V4([2; 20]));
        let file = seed_file::encode(&seed).expose_bytes().to_vec();
        (Server::new(archive, subkey, &keys), keys, file)
    }

    #[test]
    fn each_day_before_has_an_empty_final_and_the_seed_is_the_days() {
        let (server, keys, file) = server();
        for on in 0..i64::from(DAYS) {
            let seed = seed_file::decode(&file).unwrap();
            let installation = install(&server, seed, day(on)).unwrap();
            let mut previous = None;
            for (number, note) in (0..).zip(&installation.finals) {
                let sealed = note.verify(server.archive(), &keys).unwrap();
                let checkpoint = sealed.get();
                assert_eq!(
                    (checkpoint.day, checkpoint.kind),
                    (day(number), Kind::Final)
                );
                assert_eq!((checkpoint.size, checkpoint.previous), (0, previous));
                assert_eq!(checkpoint.subkey, server.subkey());
                previous = Some(note.hash());
            }
            assert_eq!(installation.finals.len(), usize::try_from(on).unwrap());
            let key = installation.seed.signing_key().public();
            assert_eq!(Some(key), keys.key_of(installation.seed.day()));
            assert_eq!(installation.seed.day(), day(on));
        }
    }

    #[test]
    fn an_installation_that_is_begun_again_gives_the_same_finals() {
        let (server, _, file) = server();
        let finals = |on| {
            let seed = seed_file::decode(&file).unwrap();
            install(&server, seed, day(on)).unwrap().finals
        };
        assert_eq!(finals(4).get(..2), Some(finals(2).as_slice()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (server, _, file) = server();
        let refused = |seed: Seed, on| install(&server, seed, day(on)).unwrap_err();
        let seed = || seed_file::decode(&file).unwrap();
        let other = Seed::draw(LogId([8; 16]), day(0)).unwrap();
        assert_eq!(refused(other, 0), NotInstallable::OtherLog);
        let (first, last) = (day(0), day(4));
        let used = NotInstallable::Used {
            seed: day(1),
            first,
        };
        assert_eq!(refused(seed().next().unwrap(), 1), used);
        let early = NotInstallable::TooEarly {
            day: day(-1),
            first,
        };
        assert_eq!(refused(seed(), -1), early);
        let late = NotInstallable::TooLate { day: day(5), last };
        assert_eq!(refused(seed(), 5), late);
    }
}
