//! Takes fields out of a JSON object one by one, and refuses by name what is missing, empty or of the wrong type.

use std::borrow::Cow;

use crate::json::Json;
use crate::refusal::{Refusal, RefusalCode};

/// The most scalar values of an id or a label: enough for every common id scheme, too few to smuggle text.
pub(crate) const MAX_LABEL_CHARS: usize = 256;

pub(crate) struct Fields<'a> {
    entries: Vec<(Cow<'a, str>, Json<'a>)>,
    /// Put before a field's name in a refusal, such as `model.`.
    path: String,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(entries: Vec<(Cow<'a, str>, Json<'a>)>, path: impl Into<String>) -> Self {
        Self { entries, path: path.into() }
    }

    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key == name)
    }

    pub(crate) fn take(&mut self, name: &str) -> Result<Option<Json<'a>>, Refusal> {
        let Some(index) = self.entries.iter().position(|(key, _)| key == name) else { return Ok(None) };
        let (_, value) = self.entries.swap_remove(index);
        if self.contains(name) {
            let message = "is given twice; send it once";
            return Err(Refusal::of_field(RefusalCode::DuplicateField, &self.path_of(name), message));
        }
        Ok(Some(value))
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

    /// A field that may be left out, or be `null`, which means the same.
    pub(crate) fn optional(&mut self, name: &str) -> Result<Option<Json<'a>>, Refusal> {
        Ok(self.take(name)?.filter(|value| *value != Json::Null))
    }

    pub(crate) fn required_text(&mut self, name: &str) -> Result<Cow<'a, str>, Refusal> {
        let value = self.required(name)?;
        non_empty_text(value, name).map_err(|refusal| refusal.within(&self.path))
    }

    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let Some(value) = self.optional(name)? else { return Ok(None) };
        non_empty_text(value, &self.path_of(name)).map(Some)
    }

    pub(crate) fn optional_label(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let Some(value) = self.optional(name)? else { return Ok(None) };
        label(value, name).map(Some).map_err(|refusal| refusal.within(&self.path))
    }

    pub(crate) fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.optional(name)? {
            None => Ok(None),
            Some(Json::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(&other, "a boolean", &self.path_of(name))),
        }
    }

    pub(crate) fn into_entries(self) -> Vec<(Cow<'a, str>, Json<'a>)> {
        self.entries
    }
}

pub(crate) fn text<'a>(value: Json<'a>, field: &str) -> Result<Cow<'a, str>, Refusal> {
    match value {
        Json::Text(text) => Ok(text),
        other => Err(wrong_type(&other, "a string", field)),
    }
}

pub(crate) fn non_empty_text<'a>(value: Json<'a>, field: &str) -> Result<Cow<'a, str>, Refusal> {
    let text = text(value, field)?;
    if text.is_empty() {
        return Err(Refusal::of_field(RefusalCode::EmptyField, field, "may not be empty"));
    }
    Ok(text)
}

/// A short, non-empty string: an id, or a key or value of the context.
pub(crate) fn label<'a>(value: Json<'a>, field: &str) -> Result<Cow<'a, str>, Refusal> {
    let label = non_empty_text(value, field)?;
    if label.chars().count() > MAX_LABEL_CHARS {
        let message = format!("is longer than {MAX_LABEL_CHARS} characters");
        return Err(Refusal::of_field(RefusalCode::InvalidValue, field, message));
    }
    Ok(label)
}

pub(crate) fn wrong_type(found: &Json<'_>, wanted: &str, field: &str) -> Refusal {
    Refusal::of_field(RefusalCode::WrongType, field, format!("must be {wanted}, not {}", found.type_name()))
}
