use serde::{Deserialize, Serialize};

use super::run::InputFile;
use super::unusable::{Unusable, parse_line};

/// A message of a chat prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: String,
    /// Its text.
    pub content: String,
}

/// A preference pair of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRow {
    /// The pair's id.
    pub pair_id: String,
    /// The prompt, as one text.
    pub prompt: String,
    /// The prompt as the messages that it was sent as; none if it was one text.
    pub prompt_messages: Option<Vec<Message>>,
    /// The user's text.
    pub chosen: String,
    /// The model's text.
    pub rejected: String,
}

/// A preference pair that is held out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOutRow {
    /// The pair.
    #[serde(flatten)]
    pub pair: PairRow,
    /// `true` if the live adapter's dataset version lacked it, so that it could be learned. Without a live adapter, all pairs are
    /// new.
    pub is_new: bool,
}

/// An output that its user liked and left unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayRow {
    /// The event of the feedback.
    pub event_id: String,
    /// The prompt, as one text.
    pub prompt: String,
    /// The prompt as the messages that it was sent as; none if it was one text.
    pub prompt_messages: Option<Vec<Message>>,
    /// The model's text.
    pub completion: String,
}

impl PairRow {
    /// Reads a line of a file of pairs; lines are counted from 1.
    ///
    /// # Errors
    /// If the line is invalid.
    pub fn parse(file: InputFile, line: u64, text: &str) -> Result<Self, Unusable> {
        parse_line(file.as_str(), line, text)
    }
}

impl HeldOutRow {
    /// Reads a line of the file of held-out pairs; lines are counted from 1.
    ///
    /// # Errors
    /// If the line is invalid.
    pub fn parse(line: u64, text: &str) -> Result<Self, Unusable> {
        parse_line(InputFile::HeldOut.as_str(), line, text)
    }
}

impl ReplayRow {
    /// Reads a line of a file of liked outputs; lines are counted from 1.
    ///
    /// # Errors
    /// If the line is invalid.
    pub fn parse(file: InputFile, line: u64, text: &str) -> Result<Self, Unusable> {
        parse_line(file.as_str(), line, text)
    }
}
