//! The command line. What is said here is what `--help` says.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Curation of edits on this machine: the same rules, the same code and the same verdicts as in the cloud.
#[derive(Debug, Parser)]
#[command(name = "flywheel", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge edits and feedback, one JSON verdict a line, in order
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArguments),
    /// Show what the audit sees in one event: what was changed, what was found where, and how to tune it
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArguments),
    /// Write the preference pairs that pass, ready for a trainer
    #[command(after_help = PAIRS_EXAMPLES)]
    Pairs(PairsArguments),
}

const REPLAY_EXAMPLES: &str = "\
Exit code: 0 if every line is an event, 1 if some are not (the rest is judged all the same), 2 if nothing could be done.

Examples:
  flywheel replay edits.jsonl > verdicts.jsonl
  zcat edits-*.gz | flywheel replay -
  flywheel replay --policy infra/policy.toml --against stricter.toml edits.jsonl";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  flywheel explain edits.jsonl --line 17
  flywheel replay edits.jsonl | grep -m1 toxic   # which line?
  head -1 edits.jsonl | flywheel explain -";

const PAIRS_EXAMPLES: &str = "\
Every gold event becomes a line. Repeated pairs are not removed: that takes memory for all of them, and `freeze` does it.

Examples:
  flywheel pairs edits.jsonl > train.jsonl
  flywheel pairs --format trl-messages edits.jsonl > train.jsonl";

#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Files of events, one JSON object a line; `-` is the standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The rules to judge by; without it the built-in ones
    #[arg(long, value_name = "POLICY.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// Work on so many lines at once [default: one a core]
    #[arg(long, value_name = "N", value_parser = one_or_more)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Say nothing but errors on the standard error
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Judge by these rules as well, and show only the events that they route or reason otherwise
    #[arg(long, value_name = "POLICY.toml")]
    pub(crate) against: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A file of events, one JSON object a line; `-` is the standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Which line of it, counted from 1
    #[arg(long, short, value_name = "N", default_value = "1", value_parser = one_or_more)]
    pub(crate) line: NonZeroUsize,
    /// The rules to judge by; without it the built-in ones
    #[arg(long, value_name = "POLICY.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PairsArguments {
    #[command(flatten)]
    pub(crate) input: Input,
    /// What a line looks like
    #[arg(long, value_enum, default_value_t = Format::Trl)]
    pub(crate) format: Format,
}

/// The formats of preference pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// {"prompt", "chosen", "rejected"} as texts
    Trl,
    /// {"prompt", "chosen", "rejected"} as lists of chat messages
    TrlMessages,
}

fn one_or_more(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "give a number, 1 or more")
}
