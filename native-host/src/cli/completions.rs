//! `lakegate completions`.

use clap::Args;

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lakegate completions bash > ~/.local/share/bash-completion/completions/lakegate
  lakegate completions zsh > /usr/local/share/zsh/site-functions/_lakegate
  lakegate completions fish > ~/.config/fish/completions/lakegate.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}
