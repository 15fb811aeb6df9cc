//! An archive to test with: a key made here, its certificate in a file, a vault, and readers that share no code with the hook
//! where that matters (Sequoia for the armor and the decryption).

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use archiver_core::openpgp::framing::split_message;
use archiver_core::vault::armor::{BEGIN_LINE, END_LINE};
use archiver_core::vault::header::Header;
use archiver_core::vault::leaf::{BodyDigests, LeafHash};
use sequoia_openpgp as openpgp;

use openpgp::armor::{Reader, ReaderMode};
use openpgp::cert::{Cert, CertBuilder, CipherSuite};
use openpgp::crypto::SessionKey;
use openpgp::packet::{PKESK, SKESK};
use openpgp::parse::Parse as _;
use openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper,
};
use openpgp::policy::StandardPolicy;
use openpgp::serialize::SerializeInto as _;
use openpgp::types::{Features, SymmetricAlgorithm};
use tempfile::TempDir;

/// What `archiver-encrypt` begins every failure with.
pub(crate) const REFUSAL: &str = "4.3.0 archiver-encrypt: ";

/// A key, and a folder with its certificate and perhaps a vault.
pub(crate) struct Archive {
    pub(crate) key: Cert,
    folder: TempDir,
}

/// The key of an archive, before it is generated.
pub(crate) fn key_builder() -> CertBuilder<'static> {
    CertBuilder::new()
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_features(Features::empty().set_seipdv1())
        .unwrap()
        .add_userid("Archiver <archiver@example.org>")
}

impl Archive {
    pub(crate) fn new() -> Self {
        let builder = key_builder().add_storage_encryption_subkey();
        Self::of(builder.generate().unwrap().0)
    }

    pub(crate) fn of(key: Cert) -> Self {
        let folder = tempfile::Builder::new().prefix("hook").tempdir().unwrap();
        let archive = Self { key, folder };
        archive.write_certificate(&archive.key.armored().to_vec().unwrap());
        archive
    }

    pub(crate) fn write_certificate(&self, bytes: &[u8]) {
        fs::write(self.cert(), bytes).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn cert(&self) -> PathBuf {
        self.path("archive.cert.asc")
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.path("VAULT")
    }

    pub(crate) fn vault_bytes(&self) -> Vec<u8> {
        fs::read(self.vault()).unwrap()
    }

    /// The hook with this archive's certificate and vault, not yet started.
    pub(crate) fn hook(&self) -> Command {
        self.hook_into(&self.vault())
    }

    /// The hook with this archive's certificate and another vault.
    pub(crate) fn hook_into(&self, vault: &Path) -> Command {
        let mut hook = hook();
        hook.arg("--cert").arg(self.cert());
        hook.arg("--vault").arg(vault);
        hook
    }

    /// The hook with this archive's certificate, writing to standard output.
    pub(crate) fn hook_to_stdout(&self) -> Command {
        let mut hook = hook();
        hook.arg("--cert").arg(self.cert()).args(["--output", "-"]);
        hook
    }

    /// Archives a mail, which must work without a word.
    pub(crate) fn archive(&self, mail: &[u8]) {
        let output = deliver(&mut self.hook(), mail);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        assert!(output.stdout.is_empty());
    }

    /// All mails of the vault, decrypted, in order; the vault must be one unbroken log.
    pub(crate) fn mails(&self) -> Vec<Vec<u8>> {
        let vault = self.vault_bytes();
        assert_is_one_log(&vault);
        records(&vault).map(|record| self.open(record)).collect()
    }

    /// Decrypts one armored record.
    pub(crate) fn open(&self, record: &[u8]) -> Vec<u8> {
        let policy = StandardPolicy::new();
        let builder = DecryptorBuilder::from_bytes(record).unwrap();
        let opener = Opener(&self.key);
        let mut decryptor = builder.with_policy(&policy, None, opener).unwrap();
        let mut mail = Vec::new();
        decryptor.read_to_end(&mut mail).unwrap();
        mail
    }
}

/// The hook without arguments.
pub(crate) fn hook() -> Command {
    let mut hook = Command::new(env!("CARGO_BIN_EXE_archiver-encrypt"));
    hook.env_remove("RUST_BACKTRACE");
    hook
}

/// A command's words with a redirection of the shell behind them.
pub(crate) fn redirected(hook: &Command, redirection: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("exec \"$0\" \"$@\" {redirection}"));
    shell.arg(hook.get_program()).args(hook.get_args());
    shell
}

/// Starts a command with pipes for all three streams.
pub(crate) fn start(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// Gives a command a mail on its standard input, and waits for its end.
pub(crate) fn deliver(command: &mut Command, mail: &[u8]) -> Output {
    finish(start(command), mail)
}

/// Gives a started command its mail, and waits for its end.
pub(crate) fn finish(mut child: Child, mail: &[u8]) -> Output {
    // A hook that refuses before it reads leaves the pipe broken.
    let _ = child.stdin.take().unwrap().write_all(mail);
    child.wait_with_output().unwrap()
}

/// The mail server must keep the mail, for a reason that contains `reason`.
#[track_caller]
pub(crate) fn assert_refused(output: &Output, reason: &str) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{stderr}");
    assert!(stderr.starts_with(REFUSAL), "{stderr}");
    assert!(stderr.contains(reason), "{reason:?} is not in: {stderr}");
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The armored records of a vault that holds nothing else.
pub(crate) fn records(vault: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = vault;
    std::iter::from_fn(move || {
        let end_line = format!("{END_LINE}\n");
        let length = text(rest).find(&end_line)? + end_line.len();
        let (record, behind) = rest.split_at(length);
        assert!(record.starts_with(BEGIN_LINE.as_bytes()));
        rest = behind;
        Some(record)
    })
}

/// Every record has our header, its number, the leaf before, and its own leaf, recomputed; no byte stands between records.
#[track_caller]
pub(crate) fn assert_is_one_log(vault: &[u8]) {
    let no_gap = BodyDigests::of(b"", b"").rest;
    let mut prev = LeafHash::BEFORE_THE_FIRST;
    let mut length = 0;
    for (record, seq) in records(vault).zip(0..) {
        let line = text(record).lines().nth(1).unwrap();
        let header: Header = line.parse().unwrap();
        assert_eq!((header.place.seq, header.place.prev), (seq, prev));
        let mut message = Vec::new();
        let mut reader = Reader::from_bytes(record, ReaderMode::Tolerant(None));
        reader.read_to_end(&mut message).unwrap();
        let (session_keys, rest) = split_message(&message);
        let body = BodyDigests::of(session_keys, rest);
        assert_eq!(
            header.leaf,
            header.place.leaf(&body, header.origin.as_ref(), &no_gap)
        );
        prev = header.leaf;
        length += record.len();
    }
    assert_eq!(length, vault.len());
}

/// Says loudly that a test cannot run here, or fails when it must.
pub(crate) fn skip(why: &str) {
    assert!(
        std::env::var_os("INTEROP").is_none_or(|v| v != "require"),
        "INTEROP=require: {why}"
    );
    eprintln!("SKIPPED: {why}");
}

struct Opener<'a>(&'a Cert);

impl VerificationHelper for Opener<'_> {
    fn get_certs(&mut self, _: &[openpgp::KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, _: MessageStructure<'_>) -> openpgp::Result<()> {
        Ok(())
    }
}

impl DecryptionHelper for Opener<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _: &[SKESK],
        algo: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> openpgp::Result<Option<Cert>> {
        assert_eq!(pkesks.len(), 1, "one session-key packet");
        for subkey in self.0.keys().subkeys().secret() {
            let mut pair = subkey.key().clone().into_keypair()?;
            if let Some((algo, session_key)) = pkesks[0].decrypt(&mut pair, algo) {
                assert!(decrypt(algo, &session_key));
            }
        }
        Ok(None)
    }
}
