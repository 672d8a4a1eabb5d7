use std::collections::HashMap;

use candle_core::quantized::gguf_file::Value;

/// A GGUF file's keys. `Err` names a key and its problem.
pub(super) struct Metadata<'f>(pub(super) &'f HashMap<String, Value>);

type Result<T> = std::result::Result<T, String>;

impl<'f> Metadata<'f> {
    /// Returns the value of a required key.
    pub(super) fn needed<T>(&self, key: &str, read: impl FnOnce(&Self, &str) -> Result<Option<T>>) -> Result<T> {
        read(self, key)?.ok_or_else(|| format!("{key}: is needed"))
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'f str>> {
        self.read(key, "a text", |value| value.to_string().ok().map(String::as_str))
    }

    pub(super) fn size(&self, key: &str) -> Result<Option<usize>> {
        self.read(key, "a whole number", |value| value.to_u64().ok().and_then(|size| usize::try_from(size).ok()))
    }

    /// Returns a number that was rounded to f32 when the file was made, as the shortest decimal that rounds to it.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        self.read(key, "a number", |value| value.to_f32().ok()?.to_string().parse().ok())
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool> {
        Ok(self.read(key, "true or false", |value| value.to_bool().ok())?.unwrap_or(false))
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<&'f str>>> {
        self.list(key, "a list of texts", |value| value.to_string().ok().map(String::as_str))
    }

    pub(super) fn numbers(&self, key: &str) -> Result<Option<Vec<i32>>> {
        self.list(key, "a list of whole numbers", |value| value.to_i32().ok())
    }

    /// Returns the keys with this prefix, in order.
    pub(super) fn keys(&self, prefix: &str) -> Vec<&'f str> {
        let mut keys: Vec<&str> = self.0.keys().map(String::as_str).filter(|key| key.starts_with(prefix)).collect();
        keys.sort_unstable();
        keys
    }

    fn list<T>(&self, key: &str, expected: &str, read: impl Fn(&'f Value) -> Option<T>) -> Result<Option<Vec<T>>> {
        self.read(key, expected, |value| value.to_vec().ok()?.iter().map(read).collect())
    }

    fn read<T>(&self, key: &str, expected: &str, read: impl FnOnce(&'f Value) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| format!("{key}: expected {expected}"))
    }
}
