//! The manual pages, from the same text as `--help`.

use std::io::{self, Write as _};

use clap_mangen::Man;

use crate::ManPage;

/// The page of one command line.
pub(crate) fn page(mut command: clap::Command) -> io::Result<ManPage> {
    let end = command.get_after_help().map(ToString::to_string);
    command.build();
    let name = format!("{}.1", command.get_name());
    let program = concat!("archiver-encrypt ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).source(program);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    for block in end.iter().flat_map(|end| end.split("\n\n")) {
        section(block, &mut text)?;
    }
    Ok(ManPage { name, text })
}

/// A block from the end of a `--help` as a section whose lines stay as they are. Its first line is the heading.
fn section(block: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let (heading, lines) = block.split_once('\n').unwrap_or((block, ""));
    let heading = heading.trim_end_matches(':').to_uppercase();
    writeln!(page, ".SH \"{heading}\"\n.nf")?;
    for line in lines.lines() {
        let escaped = line.replace('\\', "\\e").replace('-', "\\-");
        writeln!(page, "\\&{escaped}")?;
    }
    writeln!(page, ".fi")
}
