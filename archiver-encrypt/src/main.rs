//! The hook. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    archiver_encrypt::main_entry()
}
