//! The command line. The doc comments of arguments are the texts of `--help`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::world::TASK_COUNT;

/// Trains LoRA adapters of small Llama-style models by preference pairs, on this machine's processor.
#[derive(Debug, Parser)]
#[command(name = "flywheel-trainer", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a run's adapter, and score the held-out rows by the live adapter and by the new one
    Train(TrainArguments),
    /// Answer prompts greedily, one JSON object a line
    Generate(GenerateArguments),
    /// Measure a run's rows, and say the loss of a first step: what another trainer has to agree with
    Inspect(InspectArguments),
    /// Make a base's folder of a GGUF file, and say the hashes of its files
    Import(ImportArguments),
    /// Make a tiny base that knows the small world's stale ways
    Base(BaseArguments),
    /// Write events of the small world: edits, or outputs that users liked, one a line
    World(WorldArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    /// The run's `input` folder: run.json and four data files
    #[arg(long, value_name = "FOLDER")]
    pub(crate) input: PathBuf,
    /// The base model: config.json, model.safetensors, tokenizer.json, tokenizer_config.json
    #[arg(long, value_name = "FOLDER")]
    pub(crate) base: PathBuf,
    /// The live adapter, if run.json names one
    #[arg(long, value_name = "FOLDER")]
    pub(crate) incumbent: Option<PathBuf>,
    /// The folder for the adapter, rows.jsonl and run.json
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// The folder for a checkpoint every ten steps, and to resume from
    #[arg(long, value_name = "FOLDER")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Threads; one for each core if not given. The adapter does not depend on it
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// The base model
    #[arg(long, value_name = "FOLDER")]
    pub(crate) base: PathBuf,
    /// An adapter of it
    #[arg(long, value_name = "FOLDER")]
    pub(crate) adapter: Option<PathBuf>,
    /// The most tokens of an answer
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub(crate) max_new_tokens: usize,
    /// The prompts to answer
    #[arg(required = true, value_name = "PROMPT")]
    pub(crate) prompts: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// The run's `input` folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) input: PathBuf,
    /// The base model
    #[arg(long, value_name = "FOLDER")]
    pub(crate) base: PathBuf,
    /// An adapter of it, which is measured in the base's place, and from which the step is made
    #[arg(long, value_name = "FOLDER")]
    pub(crate) adapter: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// A Llama-style model with a byte-level BPE and a chat template, of any quantisation
    #[arg(value_name = "MODEL.gguf")]
    pub(crate) gguf: PathBuf,
    /// The folder for config.json, model.safetensors (in f32), tokenizer.json and tokenizer_config.json
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct BaseArguments {
    /// The folder to write
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// The seed of all random choices
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Steps of its training
    #[arg(long, value_name = "N", default_value_t = 1_500)]
    pub(crate) steps: u64,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("kind").required(true))]
pub(crate) struct WorldArguments {
    /// So many edits, as POST /v1/edits takes them
    #[arg(long, value_name = "N", group = "kind")]
    pub(crate) edits: Option<usize>,
    /// So many liked outputs, as POST /v1/feedback takes them
    #[arg(long, value_name = "N", group = "kind")]
    pub(crate) likes: Option<usize>,
    /// Leave out so many first: the next round of users
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) skip: usize,
    /// Users who do no more than so many of the five things that one can do with the library
    #[arg(long, value_name = "N", default_value_t = TASK_COUNT as u64, value_parser = clap::value_parser!(u64).range(1..=TASK_COUNT as u64))]
    pub(crate) tasks: u64,
    /// Other users, who ask in another order
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The file to write; without it, the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
