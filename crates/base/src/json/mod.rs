//! A JSON value that borrows its text from the input, so that a message is read without copying its texts.

mod fault;
mod reader;

use std::borrow::Cow;

pub use reader::{Body, read, read_body};

/// A JSON value that borrows from its text.
#[derive(Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that is not negative. It may have a fraction of zeros.
    Integer(u64),
    /// Any other number.
    Number,
    /// A string.
    Text(Text<'a>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object: its fields in order, also those given twice.
    Object(Vec<(Text<'a>, Json<'a>)>),
}

/// A string of a JSON text, as read.
#[derive(Debug, PartialEq)]
pub struct Text<'a> {
    /// The characters.
    pub value: Cow<'a, str>,
    /// `true` if the string had half a surrogate pair, which is no character. U+FFFD replaces it.
    pub(crate) is_mended: bool,
}

impl Json<'_> {
    /// Returns the value of a field, if this is an object that has it.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }

    /// Returns `true` for a value that is equivalent to an absent field: `null`, an empty string, list or object.
    pub(crate) fn says_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.value.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(entries) => entries.is_empty(),
            Self::Bool(_) | Self::Integer(_) | Self::Number => false,
        }
    }

    /// Returns the JSON type, as an error message names it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Number => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

#[cfg(test)]
mod tests;
