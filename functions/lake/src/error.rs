use std::error::Error;

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

    /// With the chain of causes in one line: the SDK's own message is only "service error".
    pub(crate) fn caused(action: &'static str, key: &str, error: &dyn Error) -> Self {
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            cause = format!("{cause}: {error}");
            source = error.source();
        }
        Self::new(action, key, cause)
    }
}
