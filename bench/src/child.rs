//! Starts one process and tells what it cost. No shell stands between, and nothing else is counted.

use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use thiserror::Error;

/// What one process cost, its own children included.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Processor time, user and system.
    pub cpu: Duration,
    /// From before its start until its end was seen.
    pub wall: Duration,
    /// Most memory resident at once, in bytes. Never less than the bench's own: the kernel counts what the process was before it
    /// became the program.
    pub peak: u64,
}

/// A process that could not be started or did not succeed.
#[derive(Debug, Error)]
pub enum ChildError {
    /// It could not be started or waited for.
    #[error("{program} could not be run: {source}")]
    NotRun {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended with another code than 0.
    #[error("{command} failed: {status}")]
    Failed {
        /// The whole command.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
}

/// Runs a command to its end. Its stdin, stdout and stderr are those that it was given, or the bench's own.
///
/// # Errors
/// When it cannot be started, or does not exit with 0.
pub fn measure(command: &mut Command) -> Result<Cost, ChildError> {
    let not_run = |command: &Command, source| ChildError::NotRun {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    };
    // A captured backtrace for each internal error would double the hook's time.
    command
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LIB_BACKTRACE");
    let start = Instant::now();
    let ended = command.spawn().and_then(wait4::Wait4::wait4);
    let wall = start.elapsed();
    let ended = ended.map_err(|source| not_run(command, source))?;
    if !ended.status.success() {
        return Err(ChildError::Failed {
            command: format!("{command:?}"),
            status: ended.status,
        });
    }
    Ok(Cost {
        cpu: ended.rusage.utime + ended.rusage.stime,
        wall,
        peak: ended.rusage.maxrss,
    })
}

/// Runs a command whose cost is of no interest and gives what it wrote to stdout.
///
/// # Errors
/// As [`measure`].
pub fn output(command: &mut Command) -> Result<Vec<u8>, ChildError> {
    let ran = command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = ran.output().map_err(|source| ChildError::NotRun {
        program: ran.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if !output.status.success() {
        return Err(ChildError::Failed {
            command: format!("{ran:?}"),
            status: output.status,
        });
    }
    Ok(output.stdout)
}

/// Whether a program is installed: it can be started.
#[must_use]
pub fn is_installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_costs_time_and_memory() {
        let cost = measure(Command::new("sh").args(["-c", "for i in 1 2 3; do :; done"])).unwrap();
        assert!(
            cost.wall > Duration::ZERO && cost.peak > 100_000,
            "{cost:?}"
        );
        assert!(cost.cpu <= cost.wall * 2, "{cost:?}");
    }

    #[test]
    fn a_failing_process_is_named_with_its_arguments() {
        let error = measure(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit 3") && text.contains("status: 3"),
            "{text}"
        );
    }
}
