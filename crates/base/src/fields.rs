//! Takes fields out of a JSON object one by one, and refuses missing, empty and mistyped fields by name.

use std::borrow::Cow;

use crate::json::{Json, Text};
use crate::refusal::{Refusal, RefusalCode};

/// The maximum number of scalar values in an id or a label. It fits every common id scheme and is too few to smuggle
/// text.
pub(crate) const MAX_LABEL_CHARS: usize = 256;

/// The fields of a JSON object that are not read yet.
pub struct Fields<'a> {
    entries: Vec<(Text<'a>, Json<'a>)>,
    /// The prefix of a field's name in a refusal, such as `model.`.
    path: String,
    has_mended: bool,
}

impl<'a> Fields<'a> {
    /// Takes the fields of an object. `path` is the prefix of their names in a refusal.
    pub fn new(entries: Vec<(Text<'a>, Json<'a>)>, path: impl Into<String>) -> Self {
        Self { entries, path: path.into(), has_mended: false }
    }

    /// Returns the full name of a field, as a refusal names it.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// Returns `true` if the field is there, even if it is `null`.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.value == name)
    }

    /// True if the field is there, and not `null`.
    pub fn says(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, value)| key.value == name && *value != Json::Null)
    }

    /// Removes a field and returns its value, or `None` if it is absent. Refuses a field that is given twice.
    pub fn take(&mut self, name: &str) -> Result<Option<Json<'a>>, Refusal> {
        let Some(index) = self.entries.iter().position(|(key, _)| key.value == name) else { return Ok(None) };
        let (_, value) = self.entries.swap_remove(index);
        if self.contains(name) {
            return Err(given_twice(&self.path_of(name)));
        }
        Ok(Some(value))
    }

    /// Refuses the first of these fields that has a value: an event cannot carry it yet.
    pub fn refuse_unsupported(&self, names: &[&str]) -> Result<(), Refusal> {
        self.refuse(names, "is not supported yet; send the event without it only if the model did not see it")
    }

    /// Refuses the first of these fields that has a value, with this message.
    pub fn refuse(&self, names: &[&str], message: &'static str) -> Result<(), Refusal> {
        let is_lost =
            |(key, value): &&(Text<'_>, Json<'_>)| names.contains(&key.value.as_ref()) && !value.says_nothing();
        let Some((key, _)) = self.entries.iter().find(is_lost) else { return Ok(()) };
        Err(Refusal::of_field(RefusalCode::UnsupportedField, &self.path_of(&key.value), message))
    }

    /// Takes a text into the event.
    pub fn keep(&mut self, text: Text<'a>) -> Cow<'a, str> {
        self.has_mended |= text.is_mended;
        text.value
    }

    /// Takes a value with all its texts into the event.
    pub fn keep_json(&mut self, mut value: Json<'a>) -> Json<'a> {
        if value.has_mended() {
            self.has_mended = true;
            value.forget_mended();
        }
        value
    }

    /// Returns `true` once a text with half a surrogate pair was taken into the event.
    pub fn has_mended(&self) -> bool {
        self.has_mended
    }

    /// Returns the refusal of an absent field.
    pub fn missing(&self, name: &str) -> Refusal {
        Refusal::of_field(RefusalCode::MissingField, &self.path_of(name), "is required")
    }

    /// Takes a field. Refuses an absent one, and `null`.
    pub fn required(&mut self, name: &str) -> Result<Json<'a>, Refusal> {
        match self.take(name)? {
            None => Err(self.missing(name)),
            Some(Json::Null) => {
                Err(Refusal::of_field(RefusalCode::NullField, &self.path_of(name), "is required and may not be null"))
            }
            Some(value) => Ok(value),
        }
    }

    /// Takes an optional field. `null` and absent mean the same.
    pub fn optional(&mut self, name: &str) -> Result<Option<Json<'a>>, Refusal> {
        Ok(self.take(name)?.filter(|value| *value != Json::Null))
    }

    /// Takes an optional field. `null` and an empty string, list or object mean the same as absent.
    pub fn given(&mut self, name: &str) -> Result<Option<Json<'a>>, Refusal> {
        Ok(self.take(name)?.filter(|value| !value.says_nothing()))
    }

    /// Takes a text. Refuses an absent one, an empty one, and any other type.
    pub fn required_text(&mut self, name: &str) -> Result<Cow<'a, str>, Refusal> {
        let value = self.required(name)?;
        let text = non_empty_text(value, &self.path_of(name))?;
        Ok(self.keep(text))
    }

    /// Takes an optional text. Refuses an empty one, and any other type.
    pub fn optional_text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let Some(value) = self.optional(name)? else { return Ok(None) };
        let text = non_empty_text(value, &self.path_of(name))?;
        Ok(Some(self.keep(text)))
    }

    /// Takes an optional id (see [`id`]).
    pub fn optional_id(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let Some(value) = self.optional(name)? else { return Ok(None) };
        id(value, &self.path_of(name)).map(Some)
    }

    /// Takes an optional boolean. Refuses any other type.
    pub fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.optional(name)? {
            None => Ok(None),
            Some(Json::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(&other, "a boolean", &self.path_of(name))),
        }
    }

    /// Returns the fields that are not taken.
    pub fn into_entries(self) -> Vec<(Text<'a>, Json<'a>)> {
        self.entries
    }
}

/// Reads a string. Refuses any other type.
pub fn text<'a>(value: Json<'a>, field: &str) -> Result<Text<'a>, Refusal> {
    match value {
        Json::Text(text) => Ok(text),
        other => Err(wrong_type(&other, "a string", field)),
    }
}

/// Reads a string. Refuses an empty one, and any other type.
pub fn non_empty_text<'a>(value: Json<'a>, field: &str) -> Result<Text<'a>, Refusal> {
    let text = text(value, field)?;
    if text.value.is_empty() {
        return Err(Refusal::of_field(RefusalCode::EmptyField, field, "may not be empty"));
    }
    Ok(text)
}

/// Reads a short, non-empty string: a key or value of the context.
pub fn label<'a>(value: Json<'a>, field: &str) -> Result<Text<'a>, Refusal> {
    let label = non_empty_text(value, field)?;
    if label.value.chars().count() > MAX_LABEL_CHARS {
        let message = format!("is longer than {MAX_LABEL_CHARS} characters");
        return Err(Refusal::of_field(RefusalCode::InvalidValue, field, message));
    }
    Ok(label)
}

/// Reads a label that identifies something. It refuses one with a replaced character, because two different ids could
/// become one.
pub fn id<'a>(value: Json<'a>, field: &str) -> Result<Cow<'a, str>, Refusal> {
    let Text { value, is_mended } = label(value, field)?;
    if is_mended {
        let message = "holds half a surrogate pair, which cannot be kept: send an id of whole characters";
        return Err(Refusal::of_field(RefusalCode::InvalidValue, field, message));
    }
    Ok(value)
}

/// Returns the refusal of a field that is given twice.
pub fn given_twice(field: &str) -> Refusal {
    Refusal::of_field(RefusalCode::DuplicateField, field, "is given twice; send it once")
}

/// Returns the refusal of a value that is not of the wanted type.
pub fn wrong_type(found: &Json<'_>, wanted: &str, field: &str) -> Refusal {
    Refusal::of_field(RefusalCode::WrongType, field, format!("must be {wanted}, not {}", found.type_name()))
}
