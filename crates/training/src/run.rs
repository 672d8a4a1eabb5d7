use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most characters of a run's name: SageMaker allows no longer name of a training job.
const MOST_CHARS: usize = 63;

/// A run's name, which is its execution's: up to 63 of `a-z`, `0-9` and `-`, without `-` at the ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunName(String);

/// The error of a text that is not a run's name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a run: up to 63 of a-z, 0-9 and -, such as crossing-000007-attempt-1")]
pub struct InvalidRunName;

impl RunName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the folder of all this run's objects, with `/` at its end.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("runs/{}/", self.0)
    }

    /// Returns the folder that the trainer reads.
    #[must_use]
    pub fn input_folder(&self) -> String {
        format!("{}input/", self.folder())
    }

    /// Returns the folder that the trainer writes.
    #[must_use]
    pub fn output_folder(&self) -> String {
        format!("{}output/", self.folder())
    }

    /// Returns the key of a data file of the run's input.
    #[must_use]
    pub fn input_key(&self, file: InputFile) -> String {
        self.input_folder() + file.as_str()
    }

    /// Returns the key of the description that the trainer reads.
    #[must_use]
    pub fn description_key(&self) -> String {
        self.input_folder() + "run.json"
    }

    /// Returns the key of a file of the run's output.
    #[must_use]
    pub fn output_key(&self, file: OutputFile) -> String {
        self.output_folder() + file.as_str()
    }

    /// Returns the key of the gate's verdict.
    #[must_use]
    pub fn verdict_key(&self) -> String {
        self.folder() + "verdict.json"
    }

    /// Returns the key of the question to an operator.
    #[must_use]
    pub fn review_key(&self) -> String {
        self.folder() + "review.json"
    }
}

impl FromStr for RunName {
    type Err = InvalidRunName;

    fn from_str(text: &str) -> Result<Self, InvalidRunName> {
        let are_known = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let is_name = are_known && (1..=MOST_CHARS).contains(&text.len());
        let ends_well = !text.starts_with('-') && !text.ends_with('-');
        if is_name && ends_well { Ok(Self(text.to_owned())) } else { Err(InvalidRunName) }
    }
}

impl TryFrom<String> for RunName {
    type Error = InvalidRunName;

    fn try_from(text: String) -> Result<Self, InvalidRunName> {
        text.parse()
    }
}

impl From<RunName> for String {
    fn from(name: RunName) -> Self {
        name.0
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A data file of a run's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InputFile {
    /// Pairs to train on.
    #[serde(rename = "train.jsonl")]
    Train,
    /// Pairs to evaluate on.
    #[serde(rename = "heldout.jsonl")]
    HeldOut,
    /// Liked outputs to train on.
    #[serde(rename = "replay_train.jsonl")]
    ReplayTrain,
    /// Liked outputs to evaluate on.
    #[serde(rename = "replay_heldout.jsonl")]
    ReplayHeldOut,
}

impl InputFile {
    /// All data files.
    pub const ALL: [Self; 4] = [Self::Train, Self::HeldOut, Self::ReplayTrain, Self::ReplayHeldOut];

    /// Returns the file's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train.jsonl",
            Self::HeldOut => "heldout.jsonl",
            Self::ReplayTrain => "replay_train.jsonl",
            Self::ReplayHeldOut => "replay_heldout.jsonl",
        }
    }
}

/// A file of a run's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFile {
    /// The adapter's weights.
    Adapter,
    /// The adapter's configuration.
    Config,
    /// The scored rows.
    Rows,
    /// The report. It is written last: if it exists, the others do.
    Report,
}

impl OutputFile {
    /// Returns the file's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adapter => "adapter_model.safetensors",
            Self::Config => "adapter_config.json",
            Self::Rows => "rows.jsonl",
            Self::Report => "run.json",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_every_service_takes() {
        for name in ["crossing-000007-attempt-1", "a", &"x".repeat(63)] {
            assert_eq!(name.parse::<RunName>().unwrap().as_str(), name);
        }
        for name in ["", "-a", "a-", "A", "a_b", "a/b", "..", "a b", &"x".repeat(64)] {
            assert_eq!(name.parse::<RunName>(), Err(InvalidRunName), "{name}");
        }
    }

    #[test]
    fn keys_are_those_of_the_contract() {
        let run: RunName = "crossing-000007-attempt-1".parse().unwrap();
        assert_eq!(run.description_key(), "runs/crossing-000007-attempt-1/input/run.json");
        assert_eq!(
            run.input_key(InputFile::ReplayHeldOut),
            "runs/crossing-000007-attempt-1/input/replay_heldout.jsonl"
        );
        assert_eq!(run.output_key(OutputFile::Report), "runs/crossing-000007-attempt-1/output/run.json");
        assert_eq!(run.verdict_key(), "runs/crossing-000007-attempt-1/verdict.json");
        for file in InputFile::ALL {
            assert_eq!(serde_json::to_value(file).unwrap(), file.as_str());
        }
    }
}
