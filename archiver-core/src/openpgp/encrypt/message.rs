//! A binary message that is being made or is complete: its start in memory, and what is too long for that in a spool.
//!
//! Only encrypted bytes come here. What a spool is, a file or memory, is for the caller to say.

use std::fmt;
use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use crate::vault::crc24::Crc24;
use crate::vault::leaf::BodyDigests;

/// So much of a message is held in memory.
const IN_MEMORY: usize = 8 * 1024 * 1024;

/// Takes the part of an encrypted message that is too long for memory, and gives it back.
pub trait Spool: fmt::Debug + Send + Sync {
    /// Adds bytes at its end.
    ///
    /// # Errors
    /// What the system reports.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Fills `buffer` with its bytes from `offset` on.
    ///
    /// # Errors
    /// What the system reports; the end before the buffer is full is an error too.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// Memory, for those who have enough.
impl Spool for Vec<u8> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        self.get(start..).unwrap_or_default().read_exact(buffer)
    }
}

/// Makes a spool when one is needed; most mails need none.
pub type MakeSpool<'a> = dyn FnMut() -> io::Result<Box<dyn Spool>> + 'a;

/// Makes a spool in memory.
///
/// # Errors
/// Never.
pub fn in_memory() -> io::Result<Box<dyn Spool>> {
    Ok(Box::new(Vec::new()))
}

/// A complete binary message.
#[derive(Debug)]
pub struct Message {
    start: Vec<u8>,
    /// What comes after `start`.
    rest: Option<Box<dyn Spool>>,
    length: u64,
    crc: Crc24,
}

impl Message {
    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// All its bytes, when none of them are in a spool.
    #[must_use]
    pub fn in_memory(&self) -> Option<&[u8]> {
        self.rest.is_none().then_some(&self.start)
    }

    /// Reads it from its start.
    #[must_use]
    pub fn reader(&self) -> MessageReader<'_> {
        MessageReader {
            message: self,
            at: 0,
        }
    }

    /// The armor's checksum over all its bytes.
    pub(crate) fn crc(&self) -> Crc24 {
        self.crc
    }

    /// Any bytes, as if they were a message.
    #[cfg(test)]
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let mut crc = Crc24::new();
        crc.update(&bytes);
        Self {
            length: bytes.len() as u64,
            start: bytes,
            rest: None,
            crc,
        }
    }

    /// The same, with all but the first bytes in a spool.
    #[cfg(test)]
    pub(crate) fn spooled(bytes: &[u8], in_memory: usize, mut spool: Box<dyn Spool>) -> Self {
        let (start, rest) = bytes.split_at(in_memory);
        assert!(spool.append(rest).is_ok());
        Self {
            start: start.to_vec(),
            rest: Some(spool),
            ..Self::of(bytes.to_vec())
        }
    }
}

/// A [`Message`] as a reader.
#[derive(Debug)]
pub struct MessageReader<'a> {
    message: &'a Message,
    at: u64,
}

impl Read for MessageReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = self.message.start.as_slice();
        let in_start = usize::try_from(self.at).ok().and_then(|at| start.get(at..));
        let read = match (in_start.unwrap_or_default(), &self.message.rest) {
            (mut start @ [_, ..], _) => start.read(buffer)?,
            ([], None) => 0,
            ([], Some(rest)) => {
                let left = self.message.length - self.at;
                let wanted = usize::try_from(left).map_or(buffer.len(), |l| l.min(buffer.len()));
                let (wanted, _) = buffer.split_at_mut(wanted);
                rest.read_exact_at(wanted, self.at - start.len() as u64)?;
                wanted.len()
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

/// Takes a message as it is made: behind its session-key packets, whatever is written.
pub(super) struct MessageWriter<'a> {
    start: Vec<u8>,
    rest: Option<Box<dyn Spool>>,
    make_spool: &'a mut MakeSpool<'a>,
    session_keys: [u8; 32],
    digest: Sha256,
    length: u64,
    crc: Crc24,
}

impl<'a> MessageWriter<'a> {
    /// Begins a message with its session-key packets. `expected` is the length of what follows, as far as it is known.
    pub(super) fn begin(
        session_keys: Vec<u8>,
        expected: usize,
        make_spool: &'a mut MakeSpool<'a>,
    ) -> Self {
        let mut crc = Crc24::new();
        crc.update(&session_keys);
        let digest = Sha256::digest(&session_keys).into();
        let length = session_keys.len() as u64;
        let mut start = session_keys;
        start.reserve_exact(expected.min(IN_MEMORY));
        Self {
            start,
            rest: None,
            make_spool,
            session_keys: digest,
            digest: Sha256::new(),
            length,
            crc,
        }
    }

    /// The message, and the digests of its two parts.
    pub(super) fn finish(self) -> (Message, BodyDigests) {
        let digests = BodyDigests {
            session_keys: self.session_keys,
            rest: self.digest.finalize().into(),
        };
        let message = Message {
            start: self.start,
            rest: self.rest,
            length: self.length,
            crc: self.crc,
        };
        (message, digests)
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(spool) = &mut self.rest {
            return spool.append(bytes);
        }
        if self.start.len() + bytes.len() <= IN_MEMORY {
            self.start.extend_from_slice(bytes);
            return Ok(());
        }
        let mut spool = (self.make_spool)()?;
        spool.append(bytes)?;
        self.rest = Some(spool);
        Ok(())
    }
}

impl Write for MessageWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.keep(bytes)?;
        self.digest.update(bytes);
        self.crc.update(bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn written(length: usize, make_spool: &mut MakeSpool<'_>) -> io::Result<Message> {
        let mut writer = MessageWriter::begin(vec![1; 90], 0, make_spool);
        let bytes: Vec<u8> = (0..length)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        for piece in bytes.chunks(70_000) {
            writer.write_all(piece)?;
        }
        let (message, digests) = writer.finish();
        assert_eq!(digests, BodyDigests::of(&[1; 90], &bytes));
        let mut read = Vec::new();
        message.reader().read_to_end(&mut read).unwrap();
        assert!(read == [vec![1; 90], bytes].concat());
        assert_eq!(message.length(), read.len() as u64);
        assert_eq!(message.crc().bytes(), Message::of(read).crc().bytes());
        Ok(message)
    }

    #[test]
    fn what_fits_into_memory_needs_no_spool_and_all_else_comes_back_from_it() {
        let mut none = || Err(io::Error::other("no spool"));
        assert!(written(1_000_000, &mut none).unwrap().in_memory().is_some());
        let mut made = 0;
        let mut memory = || {
            made += 1;
            Ok(Box::new(Vec::new()) as Box<dyn Spool>)
        };
        let long = written(IN_MEMORY + 300_000, &mut memory).unwrap();
        assert!(long.in_memory().is_none() && made == 1);
    }

    #[test]
    fn without_a_spool_a_long_message_fails() {
        let mut full = || Err(io::ErrorKind::StorageFull.into());
        let error = written(IN_MEMORY + 1, &mut full).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
