//! The reasons for which a source's record becomes no event.

/// The kind of a reason. The codes are part of the command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// The row is not JSON, or no record of the tool.
    UnknownRecord,
    /// The record has no id, so importing it twice would count twice.
    NoId,
    /// An annotation whose output is in none of the files.
    NoTarget,
    /// The prompt cannot be found in the record.
    NoPrompt,
    /// The model's text cannot be found in the record.
    NoOutput,
    /// The user's text has no model's text to compare it with, or there are several.
    NoOriginal,
    /// Content that an event does not carry yet: images, tool calls.
    UnsupportedContent,
    /// A control, a question or a kind of score that is neither an edit nor a rating.
    UnsupportedKind,
    /// A number whose scale is not known.
    UnknownScale,
    /// A word that is neither for the output nor against it.
    UnknownLabel,
    /// A score by a model or by code.
    NotAUser,
    /// The user cancelled the annotation.
    Cancelled,
    /// The record has neither an edit nor a rating nor a comment.
    SaysNothing,
    /// A time that is not one.
    UnreadableTime,
    /// The command was told to leave it out.
    Ignored,
    /// The API would refuse the event.
    Refused,
}

impl SkipReason {
    /// Returns the code of the reason.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownRecord => "unknown_record",
            Self::NoId => "no_id",
            Self::NoTarget => "no_target",
            Self::NoPrompt => "no_prompt",
            Self::NoOutput => "no_output",
            Self::NoOriginal => "no_original",
            Self::UnsupportedContent => "unsupported_content",
            Self::UnsupportedKind => "unsupported_kind",
            Self::UnknownScale => "unknown_scale",
            Self::UnknownLabel => "unknown_label",
            Self::NotAUser => "not_a_user",
            Self::Cancelled => "cancelled",
            Self::SaysNothing => "says_nothing",
            Self::UnreadableTime => "unreadable_time",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
        }
    }
}

/// A record, or a part of one, that becomes no event. It never holds a text of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The kind of the reason.
    pub reason: SkipReason,
    /// The id of the record in its tool.
    pub record: Option<String>,
    /// The path of the field.
    pub field: Option<String>,
    /// The reason in words, with the fix where there is one.
    pub message: String,
}

impl Skipped {
    pub(crate) fn new(reason: SkipReason, field: &str, message: impl Into<String>) -> Self {
        let field = Some(field.to_owned()).filter(|field| !field.is_empty());
        Self { reason, record: None, field, message: message.into() }
    }

    /// Names the record, if no record is named yet.
    pub(crate) fn of(mut self, record: &str) -> Self {
        self.record.get_or_insert_with(|| record.to_owned());
        self
    }
}
