//! A JSON value that borrows its text from the input, so that a message is read without copying its texts.

mod compact;
mod fault;
mod reader;

use std::borrow::Cow;

pub use reader::{Body, read, read_body};

/// A JSON value that borrows from its text.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was spelled.
    Number(Cow<'a, str>),
    /// A string.
    Text(Text<'a>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object: its fields in order, also those given twice.
    Object(Vec<(Text<'a>, Json<'a>)>),
}

/// A string of a JSON text, as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Text<'a> {
    /// The characters.
    pub value: Cow<'a, str>,
    /// `true` if the string had half a surrogate pair, which is no character. U+FFFD replaces it.
    pub(crate) is_mended: bool,
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self { value: Cow::Borrowed(text), is_mended: false }
    }
}

impl Json<'_> {
    /// Returns the value of a field, if this is an object that has it.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }

    /// Returns a whole number that is not negative. It may have a fraction of zeros: some clients write each number with one.
    pub fn whole_number(&self) -> Option<u64> {
        let Self::Number(spelled) = self else { return None };
        let (whole, zeros) = spelled.split_once('.').unwrap_or((spelled, ""));
        zeros.bytes().all(|byte| byte == b'0').then(|| whole.parse().ok())?
    }

    /// Returns `true` for a value that is equivalent to an absent field: `null`, an empty string, list or object.
    pub(crate) fn says_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.value.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(entries) => entries.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }

    /// Returns the JSON type, as an error message names it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

#[cfg(test)]
mod tests;
