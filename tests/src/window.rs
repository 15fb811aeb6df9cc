//! A program in a terminal window of its own: what it shows is kept byte by byte, and the test types.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::blocking::{Command as PtyCommand, Pts, open};
use rustix::termios::{LocalModes, tcgetattr};

use crate::run::with_default_signals;

/// No answer takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A terminal window with one program in it.
pub struct Window {
    child: Child,
    keyboard: File,
    /// Keeps the terminal when the program has ended, so that its state can be looked at.
    terminal: Pts,
    shown: Arc<(Mutex<Vec<u8>>, Condvar)>,
    seen: usize,
}

impl Window {
    /// Opens a window of 100 columns, `TERM=xterm`, and starts `command` in it.
    #[must_use]
    pub fn open(command: &Command) -> Self {
        Self::open_as(command, &[("TERM", "xterm")])
    }

    /// The same, with these environment variables.
    #[must_use]
    pub fn open_as(command: &Command, environment: &[(&str, &str)]) -> Self {
        let (pty, terminal) = open().expect("a terminal");
        pty.resize(pty_process::Size::new(50, 100)).expect("a size");
        let program = with_default_signals(command.get_program());
        let child = PtyCommand::new(program.get_program())
            .args(program.get_args().chain(command.get_args()))
            .envs(environment.iter().copied())
            .spawn_borrowed(&terminal)
            .expect("the program starts");
        let keyboard = File::from(pty.as_fd().try_clone_to_owned().expect("the keyboard"));
        let window = Self {
            child,
            keyboard,
            terminal,
            shown: Arc::default(),
            seen: 0,
        };
        let (screen, shown) = (
            File::from(std::os::fd::OwnedFd::from(pty)),
            Arc::clone(&window.shown),
        );
        thread::spawn(move || keep(screen, &shown));
        window
    }

    /// Waits until the program shows `text`, after what was seen before.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        let (bytes, changed) = &*self.shown;
        let deadline = Instant::now() + PATIENCE;
        let mut shown = bytes.lock().expect("the screen");
        loop {
            let new = &shown[self.seen..];
            if let Some(place) = find(new, text.as_bytes()) {
                self.seen += place + text.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{text:?} is not shown:\n{}",
                printable(new)
            );
            shown = changed.wait_timeout(shown, left).expect("the screen").0;
        }
    }

    /// Types a line and Enter, all at once, as a scanner or a paste does.
    pub fn types(&mut self, line: &str) {
        self.presses(&format!("{line}\r"));
    }

    /// Enter alone, as a person presses it: after a look at the screen.
    pub fn presses_enter(&mut self) {
        thread::sleep(Duration::from_millis(400));
        self.presses("\r");
    }

    /// Sends keys.
    pub fn presses(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("the keyboard");
    }

    /// Whether the terminal shows what is typed.
    #[must_use]
    pub fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).expect("the terminal's state");
        modes.local_modes.contains(LocalModes::ECHO)
    }

    /// How many bytes were typed and wait for whoever reads the terminal next.
    #[must_use]
    pub fn unread(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.terminal).expect("the terminal's state")
    }

    /// All that was shown so far; escape codes as `\x1b`.
    #[must_use]
    pub fn shown(&self) -> String {
        let shown = self.shown.0.lock().expect("the screen");
        String::from_utf8_lossy(&shown).replace("\r\n", "\n")
    }

    /// Waits for the program's end and gives its exit code.
    #[track_caller]
    pub fn ends(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("the program") {
                // What it said last may still be on its way to the reader.
                thread::sleep(Duration::from_millis(50));
                return status.code().unwrap_or(-1);
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the program does not end:\n{}", self.shown());
    }
}

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window")
            .field("shown", &self.shown())
            .finish_non_exhaustive()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(mut screen: File, shown: &(Mutex<Vec<u8>>, Condvar)) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = screen.read(&mut buffer) {
        let mut bytes = shown.0.lock().expect("the screen");
        bytes.extend_from_slice(&buffer[..read]);
        shown.1.notify_all();
    }
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\x1b', "\\x1b")
}
