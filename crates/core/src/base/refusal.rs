//! Why an event, or a whole request, was not accepted.

use std::borrow::Cow;
use std::fmt;

/// The closed set of codes that a client may match on. Their texts are part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is not JSON.
    MalformedJson,
    /// A required field is absent.
    MissingField,
    /// A required field is `null`.
    NullField,
    /// A field that must say something is empty.
    EmptyField,
    /// A field has the wrong JSON type.
    WrongType,
    /// A field has the right type and a value that is not allowed.
    InvalidValue,
    /// A field is given twice.
    DuplicateField,
    /// A field that the model's input had, and that an event cannot carry yet.
    UnsupportedField,
    /// The event is larger than a queue message may be.
    TooLarge,
    /// The batch has more events than are taken at once.
    TooManyEvents,
    /// Nothing is wrong: an output was read, which is counted where it arrives and kept nowhere.
    OnlyRead,
}

impl RefusalCode {
    /// The code as the API shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::MalformedJson => "malformed_json",
            Self::MissingField => "missing_field",
            Self::NullField => "null_field",
            Self::EmptyField => "empty_field",
            Self::WrongType => "wrong_type",
            Self::InvalidValue => "invalid_value",
            Self::DuplicateField => "duplicate_field",
            Self::UnsupportedField => "unsupported_field",
            Self::TooLarge => "too_large",
            Self::TooManyEvents => "too_many_events",
            Self::OnlyRead => "only_read",
        }
    }
}

/// A refusal: a code for the client's program, a message for its author, and the field that is to be mended.
///
/// It never holds text from the event's prompt or outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of mistake it is.
    pub code: RefusalCode,
    /// What is wrong and what would be right.
    pub message: String,
    /// Path of the field, such as `prompt[0].role`; absent where the mistake is not in one field.
    pub field: Option<String>,
}

impl Refusal {
    pub(crate) fn of_field(code: RefusalCode, field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into().into_owned(), field: Some(field.to_owned()) }
    }

    /// The refusal of something that has a path, where it names no field of its own.
    pub(crate) fn or_of(mut self, path: &str) -> Self {
        self.field.get_or_insert_with(|| path.to_owned());
        self
    }

    pub(crate) fn of_whole(code: RefusalCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into().into_owned(), field: None }
    }
}

/// A client's key as a refusal may quote it: neither long nor several lines.
pub(crate) fn printable(key: &str) -> String {
    key.chars().take(40).map(|scalar| if scalar.is_control() { '\u{fffd}' } else { scalar }).collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Refusal {}
