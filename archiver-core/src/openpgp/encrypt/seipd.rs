//! The content of a SEIPD packet, version 1 (RFC 4880 §5.13): AES-256 in CFB mode, and SHA-1 as modification detection code.

use std::io::{self, Write};

use aes::Aes256;
use cfb_mode::Encryptor;
use cfb_mode::cipher::inout::InOutBuf;
use cfb_mode::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use sha1::{Digest as _, Sha1};

use crate::secret::{NoRandomness, SecretBytes, random_bytes};

const VERSION: u8 = 1;
const BLOCK: usize = 16;
/// A modification detection code packet's tag and length; its body is the SHA-1.
const MDC_HEAD: [u8; 2] = [0xd3, 20];

/// What encryption adds to its content: version, random block with its last two bytes repeated, modification detection code.
pub(super) const OVERHEAD: usize = 1 + BLOCK + 2 + MDC_HEAD.len() + 20;

/// Plaintext is encrypted in place, so many bytes at once: whole blocks, in one call, are several times faster than bytes.
const STAGE: usize = 32 * 1024;

/// Encrypts what is written to it.
pub(super) struct Encryption<W> {
    cipher: Encryptor<Aes256>,
    mdc: Sha1,
    /// Plaintext that waits; fewer bytes than [`STAGE`].
    staged: Vec<u8>,
    out: W,
}

impl<W: Write> Encryption<W> {
    /// Begins the packet's body with a fresh random block. `expected` is the length of the content, as far as it is known.
    pub(super) fn begin(
        key: &SecretBytes<32>,
        expected: usize,
        mut out: W,
    ) -> Result<Self, BeginError> {
        let prefix: [u8; BLOCK] = random_bytes()?;
        let (_, last_two) = prefix.split_at(BLOCK - 2);
        out.write_all(&[VERSION])?;
        let mut staged = Vec::with_capacity(STAGE.min(expected) + OVERHEAD);
        staged.extend_from_slice(&prefix);
        staged.extend_from_slice(last_two);
        Ok(Self {
            cipher: Encryptor::new(key.expose_bytes().into(), &[0; BLOCK].into()),
            mdc: Sha1::new(),
            staged,
            out,
        })
    }

    /// Writes the modification detection code, and gives back what everything was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.staged.extend_from_slice(&MDC_HEAD);
        self.mdc.update(&self.staged);
        self.staged.extend_from_slice(&self.mdc.finalize());
        self.cipher.encrypt(&mut self.staged);
        self.out.write_all(&self.staged)?;
        Ok(self.out)
    }

    fn encrypt_stage(&mut self) -> io::Result<()> {
        self.mdc.update(&self.staged);
        let (blocks, _none) = InOutBuf::from(self.staged.as_mut_slice()).into_chunks();
        self.cipher.encrypt_blocks_inout(blocks);
        self.out.write_all(&self.staged)?;
        self.staged.clear();
        Ok(())
    }
}

impl<W: Write> Write for Encryption<W> {
    fn write(&mut self, plaintext: &[u8]) -> io::Result<usize> {
        let room = STAGE - self.staged.len();
        let (taken, _) = plaintext.split_at(room.min(plaintext.len()));
        self.staged.extend_from_slice(taken);
        if self.staged.len() == STAGE {
            self.encrypt_stage()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why an encryption could not begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Write(#[from] io::Error),
}
