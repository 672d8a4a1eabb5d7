use std::error::Error;

use flywheel_runtime::causes;

/// The lake could not do what it was asked. Whatever it was, nothing is acknowledged, and the work is done again; only who
/// reads what may have expired asks whether it was there.
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

    /// There is no such object.
    pub(crate) fn missing(action: &'static str, key: &str) -> Self {
        Self { is_missing: true, ..Self::new(action, key, "no such object") }
    }

    /// Whether it failed because there is no such object.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }
}
