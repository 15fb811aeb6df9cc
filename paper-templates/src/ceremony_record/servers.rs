//! What the record says of the servers' seals: the keys that were made, and, written by hand, what became of each first seed.
//!
//! The first seed is the one secret of the ceremony that leaves on a medium, not on paper. Its way and its end are minuted.

use super::{HEX, RecordedServer, TEXT, text};
use crate::PaperError;
use crate::flow::{Cell, Flow};
use crate::form;
use crate::page::Page;
use crate::paper::TEXT_WIDTH;

const BLOCK_HEIGHT: f32 = 28.0;
const NAME_HEIGHT: f32 = 7.0;
const LINE_HEIGHT: f32 = 10.5;
const GAP: f32 = 4.0;

/// What is written by hand for each server, in two lines.
const BLANKS: [[&str; 3]; 2] = [
    ["On the medium", "Carried by", "Installed on the host"],
    ["At (UTC)", "Medium wiped", "Signature"],
];

/// The seal keys of each server.
pub(super) fn set(flow: &mut Flow, servers: &[RecordedServer<'_>]) -> Result<(), PaperError> {
    if servers.is_empty() {
        return Ok(());
    }
    let row = |server: &RecordedServer<'_>| {
        let what = |part: &str| format!("server {}, {part}", server.name);
        let log = text(&what("log"), server.log)?;
        Ok(vec![
            text("server", server.name)?,
            Cell::new(HEX, log.text),
            text(&what("days"), server.days)?,
        ])
    };
    let rows = servers.iter().map(row);
    let rows = rows.collect::<Result<Vec<_>, PaperError>>()?;
    flow.heading("Servers and their seal keys");
    flow.table(
        &[
            ("Server", 52.0),
            ("Log", 66.0),
            ("A key for each day", 56.0),
        ],
        &rows,
    );
    Ok(())
}

/// The lines to be filled in for each server's folder.
pub(super) fn set_installed(
    flow: &mut Flow,
    servers: &[RecordedServer<'_>],
) -> Result<(), PaperError> {
    if servers.is_empty() {
        return Ok(());
    }
    flow.heading_with_blocks("The servers’ folders", BLOCK_HEIGHT, servers.len());
    flow.paragraph(
        "Whoever copies a server’s folder before it is installed can forge the seals of every day. So it goes to its server on a medium of its \
         own, `archiver-encrypt seal install` takes it over there, and the medium is wiped or destroyed. Filled in by hand as that happens.",
    );
    flow.space();
    for server in servers {
        let name = text("server", &format!("Server {}", server.name))?;
        flow.block(BLOCK_HEIGHT, |page, y| {
            page.text(page.paper.left(), y, TEXT, &name.text);
            for (line, labels) in (1_u8..).zip(BLANKS) {
                blanks(
                    page,
                    y + NAME_HEIGHT + LINE_HEIGHT * (f32::from(line) - 1.0),
                    labels,
                );
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn blanks(page: &mut Page, y: f32, labels: [&str; 3]) {
    let width = (TEXT_WIDTH + GAP) / 3.0;
    let mut x = page.paper.left();
    for label in labels {
        form::blank(page, x, y, width - GAP, label);
        x += width;
    }
}
