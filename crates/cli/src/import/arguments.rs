//! The arguments of `flywheel import`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use flywheel_import::{Options, Scale, Tool};

pub(crate) const EXAMPLES: &str = "\
Tools: langfuse, langsmith, openwebui, labelstudio, argilla, phoenix, otlp. docs/IMPORT.md says how to export from each, and what becomes of what.

Corrections become edits; ratings, thumbs and comments become feedback. Everything else is named with its row and the reason. The ids of
events follow from the ids of records, so an import that is repeated counts once.

Exit code: 0 if it was done, with what was left out named; 2 if not. A file that --to names is there whole or not at all.

Examples:
  flywheel import langfuse scores.json observations.jsonl --to edits.jsonl
  flywheel import openwebui chat-export.json | flywheel replay -
  flywheel import labelstudio export.json --prompt question --output answer --skipped left-out.jsonl > edits.jsonl
  flywheel import langsmith runs.jsonl feedback.jsonl --scale 'user_score=0..1' --to https://api.example/v1/edits --key-file key";

/// The arguments of an import.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The tool that wrote the files
    #[arg(value_name = "TOOL")]
    pub(crate) tool: Tool,
    /// The tool's files: JSON lines, a JSON list, or pages of its API; `-` is the standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// A file for the events, or the API to send them to [default: the standard output]
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) to: Option<Target>,
    /// Write what is left out as JSON lines to a file, instead of the standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) skipped: Option<PathBuf>,
    /// The project in the tool, in place of the one that the records name; it goes into the ids of events
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// The field with the prompt, if it is not found: a path with dots
    #[arg(long, value_name = "FIELD")]
    prompt: Option<String>,
    /// The field with the model's text, if it is not found: a path with dots
    #[arg(long, value_name = "FIELD")]
    output: Option<String>,
    /// A score, question or control whose text is a corrected output; may be repeated
    #[arg(long, value_name = "NAME")]
    edit: Vec<String>,
    /// The worst and the best value of a numeric score; may be repeated
    #[arg(long, value_name = "NAME=WORST..BEST", value_parser = scale)]
    scale: Vec<(String, Scale)>,
    /// A score, question or control to leave out; may be repeated
    #[arg(long, value_name = "NAME")]
    ignore: Vec<String>,
    /// With otlp: the file of edits, JSON lines with a `response_id` each
    #[arg(long, value_name = "FILE")]
    pub(crate) edits: Option<PathBuf>,
    /// With a URL: the file with the ingest key
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// With a URL: the file that says how far the import is [default: beside the first file]
    #[arg(long, value_name = "FILE")]
    pub(crate) progress: Option<PathBuf>,
    /// Say nothing but errors and what is left out
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl ImportArguments {
    pub(crate) fn options(&self) -> Options {
        Options {
            project: self.project.clone(),
            prompt: self.prompt.clone(),
            output: self.output.clone(),
            edits: self.edit.iter().cloned().collect(),
            ignored: self.ignore.iter().cloned().collect(),
            scales: self.scale.iter().cloned().collect(),
        }
    }
}

/// The place that the events go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Output,
    File(PathBuf),
    Api(String),
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("give a file, or the URL of the API"),
            "-" => Ok(Self::Output),
            url if url.starts_with("https://") || url.starts_with("http://") => Ok(Self::Api(url.to_owned())),
            file => Ok(Self::File(file.into())),
        }
    }
}

fn scale(text: &str) -> Result<(String, Scale), &'static str> {
    let (name, scale) = text.rsplit_once('=').ok_or("give a name with its scale, such as quality=1..5")?;
    Ok((name.to_owned(), scale.parse()?))
}
