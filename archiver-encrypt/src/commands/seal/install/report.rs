//! What an installation tells: the lines for the ceremony record, and what is still to be done.

use std::fmt;

use archiver_core::counted::Counted;
use archiver_core::identity::UtcTime;
use archiver_core::seal::day::Day;
use archiver_core::seal::server::Server;

use super::Args;

/// The seals as installed.
#[derive(Debug)]
pub(super) struct Report {
    server: Server,
    host: String,
    time: UtcTime,
    first_sealed: Day,
    is_compared: bool,
    source: String,
    seal_dir: String,
}

impl Report {
    pub(super) fn new(
        args: &Args,
        server: &Server,
        time: UtcTime,
        first_sealed: Day,
        is_compared: bool,
    ) -> Self {
        let host = rustix::system::uname();
        Self {
            server: server.clone(),
            host: host.nodename().to_string_lossy().into_owned(),
            time,
            first_sealed,
            is_compared,
            source: args.from.display().to_string(),
            seal_dir: args.seal_dir.display().to_string(),
        }
    }

    /// What can be said, and done, when the source is wiped.
    pub(super) fn after_wiping(&self) -> String {
        format!(
            "  source            the seed in {source} was overwritten and removed\n\n\
             A USB stick, an SSD, and whatever was copied from them can keep what was overwritten: destroy the medium, or keep it under lock.\n\
             Leave {seal_dir} out of every backup and snapshot: a seed that is brought back can forge the days since.\n",
            source = self.source,
            seal_dir = self.seal_dir,
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, days) = (&self.server, self.server.days());
        let empty = self.first_sealed.days_since(*days.start());
        let compared = if self.is_compared {
            "compared with the published keys"
        } else {
            "NOT compared with the published keys (--public)"
        };
        writeln!(
            f,
            "The seals of the server {} are installed.\n",
            server.name()
        )?;
        writeln!(f, "For the ceremony record:")?;
        writeln!(f, "  server            {}", server.name())?;
        writeln!(f, "  log               {}", server.log())?;
        writeln!(f, "  archive           {}", server.archive())?;
        writeln!(f, "  encryption subkey {}", server.subkey())?;
        writeln!(f, "  installed         on {} at {}", self.host, self.time)?;
        writeln!(
            f,
            "  first sealed day  {} ({} before it sealed as empty)",
            self.first_sealed,
            Counted(empty.unsigned_abs(), "day")
        )?;
        writeln!(f, "  last sealed day   {}", days.end())?;
        writeln!(f, "  seed              {compared}")
    }
}
