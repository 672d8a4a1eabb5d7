//! A run's input from the small world's events, and the trainer as a process.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flywheel_training::{
    DatasetVersion, InputDigest, InputFile, ModelFiles, PairRow, Recipe, ReplayRow, RunDescription, RunReport,
    ScoredPair, ScoredReplay, ScoredRow, Sha256Hex,
};
use serde::Serialize;
use serde_json::Value;

/// The number of rows of each kind.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) train: usize,
    pub(crate) held_out: usize,
    pub(crate) replay_train: usize,
    pub(crate) replay_held_out: usize,
}

pub(crate) struct Run {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) description: RunDescription,
}

pub(crate) fn base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("base")
}

pub(crate) fn trainer() -> Command {
    Command::new(env!("CARGO_BIN_EXE_flywheel-trainer"))
}

/// Returns a recipe for the tiny base.
pub(crate) fn recipe() -> Recipe {
    let mut recipe = Recipe::default();
    recipe.training.learning_rate = 2e-3;
    recipe.training.epochs = 1;
    recipe.training.batch_size = 8;
    recipe.training.accumulation = 1;
    recipe.training.max_length = 128;
    recipe.generation.max_new_tokens = 40;
    recipe.seed = 7;
    recipe
}

fn world(kind: &str, count: usize) -> Vec<Value> {
    let output = trainer().args(["world", kind, &count.to_string()]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap().to_owned()
}

impl Run {
    pub(crate) fn new(sizes: Sizes, recipe: Recipe) -> Self {
        let pair = |event: &Value| PairRow {
            pair_id: text(event, "event_id"),
            prompt: text(event, "prompt"),
            prompt_messages: None,
            chosen: text(event, "final_user_edit"),
            rejected: text(event, "original_llm_output"),
        };
        let replay = |event: &Value| ReplayRow {
            event_id: text(event, "event_id"),
            prompt: text(event, "prompt"),
            prompt_messages: None,
            completion: text(event, "original_llm_output"),
        };
        let pairs: Vec<PairRow> = world("--edits", sizes.train + sizes.held_out).iter().map(pair).collect();
        let likes: Vec<ReplayRow> =
            world("--likes", sizes.replay_train + sizes.replay_held_out).iter().map(replay).collect();
        let Recipe { objective, lora, training, generation, seed } = recipe;
        let files = fs::read_dir(base())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_none_or(|end| end != "md"));
        let hash = |path: PathBuf| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), Sha256Hex::of(&fs::read(path).unwrap()))
        };
        let description = RunDescription {
            run: "a-run".parse().unwrap(),
            dataset: DatasetVersion { version: 3, digest: None },
            base: ModelFiles {
                id: "pier-tiny".to_owned(),
                prefix: "models/pier-tiny/".to_owned(),
                files: files.map(hash).collect(),
            },
            incumbent: None,
            files: BTreeMap::new(),
            objective,
            lora,
            training,
            generation,
            seed,
            prepared_at: None,
        };
        let mut run = Self { folder: tempfile::tempdir().unwrap(), description };
        fs::create_dir(run.input()).unwrap();
        let (train, held_out) = pairs.split_at(sizes.train);
        let (replay_train, replay_held_out) = likes.split_at(sizes.replay_train);
        run.write(InputFile::Train, train);
        run.write(InputFile::HeldOut, held_out);
        run.write(InputFile::ReplayTrain, replay_train);
        run.write(InputFile::ReplayHeldOut, replay_held_out);
        run.describe();
        run
    }

    /// Writes a data file and records its digest.
    pub(crate) fn write<R: Serialize>(&mut self, file: InputFile, rows: &[R]) {
        let lines: String = rows.iter().map(|row| serde_json::to_string(row).unwrap() + "\n").collect();
        let digest = InputDigest { sha256: Sha256Hex::of(lines.as_bytes()), rows: rows.len() as u64 };
        self.description.files.insert(file, digest);
        fs::write(self.input().join(file.as_str()), lines).unwrap();
    }

    /// Writes the description.
    pub(crate) fn describe(&self) {
        fs::write(self.input().join("run.json"), self.description.to_json().unwrap()).unwrap();
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.folder.path().join("input")
    }

    pub(crate) fn output(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, output: &str) -> Command {
        let mut command = trainer();
        command.arg("train").arg("--input").arg(self.input()).arg("--base").arg(base());
        command.arg("--output").arg(self.output(output));
        command
    }

    /// Trains successfully.
    pub(crate) fn train(&self, output: &str, more: &[&str]) -> Output {
        let done = self.command(output).args(more).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        done
    }

    /// Trains unsuccessfully and returns the error.
    pub(crate) fn fails(&self, more: &[&str]) -> String {
        let done = self.command("failed").args(more).output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        assert!(!self.output("failed").join("run.json").exists());
        String::from_utf8(done.stderr).unwrap().lines().last().unwrap_or_default().to_owned()
    }

    /// Returns the files that must be equal for equal input.
    pub(crate) fn bytes(&self, output: &str) -> Vec<Vec<u8>> {
        let files = ["adapter_model.safetensors", "adapter_config.json", "rows.jsonl"];
        files.map(|file| fs::read(self.output(output).join(file)).unwrap()).into()
    }

    pub(crate) fn report(&self, output: &str) -> RunReport {
        RunReport::parse(&fs::read_to_string(self.output(output).join("run.json")).unwrap()).unwrap()
    }

    pub(crate) fn rows(&self, output: &str) -> (Vec<ScoredPair>, Vec<ScoredReplay>) {
        let text = fs::read_to_string(self.output(output).join("rows.jsonl")).unwrap();
        let (mut pairs, mut replay) = (Vec::new(), Vec::new());
        for (line, number) in text.lines().zip(1..) {
            match ScoredRow::parse(number, line).unwrap() {
                ScoredRow::Pair(pair) => {
                    assert!(replay.is_empty(), "pairs come first");
                    pairs.push(pair);
                }
                ScoredRow::Replay(row) => replay.push(row),
            }
        }
        (pairs, replay)
    }
}
