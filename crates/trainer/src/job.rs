//! Runs one training: from the files of the workflow to the files for the gate.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flywheel_training::{Incumbent, OutputFile, RunDescription, RunReport, ScoredRow, Sha256Hex, Trainer};
use serde_json::json;

use crate::adapter::{Adapter, PeftFiles};
use crate::data::{Prepared, Rows, Today};
use crate::evaluate::score_rows;
use crate::failure::{Result, TrainerError};
use crate::files;
use crate::model_folder::ModelFolder;
use crate::progress::{Observer, Progress};
use crate::training::{CheckpointFile, Trained, train};
use crate::workers::Workers;

/// The folders of a run.
#[derive(Debug, Clone)]
pub struct Job {
    /// `run.json` and the four data files.
    pub input: PathBuf,
    /// The base model's folder.
    pub base: PathBuf,
    /// The live adapter's folder; needed if `run.json` names an incumbent.
    pub incumbent: Option<PathBuf>,
    /// The folder for the adapter, the scored rows and the report.
    pub output: PathBuf,
    /// The folder for checkpoints, to save to and resume from.
    pub checkpoint: Option<PathBuf>,
    /// The number of threads; without it, one for each core. The output does not depend on it.
    pub threads: Option<NonZeroUsize>,
}

/// A run's input, checked against its description.
pub(crate) struct Verified {
    pub(crate) description: RunDescription,
    pub(crate) description_sha256: Sha256Hex,
    pub(crate) base: ModelFolder,
    pub(crate) prepared: Prepared,
}

impl Verified {
    /// Reads a run's input and base. A file with another digest than the description's is refused.
    pub(crate) fn read(input: &Path, base: &Path) -> Result<Self> {
        let path = input.join("run.json");
        let file = files::read(&path)?;
        let description =
            RunDescription::parse(file.text(&path)?).map_err(|error| TrainerError::Other(error.to_string()))?;
        let today = Today::at(description.prepared_at.as_deref());
        let base = ModelFolder::load_verified(base, &description.base.files, today)?;
        let max_length = description.training.max_length as usize;
        let prepared =
            Rows::read(input, &description)?.prepare(&base.tokenizer, max_length.min(base.config.max_positions))?;
        Ok(Self { description, description_sha256: file.sha256, base, prepared })
    }
}

/// Trains a run's adapter, scores the held-out rows by incumbent and candidate, and writes all files. The report is written last:
/// if it exists, the others are complete.
///
/// On one kind of processor, the same input gives the same adapter and rows to the bit, so running a job twice is idempotent.
///
/// # Errors
/// If any file differs from the description, if no row is left to train on, if a number is not finite, or if the observer ends
/// the training. Files in the output folder are replaced atomically.
pub fn run(job: &Job, observer: &mut Observer<'_>) -> Result<RunReport> {
    let started = Instant::now();
    let Verified { description, description_sha256, base, prepared } = Verified::read(&job.input, &job.base)?;
    let incumbent = incumbent(description.incumbent.as_ref(), job.incumbent.as_deref(), &base)?;
    if prepared.pairs.is_empty() {
        let reasons: Vec<String> =
            prepared.left_out.iter().map(|(reason, count)| format!("{count} rows {}", reason.as_str())).collect();
        return Err(TrainerError::Other(format!("no pairs to train on: {}", reasons.join(", "))));
    }
    for note in notes(&prepared) {
        observer.tell(&Progress::Note(note), 0)?;
    }
    let checkpoint =
        job.checkpoint.as_deref().map(|folder| CheckpointFile::new(folder, &description_sha256)).transpose()?;
    let (recipe, workers) = (description.recipe(), Workers::new(job.threads));
    let before_training = Instant::now();
    let Trained { adapter: candidate, tokens } =
        train(&base, &prepared, &recipe, checkpoint.as_ref(), workers, observer)?;
    let training_seconds = seconds_since(before_training);
    let files = PeftFiles::of(&candidate, &description.base.id)?;
    let max_new_tokens = recipe.generation.max_new_tokens as usize;
    let rows = score_rows(&base, incumbent.as_ref(), &candidate, &prepared, max_new_tokens, workers, observer)?;
    let lines = lines(&rows)?;

    let report = RunReport {
        run: description.run,
        input_sha256: description_sha256,
        base_files: base.files,
        adapter_sha256: Sha256Hex::of(&files.model),
        config_sha256: Sha256Hex::of(&files.config),
        rows_sha256: Sha256Hex::of(lines.as_bytes()),
        rows: rows.len() as u64,
        truncated: prepared.truncated,
        dropped: prepared.left_out.values().sum(),
        left_out: prepared.left_out.clone(),
        trainer: Trainer { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        seconds: seconds_since(started),
        summary: json!({
            "pairs": prepared.pairs.len(),
            "replay": prepared.replay.len(),
            "held_out_truncated": prepared.held_out_truncated,
            "held_out_equal": prepared.held_out_equal(),
            "trained_tokens": tokens,
            "training_seconds": training_seconds,
        }),
    };
    let report_json = report.to_json().map_err(|error| TrainerError::Other(error.to_string()))?;
    files::create_folder(&job.output)?;
    let write = |file: OutputFile, bytes: &[u8]| files::write(&job.output.join(file.as_str()), bytes);
    write(OutputFile::Adapter, &files.model)?;
    write(OutputFile::Config, &files.config)?;
    write(OutputFile::Rows, lines.as_bytes())?;
    write(OutputFile::Report, report_json.as_bytes())?;
    Ok(report)
}

/// Loads the live adapter, if there is one, and checks both its files. The configuration is checked like the weights: its
/// `lora_alpha` scales them, and a candidate would be compared with another adapter.
fn incumbent(described: Option<&Incumbent>, folder: Option<&Path>, base: &ModelFolder) -> Result<Option<Adapter>> {
    let (described, folder) = match (described, folder) {
        (None, None) => return Ok(None),
        (Some(described), Some(folder)) => (described, folder),
        (Some(_), None) => {
            return Err(TrainerError::Other("run.json names an incumbent: give its folder (--incumbent)".to_owned()));
        }
        (None, Some(_)) => {
            return Err(TrainerError::Other("run.json names no incumbent: leave out --incumbent".to_owned()));
        }
    };
    let (config, model) = PeftFiles::read(folder)?;
    model.verify(&described.sha256, &folder.join(OutputFile::Adapter.as_str()))?;
    config.verify(&described.config_sha256, &folder.join(OutputFile::Config.as_str()))?;
    Adapter::read(&config, &model, folder, &base.config).map(Some)
}

fn notes(rows: &Prepared) -> Vec<String> {
    let mut notes = vec![format!("{} pairs and {} replay rows to train on", rows.pairs.len(), rows.replay.len())];
    notes
        .extend(rows.left_out.iter().map(|(reason, count)| format!("{count} rows are left out: {}", reason.meaning())));
    let counts = [
        (rows.truncated, "rows are cut to max_length"),
        (rows.held_out_truncated, "held-out rows are cut to max_length"),
        (rows.held_out_equal(), "held-out pairs say nothing: both answers are the same tokens"),
    ];
    notes.extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    notes
}

fn lines(rows: &[ScoredRow]) -> Result<String> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&row.to_json().map_err(|error| TrainerError::Other(error.to_string()))?);
        lines.push('\n');
    }
    Ok(lines)
}

/// Returns the seconds since an instant, rounded to milliseconds, so that a report reads back as it was written.
fn seconds_since(instant: Instant) -> f64 {
    instant.elapsed().as_millis() as f64 / 1_000.0
}
