//! `custodian man`: the manual pages, one for each command, and the hook's, made from the same text as `--help`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use serde::Serialize;

use crate::cli::Cli;
use crate::failure::{Failure, shown};
use crate::new_files::write_new;
use crate::report::{Report, to_json};
use crate::staging::{Staging, StagingError};

/// Write the manual pages: one for each command, and those of archiver-encrypt.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  custodian man pages
  man -l pages/custodian-open.1

For all users, copy them to /usr/local/share/man/man1.")]
pub(crate) struct Args {
    /// The folder to make.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// A manual page.
struct Page {
    name: String,
    text: Vec<u8>,
}

impl Args {
    pub(crate) fn run(&self) -> Result<Box<dyn Report>, Failure> {
        let pages = pages().map_err(StagingError::unwritable(&self.folder))?;
        let folder = Staging::begin(&self.folder)?;
        for page in &pages {
            let path = folder.path().join(&page.name);
            write_new(&path, &page.text, 0o644).map_err(StagingError::unwritable(&path))?;
        }
        let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
        folder.finish(&names)?;
        Ok(Box::new(ManReport {
            folder: shown(&self.folder),
            pages: names.into_iter().map(str::to_owned).collect(),
        }))
    }
}

fn pages() -> io::Result<Vec<Page>> {
    let mut custodian = Cli::command().disable_help_subcommand(true);
    custodian.build();
    let mut pages = vec![page(&custodian)?];
    for command in custodian.get_subcommands() {
        pages.push(page(command)?);
    }
    let hook = archiver_encrypt::man_pages()?.into_iter();
    pages.extend(hook.map(|page| Page {
        name: page.name,
        text: page.text,
    }));
    Ok(pages)
}

fn page(command: &Command) -> io::Result<Page> {
    let name = command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned();
    let more = command.get_after_help().map(ToString::to_string);
    let man = Man::new(command.clone()).source(concat!("custodian ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(more) = more {
        as_it_stands(&more, &mut text)?;
    }
    Ok(Page {
        name: format!("{name}.1"),
        text,
    })
}

/// The end of a `--help` as a section whose lines stay as they are. Its first line is the heading.
fn as_it_stands(help: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let (heading, lines) = help.split_once('\n').unwrap_or((help, ""));
    let heading = heading.trim_end_matches(':').to_uppercase();
    writeln!(page, ".SH \"{heading}\"\n.nf")?;
    for line in lines.lines() {
        let escaped = line.replace('\\', "\\e").replace('-', "\\-");
        let guard = if escaped.starts_with(['.', '\'']) {
            "\\&"
        } else {
            ""
        };
        writeln!(page, "{guard}{escaped}")?;
    }
    writeln!(page, ".fi")
}

#[derive(Debug, Serialize)]
struct ManReport {
    folder: String,
    pages: Vec<String>,
}

impl Report for ManReport {
    fn text(&self) -> String {
        format!(
            "{} manual pages written into {}\n",
            self.pages.len(),
            self.folder
        )
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }
}
