use serde::{Deserialize, Serialize};

/// The reason why a trainer leaves out a row that nothing can be learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// The prompt fills the maximum length, so no token of an answer would be scored.
    NoRoom,
    /// Both answers are the same tokens, after truncation or by the tokenizer. Their DPO loss is ln 2, whatever the model does.
    Equal,
}

impl LeftOut {
    /// Returns its name, as in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRoom => "no_room",
            Self::Equal => "equal",
        }
    }

    /// Returns the reason for people, after "rows are left out: ".
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NoRoom => "their prompts leave no room for an answer",
            Self::Equal => "both answers are the same tokens",
        }
    }
}
