use lambda_runtime::Diagnostic;

use crate::promoter::PromoteError;

/// The error names by which the state machine distinguishes failures: it retries soon after the last one only.
impl From<PromoteError> for Diagnostic {
    fn from(error: PromoteError) -> Self {
        let error_type = match &error {
            PromoteError::NotPrepared(_) => "NotPrepared",
            PromoteError::NoOutput(_) => "NoOutput",
            PromoteError::ForeignOutput(_) => "ForeignOutput",
            PromoteError::Unusable(_) => "UnusableFile",
            PromoteError::NotPassed(_) => "NotPassed",
            PromoteError::AdapterChanged(_) => "AdapterChanged",
            PromoteError::Contended | PromoteError::Lake(_) => "LakeUnavailable",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}
