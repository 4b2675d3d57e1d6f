//! What a shell and a manual need: made of the same definition that reads the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::Cli;
use crate::failure::Failure;

/// Write completions for a shell to standard output
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade completions bash > ~/.local/share/bash-completion/completions/palisade
  palisade completions zsh > \"${fpath[1]}/_palisade\"
  palisade completions fish > ~/.config/fish/completions/palisade.fish

Exit codes:
  0   done
  2   wrong usage
  74  the output cannot be written")]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Write the manual pages into a directory
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade man ~/.local/share/man/man1 && man palisade-audits

Exit codes:
  0   done
  2   wrong usage
  73  a page cannot be written")]
pub struct Man {
    /// The directory; it is made if it is not there
    directory: PathBuf,
}

pub fn completions(arguments: &Completions) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "palisade", &mut text);
    crate::output::stdout(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

pub fn man(arguments: &Man) -> Result<ExitCode, Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let pages = std::iter::once(&command).chain(command.get_subcommands());
    for page in pages.map(|command| clap_mangen::Man::new(command.clone())) {
        let mut text = Vec::new();
        let file = arguments.directory.join(page.get_filename());
        page.render(&mut text)
            .map_err(|cause| Failure::Unwritable {
                file: file.clone(),
                cause,
            })?;
        crate::output::replace(&file, String::from_utf8_lossy(&text).into_owned())?;
    }
    Ok(ExitCode::SUCCESS)
}
