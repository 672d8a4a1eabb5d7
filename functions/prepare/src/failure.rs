use lambda_runtime::Diagnostic;

use crate::preparer::PrepareError;

/// The error names by which the state machine distinguishes failures. It retries soon after the last two, and not after the
/// others, which an operator must fix first.
impl From<PrepareError> for Diagnostic {
    fn from(error: PrepareError) -> Self {
        let error_type = match &error {
            PrepareError::NoBase => "NoBase",
            PrepareError::OtherBase { .. } => "OtherBase",
            PrepareError::LiveAdapterChanged { .. } => "LiveAdapterChanged",
            PrepareError::NoVersion(_) => "NoVersion",
            PrepareError::Unusable(_) => "UnusableFile",
            PrepareError::CorruptRow(_) | PrepareError::CorruptPart { .. } => "CorruptPart",
            PrepareError::Lake(_) | PrepareError::Spool(_) => "LakeUnavailable",
            PrepareError::Dataset(_) => "DatasetUnavailable",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}
