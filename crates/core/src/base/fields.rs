//! Takes fields out of a JSON object one by one, and refuses missing, empty and mistyped fields by name.

use std::borrow::Cow;

use crate::base::json::{Json, Text};
use crate::base::refusal::{Refusal, RefusalCode};

/// The maximum number of scalar values in an id or a label. It fits every common id scheme and is too few to smuggle
/// text.
pub(crate) const MAX_LABEL_CHARS: usize = 256;

pub(crate) struct Fields<'a> {
    entries: Vec<(Text<'a>, Json<'a>)>,
    /// The prefix of a field's name in a refusal, such as `model.`.
    path: String,
    has_mended: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(entries: Vec<(Text<'a>, Json<'a>)>, path: impl Into<String>) -> Self {
        Self { entries, path: path.into(), has_mended: false }
    }

    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.value == name)
    }

    /// True if the field is there, and not `null`.
    pub(crate) fn says(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, value)| key.value == name && *value != Json::Null)
    }

    pub(crate) fn take(&mut self, name: &str) -> Result<Option<Json<'a>>, Refusal> {
        let Some(index) = self.entries.iter().position(|(key, _)| key.value == name) else { return Ok(None) };
        let (_, value) = self.entries.swap_remove(index);
        if self.contains(name) {
            return Err(given_twice(&self.path_of(name)));
        }
        Ok(Some(value))
    }

    /// Refuses the first of these fields that has a value.
    pub(crate) fn refuse_unsupported(&self, names: &[&str]) -> Result<(), Refusal> {
        let is_lost =
            |(key, value): &&(Text<'_>, Json<'_>)| names.contains(&key.value.as_ref()) && !value.says_nothing();
        let Some((key, _)) = self.entries.iter().find(is_lost) else { return Ok(()) };
        let message = "is not supported yet; send the event without it only if the model did not see it";
        Err(Refusal::of_field(RefusalCode::UnsupportedField, &self.path_of(&key.value), message))
    }

    /// Takes a text into the event.
    pub(crate) fn keep(&mut self, text: Text<'a>) -> Cow<'a, str> {
        self.has_mended |= text.is_mended;
        text.value
    }

    /// Returns `true` once a text with half a surrogate pair was taken into the event.
    pub(crate) fn has_mended(&self) -> bool {
        self.has_mended
    }

    pub(crate) fn missing(&self, name: &str) -> Refusal {
        Refusal::of_field(RefusalCode::MissingField, &self.path_of(name), "is required")
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<Json<'a>, Refusal> {
        match self.take(name)? {
            None => Err(self.missing(name)),
            Some(Json::Null) => {
                Err(Refusal::of_field(RefusalCode::NullField, &self.path_of(name), "is required and may not be null"))
            }
            Some(value) => Ok(value),
        }
    }

    /// Takes an optional field. `null` and absent mean the same.
    pub(crate) fn optional(&mut self, name: &str) -> Result<Option<Json<'a>>, Refusal> {
        Ok(self.take(name)?.filter(|value| *value != Json::Null))
    }

    pub(crate) fn required_text(&mut self, name: &str) -> Result<Cow<'a, str>, Refusal> {
        let value = self.required(name)?;
        let text = non_empty_text(value, &self.path_of(name))?;
        Ok(self.keep(text))
    }

    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let Some(value) = self.optional(name)? else { return Ok(None) };
        let text = non_empty_text(value, &self.path_of(name))?;
        Ok(Some(self.keep(text)))
    }

    pub(crate) fn optional_id(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let Some(value) = self.optional(name)? else { return Ok(None) };
        id(value, &self.path_of(name)).map(Some)
    }

    pub(crate) fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.optional(name)? {
            None => Ok(None),
            Some(Json::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(&other, "a boolean", &self.path_of(name))),
        }
    }

    pub(crate) fn into_entries(self) -> Vec<(Text<'a>, Json<'a>)> {
        self.entries
    }
}

pub(crate) fn text<'a>(value: Json<'a>, field: &str) -> Result<Text<'a>, Refusal> {
    match value {
        Json::Text(text) => Ok(text),
        other => Err(wrong_type(&other, "a string", field)),
    }
}

pub(crate) fn non_empty_text<'a>(value: Json<'a>, field: &str) -> Result<Text<'a>, Refusal> {
    let text = text(value, field)?;
    if text.value.is_empty() {
        return Err(Refusal::of_field(RefusalCode::EmptyField, field, "may not be empty"));
    }
    Ok(text)
}

/// Reads a short, non-empty string: a key or value of the context.
pub(crate) fn label<'a>(value: Json<'a>, field: &str) -> Result<Text<'a>, Refusal> {
    let label = non_empty_text(value, field)?;
    if label.value.chars().count() > MAX_LABEL_CHARS {
        let message = format!("is longer than {MAX_LABEL_CHARS} characters");
        return Err(Refusal::of_field(RefusalCode::InvalidValue, field, message));
    }
    Ok(label)
}

/// Reads a label that identifies something. It refuses one with a replaced character, because two different ids could
/// become one.
pub(crate) fn id<'a>(value: Json<'a>, field: &str) -> Result<Cow<'a, str>, Refusal> {
    let Text { value, is_mended } = label(value, field)?;
    if is_mended {
        let message = "holds half a surrogate pair, which cannot be kept: send an id of whole characters";
        return Err(Refusal::of_field(RefusalCode::InvalidValue, field, message));
    }
    Ok(value)
}

pub(crate) fn given_twice(field: &str) -> Refusal {
    Refusal::of_field(RefusalCode::DuplicateField, field, "is given twice; send it once")
}

pub(crate) fn wrong_type(found: &Json<'_>, wanted: &str, field: &str) -> Refusal {
    Refusal::of_field(RefusalCode::WrongType, field, format!("must be {wanted}, not {}", found.type_name()))
}
