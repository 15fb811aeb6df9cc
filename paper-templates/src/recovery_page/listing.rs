//! Programs and commands on paper. Each line of the program stands behind its number and four digits of its
//! SHA-256, so that whoever types it finds a wrong line.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::PaperError;
use crate::field;
use crate::flow::Flow;
use crate::fonts::Face;
use crate::page::Style;
use crate::paper::TEXT_WIDTH;

/// Distance between two baselines.
const PITCH: f32 = 3.4;
/// From the left edge to the end of a line's number, to its check, and to the line itself.
const NUMBER: f32 = 5.0;
const CHECK: f32 = 6.5;
const PROGRAM: f32 = 15.0;
const COMMAND: f32 = 5.0;

const LINE: Style = Style::new(Face::Mono, 8.0);
const AID: Style = Style::grey(Face::Mono, 6.5);

/// Sets the program, each line behind its number and its check.
pub(super) fn program(flow: &mut Flow, program: &str) -> Result<(), PaperError> {
    for (number, line) in (1..).zip(program.lines()) {
        let (number, check) = (number.to_string(), check_of(line));
        fits(line, PROGRAM)?;
        flow.block(PITCH, |page, y| {
            let left = page.paper.left();
            page.text_before(left + NUMBER, y, AID, &number);
            page.text(left + CHECK, y, AID, &check);
            page.text(left + PROGRAM, y, LINE, line);
            Ok(())
        })?;
    }
    Ok(())
}

/// Sets commands, all of them on one page.
pub(super) fn commands<L: AsRef<str>>(flow: &mut Flow, lines: &[L]) -> Result<(), PaperError> {
    for line in lines {
        fits(line.as_ref(), COMMAND)?;
    }
    let height = lines.iter().fold(0.0, |height, _| height + PITCH);
    flow.block(height, |page, mut y| {
        for line in lines {
            page.text(page.paper.left() + COMMAND, y, LINE, line.as_ref());
            y += PITCH;
        }
        Ok(())
    })?;
    flow.space();
    Ok(())
}

/// The first four hexadecimal digits of the SHA-256 of a line without its line end.
fn check_of(line: &str) -> String {
    let digest = HEXLOWER.encode(&Sha256::digest(line.trim_end()));
    digest.chars().take(4).collect()
}

fn fits(line: &str, indent: f32) -> Result<(), PaperError> {
    if indent + LINE.width(line) <= TEXT_WIDTH {
        Ok(())
    } else {
        Err(field::too_long("a line of docs/recovery.md"))
    }
}
