//! `flywheel export`: a version, as trainers read it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::pin::pin;

use clap::{Args, ValueEnum};
use flywheel_core::dataset::Split;
use flywheel_core::{Millis, Route, TrainingFormat};
use flywheel_dataset::TableVersion;
use flywheel_lake::{ListRoute as _, ReadPart as _};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::charts::thousands;
use super::choice::VersionChoice;
use super::lake::{OperatorLake, unusable};
use super::output::{Told, print};
use crate::arguments::{Format, LakeArguments};
use crate::{Failure, Outcome};

pub(crate) const EXAMPLES: &str = "\
The file appears when it is complete. kto also has what users said of outputs that they left as they were: the routes `replay` and
`signals`, where somebody spoke for an output or against it; of a named version what was curated until it was committed, else all of it.
Their split goes by the prompt, as that of pairs.
Cost: the version is read once, and for kto those two routes; memory grows with the latter's ids only.
Exit code: 0 if it is written, 2 if not.

Examples:
  flywheel export --format trl --split train --output train.jsonl --lake s3://my-lake
  flywheel export --format openai --version 2026-11-22 --output pairs.jsonl
  flywheel export --format sft --output - | gzip > sft.jsonl.gz";

const COLUMNS: [&str; 5] = ["prompt", "chosen", "rejected", "prompt_messages", "split"];

/// Parts that are read at the same time.
const PARTS_AHEAD: usize = 8;

/// The routes of outputs that were left as they were.
const FEEDBACK: [Route; 2] = [Route::Replay, Route::Signals];

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// What a line looks like
    #[arg(long, value_enum)]
    format: Format,
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

/// What was written, as it is printed as JSON.
#[derive(Serialize)]
struct Report {
    lake: String,
    version: u64,
    format: &'static str,
    split: Side,
    output: String,
    #[serde(flatten)]
    written: Written,
}

#[derive(Default, Serialize)]
struct Written {
    /// Pairs of the version.
    pairs: u64,
    /// Outputs that were left as they were.
    feedback: u64,
    /// Feedback that was left out, because its user spoke neither for the output nor against it.
    unlabelled: u64,
    bytes: u64,
}

/// What of a row, or of a line, says whether it is wanted.
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
    let lake = OperatorLake::open(&on.lake).await?;
    let version = choice.open(lake.dataset(), &on.lake).await?;
    let mut export = Export {
        format: arguments.format.into(),
        side: *split,
        output: Output::create(output, *force)?,
        written: Written::default(),
        told: Told::new(),
    };
    export.pairs(&version).await?;
    if export.format.takes_feedback() {
        export.feedback(&lake, &version, until(*choice, &version).await?).await?;
    }
    let Export { output: file, written, told, .. } = export;
    drop(told);
    file.finish()?;
    let format = arguments.format.name();
    let report = Report {
        lake: on.lake.to_string(),
        version: version.number(),
        format,
        split: *split,
        output: output.display().to_string(),
        written,
    };
    if output.as_os_str() == "-" {
        stderr().write_all(as_text(&report).as_bytes())?;
        return Ok(Outcome::AllGood);
    }
    print(on, &report, as_text)
}

/// Until when feedback is taken.
async fn until(choice: VersionChoice, version: &TableVersion) -> Result<Millis, Failure> {
    if choice == VersionChoice::Latest {
        return Ok(Millis::MAX);
    }
    let commit = version.commit().await.map_err(unusable)?;
    let committed_at = commit.and_then(|commit| commit.committed_at);
    committed_at
        .ok_or_else(|| unusable(format_args!("version {} does not say when it was committed", version.number())))
}

struct Export {
    format: TrainingFormat,
    side: Side,
    output: Output,
    written: Written,
    told: Told,
}

impl Export {
    async fn pairs(&mut self, version: &TableVersion) -> Result<(), Failure> {
        let mut rows = pin!(version.rows(&COLUMNS));
        while let Some(row) = rows.try_next().await.map_err(unusable)? {
            let Sided { prompt, split, .. } = serde_json::from_str(&row)?;
            if self.side.has(version.side_of(split, &prompt.unwrap_or_default())) {
                self.write(&self.format.of_pair(&row)?)?;
                self.written.pairs += 1;
            }
        }
        Ok(())
    }

    /// A line that was delivered twice is written once.
    async fn feedback(&mut self, lake: &OperatorLake, version: &TableVersion, until: Millis) -> Result<(), Failure> {
        let mut seen = HashSet::new();
        for route in FEEDBACK {
            let parts = lake.list_route(route, 0..=until, u64::MAX).await.map_err(unusable)?.parts;
            let read = |key: String| async move { lake.read_part(&key).await.map(|body| (key, body)) };
            let mut bodies = stream::iter(parts).map(|part| read(part.name.key(route))).buffered(PARTS_AHEAD);
            while let Some((key, body)) = bodies.try_next().await.map_err(unusable)? {
                self.part(version, &body, &mut seen).map_err(|failure| match failure {
                    Failure::Json(_) => unusable(format_args!("{key} has a line that is none of the lake's")),
                    other => other,
                })?;
            }
        }
        Ok(())
    }

    fn part(&mut self, version: &TableVersion, body: &[u8], seen: &mut HashSet<Box<str>>) -> Result<(), Failure> {
        for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = std::str::from_utf8(line).map_err(unusable)?;
            let Sided { event_id, prompt, .. } = serde_json::from_str(line)?;
            let is_wanted = self.side.has(version.side_of(None, &prompt.unwrap_or_default()));
            if !is_wanted || !seen.insert(event_id.into()) {
                continue;
            }
            match self.format.of_feedback(line)? {
                None => self.written.unlabelled += 1,
                Some(line) => {
                    self.write(&line)?;
                    self.written.feedback += 1;
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, lines: &str) -> Result<(), Failure> {
        self.output.write(lines)?;
        self.written.bytes += lines.len() as u64;
        let Written { pairs, feedback, .. } = &self.written;
        self.told.tell(|| format!("{} written", thousands(pairs + feedback)));
        Ok(())
    }
}

/// Where the lines go. A file is written beside its place, and put there when it is complete.
enum Output {
    Standard(BufWriter<std::io::Stdout>),
    File { aside: PathBuf, place: PathBuf, writer: Option<BufWriter<File>> },
}

impl Output {
    fn create(place: &Path, force: bool) -> Result<Self, Failure> {
        if place.as_os_str() == "-" {
            return Ok(Self::Standard(BufWriter::new(stdout())));
        }
        if place.exists() && !force {
            return Err(unusable(format_args!("{} is there already: pass --force to replace it", place.display())));
        }
        let name = place.file_name().ok_or_else(|| unusable(format_args!("{} is no file", place.display())))?;
        let aside = place.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        let file = File::create(&aside).map_err(|error| unusable(format_args!("{}: {error}", place.display())))?;
        Ok(Self::File { aside, place: place.to_owned(), writer: Some(BufWriter::new(file)) })
    }

    fn write(&mut self, text: &str) -> std::io::Result<()> {
        match self {
            Self::Standard(writer) => writer.write_all(text.as_bytes()),
            Self::File { writer, .. } => writer.iter_mut().try_for_each(|writer| writer.write_all(text.as_bytes())),
        }
    }

    fn finish(mut self) -> std::io::Result<()> {
        match &mut self {
            Self::Standard(writer) => writer.flush(),
            Self::File { aside, place, writer } => {
                if let Some(writer) = writer.take() {
                    writer.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
                }
                fs::rename(aside, place)
            }
        }
    }
}

impl Drop for Output {
    /// What is not complete is removed. What is complete has another name by now.
    fn drop(&mut self) {
        if let Self::File { aside, .. } = self {
            let _ = fs::remove_file(aside);
        }
    }
}

fn as_text(report: &Report) -> String {
    let Report { version, format, output, written, .. } = report;
    let Written { pairs, feedback, unlabelled, bytes } = written;
    let of_feedback = if feedback + unlabelled > 0 {
        format!(
            ", and {} outputs with feedback ({} more say neither yes nor no)",
            thousands(*feedback),
            thousands(*unlabelled)
        )
    } else {
        String::new()
    };
    format!(
        "{output}: {} pairs of version {version} as {format}{of_feedback}, {} bytes\n",
        thousands(*pairs),
        thousands(*bytes)
    )
}
