//! `flywheel export`: writes a version as trainers read it.

mod output;

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{Write as _, stderr};
use std::path::PathBuf;
use std::pin::pin;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use flywheel_base::{Route, instant::Millis};
use flywheel_dataset::Split;
use flywheel_lake::{ListRoute as _, ReadPart as _};
use flywheel_operator::OperatorLake;
use flywheel_table::TableVersion;
use flywheel_training::{Omitted, TrainingFormat, UnpairedLine};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::charts::thousands;
use super::choice::{VersionChoice, no_dataset};
use super::output::{Told, print};
use super::unusable;
use crate::arguments::{Format, LakeArguments};
use crate::marked::{one_line, visible};
use crate::{Failure, Outcome};
use output::Writer;

pub(crate) const EXAMPLES: &str = "\
The file appears when it is complete. A chat whose last message is an assistant's, and not the beginning of the answer, is left out and named: no
line has two assistant's turns in a row. So is a prompt with an image, audio or a file: the lake has the digest only.

Lines of prompts with tools have `tools`, and `tool_calls`, `tool_call_id` and `name` in their messages; other lines have none of these. In
trl-messages, kto and sft the arguments are objects and `tools` is a text of JSON, as TRL reads them; in openai it is the other way round.
In Parquet both are texts, and the file has these columns only if one of its rows needs them. trl is texts: there calls are in their plain form.

With JSON lines the reader guesses the types, and Hugging Face's `datasets` takes answers that are dates for timestamps. A Parquet file carries them.

kto also has what users said of outputs that they left as they were: liked ones that were sampled (the route `replay`), weak signals that speak for
an output or against it, and disliked ones that a person has released (both in `signals`). They are the log's and not the version's: of a
named version what was written until it was committed, else all of it, less what has expired or was erased since. Their split goes by
the prompt, as that of pairs. Without any dataset yet, kto has them alone.
Cost: the version is read once, and for kto those two routes; for Parquet the columns of tools are read before. Memory grows with the latter's ids only.
Exit code: 0 if it is written, 2 if not.

Examples:
  flywheel export --split train --output train.jsonl --lake s3://my-lake
  flywheel export --format parquet --version 2026-11-22 --output train.parquet
  flywheel export --format kto --as parquet --output kto.parquet
  flywheel export --format sft --output - | gzip > sft.jsonl.gz";

const COLUMNS: [&str; 8] =
    ["event_id", "prompt", "chosen", "rejected", "prompt_messages", "split", "prompt_chat", "prompt_tools"];

/// The columns that are null in rows of prompts without tools.
const TOOL_COLUMNS: [&str; 2] = ["prompt_chat", "prompt_tools"];

/// The number of parts that are read at the same time.
const PARTS_AHEAD: usize = 8;

/// The routes of outputs without an edit.
const FEEDBACK: [Route; 2] = [Route::Replay, Route::Signals];

/// The number of left-out events that are named.
const MOST_NAMED: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The format of the lines
    #[arg(long, value_enum, default_value_t = ExportFormat::Lines(Format::TrlMessages))]
    format: ExportFormat,
    /// The encoding of the lines [default: jsonl]
    #[arg(long = "as", value_enum, value_name = "ENCODING")]
    encoding: Option<Encoding>,
    /// Which version
    #[arg(long, value_name = "VERSION|DATE|latest", default_value = "latest")]
    version: VersionChoice,
    /// Which side of the held-out split
    #[arg(long, value_enum, default_value_t = Side::All)]
    split: Side,
    /// The file to write; `-` is the standard output
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    on: LakeArguments,
}

/// A format of lines, or the default format as Parquet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExportFormat {
    Lines(Format),
    Parquet,
}

/// The encoding of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    /// One JSON object a line
    Jsonl,
    /// One table, whose columns have types
    Parquet,
}

impl ValueEnum for ExportFormat {
    fn value_variants<'a>() -> &'a [Self] {
        const {
            &[
                Self::Lines(Format::TrlMessages),
                Self::Lines(Format::Trl),
                Self::Lines(Format::Openai),
                Self::Lines(Format::Kto),
                Self::Lines(Format::Sft),
                Self::Parquet,
            ]
        }
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Lines(format) => format.to_possible_value(),
            Self::Parquet => Some(PossibleValue::new("parquet").help("trl-messages --as parquet")),
        }
    }
}

impl ExportArguments {
    fn form(&self) -> Result<(Format, Encoding), Failure> {
        match (self.format, self.encoding) {
            (ExportFormat::Lines(format), encoding) => Ok((format, encoding.unwrap_or(Encoding::Jsonl))),
            (ExportFormat::Parquet, None | Some(Encoding::Parquet)) => Ok((Format::TrlMessages, Encoding::Parquet)),
            (ExportFormat::Parquet, Some(Encoding::Jsonl)) => {
                Err(unusable("--format parquet is Parquet: leave --as out, or name the format of its lines"))
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    /// To train on
    Train,
    /// To measure on, and never to train on
    Heldout,
    /// Both
    All,
}

impl Side {
    fn has(self, split: Split) -> bool {
        match self {
            Self::All => true,
            Self::Train => split == Split::Train,
            Self::Heldout => split == Split::HeldOut,
        }
    }
}

/// The export's report, printed as JSON.
#[derive(Serialize)]
struct Report {
    lake: String,
    /// The version; none if there is no dataset yet.
    version: Option<u64>,
    format: &'static str,
    #[serde(rename = "as")]
    encoding: Encoding,
    split: Side,
    output: String,
    #[serde(flatten)]
    written: Written,
    bytes: u64,
}

#[derive(Default, Serialize)]
struct Written {
    /// The number of exported pairs of the version.
    pairs: u64,
    /// The number of exported outputs without an edit.
    feedback: u64,
    /// The number of lines with a desirable output, for formats that label lines.
    desirable: u64,
    /// The number of lines with an undesirable output, for formats that label lines.
    undesirable: u64,
    /// The number of feedback events left out because their label is neither desirable nor undesirable.
    unlabelled: u64,
    /// The number of pairs and feedback events left out because their chats end with an assistant's turn.
    left_out: u64,
    /// The first of these events.
    left_out_events: Vec<String>,
    /// The number of pairs and feedback events left out because their prompts have an image, audio or a file.
    left_out_media: u64,
    /// The first of these events.
    left_out_media_events: Vec<String>,
}

/// The columns of a row or line that show if its prompt has tools.
#[derive(Deserialize)]
struct ToolColumns<'l> {
    #[serde(borrow, default)]
    prompt_chat: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    prompt_tools: Option<Cow<'l, str>>,
}

impl<'l> ToolColumns<'l> {
    fn are_used(line: &'l str) -> serde_json::Result<bool> {
        let Self { prompt_chat, prompt_tools } = serde_json::from_str(line)?;
        Ok(prompt_chat.is_some() || prompt_tools.is_some())
    }
}

/// The fields of a row or line that decide whether it is exported.
#[derive(Deserialize)]
struct Sided<'l> {
    #[serde(borrow, default)]
    event_id: Cow<'l, str>,
    #[serde(borrow)]
    prompt: Option<Cow<'l, str>>,
    #[serde(default)]
    split: Option<Split>,
}

pub(crate) async fn run(arguments: &ExportArguments) -> Result<Outcome, Failure> {
    let ExportArguments { version: choice, split, output, force, on, .. } = arguments;
    let (format, encoding) = arguments.form()?;
    let training_format = TrainingFormat::from(format);
    let lake = OperatorLake::open(&on.lake).await?;
    // A lake with ratings and no edits never has a freeze. Its feedback is exported without a split.
    let may_lack_dataset = training_format.takes_feedback() && *choice == VersionChoice::Latest && *split == Side::All;
    let version = match choice.find(lake.dataset()).await? {
        None if may_lack_dataset => None,
        None => return Err(no_dataset(&on.lake)),
        found => found,
    };
    let until = match &version {
        Some(version) => self::until(*choice, version).await?,
        None => Millis::MAX,
    };
    let feedback = training_format.takes_feedback().then_some(&lake);
    let is_table = encoding == Encoding::Parquet;
    let has_tools = is_table && has_tools(version.as_ref(), feedback, until).await?;
    let mut export = Export {
        format: training_format,
        is_table,
        side: *split,
        output: Writer::create(output, *force, training_format, encoding, has_tools)?,
        written: Written::default(),
        told: Told::new(),
    };
    if let Some(version) = &version {
        export.pairs(version).await?;
    }
    if let Some(lake) = feedback {
        export.feedback(lake, version.as_ref(), until).await?;
    }
    let Export { output: file, written, told, .. } = export;
    drop(told);
    let report = Report {
        lake: on.lake.to_string(),
        version: version.map(|version| version.number()),
        format: format.name(),
        encoding,
        split: *split,
        output: output.display().to_string(),
        written,
        bytes: file.finish()?,
    };
    if output.as_os_str() == "-" {
        stderr().write_all(visible(&as_text(&report)).as_bytes())?;
        return Ok(Outcome::AllGood);
    }
    print(on, &report, as_text)
}

/// Returns the end of the feedback's time.
async fn until(choice: VersionChoice, version: &TableVersion) -> Result<Millis, Failure> {
    if choice == VersionChoice::Latest {
        return Ok(Millis::MAX);
    }
    let commit = version.commit().await.map_err(unusable)?;
    let committed_at = commit.and_then(|commit| commit.committed_at);
    committed_at
        .ok_or_else(|| unusable(format_args!("version {} does not say when it was committed", version.number())))
}

/// Returns `true` if a row of the version, or a line of feedback, has tools: a table's columns are chosen before its rows.
async fn has_tools(
    version: Option<&TableVersion>,
    feedback: Option<&OperatorLake>,
    until: Millis,
) -> Result<bool, Failure> {
    if let Some(version) = version {
        let mut rows = pin!(version.rows(&TOOL_COLUMNS));
        while let Some(row) = rows.try_next().await.map_err(unusable)? {
            if ToolColumns::are_used(&row)? {
                return Ok(true);
            }
        }
    }
    let mut has_tools = false;
    if let Some(lake) = feedback {
        visit_feedback(lake, until, |line| {
            has_tools |= ToolColumns::are_used(line)?;
            Ok(())
        })
        .await?;
    }
    Ok(has_tools)
}

/// Reads the lines of feedback that were written until a time.
async fn visit_feedback(
    lake: &OperatorLake,
    until: Millis,
    mut visit: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for route in FEEDBACK {
        let parts = lake.list_route(route, 0..=until, u64::MAX).await.map_err(unusable)?.parts;
        let read = |key: String| async move { lake.read_part(&key).await.map(|body| (key, body)) };
        let mut bodies = stream::iter(parts).map(|part| read(part.name.key(route))).buffered(PARTS_AHEAD);
        while let Some((key, body)) = bodies.try_next().await.map_err(unusable)? {
            for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                visit(std::str::from_utf8(line).map_err(unusable)?).map_err(|failure| match failure {
                    Failure::Json(_) => unusable(format_args!("{key} has a line that is none of the lake's")),
                    other => other,
                })?;
            }
        }
    }
    Ok(())
}

struct Export {
    format: TrainingFormat,
    is_table: bool,
    side: Side,
    output: Writer,
    written: Written,
    told: Told,
}

impl Export {
    async fn pairs(&mut self, version: &TableVersion) -> Result<(), Failure> {
        let mut rows = pin!(version.rows(&COLUMNS));
        while let Some(row) = rows.try_next().await.map_err(unusable)? {
            let Sided { event_id, prompt, split } = serde_json::from_str(&row)?;
            if !self.side.has(version.side_of(split, &prompt.unwrap_or_default())) {
                continue;
            }
            let converted =
                if self.is_table { self.format.of_pair_in_table(&row)? } else { self.format.of_pair(&row)? };
            match converted {
                Ok(lines) => {
                    self.write(&lines)?;
                    self.written.pairs += 1;
                    self.written.desirable += u64::from(self.format.takes_feedback());
                    self.written.undesirable += u64::from(self.format.takes_feedback());
                }
                Err(why) => self.written.leave_out(why, &event_id),
            }
        }
        Ok(())
    }

    /// Writes the feedback. A line that was delivered twice is written once.
    async fn feedback(
        &mut self,
        lake: &OperatorLake,
        version: Option<&TableVersion>,
        until: Millis,
    ) -> Result<(), Failure> {
        let mut seen = HashSet::new();
        visit_feedback(lake, until, |line| self.feedback_line(version, line, &mut seen)).await
    }

    fn feedback_line(
        &mut self,
        version: Option<&TableVersion>,
        line: &str,
        seen: &mut HashSet<Box<str>>,
    ) -> Result<(), Failure> {
        let Sided { event_id, prompt, .. } = serde_json::from_str(line)?;
        let prompt = prompt.unwrap_or_default();
        let is_wanted = version.is_none_or(|version| self.side.has(version.side_of(None, &prompt)));
        if !is_wanted || !seen.insert(event_id.as_ref().into()) {
            return Ok(());
        }
        let converted = if self.is_table {
            TrainingFormat::of_feedback_in_table(line)?
        } else {
            TrainingFormat::of_feedback(line)?
        };
        match converted {
            Ok(UnpairedLine { line, label }) => {
                self.write(&line)?;
                self.written.feedback += 1;
                self.written.desirable += u64::from(label);
                self.written.undesirable += u64::from(!label);
            }
            Err(why) => self.written.leave_out(why, &event_id),
        }
        Ok(())
    }

    fn write(&mut self, lines: &str) -> Result<(), Failure> {
        self.output.write(lines)?;
        let Written { pairs, feedback, .. } = &self.written;
        self.told.tell(|| format!("{} written", thousands(pairs + feedback)));
        Ok(())
    }
}

impl Written {
    fn leave_out(&mut self, why: Omitted, event_id: &str) {
        let (count, events) = match why {
            Omitted::Unlabelled => {
                self.unlabelled += 1;
                return;
            }
            Omitted::AssistantLast => (&mut self.left_out, &mut self.left_out_events),
            Omitted::Media => (&mut self.left_out_media, &mut self.left_out_media_events),
        };
        *count += 1;
        if events.len() < MOST_NAMED {
            events.push(event_id.to_owned());
        }
    }
}

fn as_text(report: &Report) -> String {
    let Report { version, format, encoding, output, written, bytes, .. } = report;
    let Written { pairs, feedback, desirable, undesirable, unlabelled, .. } = written;
    let of_version = version.map_or_else(|| "no dataset yet".to_owned(), |version| format!("version {version}"));
    let encoded = if *encoding == Encoding::Parquet { " in Parquet" } else { "" };
    let mut text = format!("{output}: {} pairs of {of_version} as {format}{encoded}", thousands(*pairs));
    if feedback + unlabelled > 0 {
        text += &format!(
            ", and {} outputs with feedback ({} more say neither yes nor no)",
            thousands(*feedback),
            thousands(*unlabelled)
        );
    }
    if desirable + undesirable > 0 {
        text += &format!("; {} lines desirable, {} undesirable", thousands(*desirable), thousands(*undesirable));
    }
    text += &format!(", {} bytes\n", thousands(*bytes));
    for (why, left_out, events) in [
        (Omitted::AssistantLast, written.left_out, &written.left_out_events),
        (Omitted::Media, written.left_out_media, &written.left_out_media_events),
    ] {
        if left_out > 0 {
            let events: Vec<_> = events.iter().map(|event| one_line(event)).collect();
            let more = if left_out > MOST_NAMED as u64 { ", …" } else { "" };
            let count = thousands(left_out);
            text += &format!("left out {count}, each because {why}: {}{more}\n", events.join(", "));
        }
    }
    text
}
