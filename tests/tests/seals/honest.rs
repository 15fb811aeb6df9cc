//! Honest servers: what a ceremony published some days ago, and vaults, as one file and in segments, that were sealed day by day since.
//!
//! Days cannot be waited for. Those before today are written by the library's own sealing server with the times of those days; what comes in today, by
//! the real hook.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use archiver_core::identity::UtcTime;
use archiver_core::manifest::{Description, Manifest};
use archiver_core::openpgp::archive_key::ArchiveKey;
use archiver_core::openpgp::certificate::ArchiveCert;
use archiver_core::openpgp::encrypt::{Compression, SealedBody, in_memory, seal};
use archiver_core::openpgp::recipient::Recipient;
use archiver_core::origin::ArchiveFingerprints;
use archiver_core::seal::day::Day;
use archiver_core::seal::keys::{DayKey, Seed};
use archiver_core::seal::public_keys::{SealKeys, ServerKeys};
use archiver_core::seal::seal_folder;
use archiver_core::seal::seed_file::{self, SEED_FILE_BYTES};
use archiver_core::seal::server::Server;
use archiver_core::seal::writer::{Anomaly, Sealer};
use archiver_core::secret::SecretBytes;
use archiver_core::sharing::{Profile, Purpose, SharingTerms};
use archiver_core::split::Dealing;
use archiver_core::threshold::Threshold;
use archiver_core::vault::append::append;
use archiver_core::vault::leaf::LogId;
use archiver_core::vault::writable::WritableVault;
use archiver_encrypt::disk::DiskFolder;
use custody_tests::{Ran, hook, run, run_with_stdin};
use tempfile::TempDir;

/// Mails on the days before today. Records 0–2 are of day 0, none of day 1, 3–6 of day 2, 7–8 of day 3, 9–11 of day 4; 12 and 13 come in today.
pub(crate) const MAILS: [usize; 5] = [3, 0, 4, 2, 3];
pub(crate) const TODAY: usize = MAILS.len();
/// Records that stand in days whose final stands.
pub(crate) const SEALED: usize = 12;
/// All of them.
pub(crate) const RECORDS: usize = 14;

const KEYS: u32 = 200;
const HOUR: i64 = 3600;
const SERVERS: [&str; 2] = ["mx1", "mx2"];

/// A folder of the real disk, a temporary file system included.
fn own_folder(path: &Path) -> DiskFolder<'static> {
    DiskFolder::of_segments(path, true)
}

/// The ceremony, held on day 0, for two servers.
#[derive(Debug)]
pub(crate) struct Ceremony {
    public: Vec<(&'static str, Vec<u8>)>,
    pub(crate) archive: ArchiveFingerprints,
    pub(crate) keys: SealKeys,
    recipient: Recipient,
    first_seeds: [SecretBytes<SEED_FILE_BYTES>; 2],
}

/// Held once for all tests.
pub(crate) fn ceremony() -> &'static Ceremony {
    static HELD: OnceLock<Ceremony> = OnceLock::new();
    HELD.get_or_init(Ceremony::hold)
}

impl Ceremony {
    fn hold() -> Self {
        let first = today().plus(-i64::try_from(TODAY).unwrap()).unwrap();
        let time = first.first_second();
        let key = ArchiveKey::generate_classic("Archiver <archiver@example.org>", time);
        let key = key.unwrap().key;
        let archive = ArchiveFingerprints {
            primary: key.primary_fingerprint(),
            encryption: key.encryption_fingerprint(),
        };
        let seeds = [0x10, 0x20].map(|log| Seed::draw(LogId([log; 16]), first).unwrap());
        let servers = SERVERS.iter().zip(&seeds).map(|(name, seed)| {
            let keys = seed.public_keys(KEYS);
            ServerKeys::new(name.parse().unwrap(), seed.log(), first, keys).unwrap()
        });
        let keys = SealKeys::new(archive.primary, servers.collect()).unwrap();
        let certificate = key.certificate_armored().unwrap();
        let cert = ArchiveCert::parse(&certificate, None, time).unwrap();
        Self {
            public: public_files(&key, archive, &keys, time),
            archive,
            keys,
            recipient: Recipient::from(&cert),
            first_seeds: seeds.map(|seed| seed_file::encode(&seed)),
        }
    }

    pub(crate) fn server(&self, server: usize) -> &ServerKeys {
        &self.keys.servers()[server]
    }

    pub(crate) fn log(&self) -> LogId {
        self.server(0).log()
    }

    pub(crate) fn day(&self, number: usize) -> Day {
        let first = *self.server(0).days().start();
        first.plus(i64::try_from(number).unwrap()).unwrap()
    }

    /// So many seconds after the beginning of a day.
    pub(crate) fn at(&self, day: usize, seconds: i64) -> UtcTime {
        UtcTime::from_unix(self.day(day).first_second().unix() + seconds).unwrap()
    }

    /// A server's seed of a day.
    pub(crate) fn seed(&self, server: usize, day: usize) -> Seed {
        let mut seed = seed_file::decode(self.first_seeds[server].expose_bytes()).unwrap();
        for _ in 0..day {
            seed = seed.next().unwrap();
        }
        seed
    }

    /// The first server's signing key of a day.
    pub(crate) fn key(&self, day: usize) -> DayKey {
        self.seed(0, day).signing_key()
    }

    /// A mail, encrypted: anybody can make one.
    pub(crate) fn encrypt(&self, mail: &str) -> SealedBody {
        let made = seal(
            &self.recipient,
            mail.as_bytes(),
            Compression::Zlib,
            &mut in_memory,
        );
        made.unwrap()
    }
}

/// The public folder's files, with the seal keys for which the manifest vouches.
fn public_files(
    key: &ArchiveKey,
    archive: ArchiveFingerprints,
    keys: &SealKeys,
    time: UtcTime,
) -> Vec<(&'static str, Vec<u8>)> {
    let terms = SharingTerms {
        profile: Profile::Classic,
        purpose: Purpose::Archive,
        threshold: Threshold::new(2, 3).unwrap(),
        primary: archive.primary,
        encryption: archive.encryption,
        seal_keys_sha256: Some(keys.sha256()),
    };
    let dealing = Dealing::deal(&key.x25519_secret().unwrap(), &terms).unwrap();
    let manifest = Manifest {
        sharing: dealing.sharing().clone(),
        description: Description {
            organisation: "Example AG".to_owned(),
            archive: "Archiver <archiver@example.org>".to_owned(),
            ceremony_time: time,
            program: "custodian".to_owned(),
            custodians_sha256: [7; 32],
        },
    };
    let manifest = manifest.to_json().unwrap();
    let signature = key.sign_detached(&manifest, time).unwrap();
    vec![
        ("archive.cert.asc", key.certificate_armored().unwrap()),
        ("custody.json", manifest),
        ("custody.json.asc", signature),
        ("seals.pub", keys.to_text().into_bytes()),
    ]
}

pub(crate) fn today() -> Day {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Day::of(UtcTime::from_unix(since_1970.as_secs().cast_signed()).unwrap())
}

/// What a vault is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One file.
    File,
    /// A folder, with a segment for each day that had mail.
    Segments,
}

pub(crate) const SHAPES: [Shape; 2] = [Shape::File, Shape::Segments];

/// A mail server: a vault, its seals, and its seal folder.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) shape: Shape,
}

impl Site {
    /// A copy of the first server as it is today, after some honest days.
    pub(crate) fn honest(shape: Shape) -> Self {
        static FILE: OnceLock<Snapshot> = OnceLock::new();
        static SEGMENTS: OnceLock<Snapshot> = OnceLock::new();
        let lived = match shape {
            Shape::File => &FILE,
            Shape::Segments => &SEGMENTS,
        };
        lived
            .get_or_init(|| {
                let site = Self::after(0, shape, &MAILS);
                site.receive_today("the first mail of today");
                site.receive_today("the second mail of today");
                let _ = site.seal_today().expect_code(0);
                site.snapshot()
            })
            .site()
    }

    /// A server after days with so many mails each. The last day's final is not written yet.
    pub(crate) fn after(server: usize, shape: Shape, mails: &[usize]) -> Self {
        let site = Self::new(server, shape);
        for (day, count) in mails.iter().enumerate() {
            for number in 0..*count {
                let hours = i64::try_from(number + 1).unwrap();
                let mail = format!("Subject: mail {number} of day {day}\n\n{server}\n");
                site.receive(&mail, ceremony().at(day, hours * HOUR));
            }
        }
        site
    }

    /// A new server, on day 0.
    pub(crate) fn new(server: usize, shape: Shape) -> Self {
        let ceremony = ceremony();
        let folder = TempDir::with_prefix("site-").unwrap();
        let site = Self { folder, shape };
        for made in [site.public(), site.seal_folder()] {
            fs::create_dir(made).unwrap();
        }
        for (name, bytes) in &ceremony.public {
            fs::write(site.public().join(name), bytes).unwrap();
        }
        let ArchiveFingerprints {
            primary,
            encryption,
        } = ceremony.archive;
        let description = Server::new(primary, encryption, ceremony.server(server));
        let seal_folder = own_folder(&site.seal_folder());
        seal_folder::make(&seal_folder, &description, &ceremony.seed(server, 0)).unwrap();
        if shape == Shape::Segments {
            fs::create_dir(site.vault()).unwrap();
            let rules = "archiver segments 1 size=1073741824 day=yes\n";
            fs::write(site.vault().join("segments.conf"), rules).unwrap();
        }
        site
    }

    pub(crate) fn copy(&self) -> Self {
        self.snapshot().site()
    }

    fn snapshot(&self) -> Snapshot {
        let mut files = Vec::new();
        collect(self.folder.path(), Path::new(""), &mut files);
        Snapshot {
            shape: self.shape,
            files,
        }
    }

    /// The ceremony's public folder.
    pub(crate) fn public(&self) -> PathBuf {
        self.path("public")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("public/archive.cert.asc")
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.path("VAULT")
    }

    /// The vault's checkpoints.
    pub(crate) fn seals(&self) -> PathBuf {
        match self.shape {
            Shape::File => self.path("VAULT.seals"),
            Shape::Segments => self.path("VAULT/VAULT.seals"),
        }
    }

    pub(crate) fn seal_folder(&self) -> PathBuf {
        self.path("seal")
    }

    /// The vault's files, in their order.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        if self.shape == Shape::File {
            return vec![self.vault()];
        }
        let entries = fs::read_dir(self.vault()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = paths.filter(|path| is_segment(path)).collect();
        files.sort();
        files
    }

    fn writable(&self) -> WritableVault<DiskFolder<'static>> {
        match self.shape {
            Shape::File => WritableVault::file(own_folder(&self.path("")), "VAULT".into()),
            Shape::Segments => WritableVault::segments(own_folder(&self.vault())),
        }
    }

    fn sealer(&self) -> Sealer<DiskFolder<'static>> {
        Sealer::open(own_folder(&self.seal_folder())).unwrap()
    }

    /// A mail comes in at that time, and nothing is wrong with its seal.
    #[track_caller]
    pub(crate) fn receive(&self, mail: &str, at: UtcTime) {
        let anomalies = self.receive_whatever(mail, at);
        assert!(anomalies.is_empty(), "{anomalies:?}");
    }

    /// A mail comes in at that time; what is told of its seal.
    pub(crate) fn receive_whatever(&self, mail: &str, at: UtcTime) -> Vec<Anomaly> {
        let mut server = self.sealer();
        let sealed = ceremony().encrypt(mail);
        let appended = server.append(&mut self.writable(), sealed, || at);
        appended.unwrap();
        server.take_anomalies()
    }

    /// A mail comes in at that time, before the hook was told of its seal folder.
    pub(crate) fn receive_unsealed(&self, mail: &str, at: UtcTime) {
        let sealed = ceremony().encrypt(mail);
        append(&mut self.writable(), sealed, || at).unwrap();
    }

    /// What is due at that time is sealed.
    pub(crate) fn seal(&self, at: UtcTime) -> Vec<Anomaly> {
        let mut server = self.sealer();
        server.seal(&mut self.writable(), None, || at).unwrap();
        server.take_anomalies()
    }

    /// A mail comes in now, by the real hook, and nothing is wrong with its seal.
    #[track_caller]
    pub(crate) fn receive_today(&self, mail: &str) {
        let ran = self.run_hook(mail);
        assert_eq!(ran.stderr, "");
    }

    /// A mail comes in now, by the real hook.
    #[track_caller]
    pub(crate) fn run_hook(&self, mail: &str) -> Ran {
        let mut hook = hook();
        hook.args(["--syslog", "off", "--cert"])
            .arg(self.certificate());
        run_with_stdin(self.paths(&mut hook), mail.as_bytes()).expect_code(0)
    }

    /// `archiver-encrypt seal`.
    pub(crate) fn seal_today(&self) -> Ran {
        run(self.paths(hook().arg("seal")))
    }

    fn paths<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.arg("--vault").arg(self.vault());
        command.arg("--seal-dir").arg(self.seal_folder())
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "asc")
}

/// All files of a server. It costs no folder on the disk until it is a [`Site`] again.
#[derive(Debug)]
struct Snapshot {
    shape: Shape,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Snapshot {
    fn site(&self) -> Site {
        let folder = TempDir::with_prefix("site-").unwrap();
        for (name, bytes) in &self.files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .unwrap();
            file.write_all(bytes).unwrap();
        }
        let shape = self.shape;
        Site { folder, shape }
    }
}

fn collect(root: &Path, under: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(root.join(under)).unwrap().map(Result::unwrap) {
        let name = under.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            collect(root, &name, files);
        } else {
            files.push((name, fs::read(entry.path()).unwrap()));
        }
    }
}
