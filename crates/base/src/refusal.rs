//! The reason why an event, or a whole request, was not accepted.

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
    /// A required text is empty.
    EmptyField,
    /// A field has the wrong JSON type.
    WrongType,
    /// A field has the right type and a value that is not allowed.
    InvalidValue,
    /// A field is given twice.
    DuplicateField,
    /// A field of the model's input that an event cannot carry yet.
    UnsupportedField,
    /// The event is larger than a queue message may be.
    TooLarge,
    /// The batch has more events than one request may hold.
    TooManyEvents,
    /// No error: an output was read. Ingest counts it and keeps nothing of it.
    OnlyRead,
}

impl RefusalCode {
    /// Returns the code as the API shows it.
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

/// A refusal: a code for the client's program, a message for its author, and the field to correct.
///
/// It never holds text from the event's prompt or outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of mistake.
    pub code: RefusalCode,
    /// The fault and its correction, in words.
    pub message: String,
    /// The path of the field, such as `prompt[0].role`; `None` if the mistake is not in one field.
    pub field: Option<String>,
}

impl Refusal {
    /// Refuses one field.
    pub fn of_field(code: RefusalCode, field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into().into_owned(), field: Some(field.to_owned()) }
    }

    /// Sets the refusal's field to `path` if it names no field of its own.
    pub fn or_of(mut self, path: &str) -> Self {
        self.field.get_or_insert_with(|| path.to_owned());
        self
    }

    /// Refuses a body or an event as a whole.
    pub fn of_whole(code: RefusalCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into().into_owned(), field: None }
    }
}

/// Makes a client's key short and single-line, so that a refusal may quote it.
pub fn printable(key: &str) -> String {
    key.chars().take(40).map(|scalar| if scalar.is_control() { '\u{fffd}' } else { scalar }).collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Refusal {}
