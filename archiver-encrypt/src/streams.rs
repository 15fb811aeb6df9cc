//! Standard input and output, as far as a mail or a record passes through them.
//!
//! Refused for both: a device that is no terminal. When a stream is closed, the system's start-up code puts `/dev/null` in its place;
//! an empty mail would be archived then, or a record thrown away, and both would look like success. A stream that nobody uses
//! (stdout beside `--vault`) may be anything.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt as _;

use thiserror::Error;

use crate::stop::StopSignals;

#[derive(Debug, Error)]
#[error("standard {0} is closed or a device such as /dev/null; connect a file or a pipe")]
struct NotConnected(&'static str);

/// Standard input, which fails when the hook is asked to stop while it waits.
#[derive(Debug)]
pub(crate) struct StoppableInput<'a> {
    input: File,
    stop: &'a StopSignals,
    is_checked: bool,
}

impl<'a> StoppableInput<'a> {
    pub(crate) fn stdin(stop: &'a StopSignals) -> io::Result<Self> {
        Ok(Self {
            input: duplicate(io::stdin())?,
            stop,
            is_checked: false,
        })
    }
}

impl Read for StoppableInput<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_checked {
            refuse_device(&self.input, "input")?;
            self.is_checked = true;
        }
        self.stop.wait_for_input(self.input.as_fd())?;
        self.input.read(buffer)
    }
}

/// Standard output. Flushing it syncs it to disk when it is a file; whoever reads a pipe must do so himself.
#[derive(Debug)]
pub(crate) struct RecordOutput(File);

impl RecordOutput {
    pub(crate) fn stdout() -> io::Result<Self> {
        duplicate(io::stdout()).map(Self)
    }
}

impl Write for RecordOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        refuse_device(&self.0, "output")?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.0.metadata()?.is_file() {
            self.0.sync_all()?;
        }
        Ok(())
    }
}

fn duplicate(stream: impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

fn refuse_device(stream: &File, name: &'static str) -> io::Result<()> {
    let is_device = stream.metadata()?.file_type().is_char_device();
    if is_device && !stream.is_terminal() {
        return Err(io::Error::other(NotConnected(name)));
    }
    Ok(())
}
