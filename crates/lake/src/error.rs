use std::error::Error;

use flywheel_runtime::causes;

/// The error of a failed operation of the lake. On any of them the caller acknowledges nothing, and the work is retried. Only a
/// reader of objects that may have expired asks if the object was missing.
#[derive(Debug, thiserror::Error)]
#[error("{action} {key}: {cause}")]
pub struct LakeError {
    action: &'static str,
    key: String,
    cause: String,
    is_missing: bool,
}

impl LakeError {
    pub(crate) fn new(action: &'static str, key: &str, cause: impl Into<String>) -> Self {
        Self { action, key: key.to_owned(), cause: cause.into(), is_missing: false }
    }

    pub(crate) fn caused(action: &'static str, key: &str, error: &dyn Error) -> Self {
        Self::new(action, key, causes(error))
    }

    /// Returns the error of an object that does not exist.
    pub(crate) fn missing(action: &'static str, key: &str) -> Self {
        Self { is_missing: true, ..Self::new(action, key, "no such object") }
    }

    /// Returns `true` if it failed because the object does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }
}
