//! Lines from the keyboard: read straight from the terminal into memory that is wiped, and kept off the screen on request.
//!
//! The kernel's line editing stays on, so that a line can be mended before Enter, and a line is never longer than the kernel lets it be. What a paste or a stray key
//! puts in besides text is left out.

use std::io;
use std::os::fd::AsFd as _;
use std::str::Chars;

use archiver_core::secret::SecretText;
use rustix::io::retry_on_intr;
use rustix::process::getpgrp;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp,
    tcsetattr,
};
use zeroize::Zeroizing;

use crate::interrupt::{Half, HalfMade};

/// What Linux hands over as one line at most.
const LONGEST: usize = 4096;

const ESCAPE: char = '\x1b';

/// Switches a terminal's special key off: `_POSIX_VDISABLE`.
const NO_KEY: u8 = 0;

/// What is typed is kept off the screen, until this is dropped or a signal ends the process. What was typed and not asked for is thrown away then: neither the
/// screen nor the shell may get a sheet. The keys that suspend the program or end it without its tidying up (Ctrl-Z, Ctrl-\) are off as long.
#[derive(Debug)]
pub(crate) struct HiddenTyping {
    _half_done: Option<HalfMade>,
}

impl HiddenTyping {
    /// Hides nothing where stdin is no terminal, or where it is hidden already.
    pub(super) fn begin() -> Self {
        let made = HalfMade::make(hide);
        Self {
            _half_done: made.ok().map(|(half_done, ())| half_done),
        }
    }

    /// Hides nothing: for an operator without a terminal.
    #[cfg(test)]
    pub(crate) fn nothing() -> Self {
        Self { _half_done: None }
    }
}

fn hide() -> io::Result<(Half, ())> {
    let terminal = io::stdin().as_fd().try_clone_to_owned()?;
    if !is_in_front() {
        // To change the terminal from the background would stop the program right here.
        return Err(io::Error::other("in the background"));
    }
    let before = tcgetattr(&terminal)?;
    if !before.local_modes.contains(LocalModes::ECHO) {
        return Err(io::Error::other("hidden already"));
    }
    tcsetattr(&terminal, OptionalActions::Now, &hidden(&before))?;
    Ok((Half::Terminal(terminal, Box::new(before)), ()))
}

fn hidden(before: &Termios) -> Termios {
    let mut hidden = before.clone();
    hidden
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ECHONL);
    hidden
        .local_modes
        .insert(LocalModes::ICANON | LocalModes::ISIG);
    hidden.input_modes.insert(InputModes::ICRNL);
    hidden.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
    hidden.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
    hidden
}

/// Whether what is typed comes to this program, and not to the one in front of it (a shell, say).
pub(super) fn is_in_front() -> bool {
    tcgetpgrp(io::stdin()).map_or(true, |in_front| in_front == getpgrp())
}

/// Whether what is typed is kept off the screen now.
pub(super) fn is_hidden() -> bool {
    tcgetattr(io::stdin()).is_ok_and(|now| !now.local_modes.contains(LocalModes::ECHO))
}

/// One line without its end; `None` at the end of the input.
pub(super) fn read_line() -> io::Result<Option<SecretText>> {
    let mut line = Zeroizing::new([0; LONGEST]);
    let mut length = 0;
    while let Some(free) = line.get_mut(length..).filter(|free| !free.is_empty()) {
        let read = retry_on_intr(|| rustix::io::read(io::stdin(), &mut *free))?;
        length += read;
        let whole = line.get(..length).unwrap_or_default();
        if read == 0 && length == 0 {
            return Ok(None);
        }
        if read == 0 || whole.ends_with(b"\n") {
            break;
        }
    }
    Ok(Some(text_of(line.get(..length).unwrap_or_default())))
}

/// The characters of a line: no control characters but tabs, no escape sequences (arrow keys, the brackets around a paste); what is not UTF-8 becomes U+FFFD.
fn text_of(line: &[u8]) -> SecretText {
    let mut all = Zeroizing::new(String::with_capacity(3 * line.len()));
    for chunk in line.utf8_chunks() {
        all.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            all.push('\u{fffd}');
        }
    }
    let mut text = String::with_capacity(all.len());
    let mut characters = all.chars();
    while let Some(character) = characters.next() {
        if character == ESCAPE {
            pass_sequence(&mut characters);
        } else if !character.is_control() || character == '\t' {
            text.push(character);
        }
    }
    SecretText::new(text)
}

/// Passes over the rest of an escape sequence: `[`, parameters, and the character that ends it.
fn pass_sequence(characters: &mut Chars<'_>) {
    if characters.as_str().starts_with('[') {
        characters.next();
        characters.find(|c| matches!(c, '@'..='~'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_characters_and_loses_what_a_paste_puts_around_them() {
        for (line, text) in [
            (
                b"ARCHIVER-SHARE-1:AEAQ\n".as_slice(),
                "ARCHIVER-SHARE-1:AEAQ",
            ),
            (b"\x1b[200~acad acid\tacne\x1b[201~\r\n", "acad acid\tacne"),
            (b"\x1b[A\x1b[1;5Dacad\x07\x1b", "acad"),
            ("Åsa/скан.png\n".as_bytes(), "Åsa/скан.png"),
            (b"\xff\xfe\n", "\u{fffd}\u{fffd}"),
            (b"\n", ""),
        ] {
            assert_eq!(text_of(line).expose_text(), text);
        }
    }
}
