//! Writes a value as JSON without white space, and reaches the texts within it.

use std::borrow::Cow;

use super::{Json, Text};
use crate::json_object::push_text;

impl Json<'_> {
    /// Returns the value as JSON in one canonical form: without white space, with no escapes but the necessary ones, and with
    /// keys in their order and numbers in their spelling.
    pub fn compact(&self) -> String {
        let mut written = String::new();
        self.write(&mut written, &|written, text| push_text(written, text));
        written
    }

    /// Returns the value as text to read: as JSON, but with the characters of each string as they are. Checks of texts see no
    /// escapes then. It is not JSON if a string has a quotation mark.
    pub fn plain(&self) -> String {
        let mut written = String::new();
        self.write(&mut written, &|written, text| {
            written.push('"');
            written.push_str(text);
            written.push('"');
        });
        written
    }

    fn write(&self, written: &mut String, write_text: &impl Fn(&mut String, &str)) {
        match self {
            Self::Null => written.push_str("null"),
            Self::Bool(flag) => written.push_str(if *flag { "true" } else { "false" }),
            Self::Number(spelled) => written.push_str(spelled),
            Self::Text(text) => write_text(written, &text.value),
            Self::List(items) => {
                written.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        written.push(',');
                    }
                    item.write(written, write_text);
                }
                written.push(']');
            }
            Self::Object(entries) => {
                written.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        written.push(',');
                    }
                    write_text(written, &key.value);
                    written.push(':');
                    value.write(written, write_text);
                }
                written.push('}');
            }
        }
    }

    /// Returns the same value with texts of its own.
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(flag) => Json::Bool(flag),
            Self::Number(spelled) => Json::Number(Cow::Owned(spelled.into_owned())),
            Self::Text(text) => Json::Text(text.into_owned()),
            Self::List(items) => Json::List(items.into_iter().map(Json::into_owned).collect()),
            Self::Object(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned()));
                Json::Object(entries.collect())
            }
        }
    }

    /// Returns the depth of lists and objects within one another; 0 for a value that is neither.
    pub fn depth(&self) -> usize {
        let deepest = match self {
            Self::List(items) => items.iter().map(Json::depth).max(),
            Self::Object(entries) => entries.iter().map(|(_, value)| value.depth()).max(),
            _ => return 0,
        };
        1 + deepest.unwrap_or(0)
    }

    /// Returns the texts within the value, in order: keys, strings, and numbers as they were spelled.
    pub fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        self.push_texts(&mut texts);
        texts
    }

    fn push_texts<'t>(&'t self, texts: &mut Vec<&'t str>) {
        match self {
            Self::Null | Self::Bool(_) => {}
            Self::Number(spelled) => texts.push(spelled),
            Self::Text(text) => texts.push(&text.value),
            Self::List(items) => items.iter().for_each(|item| item.push_texts(texts)),
            Self::Object(entries) => {
                for (key, value) in entries {
                    texts.push(&key.value);
                    value.push_texts(texts);
                }
            }
        }
    }

    /// Rewrites each of [`Json::texts`] for which `rewrite` has another. A number that is rewritten becomes a string.
    pub fn rewrite(&mut self, rewrite: &impl Fn(&str) -> Option<String>) {
        match self {
            Self::Null | Self::Bool(_) => {}
            Self::Number(spelled) => {
                if let Some(text) = rewrite(spelled) {
                    *self = Self::Text(Text { value: Cow::Owned(text), is_mended: false });
                }
            }
            Self::Text(text) => text.rewrite(rewrite),
            Self::List(items) => items.iter_mut().for_each(|item| item.rewrite(rewrite)),
            Self::Object(entries) => {
                for (key, value) in entries {
                    key.rewrite(rewrite);
                    value.rewrite(rewrite);
                }
            }
        }
    }

    /// Forgets which texts had half a surrogate pair.
    pub(crate) fn forget_mended(&mut self) {
        match self {
            Self::Text(text) => text.is_mended = false,
            Self::List(items) => items.iter_mut().for_each(Json::forget_mended),
            Self::Object(entries) => {
                for (key, value) in entries {
                    key.is_mended = false;
                    value.forget_mended();
                }
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }

    /// Returns `true` if a text within the value had half a surrogate pair.
    pub(crate) fn has_mended(&self) -> bool {
        match self {
            Self::Text(text) => text.is_mended,
            Self::List(items) => items.iter().any(Json::has_mended),
            Self::Object(entries) => entries.iter().any(|(key, value)| key.is_mended || value.has_mended()),
            Self::Null | Self::Bool(_) | Self::Number(_) => false,
        }
    }
}

impl Text<'_> {
    fn into_owned(self) -> Text<'static> {
        Text { value: Cow::Owned(self.value.into_owned()), is_mended: self.is_mended }
    }

    fn rewrite(&mut self, rewrite: &impl Fn(&str) -> Option<String>) {
        if let Some(text) = rewrite(&self.value) {
            self.value = Cow::Owned(text);
        }
    }
}
