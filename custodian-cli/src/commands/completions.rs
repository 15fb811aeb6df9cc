//! `custodian completions`: what a shell completes after `custodian`.

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::generate;
use serde::Serialize;

use crate::cli::Cli;
use crate::report::{Report, to_json};

/// Print what a shell needs to complete this program's commands and options.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  custodian completions bash > custodian.bash
  custodian completions zsh > _custodian
  custodian completions fish > custodian.fish

Put the file where the shell looks, for all users:
  bash  /usr/share/bash-completion/completions/custodian
  zsh   /usr/local/share/zsh/site-functions/_custodian
  fish  /usr/share/fish/vendor_completions.d/custodian.fish")]
pub(crate) struct Args {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Args {
    pub(crate) fn run(&self) -> Box<dyn Report> {
        let generator = match self.shell {
            Shell::Bash => clap_complete::Shell::Bash,
            Shell::Zsh => clap_complete::Shell::Zsh,
            Shell::Fish => clap_complete::Shell::Fish,
        };
        let mut script = Vec::new();
        generate(generator, &mut Cli::command(), "custodian", &mut script);
        Box::new(CompletionsReport {
            shell: self.shell,
            script: String::from_utf8_lossy(&script).into_owned(),
        })
    }
}

#[derive(Debug, Serialize)]
struct CompletionsReport {
    shell: Shell,
    script: String,
}

impl Report for CompletionsReport {
    fn text(&self) -> String {
        self.script.clone()
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }
}
