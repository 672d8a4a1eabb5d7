use std::error::Error;

use flywheel_runtime::causes;

/// The lake could not do what it was asked. Callers tell no kinds apart: whatever it was, nothing is acknowledged, and the
/// work is done again.
#[derive(Debug, thiserror::Error)]
#[error("{action} {key}: {cause}")]
pub struct LakeError {
    action: &'static str,
    key: String,
    cause: String,
}

impl LakeError {
    pub(crate) fn new(action: &'static str, key: &str, cause: impl Into<String>) -> Self {
        Self { action, key: key.to_owned(), cause: cause.into() }
    }

    pub(crate) fn caused(action: &'static str, key: &str, error: &dyn Error) -> Self {
        Self::new(action, key, causes(error))
    }
}
